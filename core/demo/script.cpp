// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/demo/script.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace portolan::demo {

namespace {

constexpr double mb = 1024.0 * 1024.0;
constexpr double day = 86400;
constexpr double sessionBytes = 3300;     ///< about what one takes in Redis
constexpr double monthBefore = -31 * day; ///< the portal's first hour

/// In this order each wanders in its own way.
constexpr std::pair<std::string_view, Curve> calmCurves[]{
    {metric::redisMemory, {14.2 * mb, 2.1 * mb, 0.25 * mb}},
    {metric::redisConnections, {11, 2, 1}},
    {metric::redisFragmentation, {1.18, 0.04, 0.02}},
    {metric::redisHitRatio, {0.962, 0.01, 0.006}},
    {metric::redisEvicted, {0}},
    {metric::redisCommands, {38, 9, 5}}, // of the plan's 100
    {metric::responseP50, {0.021, 0.004, 0.003}},
    {metric::responseP95, {0.184, 0.05, 0.03}},
    {metric::responseP99, {0.43, 0.09, 0.09}},
    {metric::requestRate, {6.2, 3.1, 1.2}},
    {metric::errorRate, {0.0014, 0.0005, 0.0012}},
    {metric::queueWaiting, {3}},
    {metric::queueUnacked, {4}}, // two run, one is prefetched, one has its time
    {metric::queueTaken, {0.42, 0.15, 0.1}},
    {metric::queueEnded, {0.42, 0.15, 0.1}},
    {metric::concurrentUsers, {8, 2, 1}},
    {metric::sessions, {640, 120, 15}},
    {metric::httpConnections, {14, 5, 3}},
    {metric::dbPool, {0.3, 0.1, 0.12}},
    {metric::untakenTasks, {0}},
    {metric::oldestTask, {6, 0, 2}},
    {metric::failedTasks, {0.02, 0, 0.008}},
    {metric::refused, {0.025, 0.003, 0.004}},
    {metric::disk, {0.41, 0.002}},
    {metric::redisOverhead, {3.6 * mb, 0.4 * mb, 0.05 * mb}},
    {metric::redisTraffic, {1.4 * 1024 * mb, 0.1 * 1024 * mb, 30 * mb}},
};

struct Calm
{
    Curve curve;
    std::uint64_t number;
};

const Calm &calm(std::string_view metric)
{
    static const auto all = [] {
        std::map<std::string_view, Calm> numbered;
        for (const auto &[name, curve] : calmCurves)
            numbered.emplace(name, Calm{curve, numbered.size()});
        return numbered;
    }();
    return all.at(metric);
}

/// A number in −1…1 that depends on nothing but its arguments (SplitMix64's mixing function).
double scatter(std::uint64_t seed, std::uint64_t what, std::int64_t moment)
{
    std::uint64_t x = seed * 0x9e3779b97f4a7c15ull + what * 0xbf58476d1ce4e5b9ull + std::uint64_t(moment);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    x ^= x >> 31;
    return double(x >> 11) / double(1ull << 52) - 1.0;
}

/// Scatter that is continuous: figures wander, they do not jump.
double wander(std::uint64_t seed, std::uint64_t what, double second)
{
    constexpr double period = 20;
    const double place = std::floor(second / period);
    const double part = second / period - place;
    const double smooth = part * part * (3 - 2 * part);
    const double before = scatter(seed, what, std::int64_t(place));
    const double after = scatter(seed, what, std::int64_t(place) + 1);
    return 0.8 * (before + (after - before) * smooth) + 0.2 * scatter(seed + 1, what, std::int64_t(std::floor(second)));
}

/// Besides those whose traffic light is (linkOf).
constexpr std::array alsoOfRedis{metric::redisFragmentation, metric::redisHitRatio, metric::redisEvicted,
                                 metric::queueUnacked,       metric::queueTaken,    metric::queueEnded};

bool ofRedis(std::string_view metric)
{
    const MetricKind *kind = findKind(metric);
    return (kind && kind->resource && linkOf(*kind->resource) == "redis") ||
           std::ranges::find(alsoOfRedis, metric) != alsoOfRedis.end();
}

} // namespace

