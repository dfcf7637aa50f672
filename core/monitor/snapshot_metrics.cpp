// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/snapshot_metrics.h"

#include "core/base/names.h"
#include "core/telemetry/registry.h"

#include <chrono>

namespace portolan::monitor {

namespace {

using telemetry::Samples;

bool fresh(const Snapshot &snapshot, const std::optional<Age> &age)
{
    return age && *age < snapshot.sampling.staleAfter;
}

template <class T> Samples one(const std::optional<T> &value)
{
    return value ? Samples{{{}, static_cast<double>(*value)}} : Samples{};
}

Samples queueDepths(const Snapshot &snapshot)
{
    Samples samples;
    if (fresh(snapshot, snapshot.queue.age))
        for (const QueueLine &line : snapshot.queue.queues)
            samples.push_back({{line.queue}, double(line.waiting)});
    return samples;
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

Samples zones(const Snapshot &snapshot)
{
    Samples samples;
    for (const Reading &reading : snapshot.readings)
        if (reading.zone != Zone::Unknown)
            samples.push_back({{std::string(enumKey(reading.resource))}, double(reading.zone) - double(Zone::Green)});
    return samples;
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
    registry.gauge("portal_http_connections", "Open connections of the HTTP server", {},
                   from([](const Snapshot &s) { return one(s.http.connections); }));
    registry.gauge("portal_redis_used_bytes", "Memory Redis uses (used_memory)", {},
                   from([](const Snapshot &s) { return fresh(s, s.redis.age) ? one(s.redis.usedMemory) : Samples{}; }));
    registry.gauge("portal_redis_connections", "Clients connected to Redis", {}, from([](const Snapshot &s) {
                       return fresh(s, s.redis.age) ? one(s.redis.connectedClients) : Samples{};
                   }));
    registry.counted("portal_redis_commands_total", "Commands Redis processed since its start", {},
                     from([](const Snapshot &s) { return fresh(s, s.redis.age) ? one(s.redis.commands) : Samples{}; }));
    registry.gauge("portal_queue_depth", "Tasks waiting in a queue, all priorities", {"queue"}, from(queueDepths));
    registry.gauge("portal_queue_unacked", "Tasks taken by a worker and not ended", {},
                   from([](const Snapshot &s) { return fresh(s, s.queue.age) ? one(s.queue.unacked) : Samples{}; }));
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
                   from([](const Snapshot &s) { return one(s.users.sessions); }));
    registry.gauge("portal_zone", "0 green, 1 yellow, 2 red", {"resource"}, from(zones));
}

} // namespace portolan::monitor
