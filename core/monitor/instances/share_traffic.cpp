// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/share_traffic.h"

#include "core/monitor/instances/share_bytes.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace portolan::monitor::instances {

namespace {

using telemetry::TrafficSlices;
using Part = TrafficSlices::Part;
using Route = TrafficSlices::Route;

constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

bool isEmpty(const Part &part) { return part.hits.empty() && part.unanswered == telemetry::Unanswered(); }

bool isOther(const Route &route) { return route == otherRoute(route.stream); }

/// Parts of one route in one slice as one.
class Sum final
{
public:
    void add(const Part &part)
    {
        m_unanswered += part.unanswered;
        for (const auto &hit : part.hits) {
            if (hit.bucket >= m_counts.size() || hit.count == 0)
                continue;
            const std::uint64_t sum = std::uint64_t(m_counts[hit.bucket]) + hit.count;
            m_counts[hit.bucket] =
                std::uint32_t(std::min<std::uint64_t>(sum, std::numeric_limits<std::uint32_t>::max()));
            m_first = std::min<std::size_t>(m_first, hit.bucket);
            m_end = std::max<std::size_t>(m_end, hit.bucket + 1u);
        }
    }
    Part take(std::uint32_t route)
    {
        Part part{route, std::exchange(m_unanswered, {}), {}};
        for (std::size_t bucket = m_first; bucket < m_end; ++bucket)
            if (const std::uint32_t count = std::exchange(m_counts[bucket], 0))
                part.hits.push_back({std::uint16_t(bucket), count});
        m_first = m_counts.size();
        m_end = 0;
        return part;
    }

private:
    std::array<std::uint32_t, telemetry::latency::bucketCount> m_counts{};
    std::size_t m_first = telemetry::latency::bucketCount;
    std::size_t m_end = 0;
    telemetry::Unanswered m_unanswered;
};

/// How often each route was asked; nothing: not at all.
std::vector<std::optional<std::uint64_t>> asked(const TrafficSlices &traffic)
{
    std::vector<std::optional<std::uint64_t>> result(traffic.routes.size());
    for (const auto &slice : traffic.slices) {
        for (const Part &part : slice.parts) {
            if (slice.age >= TrafficSlices::span || part.route >= result.size() || isEmpty(part))
                continue;
            std::uint64_t count = result[part.route].value_or(0);
            for (const auto &hit : part.hits)
                count += hit.count;
            result[part.route] = count;
        }
    }
    return result;
}

/// The names that are told, in order, and which of them each route counts as.
struct Names
{
    std::vector<Route> told;
    std::vector<std::uint32_t> indexOf; ///< nowhere: not asked
};

Names namesOf(const TrafficSlices &traffic, std::size_t mostRoutes)
{
    const auto counts = asked(traffic);
    std::vector<std::uint32_t> byCount;
    for (std::uint32_t route = 0; route < counts.size(); ++route)
        if (counts[route])
            byCount.push_back(route);
    std::ranges::sort(byCount, [&](std::uint32_t a, std::uint32_t b) {
        return counts[a] != counts[b] ? counts[a] > counts[b] : traffic.routes[a] < traffic.routes[b];
    });
    std::vector<std::pair<std::uint32_t, Route>> names;
    std::size_t left = mostRoutes;
    for (const std::uint32_t route : byCount) {
        const Route &name = traffic.routes[route];
        const bool byName = !isOther(name) && hasShownName(name) && left > 0;
        left -= byName;
        names.emplace_back(route, byName ? name : otherRoute(name.stream));
    }
    Names result;
    for (const auto &[route, name] : names)
        result.told.push_back(name);
    std::ranges::sort(result.told);
    result.told.erase(std::unique(result.told.begin(), result.told.end()), result.told.end());
    result.indexOf.assign(traffic.routes.size(), nowhere);
    for (const auto &[route, name] : names)
        result.indexOf[route] = std::uint32_t(std::ranges::lower_bound(result.told, name) - result.told.begin());
    return result;
}

} // namespace

bool hasShownName(const Route &route)
{
    return !route.method.empty() && route.method.size() <= maxMethodBytes && isShownText(route.method) &&
           !route.path.empty() && route.path.size() <= maxPathBytes && isShownText(route.path);
}

TrafficSlices condensed(const TrafficSlices &traffic, std::chrono::milliseconds width, std::size_t mostRoutes)
{
    Names names = namesOf(traffic, mostRoutes);
    struct Group
    {
        std::chrono::milliseconds age = TrafficSlices::span;
        std::vector<std::pair<std::uint32_t, const Part *>> parts;
    };
    std::map<std::int64_t, Group> groups;
    for (const auto &slice : traffic.slices) {
        const auto age = std::max(slice.age, std::chrono::milliseconds(0));
        if (age >= TrafficSlices::span)
            continue;
        for (const Part &part : slice.parts) {
            if (part.route >= names.indexOf.size() || isEmpty(part))
                continue;
            Group &group = groups[age / width];
            group.age = std::min(group.age, age);
            group.parts.emplace_back(names.indexOf[part.route], &part);
        }
    }
    TrafficSlices result{traffic.covered, traffic.answered, traffic.unanswered, std::move(names.told), {}};
    Sum sum;
    for (auto &[index, group] : groups) {
        std::ranges::sort(group.parts, {}, &std::pair<std::uint32_t, const Part *>::first);
        auto &slice = result.slices.emplace_back();
        slice.age = group.age;
        for (auto part = group.parts.begin(); part != group.parts.end();) {
            const std::uint32_t route = part->first;
            for (; part != group.parts.end() && part->first == route; ++part)
                sum.add(*part->second);
            slice.parts.push_back(sum.take(route));
        }
    }
    return result;
}

} // namespace portolan::monitor::instances
