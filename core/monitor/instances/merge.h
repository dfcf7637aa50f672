// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/monitor/instances/share.h"
#include "core/telemetry/sliding_window.h"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// The figures of a deployment from what each of its processes tells. Pure: the same shares give the same figures,
/// whatever their order, however often one is among them, and whichever process asks.
namespace portolan::monitor::instances {

/// What another instance said last.
struct Told
{
    std::shared_ptr<const Share> share; ///< not null
    std::chrono::milliseconds age{0};   ///< since it was heard, by the listener's steady clock
    /// False once it is gone: what it answered counts until it has left the window, its state no longer.
    bool there = true;
};

struct MergedRoute
{
    telemetry::TrafficSlices::Route route;
    telemetry::WindowFigures figures;
};

struct MergedPool
{
    std::string instance;
    DbPoolFigures pool;
    bool operator==(const MergedPool &) const = default;
};

/// The worst zone of a resource, and whose it is; of equal zones the one with the greatest value, of these the first by
/// name.
struct MergedZone
{
    ZoneShare light;
    std::string instance;
    bool operator==(const MergedZone &) const = default;
};

/// The file system with the least left of it.
struct MergedDisk
{
    std::string instance;
    DiskFigures disk;
    bool operator==(const MergedDisk &) const = default;
};

/// One process' own part of it all. Of a name there may be two: a life that ended lately, and the one after it.
struct InstancePart
{
    Identity who;
    bool there = true;
    std::chrono::milliseconds age{0};    ///< of what it said; 0: one's own
    std::chrono::milliseconds uptime{0}; ///< when it said so
    telemetry::WindowFigures traffic;    ///< percentiles without streams
    std::optional<double> fraction;      ///< 0–1 of all answers of the window; nothing where there were none
    std::uint64_t answered = 0;          ///< since its start, as it said
    telemetry::Unanswered unanswered;    ///< of these
    ConnectionFigures connections;
    std::optional<TaskShare> tasks;
    std::optional<WorkerShare> workers;
    Zone zone = Zone::Unknown; ///< the worst of its lights
};

struct Merged
{
    telemetry::WindowFigures traffic; ///< counts of all routes, percentiles without streams
    std::uint64_t timed = 0;          ///< how many answers the percentiles rest on
    std::vector<MergedRoute> routes;  ///< those with answers, most first; maxRoutes by name, and "other"

    // Sums over those that are there; nothing: none of them knows it.
    std::uint64_t answered = 0; ///< since the start of each
    telemetry::Unanswered unanswered;
    ConnectionFigures connections;
    std::optional<TaskShare> tasks; ///< `ratesOver`: the longest
    std::optional<WorkerShare> workers;
    std::optional<std::uint64_t> failedSignIns;

    // What is each process' own: side by side, or the worst.
    std::vector<MergedPool> dbPools;
    std::optional<MergedDisk> disk;
    std::vector<MergedZone> zones; ///< of each resource that one tells of, in their order

    std::vector<InstancePart> instances; ///< by name, then by start
};

/// Of one's own share, just made, and those of others. Of several of one process' life the newest counts; one's own
/// among the others does not. Who is there and is not late (Identity::every) answers as it did when it told, for its
/// next word may be minutes away. Else a slice counts while its age and the time it is late, or since it was heard of
/// one that is gone, are within TrafficSlices::span together: so what a process answered leaves the window though it
/// says no more. Rates are over the time of the span that a process is known to have been there, and add up.
/// Percentiles are those of all answers as one, at most 1/64 off (latency_buckets.h).
Merged merged(const Share &own, std::span<const Told> others);

} // namespace portolan::monitor::instances