const std::vector<Situation> &situations()
{
    static const std::vector<Situation> all{
        {.name = "all-green", .about = "Everything is within its limits"},
        {.name = "memory-climbing",
         .about = "Sessions fill Redis: yellow, red in about 40 minutes",
         .curves = {{metric::redisMemory, {14.5 * mb, 0, 0.05 * mb, 6.8 * mb / 4410, -4410, 29.9 * mb}},
                    {metric::sessions, {790, 0, 0, 6.8 * mb / 4410 / sessionBytes, -4410}}},
         .climbingFamily = "sessions"},
        {.name = "redis-down",
         .about = "Redis has not answered for 3 minutes",
         .curves = {{metric::errorRate, {0.08, 0, 0.004, 0, -180}}},
         .redisAwaySince = -180},
        {.name = "leak",
         .about = "An application opens connections and never closes them",
         .curves = {{metric::redisConnections, {11, 0, 0, 12.4 / 3600, -3600, 30}}}},
        {.name = "backlog",
         .about = "More tasks arrive than the workers end",
         .curves = {{metric::queueWaiting, {4, 0, 0, 236.0 / 2700, -2700}},
                    {metric::oldestTask, {6, 0, 0, 774.0 / 2700, -2700}},
                    {metric::queueTaken, {0.31, 0, 0.03}},
                    {metric::queueEnded, {0.3, 0, 0.03}},
                    {metric::responseP95, {2.3, 0, 0.1}},
                    {metric::responseP99, {3.9, 0, 0.3}},
                    {metric::dbPool, {0.72, 0, 0.02}}},
         .waitingTasks = 240},
        {.name = "no-workers",
         .about = "Tasks wait, and no worker takes them",
         .curves = {{metric::queueWaiting, {0, 0, 0, 5.0 / 90, -90, 5}},
                    {metric::queueUnacked, {0, 0, 0, 0, -90}},
                    {metric::queueTaken, {0, 0, 0, 0, -90}},
                    {metric::queueEnded, {0, 0, 0, 0, -90}},
                    {metric::untakenTasks, {0, 0, 0, 5.0 / 90, -90, 5}},
                    {metric::oldestTask, {0, 0, 0, 1, -90}}},
         .noWorkers = true,
         .waitingTasks = 5},
        {.name = "refusals",
         .about = "Limits turn a quarter of the requests away",
         .curves = {{metric::refused, {0.26, 0, 0.01}}}},
        {.name = "one-instance-hangs",
         .about = "Instances: 1 hangs (of 3), 1 newer",
         .curves = {{metric::disk, {0.8, 0, 0.0005, 0.03 / 1260, -1260, 0.99}}},
         .hangsSince = -25},
        {.name = "empty", .about = "A new portal: nothing is known yet", .empty = true, .waitingTasks = 0},
        {.name = "stale", .about = "The link is lost; the last sample is 47 seconds old", .lostSince = -47},
        {.name = "long-names", .about = "Names, addresses and routes as long as they get", .longNames = true},
    };
    return all;
}

const Situation *findSituation(std::string_view name)
{
    const auto found = std::ranges::find(situations(), name, &Situation::name);
    return found == situations().end() ? nullptr : &*found;
}

const std::vector<Light> &lights()
{
    static const std::vector<Light> all{
        {Resource::RedisMemory, 30 * mb, 20 * mb, 25 * mb},
        {Resource::RedisConnections, 30, 20, 25},
        {Resource::ResponseTime, 0, 2, 5},
        {Resource::ErrorRate, 1, 0.01, 0.05},
        {Resource::Queue, 0, 50, 200},
        {Resource::DbPool, 1, 0.8, 0.9},
        {Resource::Users, 15, 12, 15},
        {Resource::Workers, 0, 1, 1},
        {Resource::OldestTask, 0, 60, 300},
        {Resource::FailedTasks, 1, 0.05, 0.2},
        {Resource::Refused, 1, 0.05, 0.2},
        {Resource::Disk, 1, 0.8, 0.95},
        {Resource::RedisOverhead, 5 * mb, 5 * mb, 7.5 * mb},
        {Resource::RedisCommands, 100, 100 * 2 / 3.0, 100 * 5 / 6.0},
        {Resource::RedisTraffic, 5120 * mb, 5120 * mb * 2 / 3.0, 5120 * mb * 5 / 6.0},
    };
    return all;
}

const Curve &Script::curve(std::string_view metric) const
{
    const auto own = m_situation.curves.find(metric);
    return own != m_situation.curves.end() ? own->second : calm(metric).curve;
}

double Script::climb(std::string_view metric) const { return curve(metric).climb; }

double Script::most(std::string_view metric) const { return curve(metric).most; }

bool Script::known(std::string_view metric, double second) const
{
    if (m_situation.empty || second < monthBefore)
        return false;
    if (m_situation.lostSince && second > *m_situation.lostSince)
        return false;
    return !(m_situation.redisAwaySince && second > *m_situation.redisAwaySince && ofRedis(metric));
}

double Script::at(std::string_view metric, double second) const
{
    // Before it began to go wrong it was as everywhere.
    const Curve &own = curve(metric);
    const Curve &line = own.climbFrom < 0 && second < own.climbFrom ? calm(metric).curve : own;
    const std::uint64_t what = calm(metric).number;
    double value = line.base + line.noise * wander(m_seed, what, second);
    value += line.swing * std::sin(2 * M_PI * (second / day + 0.13));
    if (line.climb > 0)
        value += line.climb * std::max(0.0, second - line.climbFrom);
    for (const Shift &shift : m_shifts)
        value += shift.metric == metric && second >= shift.second ? shift.by : 0;
    return std::clamp(value, 0.0, line.most);
}

std::optional<double> Script::value(std::string_view metric, double second) const
{
    return known(metric, second) ? std::optional(at(metric, second)) : std::nullopt;
}

double stepFor(double from, double to, std::uint32_t most, double finest)
{
    double step = finest;
    for (const double coarser : {60.0, 3600.0}) {
        if ((to - from) / coarser >= most / 2.0)
            step = std::max(step, coarser);
    }
    // Neighbours are merged where even that resolution has too many.
    return std::max(step, std::ceil((to - from) / most / step) * step);
}

Series Script::series(std::string_view metric, double from, double to, std::uint32_t most, WallTime start,
                      double finest) const
{
    const double wide = stepFor(from, to, most, finest);
    Series series{metric, std::chrono::seconds(std::int64_t(wide)), {}};
    for (double second = std::floor(from / wide) * wide; second < to; second += wide) {
        if (!known(metric, second))
            continue;
        Point point{start + std::chrono::milliseconds(std::int64_t(second * 1000)), 1e300, -1e300, 0};
        const int samples = samplesOf(wide);
        for (int i = 0; i < samples; ++i) {
            const double value = at(metric, second + wide * i / samples);
            point.low = std::min(point.low, value);
            point.high = std::max(point.high, value);
            point.mean += value / samples;
        }
        series.points.push_back(point);
    }
    return series;
}

} // namespace portolan::demo
