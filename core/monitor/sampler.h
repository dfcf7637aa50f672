// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/api/tier.h"
#include "core/base/asio.h"
#include "core/monitor/instances/share.h"
#include "core/monitor/key_families.h"
#include "core/monitor/snapshot_builder.h"
#include "core/monitor/sources.h"
#include "core/queue/key_layout.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::monitor {

struct SamplerOptions
{
    std::string version;
    std::string instance; ///< instances/instance_name.h
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds redisDeadline{800}; ///< below the interval: rounds never overlap
    bool planned = true; ///< Redis is somebody's plan, which limits commands and traffic; not a server of one's own
    bool details = true; ///< key families and the list of clients; without: INFO and the queue alone
    PlanLimits limits{}; ///< of a Redis that somebody else runs: it is asked more rarely (sampling_budget.h)
    /// Somebody else's stack, with this layout of keys: every queue that its bindings name is one whose tasks are to be
    /// taken, and nothing is known of who does. Nothing: our own portal.
    std::optional<queue::KeyLayout> watch{};
};

/// Takes a Snapshot once a second: one pipelined round trip on the shared Redis connection (redis_round.h), as often as
/// the plan of that Redis allows, everything else from counters and Sources of this process. While Redis is away its
/// part is stale, with its age, then unknown; the rest goes on. A round that is late makes the next one late, never two
/// at once.
///
/// CLIENT LIST is asked for each second up to 200 clients, every 10 s up to 2,000, else every minute; where a plan
/// bounds what may be asked, with the key families.
class Sampler final
{
public:
    /// What is passed by reference outlives it. `redis` may be null: everything about Redis is unknown.
    Sampler(Executor executor, redis::Client *redis, telemetry::HttpMetrics &http, const Tier &tier, const Clock &clock,
            Sources sources, SamplerOptions options);
    /// Where nobody counts answers here: what Sources::traffic tells of them is all that is known.
    Sampler(Executor executor, redis::Client *redis, const Tier &tier, const Clock &clock, Sources sources,
            SamplerOptions options);
    ~Sampler(); ///< stop()
    Sampler(const Sampler &) = delete;
    Sampler &operator=(const Sampler &) = delete;

    /// Called on the executor with each new snapshot; must not block. Before start().
    void onSnapshot(std::function<void(std::shared_ptr<const Snapshot>)> handler);

    void start();
    /// No source and no handler is called after it has returned. Blocks until a round under way has ended (its
    /// deadlines hold); not on the executor's thread. Twice is harmless.
    void stop();

    /// The last snapshot of the deployment; null before the first. From any thread.
    std::shared_ptr<const Snapshot> latest() const;
    /// The last one of this process alone; null before the first. From any thread.
    std::shared_ptr<const Snapshot> own() const;

    /// What this process tells the other instances, as of now. On the executor's thread.
    instances::Share share(instances::Identity who) const;
    /// What it cost Redis since the last call that instances told each other; answers how far apart they are to do so,
    /// at least. On the executor's thread.
    std::chrono::milliseconds exchanged(std::uint64_t commands, std::uint64_t bytes);
    /// What Redis sent beside that, once: history that was missed. On the executor's thread.
    void paid(std::uint64_t commands, std::uint64_t bytes);
    /// Every client of the last CLIENT LIST, oldest connection first; null before the first. From any thread.
    std::shared_ptr<const std::vector<ClientInfo>> clients() const;

    const KeyFamilies &families() const;
    /// Which lists there are in which tasks wait, as far as they were met. From any thread.
    const queue::QueueDirectory &queues() const;

    /// Takes a snapshot now, whose key families are counted anew, for much was deleted. From any thread; harmless once
    /// stopped.
    void recount() const;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor
