// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/instance.h"
#include "core/stack/metrics/percentile.h"

#include <compare>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace portolan::stack {

/// What counters of answers grew by.
struct Growth
{
    double requests = 0;
    double errors = 0;   ///< status 500 and above
    double refused = 0;  ///< 429
    double notFound = 0; ///< 404
    Buckets times;       ///< by bound, in the page's unit
    double timed = 0;    ///< as the histogram counts them beside its buckets
    /// The buckets, with +Inf where the page leaves that out.
    Buckets wholeTimes() const;
    Growth &operator+=(const Growth &other);
};

struct RouteKey
{
    std::string method;
    std::string route;
    auto operator<=>(const RouteKey &) const = default;
};

/// From one page to the next.
struct Slice
{
    double from = 0; ///< seconds, on whatever clock
    double to = 0;
    Growth all;
    std::map<RouteKey, Growth> routes;
    double hits = 0;
    double misses = 0;
};

/// The last slices: as few as are 60 s together, and four at least. One thread at a time.
class TrafficWindow final
{
public:
    static constexpr double least = 60; ///< seconds
    static constexpr std::size_t leastSlices = 4;

    void add(Slice slice);
    void clear() { m_slices.clear(); }
    bool empty() const { return m_slices.empty(); }
    double seconds() const { return m_slices.empty() ? 0 : m_slices.back().to - m_slices.front().from; }
    Slice sum() const;

private:
    std::deque<Slice> m_slices;
};

/// Of what grew in so many seconds, without percentiles.
TrafficFigures trafficOf(const Growth &growth, double seconds);

} // namespace portolan::stack
