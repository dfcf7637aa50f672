// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/base/asio.h"
#include "core/monitor/redis_round.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace portolan::monitor::instances {
struct Share;
struct Together;
} // namespace portolan::monitor::instances

namespace portolan::monitor {

/// Connections of the HTTP server.
struct ConnectionFigures
{
    std::optional<std::uint64_t> connections;
    std::optional<std::uint64_t> webSockets;
    std::optional<std::uint64_t> refused;
    std::optional<std::uint64_t> cut;
    bool operator==(const ConnectionFigures &) const = default;
};

/// What this process' workers have done, for rates. Counts since the start, the rest is now.
struct TaskFigures
{
    std::uint64_t taken = 0;
    std::uint64_t ended = 0;
    std::uint64_t failed = 0; ///< of these
    std::uint64_t running = 0;
    std::uint64_t reserved = 0;
    std::uint64_t scheduled = 0; ///< held by this process
    std::uint64_t parked = 0;    ///< wait for their time in Redis, held by nobody
    OwnLoad searching{};         ///< since the start: looking for tasks where there were none
};

/// What Redis was told to keep to, as CONFIG says it: taken where INFO does not. Nothing: not known.
struct RedisLimits
{
    std::optional<std::uint64_t> maxMemory; ///< bytes; 0: no bound
    std::optional<std::uint64_t> maxClients;
    std::string policy;
    bool operator==(const RedisLimits &) const = default;
};

/// What the monitor cannot ask for itself because it may not know who has it. Each may be empty: those figures are
/// unknown then. Called about once a second on the sampler's executor; must be quick, must not throw.
struct Sources
{
    std::function<std::vector<std::string>()>
        queues{}; ///< names of those our workers take now; empty: "celery", or of a watch what is bound
    std::function<bool()> watched{}; ///< whether somebody looks at what is measured; empty: nobody
    std::function<TaskFigures()> tasks{};
    std::function<WorkerFigures()> workers{};
    std::function<ConnectionFigures()> connections{};
    std::function<RedisLimits()> redisLimits{};
    /// Answers, where somebody else counts them: no HttpMetrics is needed then. Nothing: not known now.
    std::function<std::optional<HttpFigures>()> traffic{};
    std::function<std::vector<DbPoolFigures>()> dbPools{};
    std::function<UserFigures()> users{};
    std::function<DiskFigures()> disk{}; ///< of the data directory
    /// Whether what users need of Redis works, beyond its answering: "queue", "sessions" (LinkStatus); `since` is
    /// filled in. `up` unknown: nobody can say, as while Redis is away.
    std::function<std::vector<LinkStatus>()> paths{};
    /// What all instances of the deployment do, given what this one does. Empty: there is no other.
    std::function<instances::Together(const instances::Share &own)> together{};
    /// What of Redis is missing beside what is asked of it each round: "live", "instances". Empty: nothing.
    std::function<std::vector<NotTold>()> notTold{};
    /// Whether the database takes what users write; must end within 5 s, whatever happens. Asked every 5 s, never twice
    /// at once.
    std::function<awaitable<Result<void>>()> pingDatabase{};
};

} // namespace portolan::monitor
