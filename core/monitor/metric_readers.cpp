// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/metric_readers.h"

#include "core/api/catalogue.h"
#include "core/base/names.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>

namespace portolan::monitor {
namespace {

/// How long requests are counted before their number says how often they come.
constexpr std::chrono::seconds leastForRate{10};

/// Takes the figures of one metric.
class Emit
{
public:
    Emit(std::string_view name, std::vector<Figure> &all) : m_name(name), m_all(all) {}
    template <class T> void operator()(const std::optional<T> &value) const
    {
        if (value)
            add({}, static_cast<double>(*value));
    }
    void add(std::string_view label, double value) const
    {
        if (std::isfinite(value))
            m_all.push_back({m_name, labelOf(label), value});
    }

private:
    std::string_view m_name;
    std::vector<Figure> &m_all;
};

struct Reader
{
    std::string_view name;
    void (*read)(const Snapshot &snapshot, const Emit &emit);
};

/// A member of what INFO tells.
template <auto member> void redis(const Snapshot &snapshot, const Emit &emit)
{
    if (isFresh(snapshot, snapshot.redis.age))
        emit(snapshot.redis.*member);
}

template <auto member> void queue(const Snapshot &snapshot, const Emit &emit)
{
    if (isFresh(snapshot, snapshot.queue.age))
        emit(snapshot.queue.*member);
}

/// What the traffic light of a resource says, while it is known.
template <Resource resource> void reading(const Snapshot &snapshot, const Emit &emit)
{
    for (const Reading &reading : snapshot.readings)
        if (reading.resource == resource && isFresh(snapshot, reading.age) && reading.unknown != Unknown::Away)
            emit(reading.value);
}

void zones(const Snapshot &snapshot, const Emit &emit)
{
    for (const Reading &reading : snapshot.readings)
        if (reading.zone != Zone::Unknown)
            emit.add(enumKey(reading.resource), double(reading.zone) - double(Zone::Green));
}

/// "GET /api/tasks/{id}"; what no route matched is "other".
std::string nameOf(const RouteFigures &route)
{
    return route.method == route.route ? route.route : route.method + ' ' + route.route;
}

template <class F> void routes(const Snapshot &snapshot, const Emit &emit, F figure)
{
    for (const RouteFigures &route : snapshot.http.routes)
        if (const std::optional<double> value = figure(route.traffic))
            emit.add(nameOf(route), *value);
}

template <auto member> void families(const Snapshot &snapshot, const Emit &emit)
{
    const FamiliesFigures &families = snapshot.families;
    if (!families.age || *families.age >= snapshot.sampling.detailsStaleAfter)
        return;
    for (const FamilyFigures &family : families.families)
        if (const std::optional<Estimate> &estimate = family.*member)
            emit.add(family.family, estimate->value);
}

/// As often as each was asked.
void queues(const Snapshot &snapshot, const Emit &emit)
{
    if (!isFresh(snapshot, snapshot.queue.age))
        return;
    for (const QueueLine &line : snapshot.queue.queues)
        emit.add(line.queue, double(line.waiting));
}

std::optional<double> useOf(const DbPoolFigures &pool)
{
    return pool.connections > 0 ? std::optional(double(pool.busy) / double(pool.connections)) : std::nullopt;
}

/// The greatest of each name, whichever instances there are, so that its series goes on when one joins or leaves; and,
/// where there are several, each one's own.
template <class F> void pools(const Snapshot &snapshot, const Emit &emit, F figure)
{
    std::map<std::string_view, double> greatest;
    for (const DbPoolFigures &pool : snapshot.dbPools) {
        const std::optional<double> value = figure(pool);
        if (!value)
            continue;
        const auto known = greatest.try_emplace(pool.name, *value).first;
        known->second = std::max(known->second, *value);
        if (!pool.instance.empty())
            emit.add(pool.name + " of " + pool.instance, *value);
    }
    for (const auto &[name, value] : greatest)
        emit.add(name, value);
}

void fullestPool(const Snapshot &snapshot, const Emit &emit)
{
    std::optional<double> most;
    for (const DbPoolFigures &pool : snapshot.dbPools)
        if (const auto use = useOf(pool))
            most = std::max(most.value_or(0), *use);
    emit(most);
}

/// In the order of what they read; the catalogue has another.
constexpr std::array readers{
    Reader{metric::responseP50, [](const Snapshot &s, const Emit &emit) { emit(s.http.traffic.p50); }},
    Reader{metric::responseP95, [](const Snapshot &s, const Emit &emit) { emit(s.http.traffic.p95); }},
    Reader{metric::responseP99, [](const Snapshot &s, const Emit &emit) { emit(s.http.traffic.p99); }},
    Reader{metric::requestRate,
           [](const Snapshot &s, const Emit &emit) {
               if (s.uptime >= leastForRate && s.http.unknown == Unknown::No)
                   emit(std::optional(s.http.traffic.perSecond));
           }},
    Reader{metric::errorRate, [](const Snapshot &s, const Emit &emit) { emit(s.http.errorRate); }},
    Reader{metric::refused, reading<Resource::Refused>},
    Reader{metric::httpConnections, [](const Snapshot &s, const Emit &emit) { emit(s.http.connections); }},
    Reader{metric::concurrentUsers, [](const Snapshot &s, const Emit &emit) { emit(s.users.concurrent); }},
    Reader{metric::sessions, [](const Snapshot &s, const Emit &emit) { emit(s.users.sessions); }},
    Reader{metric::untakenTasks, reading<Resource::Workers>},
    Reader{metric::queueWaiting, queue<&QueueFigures::waiting>},
    Reader{metric::queueUnacked, queue<&QueueFigures::unacked>},
    Reader{metric::queueTaken, [](const Snapshot &s, const Emit &emit) { emit(s.queue.takenPerSecond); }},
    Reader{metric::queueEnded, [](const Snapshot &s, const Emit &emit) { emit(s.queue.endedPerSecond); }},
    Reader{metric::oldestTask, reading<Resource::OldestTask>},
    Reader{metric::failedTasks, reading<Resource::FailedTasks>},
    Reader{metric::redisMemory, redis<&RedisFigures::usedMemory>},
    Reader{metric::redisOverhead, reading<Resource::RedisOverhead>},
    Reader{metric::redisFragmentation, redis<&RedisFigures::fragmentation>},
    Reader{metric::redisHitRatio, redis<&RedisFigures::hitRatio>},
    Reader{metric::redisEvicted, redis<&RedisFigures::evictedPerSecond>},
    Reader{metric::redisConnections, redis<&RedisFigures::connectedClients>},
    Reader{metric::redisCommands, redis<&RedisFigures::commandsPerSecond>},
    Reader{metric::redisTraffic, reading<Resource::RedisTraffic>},
    Reader{metric::dbPool, fullestPool},
    Reader{metric::disk, reading<Resource::Disk>},
    Reader{metric::zone, zones},
    Reader{metric::routeRequests,
           [](const Snapshot &s, const Emit &emit) {
               if (s.uptime >= leastForRate)
                   routes(s, emit, [](const TrafficFigures &t) { return std::optional(t.perSecond); });
           }},
    Reader{metric::routeErrors,
           [](const Snapshot &s, const Emit &emit) {
               const auto errors = [](const TrafficFigures &t) {
                   return t.requests > 0 ? std::optional(t.perSecond * double(t.errors) / double(t.requests))
                                         : std::nullopt;
               };
               if (s.uptime >= leastForRate)
                   routes(s, emit, errors);
           }},
    Reader{metric::routeP95,
           [](const Snapshot &s, const Emit &emit) { routes(s, emit, [](const TrafficFigures &t) { return t.p95; }); }},
    Reader{metric::queueDepth, queues},
    Reader{metric::familyBytes, families<&FamilyFigures::bytes>},
    Reader{metric::familyKeys, families<&FamilyFigures::keys>},
    Reader{metric::dbPoolUse, [](const Snapshot &s, const Emit &emit) { pools(s, emit, useOf); }},
    Reader{metric::dbPoolWaiting,
           [](const Snapshot &s, const Emit &emit) {
               pools(s, emit, [](const DbPoolFigures &pool) { return std::optional(double(pool.waiting)); });
           }},
};

constexpr bool haveReaders()
{
    for (const MetricKind &kind : catalogue)
        if (std::ranges::count(readers, kind.name, &Reader::name) != 1)
            return false;
    return readers.size() == catalogue.size();
}
static_assert(haveReaders(), "each metric of the catalogue has one reader");

} // namespace

std::string labelOf(std::string_view given)
{
    if (given.size() <= longestLabel && isUtf8(given))
        return std::string(given);
    // Beyond twice as many bytes nothing is left after the cut.
    const std::string text = toUtf8(given.substr(0, 2 * longestLabel));
    return std::string(cutText(text, longestLabel));
}

bool isFresh(const Snapshot &snapshot, const std::optional<Age> &age)
{
    return age && *age < snapshot.sampling.staleAfter;
}

std::vector<Figure> figuresOf(const Snapshot &snapshot)
{
    std::vector<Figure> all;
    for (const Reader &reader : readers)
        reader.read(snapshot, Emit(reader.name, all));
    return all;
}

std::vector<Figure> figuresOf(const Snapshot &snapshot, std::string_view name)
{
    std::vector<Figure> some;
    if (const auto reader = std::ranges::find(readers, name, &Reader::name); reader != readers.end())
        reader->read(snapshot, Emit(reader->name, some));
    return some;
}

} // namespace portolan::monitor
