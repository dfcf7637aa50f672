// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/snapshot_builder.h"

#include "core/api/verdict.h"
#include "core/monitor/instances/together.h"
#include "core/monitor/link_trouble.h"
#include "core/monitor/snapshot_parts.h"
#include "core/monitor/traffic_figures.h"
#include "core/redis/client.h"

#include <algorithm>
#include <utility>

namespace portolan::monitor {

namespace {

/// How often CLIENT LIST is asked for: it costs the server about 2 µs and us 300 bytes per client.
std::chrono::seconds clientListInterval(std::uint64_t clients)
{
    return std::chrono::seconds(clients <= 200 ? 1 : clients <= 2000 ? 10 : 60);
}

/// Whether memory, connections or the queue are within a tenth of yellow, or beyond.
bool nearThreshold(const Reading &reading)
{
    constexpr double near = 0.9;
    const bool ofRedis = reading.resource == Resource::RedisMemory || reading.resource == Resource::RedisConnections ||
                         reading.resource == Resource::Queue;
    return ofRedis && reading.value && reading.yellow && *reading.value >= near * *reading.yellow;
}

/// Keys a step of the search for lists looks at: a fiftieth of them, within what takes Redis a millisecond or so.
constexpr std::uint64_t searchLeast = 500;
constexpr std::uint64_t searchMost = 4000;
/// How long the search rests after a pass.
constexpr std::chrono::milliseconds freeSearchRest{2000};
constexpr std::chrono::milliseconds boundedSearchRest{10'000};

} // namespace

SnapshotBuilder::SnapshotBuilder(const Tier &tier, Identity identity, const KeyFamilies &families, const Clock &clock)
    : m_tier(tier),
      m_identity(std::move(identity)),
      m_clock(clock),
      m_budget(m_identity.limits, m_identity.interval, clock.steady()),
      m_estimator(families, m_budget.bounded() ? FamilyOptions::rare() : FamilyOptions{}),
      m_started(clock.steady()),
      m_lights(tier, clock),
      m_ownLights(tier, clock),
      m_queues(clock),
      m_taskWatch(tier.taskTimeLimit, m_identity.watch ? redis::watchCommandsName : redis::commandsName)
{
    if (m_identity.limits.commandsPerSecond > 0)
        m_plan.commandsLimit = m_identity.limits.commandsPerSecond;
    if (m_identity.limits.bytesPerMonth > 0)
        m_plan.trafficLimit = m_identity.limits.bytesPerMonth;
    if (!m_identity.planned)
        for (const Resource resource : {Resource::RedisCommands, Resource::RedisTraffic})
            m_lights.lift(resource);
}

std::optional<RoundPlan> SnapshotBuilder::plan(queue::QueueDirectory &queues, bool watched)
{
    const SteadyTime now = m_clock.steady();
    m_budget.update(watched, m_near, m_instancesUp, now);
    m_lights.setStaleAfter(m_budget.figures().staleAfter);
    RoundPlan plan;
    plan.searchOnly = !m_budget.due(now) && !m_recount;
    if (plan.searchOnly && !m_budget.searchDue(now))
        return std::nullopt;
    if (m_identity.watch) {
        plan.unacked = m_identity.watch->unackedKey();
        plan.unackedIndex = m_identity.watch->unackedIndexKey();
    }
    plan.plain = m_plain;
    plan.loadScript = m_loadScript;
    const std::uint64_t keys = m_redisFigures.keys.value_or(0);
    plan.search = queues.look(std::size_t(std::clamp<std::uint64_t>(keys / 50, searchLeast, searchMost)),
                              m_budget.bounded() ? boundedSearchRest : freeSearchRest);
    if (plan.searchOnly) {
        plan.details = false;
        return plan.search.rests() ? std::nullopt : std::optional(std::move(plan));
    }
    plan.lists = m_queues.ask(queues, m_budget.bounded());
    // The first keys in an empty database need not wait their turn.
    const bool unseen = keys > 0 && m_estimator.empty() && !lacks(m_notTold, "families");
    plan.details = m_identity.details && !m_plain && (m_recount || unseen || m_budget.detailsDue(now));
    if (!m_identity.details || m_plain)
        m_recount = false; // nobody counts, and each round would be due for it
    if (!m_identity.details || (m_plain && !m_budget.detailsDue(now)))
        return plan;
    plan.bigKeys = m_estimator.bigKeys();
    const auto interval = clientListInterval(m_redisFigures.connectedClients.value_or(0));
    // Half a second of slack: rounds are a second apart, but never exactly.
    plan.clientList = (plan.details || m_plain) &&
                      (!m_clientsTime || now - *m_clientsTime + std::chrono::milliseconds(500) >= interval);
    if (!plan.details)
        return plan;
    plan.recounts = std::exchange(m_recount, false);
    plan.perRound = plan.recounts ? m_estimator.options().recount : m_estimator.drawsWanted(m_redisFigures.keys);
    plan.nested = m_estimator.options().nested;
    return plan;
}

bool SnapshotBuilder::databaseAnswered(const Result<void> &result, std::chrono::nanoseconds took)
{
    m_hasDatabase = true;
    const std::optional<bool> before = m_database.status.up;
    if (result.has_error())
        setLink(m_database, result.error());
    else
        setLink(m_database, took);
    return before != m_database.status.up;
}

void SnapshotBuilder::setLink(Link &link, LinkStatus status)
{
    if (link.status.up != status.up)
        link.since = m_clock.steady();
    link.status = std::move(status);
}

void SnapshotBuilder::setLink(Link &link, std::chrono::nanoseconds latency)
{
    LinkStatus status;
    status.up = true;
    status.latency = std::chrono::duration<double>(latency).count();
    setLink(link, std::move(status));
}

void SnapshotBuilder::setLink(Link &link, const Error &why)
{
    LinkStatus status;
    setDown(status, why);
    setLink(link, std::move(status));
}

Age SnapshotBuilder::ageOf(SteadyTime time) const { return std::chrono::duration_cast<Age>(m_clock.steady() - time); }

void SnapshotBuilder::fillHttp(Snapshot &own, const telemetry::HttpMetrics::Window *http, const Sources &sources)
{
    HttpFigures &figures = own.http;
    if (!http) {
        const auto known = sources.traffic ? sources.traffic() : std::nullopt;
        figures = known.value_or(HttpFigures{});
        if (!known)
            figures.unknown = sources.traffic ? Unknown::Away : Unknown::NotAvailable;
        return;
    }
    figures.traffic = trafficOf(http->all);
    for (const auto &route : http->routes)
        figures.routes.push_back(
            {route.route->method, route.route->path, route.route->stream, trafficOf(route.figures)});
    if (sources.connections) {
        const ConnectionFigures connections = sources.connections();
        figures.connections = connections.connections;
        figures.webSockets = connections.webSockets;
        figures.refusedConnections = connections.refused;
        figures.cutConnections = connections.cut;
    }
}

void SnapshotBuilder::lightHttp(Lights &lights, HttpFigures &http, std::uint64_t timed, bool told)
{
    if (http.unknown != Unknown::No) {
        for (const Resource resource : {Resource::ErrorRate, Resource::Refused, Resource::ResponseTime})
            lights.measure(resource, std::nullopt, http.unknown);
        return;
    }
    const TrafficFigures &traffic = http.traffic;
    if (told) { // what its teller leaves open is not known, however many requests there were
        const bool few = traffic.requests < leastRequests;
        lights.measure(Resource::ErrorRate, http.errorRate, few ? Unknown::TooFew : Unknown::NotAvailable);
        lights.measure(Resource::Refused, std::nullopt, Unknown::NotAvailable); // by whom, a status does not tell
        lights.measure(Resource::ResponseTime, traffic.p95, few ? Unknown::TooFew : Unknown::NotAvailable);
        return;
    }
    http.errorRate.reset();
    if (traffic.requests >= leastRequests)
        http.errorRate = double(traffic.errors) / double(traffic.requests);
    lights.measure(Resource::ErrorRate, http.errorRate, Unknown::TooFew);
    lights.measure(Resource::Refused,
                   traffic.requests >= leastForRefused
                       ? std::optional(double(traffic.refused) / double(traffic.requests))
                       : std::nullopt,
                   Unknown::TooFew);
    lights.measure(Resource::ResponseTime, timed >= leastRequests ? traffic.p95 : std::nullopt, Unknown::TooFew);
}

void SnapshotBuilder::fillQueue(Snapshot &snapshot, const Sources &sources)
{
    const SteadyTime now = m_clock.steady();
    QueueFigures &queue = snapshot.queue;
    queue = m_queue;
    if (m_redisTime)
        queue.age = ageOf(*m_redisTime);
    if (sources.workers)
        snapshot.workers = sources.workers();
    TaskFigures tasks;
    if (sources.tasks) {
        tasks = sources.tasks();
        m_searching = tasks.searching;
        m_parked = tasks.parked;
        m_taken.add(tasks.taken, now);
        m_ended.add(tasks.ended, now);
        m_failed.add(tasks.failed, now);
        queue.running = tasks.running;
        queue.reserved = tasks.reserved;
        queue.scheduled = tasks.scheduled + tasks.parked;
        // Both over the same time: they are compared.
        const Rate &ended = m_ended.rate();
        const Rate &taken = m_taken.rate();
        queue.takenPerSecond = taken.perSecond();
        queue.endedPerSecond = ended.perSecond();
        if (const auto covered = std::max(taken.covered(), ended.covered()))
            queue.ratesOver = std::chrono::duration_cast<std::chrono::seconds>(*covered);
        queue.endedLately = m_ended.longest().growth();
        queue.failedLately = m_failed.growth();
    }
    m_taskWatch.ours(tasks, snapshot.workers.threads, now);
    queue.oldestWaiting = m_taskWatch.oldestWaiting();
    queue.oldest = m_taskWatch.oldestTaken();
    if (queue.waiting.value_or(0) > 0)
        queue.oldest = std::max(queue.oldest, queue.oldestWaiting);
    queue.untaken = m_taskWatch.untaken(now);
    if (hasNoQueue(queue)) {
        for (auto *count : {&queue.waiting, &queue.unacked, &queue.untaken})
            count->reset();
        queue.oldestWaiting.reset();
        queue.oldest.reset();
    }
}

bool SnapshotBuilder::hasNoQueue(const QueueFigures &queue) const { return m_identity.watch && queue.queues.empty(); }

void SnapshotBuilder::lightQueue(const QueueFigures &queue)
{
    const std::uint64_t ended = queue.endedLately.value_or(0);
    m_lights.measure(Resource::FailedTasks,
                     ended >= leastTasks ? std::optional(double(queue.failedLately.value_or(0)) / double(ended))
                                         : std::nullopt,
                     queue.endedLately || !m_identity.watch ? Unknown::TooFew : Unknown::NotAvailable);
    if (m_redis.status.up != true)
        return; // told by redisFailed()
    if (lacks(m_notTold, "queue")) {
        for (const Resource resource : {Resource::Queue, Resource::Workers, Resource::OldestTask})
            m_lights.measure(resource, std::nullopt, Unknown::NotTold);
        return;
    }
    if (hasNoQueue(queue)) {
        const Unknown why = queue.complete.value_or(false) ? Unknown::NotAvailable : Unknown::NotYet;
        for (const Resource resource : {Resource::Queue, Resource::Workers, Resource::OldestTask})
            m_lights.measure(resource, std::nullopt, why);
        return;
    }
    if (queue.waiting && queue.unacked) {
        const std::uint64_t backlog = *queue.waiting + *queue.unacked;
        m_lights.measure(Resource::Queue, double(backlog - std::min(queue.running.value_or(0), *queue.unacked)),
                         Unknown::NotAvailable, m_redisTime);
    }
    m_lights.measure(Resource::Workers, real(queue.untaken), Unknown::NotYet, m_redisTime);
    m_lights.measure(Resource::OldestTask,
                     queue.oldestWaiting ? std::optional(double(queue.oldestWaiting->count())) : std::nullopt,
                     Unknown::NotYet, m_redisTime);
}

void SnapshotBuilder::fillPools(Snapshot &snapshot, const Sources &sources)
{
    if (sources.dbPools)
        snapshot.dbPools = sources.dbPools();
    std::optional<double> worst;
    for (const DbPoolFigures &pool : snapshot.dbPools)
        if (pool.connections > 0)
            worst = std::max(worst.value_or(0), double(pool.busy) / double(pool.connections));
    m_ownLights.measure(Resource::DbPool, worst, Unknown::NotAvailable);
}

void SnapshotBuilder::fillUsers(Snapshot &snapshot, const Sources &sources)
{
    if (sources.users)
        snapshot.users = sources.users();
    if (!snapshot.users.sessions && snapshot.redis.age && *snapshot.redis.age < m_budget.figures().staleAfter) {
        for (const FamilyFigures &family : snapshot.families.families)
            if (family.family == "sessions" && family.keys) {
                snapshot.users.sessions = std::uint64_t(family.keys->value + 0.5);
                snapshot.users.sessionsError = std::uint64_t((family.keys->high - family.keys->low) / 2 + 0.5);
            }
    }
}

void SnapshotBuilder::lightUsers(const UserFigures &users)
{
    // Who is there is counted in Redis, and here while it is away.
    m_lights.measure(Resource::Users, real(users.concurrent),
                     m_redis.status.up == false ? Unknown::Away : Unknown::NotAvailable);
}

void SnapshotBuilder::fillDisk(Snapshot &snapshot, const Sources &sources)
{
    if (sources.disk)
        snapshot.disk = sources.disk();
    const auto &[total, available] = snapshot.disk;
    const bool known = total && available && *total > 0;
    m_ownLights.measure(Resource::Disk,
                        known ? std::optional(1 - double(std::min(*available, *total)) / double(*total)) : std::nullopt,
                        Unknown::NotAvailable);
}

void SnapshotBuilder::lightPlan(const Snapshot &snapshot)
{
    if (m_redis.status.up != true)
        return; // told by redisFailed()
    // It has answered: what it did not say then it will not say later. Traffic takes time to be measured, and that it
    // has not yet is no sign that anything is wrong.
    const Unknown otherwise = lacks(m_notTold, "redis") ? Unknown::NotTold : Unknown::NotAvailable;
    const PlanFigures &plan = snapshot.plan;
    m_lights.measure(Resource::RedisCommands,
                     plan.commandsPerSecond ? plan.commandsPerSecond : m_redisFigures.commandsPerSecond, otherwise,
                     m_redisTime);
    m_lights.measure(Resource::RedisTraffic, plan.trafficPerMonth, m_trafficTold ? Unknown::TooFew : otherwise,
                     m_redisTime);
    // Where no keys are looked at, what Redis says of itself; that counts the tables of the keys too.
    const auto &families = snapshot.families;
    m_lights.measure(Resource::RedisOverhead,
                     real(families.unattributed ? families.unattributed : m_redisFigures.usedMemoryOverhead), otherwise,
                     m_redisTime);
}

/// Everything but what all instances have together: figures of this process, and of what they share.
Snapshot SnapshotBuilder::ownFigures(const telemetry::HttpMetrics::Window *http, const Sources &sources)
{
    const SteadyTime now = m_clock.steady();
    Snapshot own;
    own.time = m_clock.wall();
    own.sequence = ++m_sequence;
    own.tier = m_tier.name;
    own.version = m_identity.version;
    own.instance = m_identity.instance;
    own.uptime = std::chrono::duration_cast<std::chrono::seconds>(now - m_started);
    own.redis = m_redisFigures;
    if (m_redisTime)
        own.redis.age = ageOf(*m_redisTime);
    own.plan = m_plan;
    own.sampling = m_budget.figures();
    if (m_redisFigures.keys)
        own.families = m_estimator.figures(*m_redisFigures.keys, m_redisFigures.usedMemory, m_tier.memoryBudget, now);
    own.clients = m_clientFigures;
    if (m_clientsTime)
        own.clients.age = ageOf(*m_clientsTime);
    fillHttp(own, http, sources);
    fillQueue(own, sources);
    fillPools(own, sources);
    fillUsers(own, sources);
    fillDisk(own, sources);
    fillLinks(own, sources);
    lightHttp(m_ownLights, own.http, http ? http->timed : own.http.traffic.requests, !http);
    for (Reading &reading : m_ownLights.readings())
        if (std::ranges::find(instances::ownLights, reading.resource) != std::end(instances::ownLights))
            own.readings.push_back(std::move(reading));
    markDown(own.readings, own.links);
    return own;
}

void SnapshotBuilder::fillLinks(Snapshot &own, const Sources &sources)
{
    const SteadyTime now = m_clock.steady();
    const auto link = [&](std::string name, const Link &state) {
        LinkStatus status = state.status;
        status.name = std::move(name);
        if (status.up)
            status.since = std::chrono::duration_cast<std::chrono::seconds>(now - state.since);
        own.links.push_back(std::move(status));
    };
    link("redis", m_redis);
    if (m_hasDatabase || sources.pingDatabase)
        link("database", m_database);
    if (sources.paths) {
        for (LinkStatus &path : sources.paths()) {
            Link &state = m_paths[path.name];
            const std::string name = path.name;
            if (path.up)
                setLink(state, std::move(path));
            else
                state = Link{};
            link(name, state);
        }
    }
    own.notTold = sources.notTold ? sources.notTold() : std::vector<NotTold>{};
    std::ranges::copy(m_notTold, std::back_inserter(own.notTold));
}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const telemetry::HttpMetrics::Window &http,
                                                       const Sources &sources, const Join &join)
{
    return make(&http, sources, join);
}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const Sources &sources) { return make(nullptr, sources, {}); }

