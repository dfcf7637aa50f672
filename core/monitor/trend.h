// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace portolan::monitor {

struct TrendOptions
{
    std::chrono::milliseconds spacing{5000}; ///< between the points kept; values in between are skipped
    std::size_t points = 60;                 ///< the window: 5 min
    std::size_t least = 24;                  ///< points below which nothing is said: 2 min
};

/// The slope of a noisy series: the median of the slopes between all pairs of points (Theil–Sen), which a few wild
/// values cannot move. It is significant when its 99 % interval (from Kendall's statistic; Sen, "Estimates of the
/// regression coefficient based on Kendall's tau", J. Am. Stat. Assoc. 63, 1968) has zero outside, and when it goes on:
/// a step slopes the window long after it was taken. The test takes points to be independent; so values that are
/// themselves sliding over the last minute need a `spacing` of a minute. At most points²/2 slopes are computed, once
/// per new point. One caller at a time.
class Trend final
{
public:
    explicit Trend(TrendOptions options = {}) : m_options(options) {}

    void add(double value, SteadyTime now);
    void clear();

    struct Line
    {
        double slope = 0; ///< per second
        double low = 0;   ///< 99 % interval
        double high = 0;
        double now = 0; ///< the line's value at the latest point
    };
    /// Nothing when there are too few points or the slope is not significant.
    const std::optional<Line> &line() const { return m_line; }

    /// Until the line gets from `from` to `threshold`; nothing unless it goes there, and within 24 times the time its
    /// points cover: five minutes do not tell what comes in a day.
    std::optional<std::chrono::seconds> timeTo(double threshold, double from) const;

private:
    struct Point
    {
        double at; ///< seconds since the first point
        double value;
    };
    void fit();
    bool goesOn(double slope) const;

    TrendOptions m_options;
    std::deque<Point> m_points;
    std::optional<SteadyTime> m_origin;
    std::optional<SteadyTime> m_last;
    std::optional<Line> m_line;
};

} // namespace portolan::monitor
