// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/lights.h"

#include "core/base/names.h"

#include <algorithm>

namespace portolan::monitor {

namespace {

/// What slides over the last minute or ten does so by itself; points so far apart share nothing.
TrendOptions trendOf(Resource resource)
{
    switch (resource) {
    case Resource::ResponseTime:
    case Resource::ErrorRate:
    case Resource::Refused:
        return {std::chrono::minutes(1), 30, 8};
    case Resource::FailedTasks:
        return {std::chrono::minutes(10), 30, 8};
    default:
        return {};
    }
}

/// What there is in total, in the resource's unit; nothing where there is no such total.
std::optional<double> totalOf(Resource resource, const Tier &tier)
{
    const auto some = [](double limit) { return limit > 0 ? std::optional(limit) : std::nullopt; };
    switch (resource) {
    case Resource::RedisMemory:
        return double(tier.redis.maxmemory);
    case Resource::RedisConnections:
        return double(tier.redis.connections);
    case Resource::Users:
        return some(tier.ceilings.users);
    case Resource::RedisOverhead: {
        const auto budget = tier.memoryBudget.find("overhead");
        return budget == tier.memoryBudget.end() ? std::nullopt : some(double(budget->second));
    }
    case Resource::RedisCommands:
        return some(tier.redis.commandsPerSecond);
    case Resource::RedisTraffic:
        return some(double(tier.redis.trafficPerMonth));
    case Resource::DbPool:
    case Resource::ErrorRate:
    case Resource::FailedTasks:
    case Resource::Refused:
    case Resource::Disk:
        return 1.0;
    case Resource::ResponseTime:
    case Resource::Queue:
    case Resource::Workers:
    case Resource::OldestTask:
        break;
    }
    return std::nullopt;
}

} // namespace

Lights::Lights(const Tier &tier, const Clock &clock) : m_clock(clock)
{
    for (const auto &[resource, name] : enumNames<Resource>) {
        const auto zone = tier.zones.find(resource);
        const bool limited = zone != tier.zones.end();
        const ZoneLimits limits = limited ? zone->second : ZoneLimits{};
        const auto total = totalOf(resource, tier);
        m_lights.push_back({resource, limits, limited, total, limits, total,
                            ZoneTracker(limits, redWhenReached(resource)), Trend(trendOf(resource))});
    }
}

void Lights::bound(Resource resource, std::optional<double> told)
{
    for (Light &light : m_lights) {
        if (light.resource != resource || !light.limited || !light.total || *light.total <= 0)
            continue;
        const double limit = told.value_or(0) > 0 ? std::min(*told, *light.total) : *light.total;
        const double share = limit / *light.total;
        light.limit = limit;
        light.limits.yellow = light.planned.yellow * share;
        light.limits.red = light.planned.red * share;
        light.tracker.setLimits(light.limits);
    }
}

void Lights::lift(Resource resource)
{
    for (Light &light : m_lights) {
        if (light.resource != resource)
            continue;
        light.limited = false;
        light.limit.reset();
    }
}

void Lights::measure(Resource resource, std::optional<double> value, Unknown otherwise, std::optional<SteadyTime> at)
{
    const auto found = std::ranges::find(m_lights, resource, &Light::resource);
    if (found == m_lights.end())
        return;
    Light &light = *found;
    const SteadyTime now = m_clock.steady();
    if (value) {
        light.value = value;
        light.measured = at.value_or(now);
        light.unknown = Unknown::No;
        light.trend.add(*value, *light.measured);
    } else if (otherwise == Unknown::Away) {
        // One missed second is no outage: the last value counts until it is stale.
        if (!light.measured || now - *light.measured >= m_staleAfter)
            light.unknown = Unknown::Away;
    } else {
        light.value.reset();
        light.measured.reset();
        light.unknown = otherwise;
    }
}

Reading Lights::reading(Light &light) const
{
    const SteadyTime now = m_clock.steady();
    Reading reading;
    reading.resource = light.resource;
    reading.value = light.value;
    reading.unknown = light.unknown;
    if (light.measured)
        reading.age = std::chrono::duration_cast<Age>(now - *light.measured);
    if (!light.limited) {
        reading.unknown = Unknown::NoLimit; // for good, whatever its value does
        return reading;
    }
    reading.limit = light.limit;
    reading.yellow = light.limits.yellow;
    reading.red = light.limits.red;
    reading.zone = light.tracker.update(light.unknown == Unknown::No ? light.value : std::nullopt, now);
    if (light.tracker.since())
        reading.inZone = std::chrono::duration_cast<std::chrono::seconds>(now - *light.tracker.since());
    if (const auto &line = light.trend.line(); line && light.unknown == Unknown::No) {
        reading.slope = line->slope;
        if (const auto threshold = nextThreshold(reading.zone, light.limits); threshold && line->slope > 0)
            reading.toNextZone = light.trend.timeTo(*threshold, line->now);
    }
    return reading;
}

std::vector<Reading> Lights::readings()
{
    std::vector<Reading> all;
    all.reserve(m_lights.size());
    for (Light &light : m_lights)
        all.push_back(reading(light));
    return all;
}

} // namespace portolan::monitor
