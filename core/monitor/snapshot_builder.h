// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/api/tier.h"
#include "core/monitor/event_rate.h"
#include "core/monitor/families.h"
#include "core/monitor/lights.h"
#include "core/monitor/queue_follower.h"
#include "core/monitor/rate.h"
#include "core/monitor/redis_round.h"
#include "core/monitor/sampling_budget.h"
#include "core/monitor/sources.h"
#include "core/monitor/task_watch.h"
#include "core/telemetry/http_metrics.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::monitor::instances {
struct Together;
} // namespace portolan::monitor::instances

namespace portolan::monitor {

/// Puts what was measured together into one Snapshot a second: zones, trends, rates, ages. Knows no I/O and no clock
/// but the one passed in. One caller at a time.
class SnapshotBuilder final
{
public:
    struct Identity
    {
        std::string version;
        std::string instance;
        bool details = true; ///< as in SamplerOptions
        bool planned = true; ///< as in SamplerOptions
        PlanLimits limits{};
        std::chrono::milliseconds interval{1000};
        std::optional<queue::KeyLayout> watch{}; ///< as in SamplerOptions
    };

    /// `families` and `clock` outlive it.
    SnapshotBuilder(const Tier &tier, Identity identity, const KeyFamilies &families, const Clock &clock);

    /// What to ask Redis for now; nothing: it is not yet time. `watched`: somebody looks at what is measured.
    std::optional<RoundPlan> plan(queue::QueueDirectory &queues, bool watched);

    void redisAnswered(const RoundPlan &plan, RoundAnswer answer, std::chrono::nanoseconds took,
                       queue::QueueDirectory &queues);
    void redisFailed(const Error &error);
    /// What INFO of the next rounds may leave out.
    void setRedisLimits(RedisLimits limits) { m_redisLimits = std::move(limits); }
    /// Answers whether that is news: up after down, or the reverse.
    bool databaseAnswered(const Result<void> &result, std::chrono::nanoseconds took);

    /// What all instances do, given what this one does: figures, links and its own lights, without the rest.
    using Join = std::function<instances::Together(const Snapshot &own)>;

    /// The snapshot of the deployment. `http` is of this process, as the figures of `sources` are; `join` adds the
    /// others. Lights are measured on the figures of all, so that every instance says the same; the pool and the disk
    /// are each instance's own, and the worst is told.
    std::shared_ptr<const Snapshot> build(const telemetry::HttpMetrics::Window &http, const Sources &sources,
                                          const Join &join = {});
    /// The same where nobody counts answers here: Sources::traffic has them, or they are not known.
    std::shared_ptr<const Snapshot> build(const Sources &sources);
    /// The last one before the others were added: figures and lights of this process. Null before the first.
    std::shared_ptr<const Snapshot> own() const { return m_own; }

    /// Instances told each other what they do; what Redis counted for it, since the last time. Answers how far apart
    /// they are to do so, at least.
    std::chrono::milliseconds exchanged(std::uint64_t commands, std::uint64_t bytes);

    /// Redis sent so much beside that.
    void paid(std::uint64_t commands, std::uint64_t bytes);

    /// The next round's draws count alone (FamilyEstimator::recount).
    void recount() { m_recount = true; }

    /// Every client of the last list; null before the first.
    std::shared_ptr<const std::vector<ClientInfo>> clients() const { return m_clients; }

    static constexpr double leastLookups = 180;              ///< of a minute; the hit ratio is unknown below
    static constexpr std::uint64_t leastRequests = 20;       ///< response time and error rate are unknown below
    static constexpr std::uint64_t leastForRefused = 10;     ///< the share of refused requests is unknown below
    static constexpr std::uint64_t leastTasks = 5;           ///< the share of failed tasks is unknown below
    static constexpr std::chrono::minutes leastForMonth{10}; ///< the traffic of a month is unknown below

private:
    struct Link
    {
        LinkStatus status; ///< without name and `since`
        SteadyTime since{};
    };

