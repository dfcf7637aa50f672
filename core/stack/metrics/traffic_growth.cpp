// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/traffic_growth.h"

#include <cmath>
#include <limits>
#include <utility>

namespace portolan::stack {

namespace {

std::uint64_t whole(double count)
{
    return count > 0 && count < 1e18 ? static_cast<std::uint64_t>(std::llround(count)) : 0;
}

} // namespace

Growth &Growth::operator+=(const Growth &other)
{
    requests += other.requests;
    errors += other.errors;
    refused += other.refused;
    notFound += other.notFound;
    timed += other.timed;
    for (const auto &[bound, count] : other.times)
        times[bound] += count;
    return *this;
}

Buckets Growth::wholeTimes() const
{
    Buckets whole = times;
    if (!whole.empty())
        whole.try_emplace(std::numeric_limits<double>::infinity(), timed);
    return whole;
}

void TrafficWindow::add(Slice slice)
{
    m_slices.push_back(std::move(slice));
    while (m_slices.size() > leastSlices && m_slices.back().to - m_slices[1].from >= least)
        m_slices.pop_front();
}

Slice TrafficWindow::sum() const
{
    Slice all;
    for (const Slice &slice : m_slices) {
        all.all += slice.all;
        for (const auto &[key, growth] : slice.routes)
            all.routes[key] += growth;
        all.hits += slice.hits;
        all.misses += slice.misses;
    }
    return all;
}

TrafficFigures trafficOf(const Growth &growth, double seconds)
{
    TrafficFigures figures;
    figures.requests = whole(growth.requests);
    figures.errors = whole(growth.errors);
    figures.refused = whole(growth.refused);
    figures.notFound = whole(growth.notFound);
    figures.perSecond = seconds > 0 ? growth.requests / seconds : 0;
    return figures;
}

} // namespace portolan::stack
