// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/snapshot_builder.h"

#include "core/api/verdict.h"
#include "core/base/names.h"
#include "core/monitor/client_figures.h"

#include <algorithm>
#include <utility>

namespace portolan::monitor {

namespace {

bool lacks(const std::vector<NotTold> &parts, std::string_view part)
{
    return std::ranges::find(parts, part, &NotTold::part) != parts.end();
}

template <class T> std::optional<double> real(const std::optional<T> &value)
{
    return value ? std::optional(double(*value)) : std::nullopt;
}

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

TrafficFigures traffic(const telemetry::WindowFigures &window)
{
    const telemetry::Unanswered &unanswered = window.unanswered;
    return {window.count,     unanswered.errors, unanswered.refused, unanswered.notFound,
            window.perSecond, window.p50,        window.p95,         window.p99};
}

} // namespace

SnapshotBuilder::SnapshotBuilder(const Tier &tier, Identity identity, const KeyFamilies &families, const Clock &clock)
    : m_tier(tier),
      m_identity(std::move(identity)),
      m_clock(clock),
      m_budget(m_identity.limits, m_identity.interval, clock.steady()),
      m_estimator(families, m_budget.bounded() ? FamilyOptions::rare() : FamilyOptions{}),
      m_started(clock.steady()),
      m_lights(tier, clock),
      m_queues(clock),
      m_taskWatch(tier.taskTimeLimit)
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
    m_budget.update(watched, m_near, now);
    m_lights.setStaleAfter(m_budget.figures().staleAfter);
    RoundPlan plan;
    plan.searchOnly = !m_budget.due(now) && !m_recount;
    if (plan.searchOnly && !m_budget.searchDue(now))
        return std::nullopt;
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

void SnapshotBuilder::redisAnswered(const RoundPlan &plan, RoundAnswer answer, std::chrono::nanoseconds took,
                                    queue::QueueDirectory &queues)
{
    const SteadyTime now = m_clock.steady();
    if (plan.searchOnly) {
        m_loadScript = answer.scriptMissing;
        m_plain = m_plain || answer.scriptRefused;
        queues.seen(answer.search);
        noteNotTold(plan, answer.notTold);
        m_rounds += answer.load;
        m_budget.searched(answer.load.commands, answer.load.bytes, now);
        return;
    }
    if (m_runId && answer.info.server.runId && *m_runId != *answer.info.server.runId) {
        m_estimator.clear();
        m_taskWatch.clear();
        m_queues.clear();
        queues.clear();
    } else {
        queues.seen(answer.search);
    }
    m_runId = answer.info.server.runId;
    m_redisTime = now;
    m_loadScript = answer.scriptMissing;
    m_plain = m_plain || answer.scriptRefused;
    setLink(m_redis, true, took, {});
    noteNotTold(plan, answer.notTold);
    m_rounds += answer.load;
    m_budget.spent(answer.load.commands, answer.load.bytes, plan.details || plan.clientList, now);
    readInfo(answer.info, answer.keys);
    if (answer.clients)
        readClients(*answer.clients);
    m_queue = m_queues.read(answer, queues);
    if (lacks(m_notTold, "queue"))
        m_queue.waiting.reset(); // what was not told of every queue is no sum
    m_taskWatch.answered(answer, now, m_clock.wall());
    const std::vector<std::string> names = m_queues.names();
    if (plan.details)
        m_estimator.setMeasured(answer.measured, names);
    if (plan.recounts && answer.draws)
        m_estimator.recount();
    else
        m_recount |= plan.recounts;
    if (answer.draws)
        m_estimator.addDraws(*answer.draws, names, now);
    const Unknown otherwise = lacks(m_notTold, "redis") ? Unknown::NotTold : Unknown::NotAvailable;
    m_lights.measure(Resource::RedisMemory, real(m_redisFigures.usedMemory), otherwise);
    // Without INFO the list of clients says how many there are.
    const auto connections = m_redisFigures.connectedClients ? m_redisFigures.connectedClients
                             : lacks(m_notTold, "redis") && !lacks(m_notTold, "clients") ? m_clientFigures.total
                                                                                         : std::nullopt;
    m_lights.measure(Resource::RedisConnections, real(connections), otherwise);
}

void SnapshotBuilder::noteNotTold(const RoundPlan &plan, std::vector<NotTold> notTold)
{
    std::erase_if(m_notTold, [&](const NotTold &old) { return plan.asks(old.part) || lacks(notTold, old.part); });
    m_notTold.insert(m_notTold.end(), std::make_move_iterator(notTold.begin()), std::make_move_iterator(notTold.end()));
}

void SnapshotBuilder::redisFailed(const Error &error)
{
    setLink(m_redis, false, std::nullopt, error.message, error.code);
    m_budget.failed(m_clock.steady());
    for (const auto &[resource, name] : enumNames<Resource>)
        if (linkOf(resource) == "redis")
            m_lights.measure(resource, std::nullopt, Unknown::Away);
}

bool SnapshotBuilder::databaseAnswered(const Result<void> &result, std::chrono::nanoseconds took)
{
    m_hasDatabase = true;
    const std::optional<bool> before = m_database.up;
    if (result.has_error())
        setLink(m_database, false, std::nullopt, result.error().message, result.error().code);
    else
        setLink(m_database, true, took, {});
    return before != m_database.up;
}

void SnapshotBuilder::setLink(Link &link, bool up, std::optional<std::chrono::nanoseconds> latency, std::string detail,
                              std::string reason)
{
    if (link.up != up)
        link.since = m_clock.steady();
    link.up = up;
    link.latency = latency ? std::optional(std::chrono::duration<double>(*latency).count()) : std::nullopt;
    link.detail = std::move(detail);
    link.reason = std::move(reason);
}

void SnapshotBuilder::readInfo(const redis::Info &info, std::optional<std::uint64_t> keys)
{
    const SteadyTime now = m_clock.steady();
    RedisFigures figures;
    figures.version = info.server.version.value_or("");
    if (info.server.uptime)
        figures.uptime = std::chrono::seconds(*info.server.uptime);
    figures.usedMemory = info.memory.used;
    figures.usedMemoryPeak = info.memory.peak;
    figures.usedMemoryRss = info.memory.resident;
    figures.usedMemoryOverhead = info.memory.overhead;
    figures.maxmemory = info.memory.max;
    figures.maxmemoryPolicy = info.memory.policy.value_or("");
    figures.fragmentation = info.memory.fragmentation;
    figures.connectedClients = info.clients.connected;
    figures.maxClients = info.clients.max;
    figures.blockedClients = info.clients.blocked;
    figures.commands = info.stats.commands;
    figures.commandsPerSecond = info.stats.commandsPerSecond;
    figures.evictedKeys = info.stats.evicted;
    figures.expiredKeys = info.stats.expired;
    figures.rejectedConnections = info.stats.rejectedConnections;
    figures.keys = keys;
    figures.appendOnly = info.persistence.aofEnabled;
    figures.loading = info.persistence.loading;
    if (info.persistence.rdbSaving)
        figures.saving = *info.persistence.rdbSaving || info.persistence.aofRewriting.value_or(false);
    if (info.persistence.rdbLastSaveOk)
        figures.lastSaveOk = *info.persistence.rdbLastSaveOk && info.persistence.aofLastWriteOk.value_or(true);
    if (info.stats.hits && info.stats.misses) {
        if (m_hits.fell(*info.stats.hits) || m_misses.fell(*info.stats.misses)) {
            // All of them begin anew together: one is taken from the other.
            for (Rate *rate : {&m_hits, &m_misses, &m_ownHits, &m_ownMisses})
                rate->clear();
        }
        m_hits.add(*info.stats.hits, now);
        m_misses.add(*info.stats.misses, now);
        m_ownHits.add(m_rounds.hits + m_searching.hits, now);
        m_ownMisses.add(m_rounds.misses + m_searching.misses, now);
        const auto others = [](const Rate &all, const Rate &own) {
            return std::max(0.0, double(all.growth().value_or(0)) - double(own.growth().value_or(0)));
        };
        const double hits = others(m_hits, m_ownHits);
        const double all = hits + others(m_misses, m_ownMisses);
        if (all >= leastLookups)
            figures.hitRatio = hits / all;
    }
    if (info.stats.evicted) {
        m_evicted.add(*info.stats.evicted, now);
        figures.evictedPerSecond = m_evicted.perSecond();
    }
    m_ownCommands.add(m_rounds.commands + m_searching.commands, now);
    figures.ownCommandsPerSecond = m_ownCommands.perSecond();
    m_redisFigures = std::move(figures);
    m_lights.bound(Resource::RedisMemory, real(info.memory.max));
    m_lights.bound(Resource::RedisConnections, real(info.clients.max));
    readPlan(info);
}

void SnapshotBuilder::readPlan(const redis::Info &info)
{
    const SteadyTime now = m_clock.steady();
    // What is no longer told is unknown, not what it was.
    const auto follow = [now](Rate &rate, const std::optional<std::uint64_t> &total) {
        if (total)
            rate.add(*total, now);
        else
            rate.clear();
    };
    follow(m_allCommands, info.stats.commands);
    follow(m_traffic, info.stats.netOutput);
    m_trafficTold = info.stats.netOutput.has_value();
    m_ownBytes.add(m_rounds.bytes + m_searching.bytes, now);
    m_plan.commandsPerSecond = m_allCommands.perSecond();
    m_plan.trafficPerSecond = m_traffic.perSecond();
    m_plan.trafficPerMonth.reset();
    // What a moment says about a month is nothing, least of all that in which the portal filled its caches.
    if (m_plan.trafficPerSecond && now - m_started >= leastForMonth)
        m_plan.trafficPerMonth = *m_plan.trafficPerSecond * SamplingBudget::month;
    m_plan.ownTrafficPerSecond = m_ownBytes.perSecond();
}

void SnapshotBuilder::readClients(const std::vector<redis::ClientEntry> &entries)
{
    m_clientsTime = m_clock.steady();
    m_clients = std::make_shared<const std::vector<ClientInfo>>(clientsOf(entries));
    m_clientFigures = clientFigures(*m_clients);
}

Age SnapshotBuilder::ageOf(SteadyTime time) const { return std::chrono::duration_cast<Age>(m_clock.steady() - time); }

void SnapshotBuilder::fillHttp(Snapshot &snapshot, const telemetry::HttpMetrics::Window &http, const Sources &sources)
{
    HttpFigures &figures = snapshot.http;
    figures.traffic = traffic(http.all);
    for (const auto &route : http.routes)
        figures.routes.push_back({route.route->method, route.route->path, route.route->stream, traffic(route.figures)});
    if (http.all.count >= leastRequests)
        figures.errorRate = double(http.all.unanswered.errors) / double(http.all.count);
    m_lights.measure(Resource::ErrorRate, figures.errorRate, Unknown::TooFew);
    m_lights.measure(Resource::Refused,
                     http.all.count >= leastForRefused
                         ? std::optional(double(http.all.unanswered.refused) / double(http.all.count))
                         : std::nullopt,
                     Unknown::TooFew);
    m_lights.measure(Resource::ResponseTime, http.timed >= leastRequests ? http.all.p95 : std::nullopt,
                     Unknown::TooFew);
    if (sources.connections) {
        const ConnectionFigures connections = sources.connections();
        figures.connections = connections.connections;
        figures.webSockets = connections.webSockets;
        figures.refusedConnections = connections.refused;
        figures.cutConnections = connections.cut;
    }
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
    lightQueue(queue);
}

void SnapshotBuilder::lightQueue(const QueueFigures &queue)
{
    const std::uint64_t ended = queue.endedLately.value_or(0);
    m_lights.measure(Resource::FailedTasks,
                     ended >= leastTasks ? std::optional(double(queue.failedLately.value_or(0)) / double(ended))
                                         : std::nullopt,
                     Unknown::TooFew);
    if (m_redis.up != true)
        return; // told by redisFailed()
    if (lacks(m_notTold, "queue")) {
        for (const Resource resource : {Resource::Queue, Resource::Workers, Resource::OldestTask})
            m_lights.measure(resource, std::nullopt, Unknown::NotTold);
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
    m_lights.measure(Resource::DbPool, worst, Unknown::NotAvailable);
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
    // Who is there is counted in Redis, and here while it is away.
    m_lights.measure(Resource::Users, real(snapshot.users.concurrent),
                     m_redis.up == false ? Unknown::Away : Unknown::NotAvailable);
}

void SnapshotBuilder::fillDisk(Snapshot &snapshot, const Sources &sources)
{
    if (sources.disk)
        snapshot.disk = sources.disk();
    const auto &[total, available] = snapshot.disk;
    const bool known = total && available && *total > 0;
    m_lights.measure(Resource::Disk,
                     known ? std::optional(1 - double(std::min(*available, *total)) / double(*total)) : std::nullopt,
                     Unknown::NotAvailable);
}

void SnapshotBuilder::lightPlan(const Snapshot &snapshot)
{
    if (m_redis.up != true)
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

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const telemetry::HttpMetrics::Window &http,
                                                       const Sources &sources)
{
    const SteadyTime now = m_clock.steady();
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->time = m_clock.wall();
    snapshot->sequence = ++m_sequence;
    snapshot->tier = m_tier.name;
    snapshot->version = m_identity.version;
    snapshot->instance = m_identity.instance;
    snapshot->uptime = std::chrono::duration_cast<std::chrono::seconds>(now - m_started);
    snapshot->redis = m_redisFigures;
    if (m_redisTime)
        snapshot->redis.age = ageOf(*m_redisTime);
    snapshot->plan = m_plan;
    snapshot->sampling = m_budget.figures();
    if (m_redisFigures.keys)
        snapshot->families =
            m_estimator.figures(*m_redisFigures.keys, m_redisFigures.usedMemory, m_tier.memoryBudget, now);
    snapshot->clients = m_clientFigures;
    if (m_clientsTime)
        snapshot->clients.age = ageOf(*m_clientsTime);
    fillHttp(*snapshot, http, sources);
    fillQueue(*snapshot, sources);
    fillPools(*snapshot, sources);
    fillUsers(*snapshot, sources);
    fillDisk(*snapshot, sources);
    lightPlan(*snapshot);

    const auto link = [&](std::string name, const Link &state) {
        LinkStatus status{std::move(name), state.up, std::nullopt, state.latency, state.detail, state.reason};
        if (state.up)
            status.since = std::chrono::duration_cast<std::chrono::seconds>(now - state.since);
        snapshot->links.push_back(std::move(status));
    };
    link("redis", m_redis);
    if (m_hasDatabase || sources.pingDatabase)
        link("database", m_database);
    if (sources.paths) {
        for (LinkStatus &path : sources.paths()) {
            Link &state = m_paths[path.name];
            if (path.up)
                setLink(state, *path.up, std::nullopt, std::move(path.detail), std::move(path.reason));
            else
                state = Link{};
            link(path.name, state);
        }
    }
    snapshot->notTold = sources.notTold ? sources.notTold() : std::vector<NotTold>{};
    std::ranges::copy(m_notTold, std::back_inserter(snapshot->notTold));
    snapshot->readings = m_lights.readings();
    m_near = std::ranges::any_of(snapshot->readings, nearThreshold);
    markDown(snapshot->readings, snapshot->links);
    snapshot->verdict = verdict(snapshot->readings, snapshot->links);
    return snapshot;
}

} // namespace portolan::monitor