    void setLink(Link &link, LinkStatus status);
    void setLink(Link &link, std::chrono::nanoseconds latency); ///< it is up
    void setLink(Link &link, const Error &why);                 ///< it is down
    void noteNotTold(const RoundPlan &plan, std::vector<NotTold> notTold);
    void readInfo(const redis::Info &info, std::optional<std::uint64_t> keys);
    void readClients(const std::vector<redis::ClientEntry> &entries);
    void readPlan(const redis::Info &info);
    std::shared_ptr<const Snapshot> make(const telemetry::HttpMetrics::Window *http, const Sources &sources,
                                         const Join &join);
    Snapshot ownFigures(const telemetry::HttpMetrics::Window *http, const Sources &sources);
    void fillHttp(Snapshot &own, const telemetry::HttpMetrics::Window *http, const Sources &sources);
    void fillQueue(Snapshot &own, const Sources &sources);
    void fillPools(Snapshot &own, const Sources &sources);
    void fillUsers(Snapshot &own, const Sources &sources);
    void fillDisk(Snapshot &own, const Sources &sources);
    void fillLinks(Snapshot &own, const Sources &sources);
    /// `timed`: of how many answers the percentiles are. `told`: all of it by somebody else, with what he knows of it.
    static void lightHttp(Lights &lights, HttpFigures &http, std::uint64_t timed, bool told);
    void lightQueue(const QueueFigures &queue);
    /// Of somebody else's stack: none that bindings or keys show, so that nothing waits is no figure.
    bool hasNoQueue(const QueueFigures &queue) const;
    void lightUsers(const UserFigures &users);
    void lightPlan(const Snapshot &snapshot);
    Age ageOf(SteadyTime time) const;

    const Tier m_tier;
    const Identity m_identity;
    const Clock &m_clock;
    SamplingBudget m_budget;
    FamilyEstimator m_estimator;
    const SteadyTime m_started;
    std::uint64_t m_sequence = 0;
    Lights m_lights;    ///< of the deployment
    Lights m_ownLights; ///< of this process
    std::shared_ptr<const Snapshot> m_own;
    Link m_redis;
    Link m_database;
    bool m_hasDatabase = false;
    std::map<std::string, Link> m_paths;
    std::vector<NotTold> m_notTold;
    RedisLimits m_redisLimits;

    std::optional<SteadyTime> m_redisTime;
    std::optional<std::string> m_runId;
    std::optional<std::uint64_t> m_maxMemory;
    bool m_loadScript = true;
    bool m_plain = false; ///< Redis refuses scripts
    bool m_recount = false;
    bool m_near = false;           ///< a figure of Redis is near its threshold, or beyond
    std::size_t m_instancesUp = 1; ///< of the deployment, with this one
    PlanFigures m_plan;
    OwnLoad m_rounds;           ///< so far, of all rounds
    OwnLoad m_searching;        ///< TaskFigures::searching, as last told
    std::uint64_t m_parked = 0; ///< TaskFigures::parked, likewise
    RedisFigures m_redisFigures;
    std::optional<SteadyTime> m_clientsTime;
    std::shared_ptr<const std::vector<ClientInfo>> m_clients;
    ClientFigures m_clientFigures;
    QueueFigures m_queue;
    QueueFollower m_queues;
    TaskWatch m_taskWatch;
    Rate m_hits{std::chrono::seconds(60)};
    Rate m_misses{std::chrono::seconds(60)};
    Rate m_ownHits{std::chrono::seconds(60)};
    Rate m_ownMisses{std::chrono::seconds(60)};
    Rate m_ownCommands{std::chrono::seconds(10)};
    Rate m_ownBytes{std::chrono::seconds(60)};
    Rate m_allCommands{std::chrono::seconds(60)};
    Rate m_traffic{std::chrono::hours(1)};
    bool m_trafficTold = false;
    Rate m_evicted{std::chrono::seconds(10)};
    EventRate m_taken;
    EventRate m_ended;
    Rate m_failed{std::chrono::minutes(10)};
};

} // namespace portolan::monitor
