#include "core/demo/demo_data.h"

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

Zone zoneOf(const Light &light, double value)
{
    return value > light.red ? Zone::Red : value >= light.yellow ? Zone::Yellow : Zone::Green;
}

Reading readingOf(const Script &script, const Light &light, double second)
{
    Reading reading;
    reading.resource = light.resource;
    if (light.limit > 0)
        reading.limit = light.limit;
    reading.yellow = light.yellow;
    reading.red = light.red;
    reading.value = script.value(light.metric, second);
    const Situation &situation = script.situation();
    if (situation.empty)
        return reading;
    reading.age = Age(300);
    if (!reading.value && situation.redisAwaySince) {
        reading.value = script.value(light.metric, *situation.redisAwaySince);
        reading.age = Age(std::int64_t((second - *situation.redisAwaySince) * 1000));
        reading.unknown = Unknown::Away;
        return reading;
    }
    if (!reading.value)
        return reading;
    reading.unknown = Unknown::No;
    if (light.resource == Resource::RedisConnections || light.resource == Resource::Queue ||
        light.resource == Resource::Users)
        reading.value = std::round(*reading.value);
    reading.zone = zoneOf(light, *reading.value);
    reading.inZone = seconds(1500);
    const double climb = script.climb(light.metric);
    if (climb > 0) {
        reading.slope = climb;
        if (reading.zone != Zone::Red) {
            const double next = reading.zone == Zone::Green ? light.yellow : light.red;
            reading.toNextZone = seconds(std::int64_t((next - *reading.value) / climb));
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

constexpr FamilyShape shapes[]{
    {"sessions", 0.27, 3100, 3 * mb}, {"queue", 0.20, 1400, 5 * mb}, {"results", 0.17, 2600, 3 * mb},
    {"tickers", 0.13, 900, 3 * mb},   {"push", 0.10, 700, 3 * mb},   {"limits", 0.08, 180, 2 * mb},
    {"cache", 0.03, 5200, 0},         {"other", 0.02, 400, 0},
};

/// How much larger a family is than its share of an ordinary day.
double grown(const Script &script, std::string_view family, double memory)
{
    return family == script.situation().climbingFamily ? std::max(0.0, memory - 14.2 * mb) : 0;
}

FamiliesFigures familiesOf(const Script &script, const DemoData &data, double memory)
{
    FamiliesFigures figures;
    figures.age = Age(900);
    figures.samples = 1920;
    figures.span = Age(59'000);
    figures.cost = 0.0007;
    double inKeys = 0;
    const double ordinary = std::min(memory, 14.2 * mb) * 0.74;
    for (const FamilyShape &shape : shapes) {
        const auto left = data.cleaned.find(shape.name);
        const double bytes = (ordinary * shape.share + grown(script, shape.name, memory)) *
                             (left == data.cleaned.end() ? 1 : left->second);
        FamilyFigures family;
        family.family = shape.name;
        family.bytes = Estimate{bytes, bytes * 0.94, bytes * 1.06};
        const double keys = bytes / shape.each;
        family.keys = Estimate{keys, keys * 0.97, keys * 1.03};
        if (shape.budget > 0)
            family.budget = std::uint64_t(shape.budget);
        if (shape.name == script.situation().climbingFamily)
            family.growth = script.climb(Metric::RedisMemory);
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
    const double memory = script.value(Metric::RedisMemory, when).value_or(0);
    redis.age = down ? Age(std::int64_t((second - when) * 1000)) : Age(200);
    redis.version = "7.0.15";
    redis.uptime = seconds(86400 * 3 + std::int64_t(second));
    redis.usedMemory = std::uint64_t(memory);
    redis.usedMemoryPeak = std::uint64_t(std::max(memory, 17.9 * mb));
    redis.usedMemoryRss = std::uint64_t(memory * 1.18);
    redis.usedMemoryOverhead = std::uint64_t(2.1 * mb);
    redis.maxmemory = std::uint64_t(30 * mb);
    redis.maxmemoryPolicy = "noeviction";
    redis.fragmentation = script.value(Metric::RedisFragmentation, when);
    redis.connectedClients = data.clients.size();
    redis.maxClients = 30;
    redis.blockedClients = 2;
    redis.commandsPerSecond = script.value(Metric::RedisCommands, when);
    redis.ownCommandsPerSecond = 68;
    redis.hitRatio = script.value(Metric::RedisHitRatio, when);
    redis.evictedKeys = 0;
    redis.evictedPerSecond = 0;
    redis.keys = 9120;
    redis.appendOnly = true;
    redis.lastSaveOk = true;
    snapshot.families = familiesOf(script, data, memory);
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

void fillQueue(Snapshot &snapshot, const Script &script, const DemoData &data, double second)
{
    QueueFigures &queue = snapshot.queue;
    const auto away = script.situation().redisAwaySince;
    const double when = away && second > *away ? *away : second;
    queue.age = Age(std::int64_t((second - when) * 1000 + 200));
    queue.waiting = whole(script.value(Metric::QueueWaiting, when));
    queue.unacked = whole(script.value(Metric::QueueUnacked, when));
    queue.queues = {{"celery", queue.waiting.value_or(0)}};
    queue.running = data.tasks.count(TaskPlace::Running);
    queue.reserved = data.tasks.count(TaskPlace::Reserved);
    queue.scheduled = data.tasks.count(TaskPlace::Scheduled);
    queue.takenPerSecond = script.value(Metric::QueueTaken, when);
    queue.endedPerSecond = script.value(Metric::QueueEnded, when);
    queue.oldest = seconds(script.situation().waitingTasks > 100 ? 780 : 6);
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
    {"GET", "/api/tasks/{id}", 0.33, 0.5, 0.05, 0, 0.01},
    {"GET", "/api/quotes", 0.21, 0.7, 0.1, 0.02},
    {"GET", "/api/watchlists", 0.14, 0.9, 0},
    {"POST", "/start-analysis", 0.09, 1.6, 0.55, 0.12},
    {"GET", "/dashboard", 0.08, 1.2, 0.1},
    {"GET", "/api/portfolios/{id}/summary", 0.06, 1.9, 0.2},
    {"POST", "/auth/login", 0.04, 2.4, 0, 0.25},
    {"GET", "/ws", 0.03, 0, 0},
    {"other", "other", 0.02, 0.2, 0, 0, 1},
};

void fillHttp(Snapshot &snapshot, const Script &script, bool longNames, double second)
{
    const auto at = [&](Metric metric) { return script.value(metric, second).value_or(0); };
    HttpFigures &http = snapshot.http;
    TrafficFigures &all = http.traffic;
    all.perSecond = at(Metric::RequestRate);
    all.requests = std::uint64_t(all.perSecond * 60);
    all.errors = std::uint64_t(double(all.requests) * at(Metric::ErrorRate));
    all.p50 = at(Metric::ResponseP50);
    all.p95 = at(Metric::ResponseP95);
    all.p99 = at(Metric::ResponseP99);
    http.errorRate = at(Metric::ErrorRate);
    for (const RouteShape &shape : routes) {
        RouteFigures route;
        route.method = shape.method;
        route.route = shape.route;
        if (longNames)
            route.route += "/organisations/{organisation}/departments/{department}/portfolios/{portfolio}/holdings";
        route.stream = shape.slowness == 0;
        route.traffic.perSecond = all.perSecond * shape.share;
        route.traffic.requests = std::uint64_t(double(all.requests) * shape.share);
        route.traffic.errors = std::uint64_t(double(all.errors) * shape.failing);
        route.traffic.refused = std::uint64_t(double(route.traffic.requests) * shape.refused);
        route.traffic.notFound = std::uint64_t(double(route.traffic.requests) * shape.notFound);
        all.refused += route.traffic.refused;
        all.notFound += route.traffic.notFound;
        if (!route.stream && route.traffic.requests >= 20) {
            route.traffic.p50 = *all.p50 * shape.slowness;
            route.traffic.p95 = *all.p95 * shape.slowness;
            route.traffic.p99 = *all.p99 * shape.slowness;
        }
        http.routes.push_back(std::move(route));
    }
    http.connections = whole(script.value(Metric::HttpConnections, second));
    http.webSockets = 5;
    http.refusedConnections = 0;
    http.cutConnections = 1;
}

std::vector<LinkStatus> linksOf(const Script &script, double second)
{
    const auto away = script.situation().redisAwaySince;
    LinkStatus redis{"redis", true, seconds(86400), 0.0002, {}};
    if (away && second > *away)
        redis = {"redis", false, seconds(std::int64_t(second - *away)), std::nullopt,
                 "127.0.0.1:6379: connection refused"};
    return {redis, {"database", true, seconds(86400), 0.0011, {}}};
}

Zone verdictOf(const std::vector<Reading> &readings)
{
    Zone worst = Zone::Unknown;
    bool away = false;
    for (const Reading &reading : readings) {
        worst = std::max(worst, reading.zone);
        away |= reading.unknown == Unknown::Away;
    }
    return away && worst == Zone::Green ? Zone::Unknown : worst;
}

} // namespace

Snapshot makeSnapshot(const Script &script, const DemoData &data, double second, WallTime start, std::uint64_t sequence)
{
    const Situation &situation = script.situation();
    Snapshot snapshot;
    snapshot.time = start + std::chrono::milliseconds(std::int64_t(second * 1000));
    snapshot.sequence = sequence;
    snapshot.tier = "small";
    snapshot.version = "0.1.0";
    snapshot.instance = "demo";
    snapshot.uptime = situation.empty ? seconds(1) : seconds(86400 + std::int64_t(second));
    for (const Light &light : lights())
        snapshot.readings.push_back(readingOf(script, light, second));
    snapshot.verdict = verdictOf(snapshot.readings);
    if (situation.empty) {
        snapshot.links = {{"redis", std::nullopt, std::nullopt, std::nullopt, {}},
                          {"database", std::nullopt, std::nullopt, std::nullopt, {}}};
        return snapshot;
    }
    snapshot.links = linksOf(script, second);
    fillRedis(snapshot, script, data, second);
    fillQueue(snapshot, script, data, second);
    fillHttp(snapshot, script, situation.longNames, second);
    const double busy = script.value(Metric::DbPool, second).value_or(0);
    snapshot.dbPools = {{"primary", 4, std::uint64_t(std::llround(busy * 4)), 0}};
    snapshot.users.concurrent = whole(script.value(Metric::ConcurrentUsers, second));
    snapshot.users.today = 63;
    snapshot.users.registered = data.users.count();
    snapshot.users.sessions = whole(script.value(Metric::Sessions, second));
    return snapshot;
}

} // namespace portolan::demo
