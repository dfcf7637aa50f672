// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/snapshot_metrics.h"

#include "core/api/catalogue.h"
#include "core/monitor/metric_readers.h"
#include "core/telemetry/registry.h"

#include <algorithm>
#include <utility>

namespace portolan::monitor {

namespace {

using telemetry::Samples;

/// Of a metric of the catalogue: the same figures as history has.
Samples samplesOf(const Snapshot &snapshot, std::string_view metric)
{
    Samples samples;
    for (Figure &figure : figuresOf(snapshot, metric)) {
        telemetry::Sample &sample = samples.emplace_back();
        if (!findKind(metric)->label.empty())
            sample.labels.push_back(std::move(figure.label));
        sample.value = figure.value;
    }
    return samples;
}

Samples commands(const Snapshot &snapshot)
{
    if (!isFresh(snapshot, snapshot.redis.age) || !snapshot.redis.commands)
        return {};
    return {{{}, double(*snapshot.redis.commands)}};
}

Samples workerStates(const Snapshot &snapshot)
{
    const WorkerFigures &workers = snapshot.workers;
    if (!workers.threads || !workers.busy)
        return {};
    const auto idle = *workers.threads - std::min(*workers.busy, *workers.threads);
    Samples samples{{{"busy"}, double(*workers.busy)}, {{"idle"}, double(idle)}};
    if (workers.abandoned)
        samples.push_back({{"abandoned"}, double(*workers.abandoned)});
    return samples;
}

Samples poolStates(const Snapshot &snapshot)
{
    if (snapshot.dbPools.empty())
        return {};
    double busy = 0;
    double idle = 0;
    double waiting = 0;
    for (const DbPoolFigures &pool : snapshot.dbPools) {
        busy += double(pool.busy);
        idle += double(pool.connections - std::min(pool.busy, pool.connections));
        waiting += double(pool.waiting);
    }
    return {{{"busy"}, busy}, {{"idle"}, idle}, {{"waiting"}, waiting}};
}

/// One count of all pools together.
template <class T> Samples poolTotal(const Snapshot &snapshot, T DbPoolFigures::*count)
{
    if (snapshot.dbPools.empty())
        return {};
    double total = 0;
    for (const DbPoolFigures &pool : snapshot.dbPools)
        total += double(pool.*count);
    return {{{}, total}};
}

} // namespace

void addSnapshotMetrics(telemetry::Registry &registry, std::function<std::shared_ptr<const Snapshot>()> latest)
{
    const auto from = [latest](Samples (*read)(const Snapshot &)) {
        return [latest, read] {
            const auto snapshot = latest();
            return snapshot ? read(*snapshot) : Samples{};
        };
    };
    const auto kept = [latest](std::string_view metric) {
        return [latest, metric] {
            const auto snapshot = latest();
            return snapshot ? samplesOf(*snapshot, metric) : Samples{};
        };
    };
    registry.gauge("portal_http_connections", "Open connections of the HTTP server", {}, kept(metric::httpConnections));
    registry.gauge("portal_redis_used_bytes", "Memory Redis uses (used_memory)", {}, kept(metric::redisMemory));
    registry.gauge("portal_redis_connections", "Clients connected to Redis", {}, kept(metric::redisConnections));
    registry.counted("portal_redis_commands_total", "Commands Redis processed since its start", {}, from(commands));
    registry.gauge("portal_queue_depth", "Tasks waiting in a queue, all priorities", {"queue"},
                   kept(metric::queueDepth));
    registry.gauge("portal_queue_unacked", "Tasks taken by a worker and not ended", {}, kept(metric::queueUnacked));
    registry.gauge("portal_workers", "Worker threads of this process, by state", {"state"}, from(workerStates));
    registry.gauge("portal_db_pool_connections", "Database connections by state, and work waiting for one", {"state"},
                   from(poolStates));
    registry.counted("portal_db_pool_waits_total", "Work on the database that found every connection busy", {},
                     from([](const Snapshot &s) { return poolTotal(s, &DbPoolFigures::waits); }));
    registry.counted("portal_db_pool_wait_seconds_total", "Time that work waited for a database connection", {},
                     from([](const Snapshot &s) { return poolTotal(s, &DbPoolFigures::waitedSeconds); }));
    registry.counted("portal_db_pool_timeouts_total", "Work that got no database connection in time", {},
                     from([](const Snapshot &s) { return poolTotal(s, &DbPoolFigures::timedOut); }));
    registry.gauge("portal_sessions", "Live sessions; an estimate where nobody counts them", {},
                   kept(metric::sessions));
    registry.gauge("portal_zone", "0 green, 1 yellow, 2 red", {"resource"}, kept(metric::zone));
}

} // namespace portolan::monitor
