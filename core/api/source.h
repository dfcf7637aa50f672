// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

/// Whom a watched deployment's figures come from, as a snapshot lists them; in JSON as snapshot.h says. What is not
/// known is nothing, never 0.
namespace portolan {

/// How a source stands.
enum class SourceState : std::uint8_t {
    Off,        ///< not started, or ended
    Connecting, ///< it has not answered yet
    Live,       ///< it answers
    Stale,      ///< it answered, and has not for two turns
    Refused,    ///< it lets us in no more, or never did; trying again changes nothing
    Failing,    ///< it cannot be reached, or answers what cannot be used
};
BOOST_DESCRIBE_ENUM(SourceState, Off, Connecting, Live, Stale, Refused, Failing)

/// One of them, and what asking it costs.
struct SourceFigures
{
    std::string name; ///< "redis", "results", "celery", "events", "metrics", "probe:https://…": without secrets
    SourceState state = SourceState::Off;
    std::string display = {}; ///< where it is, as people are shown it; without secrets
    // Why it is not Live, as Error has it; empty while it is, and what is not known of it.
    std::string code = {};                             ///< Error::code
    std::string about = {};                            ///< the address, file, keys or commands it is about
    std::string told = {};                             ///< what the other side, or the system, said of it
    std::string mend = {};                             ///< the command or the line of the file that mends it
    std::optional<std::chrono::seconds> since = {};    ///< how long it has been in `state`
    std::optional<std::chrono::milliseconds> age = {}; ///< of its last answer
    std::optional<double> latency = {};                ///< seconds, of its last answer
    std::uint32_t connections = 0;                     ///< ours to it
    std::optional<double> commandsPerSecond = {};      ///< that we ask of it: commands, or requests
    std::optional<double> bytesPerSecond = {};         ///< that it sends us
    bool operator==(const SourceFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(SourceFigures, (),
                      (name, state, display, code, about, told, mend, since, age, latency, connections,
                       commandsPerSecond, bytesPerSecond))

/// What asking a URL came to, the last time.
struct ProbeFigures
{
    std::string url;
    std::optional<bool> good = {};               ///< the status is the expected one; nothing: not asked yet
    std::optional<unsigned> status = {};         ///< nothing: there was no answer
    std::optional<double> seconds = {};          ///< until the whole answer was there
    std::optional<WallTime> certificateEnd = {}; ///< of its own certificate, also where it is not trusted
    std::string code = {};                       ///< Error::code of what went wrong
    std::optional<std::chrono::milliseconds> age = {};
    bool operator==(const ProbeFigures &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(ProbeFigures, (), (url, good, status, seconds, certificateEnd, code, age))

} // namespace portolan
