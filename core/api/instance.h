// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// The processes of a deployment, as a snapshot lists them; in JSON as snapshot.h says.
namespace portolan {

/// Answers of the last 60 s. Percentiles are seconds, at most 2 % off.
struct TrafficFigures
{
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;   ///< 5xx
    std::uint64_t refused = 0;  ///< 429: over a limit
    std::uint64_t notFound = 0; ///< 404
    double perSecond = 0;
    std::optional<double> p50;
    std::optional<double> p95;
    std::optional<double> p99;
    bool operator==(const TrafficFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(TrafficFigures, (), (requests, errors, refused, notFound, perSecond, p50, p95, p99))

/// Why an instance is not up.
enum class Absence : std::uint8_t {
    No,
    Hangs,   ///< it has not said for seconds what it does, nor that it stops
    Gone,    ///< nor since
    Stopped, ///< it said so
};
BOOST_DESCRIBE_ENUM(Absence, No, Hangs, Gone, Stopped)

/// What one instance does itself: its part of the deployment's figures. What is not known is nothing, as everywhere.
struct InstanceShare
{
    std::optional<double> fraction; ///< of all answers of the last 60 s; unknown where there are none
    TrafficFigures traffic;         ///< its own answers of the last 60 s
    std::uint64_t answered = 0;     ///< since its start
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> webSockets;
    std::optional<std::uint64_t> running; ///< tasks
    std::optional<std::uint64_t> threads; ///< of its workers
    Zone zone = Zone::Unknown;            ///< the worst of what is its own: its answers, its pool, its disk
    bool operator==(const InstanceShare &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(InstanceShare, (), (fraction, traffic, answered, connections, webSockets, running, threads, zone))

/// A process of the deployment. One that is gone is listed for a quarter of an hour.
struct InstanceFigures
{
    std::string name;
    std::string version; ///< of the program
    bool up = false;
    Absence why = Absence::No;                    ///< it is not up
    std::optional<std::chrono::seconds> since;    ///< how long it has been so
    std::optional<std::chrono::seconds> uptime;   ///< of its process, as it said last
    std::optional<std::chrono::milliseconds> age; ///< since it said so
    std::optional<InstanceShare> share;           ///< nothing: of a version that cannot be read, or gone for a minute
    bool own = false;                             ///< it made this snapshot
    bool otherVersion = false;                    ///< than that one's
    bool twice = false;                           ///< two processes go by this name: `instance.name` must differ
    std::uint64_t restarts = 0;                   ///< that were noticed since it was first heard of
    bool operator==(const InstanceFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(InstanceFigures, (),
                      (name, version, up, why, since, uptime, age, share, own, otherVersion, twice, restarts))

} // namespace portolan
