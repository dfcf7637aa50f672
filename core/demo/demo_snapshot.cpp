// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"
#include "core/demo/demo_data.h"
#include "core/demo/demo_instances.h"

#include <algorithm>
#include <cmath>

namespace portolan::demo {

namespace {

constexpr double mb = 1024.0 * 1024.0;
using std::chrono::seconds;

std::optional<std::uint64_t> whole(const std::optional<double> &value)
{
    return value ? std::optional(std::uint64_t(std::llround(*value))) : std::nullopt;
}

/// What a light shows is what the rest of the snapshot says, as in a portal that was measured.
std::optional<double> measured(const Light &light, const Snapshot &snapshot, const Script &script, double second)
{
    const auto share = [](std::uint64_t part, std::uint64_t all) {
        return all ? std::optional(double(part) / double(all)) : std::nullopt;
    };
    const QueueFigures &queue = snapshot.queue;
    switch (light.resource) {
    case Resource::ErrorRate:
        return snapshot.http.errorRate;
    case Resource::Refused:
        return share(snapshot.http.traffic.refused, snapshot.http.traffic.requests);
    case Resource::FailedTasks:
        return share(queue.failedLately.value_or(0), queue.endedLately.value_or(0));
    case Resource::Queue:
        return double(queue.waiting.value_or(0) + queue.unacked.value_or(0) - queue.running.value_or(0));
    case Resource::Workers:
        return double(queue.untaken.value_or(0));
    case Resource::OldestTask:
        return double(queue.oldestWaiting.value_or(seconds(0)).count());
    case Resource::RedisOverhead:
        return double(snapshot.families.unattributed.value_or(0));
    case Resource::Users:
        return double(snapshot.users.concurrent.value_or(0));
    case Resource::RedisConnections:
        return double(snapshot.redis.connectedClients.value_or(0));
    case Resource::DbPool:
        return share(snapshot.dbPools.front().busy, snapshot.dbPools.front().connections);
    default:
        return script.value(metricOf(light), second);
    }
}

/// How long a curve has been in the zone it is in: to the second, of at most a day.
seconds timeInZone(const Script &script, const Light &light, double second)
{
    constexpr double day = 86'400, step = 300;
    const auto zoneAt = [&](double at) {
        const auto value = script.value(metricOf(light), at);
        return value ? zoneOf(*value, {light.yellow, light.red}, redWhenReached(light.resource)) : Zone::Unknown;
    };
    const Zone now = zoneAt(second);
    double inside = second, outside = second - step;
    for (; outside > second - day && zoneAt(outside) == now; outside -= step)
        inside = outside;
    while (inside - outside > 1) {
        const double middle = (inside + outside) / 2;
        (zoneAt(middle) == now ? inside : outside) = middle;
    }
    return seconds(std::int64_t(second - inside));
}

Reading readingOf(const Script &script, const Light &light, const Snapshot &snapshot, double second)
{
    Reading reading;
    reading.resource = light.resource;
    if (light.limit > 0)
        reading.limit = light.limit;
    reading.yellow = light.yellow;
    reading.red = light.red;
    const Situation &situation = script.situation();
    if (situation.empty)
        return reading;
    const auto away = situation.redisAwaySince;
    const bool down = away && second > *away && linkOf(light.resource) == "redis";
    reading.value = measured(light, snapshot, script, down ? *away : second);
    reading.age = down ? Age(std::int64_t((second - *away) * 1000)) : Age(300);
    if (!reading.value) {
        reading.unknown = Unknown::TooFew;
        return reading;
    }
    reading.unknown = Unknown::No;
    reading.zone = zoneOf(*reading.value, {light.yellow, light.red}, redWhenReached(light.resource));
    reading.inZone = down ? seconds(std::int64_t(second - *away)) : timeInZone(script, light, second);
    const double climb = script.climb(metricOf(light));
    if (climb > 0 && *reading.value < script.most(metricOf(light))) {
        reading.slope = climb;
        if (reading.zone != Zone::Red) {
            const double next = reading.zone == Zone::Green ? light.yellow : light.red;
            reading.toNextZone = seconds(std::int64_t(std::max(0.0, next - *reading.value) / climb));
        }
    }
    return reading;
}

struct FamilyShape
{
    const char *name;
    double share; ///< of what is in keys
    double each;  ///< bytes a key
    double budget;
};

/// None is over its budget on an ordinary day: the portal is green then.
constexpr FamilyShape shapes[]{
    {"sessions", 0.23, 3100, 3 * mb}, {"queue", 0.21, 1400, 5 * mb}, {"results", 0.17, 2600, 3 * mb},
    {"tickers", 0.14, 900, 3 * mb},   {"push", 0.10, 700, 3 * mb},   {"limits", 0.08, 180, 2 * mb},
    {"cache", 0.04, 5200, 0},         {"other", 0.03, 400, 0},
};

/// How much larger a family is than its share of an ordinary day.
double grown(const Script &script, std::string_view family, double memory)
{
    return family == script.situation().climbingFamily ? std::max(0.0, memory - 14.2 * mb) : 0;
}

/// What cleaning up has left of a family, as a part.
double leftOf(const DemoData &data, std::string_view family)
{
    const auto left = data.cleaned.find(std::string(family));
    return left == data.cleaned.end() ? 1 : left->second;
}

std::optional<double> sessionsOf(const Script &script, const DemoData &data, double when)
{
    const auto open = script.value(metric::sessions, when);
    return open ? std::optional(std::round(*open * leftOf(data, "sessions"))) : std::nullopt;
}

FamiliesFigures familiesOf(const Script &script, const DemoData &data, double memory, double overhead, double sessions)
{
    FamiliesFigures figures;
    figures.age = Age(900);
    figures.samples = 1920;
    figures.span = Age(59'000);
    figures.cost = 0.0007;
    double inKeys = 0;
    const double ordinary = std::min(memory, 14.2 * mb) - overhead;
    const auto weight = [&](const FamilyShape &shape) {
        return (ordinary * shape.share + grown(script, shape.name, memory)) * leftOf(data, shape.name);
    };
    // Keys and overhead together are what Redis uses.
    double all = 0;
    for (const FamilyShape &shape : shapes)
        all += weight(shape);
    const double scale = all > 0 ? std::max(0.0, memory - overhead) / all : 0;
    for (const FamilyShape &shape : shapes) {
        const double bytes = weight(shape) * scale;
        FamilyFigures family;
        family.family = shape.name;
        family.bytes = Estimate{bytes, bytes * 0.94, bytes * 1.06};
        // A session is a key.
        const double keys = std::string_view(shape.name) == "sessions" ? sessions : bytes / shape.each;
        family.keys = Estimate{keys, keys * 0.97, keys * 1.03};
        if (shape.budget > 0)
            family.budget = std::uint64_t(shape.budget);
        if (shape.name == script.situation().climbingFamily)
            family.growth = script.climb(metric::redisMemory);
        inKeys += bytes;
        figures.families.push_back(std::move(family));
    }
    std::ranges::stable_sort(figures.families, std::greater{}, [](const FamilyFigures &f) { return f.bytes->value; });
    figures.unattributed = std::uint64_t(std::max(0.0, memory - inKeys));
    const std::string tail =
        data.longNames ? "-of-the-department-of-applied-navigation-and-its-subsidiaries-worldwide" : "";
    figures.biggest = {{"celery" + tail, "queue", 812'000},
                       {"c:dashboard:7000000004" + tail, "cache", 311'400},
                       {"unacked" + tail, "queue", 204'800},
                       {"celery-task-meta-5d2f" + tail, "results", 98'304},
                       {"t:AAPL" + tail, "tickers", 65'536}};
    return figures;
}

void fillRedis(Snapshot &snapshot, const Script &script, const DemoData &data, double second)
{
    RedisFigures &redis = snapshot.redis;
    const auto away = script.situation().redisAwaySince;
    const bool down = away && second > *away;
    const double when = down ? *away : second;
    const double memory = script.value(metric::redisMemory, when).value_or(0);
    redis.age = down ? Age(std::int64_t((second - when) * 1000)) : Age(200);
    redis.version = "7.0.15";
    redis.uptime = seconds(86400 * 3 + std::int64_t(second));
    redis.usedMemory = std::uint64_t(memory);
    redis.usedMemoryPeak = std::uint64_t(std::max(memory, 17.9 * mb));
    redis.usedMemoryRss = std::uint64_t(memory * 1.18);
    redis.usedMemoryOverhead = std::uint64_t(2.1 * mb);
    redis.maxmemory = std::uint64_t(30 * mb);
    redis.maxmemoryPolicy = "noeviction";
    redis.fragmentation = script.value(metric::redisFragmentation, when);
    redis.connectedClients = data.clients.size();
    redis.maxClients = 30;
    redis.blockedClients = 2;
    redis.commandsPerSecond = script.value(metric::redisCommands, when);
    redis.ownCommandsPerSecond = 6;
    redis.hitRatio = script.value(metric::redisHitRatio, when);
    redis.evictedKeys = 0;
    redis.evictedPerSecond = 0;
    snapshot.plan.commandsPerSecond = redis.commandsPerSecond;
    snapshot.plan.commandsLimit = 100;
    snapshot.plan.trafficPerMonth = script.value(metric::redisTraffic, when);
    snapshot.plan.trafficLimit = 5120 * mb;
    if (snapshot.plan.trafficPerMonth)
        snapshot.plan.trafficPerSecond = *snapshot.plan.trafficPerMonth / (30 * 86400.0);
    snapshot.plan.ownTrafficPerSecond = 120;
    redis.appendOnly = true;
    redis.lastSaveOk = true;
    snapshot.families = familiesAt(script, data, when);
    double keys = 0;
    for (const FamilyFigures &family : snapshot.families.families)
        keys += family.keys->value;
    redis.keys = std::uint64_t(std::llround(keys));
    snapshot.clients.age = redis.age;
    snapshot.clients.total = data.clients.size();
    snapshot.clients.groups = groupsOf(data.clients);
    snapshot.clients.clients = data.clients;
    snapshot.clients.clients.resize(std::min<std::size_t>(data.clients.size(), 100));
    if (down) {
        snapshot.families.age = redis.age;
        redis.commandsPerSecond.reset();
        redis.ownCommandsPerSecond.reset();
        redis.hitRatio.reset();
    }
}

void fillQueue(Snapshot &snapshot, const Script &script, const DemoData &data, double second, WallTime start)
{
    QueueFigures &queue = snapshot.queue;
    const auto away = script.situation().redisAwaySince;
    const double when = away && second > *away ? *away : second;
    const auto now = start + std::chrono::milliseconds(std::int64_t(when * 1000));
    queue.age = Age(std::int64_t((second - when) * 1000 + 200));
    queue.waiting = data.tasks.count(TaskPlace::Waiting);
    queue.queues = {{"celery", *queue.waiting}};
    queue.complete = true;
    queue.running = data.tasks.count(TaskPlace::Running);
    queue.reserved = data.tasks.count(TaskPlace::Reserved);
    queue.scheduled = data.tasks.count(TaskPlace::Scheduled);
    std::uint64_t others = 0;
    for (const WorkerInfo &worker : data.workers)
        others += worker.own ? 0 : worker.active;
    queue.unacked = *queue.running + *queue.reserved + *queue.scheduled + others;
    queue.takenPerSecond = script.value(metric::queueTaken, when);
    queue.endedPerSecond = script.value(metric::queueEnded, when);
    queue.ratesOver = seconds(60);
    queue.endedLately = whole(*queue.endedPerSecond * 600);
    queue.failedLately = whole(double(*queue.endedLately) * script.value(metric::failedTasks, when).value_or(0));
    const bool someTake = std::ranges::any_of(data.workers, [](const WorkerInfo &w) { return w.concurrency > 0; });
    queue.untaken = someTake ? 0 : *queue.waiting;
    // Those that waited before the demo began are gone; how long they did is still in the script.
    queue.oldestWaiting = when < 0 ? seconds(std::int64_t(script.value(metric::oldestTask, when).value_or(0)))
                                   : std::chrono::duration_cast<seconds>(now - data.tasks.oldestWaiting(now));
    queue.oldest = std::max(*queue.oldestWaiting, *queue.running ? seconds(12) : seconds(0));
    WorkerFigures &worker = snapshot.workers;
    const WorkerInfo &own = data.workers.front();
    worker.node = own.node;
    worker.concurrency = own.concurrency;
    worker.threads = own.concurrency;
    worker.busy = data.tasks.count(TaskPlace::Running);
    worker.abandoned = 0;
    worker.succeeded = data.tasks.ended() - 120;
    worker.failed = 120;
    worker.retried = 14;
    worker.revoked = 3;
    worker.rejected = 0;
    worker.restored = 2;
}

struct RouteShape
{
    const char *method;
    const char *route;
    double share;
    double slowness;     ///< against the portal's own percentiles
    double failing;      ///< share of all errors
    double refused = 0;  ///< share of its requests
    double notFound = 0; ///< share of its requests
};

constexpr RouteShape routes[]{
    {"GET", "/api/tasks/{id}", 0.33, 0.5, 0.05, 0.04, 0.01},
    {"GET", "/api/quotes", 0.21, 0.7, 0.1, 0.02},
    {"GET", "/api/watchlists", 0.14, 0.9, 0},
    {"POST", "/start-analysis", 0.09, 1.6, 0.55, 0.08},
    {"GET", "/dashboard", 0.08, 1.2, 0.1},
    {"GET", "/api/portfolios/{id}/summary", 0.06, 1.9, 0.2},
    {"POST", "/auth/login", 0.04, 2.4, 0, 0.08},
    {"GET", "/ws", 0.03, 0, 0},
    {"other", "other", 0.02, 0.2, 0, 0, 1},
};

/// The share of all requests that the shapes above have refused.
double usuallyRefused()
{
    double refused = 0;
    for (const RouteShape &shape : routes)
        refused += shape.share * shape.refused;
    return refused;
}

std::vector<LinkStatus> linksOf(const Script &script, double second)
{
    const auto away = script.situation().redisAwaySince;
    LinkStatus redis{"redis", true, seconds(86400), 0.0002};
    if (away && second > *away)
        redis = {"redis",
                 false,
                 seconds(std::int64_t(second - *away)),
                 std::nullopt,
                 "redis-away",
                 "127.0.0.1:6379",
                 "Connection refused"};
    return {redis, {"database", true, seconds(86400), 0.0011}};
}

} // namespace

FamiliesFigures familiesAt(const Script &script, const DemoData &data, double second)
{
    return familiesOf(script, data, script.value(metric::redisMemory, second).value_or(0),
                      script.value(metric::redisOverhead, second).value_or(0),
                      sessionsOf(script, data, second).value_or(0));
}

HttpFigures httpAt(const Script &script, bool longNames, double second)
{
    const auto at = [&](std::string_view metric) { return script.value(metric, second).value_or(0); };
    HttpFigures http;
    TrafficFigures &all = http.traffic;
    const double perSecond = at(metric::requestRate);
    const auto requests = std::uint64_t(std::llround(perSecond * 60));
    all.p50 = at(metric::responseP50);
    all.p95 = at(metric::responseP95);
    all.p99 = at(metric::responseP99);
    // The routes' counts add up to those of all.
    const auto errors = std::uint64_t(std::llround(double(requests) * at(metric::errorRate)));
    const double refusing = at(metric::refused) / usuallyRefused();
    std::uint64_t left = errors;
    for (const RouteShape &shape : routes) {
        RouteFigures route;
        route.method = shape.method;
        route.route = shape.route;
        if (longNames && route.route != "other")
            route.route += "/organisations/{organisation}/departments/{department}/portfolios/{portfolio}/holdings";
        route.stream = shape.slowness == 0;
        const auto part = [](double whole, double share) { return std::uint64_t(std::llround(whole * share)); };
        route.traffic.requests = part(double(requests), shape.share);
        route.traffic.perSecond = double(route.traffic.requests) / 60;
        route.traffic.errors = std::min(left, std::uint64_t(std::ceil(double(errors) * shape.failing)));
        left -= route.traffic.errors;
        route.traffic.refused = part(double(route.traffic.requests), std::min(1.0, shape.refused * refusing));
        route.traffic.notFound = part(double(route.traffic.requests), shape.notFound);
        all.requests += route.traffic.requests;
        all.errors += route.traffic.errors;
        all.refused += route.traffic.refused;
        all.notFound += route.traffic.notFound;
        if (!route.stream && route.traffic.requests >= 20) {
            route.traffic.p50 = *all.p50 * shape.slowness;
            route.traffic.p95 = *all.p95 * shape.slowness;
            route.traffic.p99 = *all.p99 * shape.slowness;
        }
        http.routes.push_back(std::move(route));
    }
    all.perSecond = double(all.requests) / 60;
    if (all.requests)
        http.errorRate = double(all.errors) / double(all.requests);
    http.connections = whole(script.value(metric::httpConnections, second));
    http.webSockets = 5;
    http.refusedConnections = 0;
    http.cutConnections = 1;
    return http;
}

Snapshot makeSnapshot(const Script &script, const DemoData &data, double second, WallTime start, std::uint64_t sequence)
{
    const Situation &situation = script.situation();
    Snapshot snapshot;
    snapshot.time = start + std::chrono::milliseconds(std::int64_t(second * 1000));
    snapshot.sequence = sequence;
    snapshot.tier = "small";
    snapshot.version = "0.1.0";
    snapshot.instance = ownInstance(situation);
    snapshot.uptime = situation.empty ? seconds(1) : seconds(86400 + std::int64_t(second));
    if (situation.empty) {
        snapshot.links = {{"redis", std::nullopt, std::nullopt, std::nullopt},
                          {"database", std::nullopt, std::nullopt, std::nullopt}};
        for (const Light &light : lights())
            snapshot.readings.push_back(readingOf(script, light, snapshot, second));
        return snapshot;
    }
    snapshot.links = linksOf(script, second);
    fillRedis(snapshot, script, data, second);
    fillQueue(snapshot, script, data, second, start);
    snapshot.http = httpAt(script, situation.longNames, second);
    const double busy = script.value(metric::dbPool, second).value_or(0);
    snapshot.dbPools = {{"primary", 4, std::uint64_t(std::llround(busy * 4)), 0, 0, 0, 0}};
    snapshot.users.concurrent = whole(script.value(metric::concurrentUsers, second));
    snapshot.users.today = 63;
    snapshot.users.registered = data.users.count();
    snapshot.users.sessions = whole(sessionsOf(script, data, second));
    constexpr double diskSize = 40 * 1024 * mb;
    snapshot.disk.total = std::uint64_t(diskSize);
    snapshot.disk.available = std::uint64_t(diskSize * (1 - script.value(metric::disk, second).value_or(0)));
    for (const Light &light : lights())
        snapshot.readings.push_back(readingOf(script, light, snapshot, second));
    nameWorst(situation, snapshot);
    markDown(snapshot.readings, snapshot.links);
    snapshot.verdict = verdict(snapshot.readings, snapshot.links);
    snapshot.instances = instancesOf(situation, snapshot, second);
    return snapshot;
}

} // namespace portolan::demo