std::shared_ptr<const Snapshot> SnapshotBuilder::make(const telemetry::HttpMetrics::Window *http,
                                                      const Sources &sources, const Join &join)
{
    auto own = std::make_shared<Snapshot>(ownFigures(http, sources));
    const instances::Together together = join ? join(*own) : instances::Together{};
    m_instancesUp =
        1 + std::size_t(std::ranges::count(together.members, instances::Presence::Up, &instances::Member::presence));
    auto snapshot = std::make_shared<Snapshot>(*own);
    if (join)
        instances::join(*snapshot, together, m_parked);

    const std::uint64_t timed = http ? http->timed : own->http.traffic.requests;
    lightHttp(m_lights, snapshot->http, together.alone() ? timed : together.merged.timed, !http);
    lightQueue(snapshot->queue);
    lightUsers(snapshot->users);
    lightPlan(*snapshot);
    std::vector<Reading> readings = m_lights.readings();
    m_near = std::ranges::any_of(readings, nearThreshold);
    markDown(readings, snapshot->links);
    // What is each instance's own: here both are of this one, in the deployment's the pool and the disk alone.
    const auto take = [](std::vector<Reading> all, const std::vector<Reading> &from, auto wanted) {
        for (Reading &reading : all)
            for (const Reading &other : from)
                if (other.resource == reading.resource && wanted(reading.resource))
                    reading = other;
        return all;
    };
    const std::vector<Reading> lights = std::exchange(own->readings, {});
    snapshot->readings = take(readings, lights, instances::isEachOwn);
    instances::joinReadings(snapshot->readings, together, snapshot->instance);
    own->readings = take(std::move(readings), lights, [](Resource) { return true; });
    snapshot->verdict = verdict(snapshot->readings, snapshot->links);
    own->verdict = verdict(own->readings, own->links);
    m_own = std::move(own);
    return snapshot;
}

} // namespace portolan::monitor
