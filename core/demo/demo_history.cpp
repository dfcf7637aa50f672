// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"
#include "core/api/zone_series.h"
#include "core/demo/demo_data.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace portolan::demo {

namespace {

/// By label; what is not known is not in it.
using Figures = std::map<std::string, double>;
using Estimated = std::optional<Estimate> FamilyFigures::*;

Figures zonesAt(const Script &script, double second)
{
    Figures figures;
    const auto away = script.situation().redisAwaySince;
    for (const Light &light : lights()) {
        const bool down = away && second > *away && linkOf(light.resource) == "redis";
        const auto value = script.value(metricOf(light), second);
        if (!value && !down)
            continue;
        const Zone zone = down ? Zone::Red : zoneOf(*value, {light.yellow, light.red}, redWhenReached(light.resource));
        figures.emplace(zoneMetric(light.resource).labels.at("resource"), double(zone) - double(Zone::Green));
    }
    return figures;
}

Figures familiesAt(const Script &script, const DemoData &data, double second, Estimated figure)
{
    Figures figures;
    if (!script.value(metric::redisMemory, second))
        return figures;
    for (const FamilyFigures &family : demo::familiesAt(script, data, second).families)
        if (const auto &estimate = family.*figure)
            figures.emplace(family.family, estimate->value);
    return figures;
}

std::optional<double> ofRoute(std::string_view name, const TrafficFigures &traffic)
{
    if (name == metric::routeP95)
        return traffic.p95;
    return name == metric::routeRequests ? traffic.perSecond : double(traffic.errors) / 60;
}

Figures routesAt(const Script &script, bool longNames, std::string_view name, double second)
{
    Figures figures;
    if (!script.value(metric::requestRate, second))
        return figures;
    for (const RouteFigures &route : httpAt(script, longNames, second).routes)
        if (const auto value = ofRoute(name, route.traffic))
            figures.emplace(route.method == route.route ? route.route : route.method + ' ' + route.route, *value);
    return figures;
}

Figures figuresAt(const Script &script, const DemoData &data, std::string_view name, double second)
{
    if (name == metric::zone)
        return zonesAt(script, second);
    if (name == metric::familyBytes)
        return familiesAt(script, data, second, &FamilyFigures::bytes);
    if (name == metric::familyKeys)
        return familiesAt(script, data, second, &FamilyFigures::keys);
    if (name == metric::routeRequests || name == metric::routeErrors || name == metric::routeP95)
        return routesAt(script, data.longNames, name, second);
    Figures figures;
    if (const auto waiting = script.value(metric::queueWaiting, second); waiting && name == metric::queueDepth)
        figures.emplace("celery", std::round(*waiting));
    if (const auto busy = script.value(metric::dbPool, second); busy && name == metric::dbPoolUse)
        figures.emplace("primary", std::round(*busy * 4) / 4);
    else if (busy && name == metric::dbPoolWaiting)
        figures.emplace("primary", 0);
    return figures;
}

struct Sum
{
    double low = 1e300;
    double high = -1e300;
    double all = 0;
    int count = 0;
};

} // namespace

std::vector<Series> labelledSeries(const Script &script, const DemoData &data, const Metric &asked, double from,
                                   double to, std::uint32_t most, WallTime start, double finest)
{
    const double wide = stepFor(from, to, most, finest);
    const std::chrono::seconds step{std::int64_t(wide)};
    const std::string label(findKind(asked.name)->label);
    std::map<std::string, Series> found;
    if (!asked.labels.empty())
        found.emplace(asked.labels.at(label), Series{asked, step, {}});
    for (double second = std::floor(from / wide) * wide; second < to; second += wide) {
        std::map<std::string, Sum> sums;
        for (int i = 0; i < samplesOf(wide); ++i) {
            for (const auto &[name, value] : figuresAt(script, data, asked.name, second + wide * i / samplesOf(wide))) {
                Sum &sum = sums[name];
                sum.low = std::min(sum.low, value);
                sum.high = std::max(sum.high, value);
                sum.all += value;
                ++sum.count;
            }
        }
        const WallTime time = start + std::chrono::milliseconds(std::int64_t(second * 1000));
        for (const auto &[name, sum] : sums) {
            if (!asked.labels.empty() && !found.contains(name))
                continue;
            auto &series = found.try_emplace(name, Series{{asked.name, {{label, name}}}, step, {}}).first->second;
            series.points.push_back({time, sum.low, sum.high, sum.all / sum.count});
        }
    }
    std::vector<Series> all;
    for (auto &[name, series] : found)
        all.push_back(std::move(series));
    return all;
}

} // namespace portolan::demo
