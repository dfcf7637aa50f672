// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/monitor/sources.h"
#include "core/telemetry/traffic_slices.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the processes of one deployment tell each other, once a second as a rule: the whole state of each, never what
/// has changed, so that a message that is lost, late or told twice does no harm.
namespace portolan::monitor::instances {

/// Whose message it is, and which of two is the newer: the one with the greater `started`, then `sequence`.
struct Identity
{
    std::string name;                      ///< instance_name.h
    std::string version;                   ///< of the program; 1 to 32 visible bytes
    std::uint64_t started = 0;             ///< µs since 1970 by its own clock: another start, another life
    std::uint64_t sequence = 0;            ///< one more with each message of that life
    std::chrono::milliseconds every{1000}; ///< until its next message; 100 ms to longestEvery
    bool operator==(const Identity &) const = default;
};

/// What its workers do. Counts are since the start unless they say otherwise.
struct TaskShare
{
    std::uint64_t taken = 0;
    std::uint64_t ended = 0;
    std::uint64_t failed = 0; ///< of these
    std::uint64_t running = 0;
    std::uint64_t reserved = 0;
    std::uint64_t scheduled = 0;              ///< held by the process; what is put aside in Redis is of all of them
    std::optional<std::uint64_t> endedLately; ///< in the last 10 min
    std::optional<std::uint64_t> failedLately;
    std::optional<double> takenPerSecond;
    std::optional<double> endedPerSecond;
    std::optional<std::chrono::seconds> ratesOver;
    bool operator==(const TaskShare &) const = default;
};

/// Its worker pool: figures of WorkerFigures that can be added up.
struct WorkerShare
{
    std::uint64_t concurrency = 0; ///< wanted
    std::uint64_t threads = 0;
    std::uint64_t busy = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t succeeded = 0; ///< since the start, as all below
    std::uint64_t failed = 0;
    std::uint64_t retried = 0;
    std::uint64_t revoked = 0;
    std::uint64_t restored = 0;
    std::vector<RefusedFigures> refused; ///< by reason, at most 16
    bool holdingBack = false;            ///< takes nothing because of other programs' workers
    bool operator==(const WorkerShare &) const = default;
};

struct ZoneShare
{
    Resource resource{};
    Zone zone = Zone::Unknown;
    std::optional<double> value;
    bool operator==(const ZoneShare &) const = default;
};

struct Share
{
    Identity who;
    std::chrono::milliseconds uptime{0};
    telemetry::TrafficSlices traffic;
    ConnectionFigures connections;
    std::optional<TaskShare> tasks;
    std::optional<WorkerShare> workers;
    std::vector<DbPoolFigures> dbPools; ///< at most 8
    DiskFigures disk;
    std::optional<std::uint64_t> failedSignIns; ///< in the last 10 min
    std::vector<ZoneShare> zones;               ///< one of each resource at most, in their order
    bool operator==(const Share &) const = default;
};

/// Nobody tells more rarely; who says so is taken for silent no later than one who tells as often as this.
inline constexpr std::chrono::milliseconds longestEvery{600'000};
/// So many routes are told by name, of one process as of all together; all others count as "other".
inline constexpr std::size_t maxRoutes = 256;
/// No message is longer, and none that is longer is read.
inline constexpr std::size_t maxShareBytes = 16 * 1024;
/// Beyond it the window is told in coarser slices, down to the whole of it as one.
inline constexpr std::size_t usualShareBytes = 4 * 1024;

/// A share as bytes (the form is described in share.cpp): the same for the same share, whatever the order of its
/// routes. Slices are 1 s or 5 s long while that stays within usualShareBytes, else 15 s or all 60 s, and no finer than
/// a quarter of Identity::every. Of more than maxRoutes routes, and where even one slice exceeds maxShareBytes, those
/// with the fewest answers count as "other" (streams by themselves), so that all sums stay exact. So do routes whose
/// names are too long or no text. Figures beyond 2^53 - 1 are told as that, rates beyond 10^12 too, negative ones as 0.
/// Invalid: the identity breaks its bounds.
Result<std::string> encodeShare(const Share &share);

/// That it stops, of its own will. `who.sequence` as for any other message.
Result<std::string> encodeGoodbye(const Identity &who);

struct Message
{
    Identity who;
    bool goodbye = false;
    /// Nothing with a goodbye, and where another version of the program writes in a form that this one cannot read:
    /// that it is there can be told all the same.
    std::optional<Share> share;
    bool operator==(const Message &) const = default;
};

/// The reverse. Takes any bytes; what comes out keeps every bound named above and takes less than 1 MiB of memory,
/// whoever made them. Resources this version does not know are left out. Protocol: these are not the bytes
/// of such a message.
Result<Message> decodeMessage(std::string_view bytes);

/// What this process tells: `own` is the snapshot of its own figures, before those of others are added.
Share shareOf(Identity who, telemetry::TrafficSlices traffic, const Snapshot &own,
              const std::optional<TaskFigures> &tasks);

} // namespace portolan::monitor::instances
