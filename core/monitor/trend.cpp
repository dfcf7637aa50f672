// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/trend.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace portolan::monitor {

namespace {

constexpr double z99 = 2.5758;       ///< two-sided 99 % of the normal distribution
constexpr double leastOfSlope = 0.4; ///< of the whole window's, the younger half's is
constexpr double horizon = 24;       ///< times as long as was looked at, a line is continued

double median(std::vector<double> &values)
{
    const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2)
        return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

} // namespace

void Trend::add(double value, SteadyTime now)
{
    if (m_last && now - *m_last < m_options.spacing)
        return;
    if (!m_origin)
        m_origin = now;
    m_last = now;
    m_points.push_back({std::chrono::duration<double>(now - *m_origin).count(), value});
    if (m_points.size() > m_options.points)
        m_points.pop_front();
    fit();
}

void Trend::clear()
{
    m_points.clear();
    m_origin.reset();
    m_last.reset();
    m_line.reset();
}

void Trend::fit()
{
    m_line.reset();
    const std::size_t n = m_points.size();
    if (n < std::max<std::size_t>(m_options.least, 3))
        return;
    std::vector<double> slopes;
    slopes.reserve(n * (n - 1) / 2);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j)
            slopes.push_back((m_points[j].value - m_points[i].value) / (m_points[j].at - m_points[i].at));
    std::sort(slopes.begin(), slopes.end());

    const double count = double(slopes.size());
    const double size = double(n);
    const double spread = z99 * std::sqrt(size * (size - 1) * (2 * size + 5) / 18);
    const double lowRank = (count - spread) / 2;
    const double highRank = (count + spread) / 2;
    if (lowRank < 0 || highRank >= count)
        return;
    Line line;
    line.low = slopes[std::size_t(lowRank)];
    line.high = slopes[std::size_t(highRank)];
    if (line.low <= 0 && line.high >= 0)
        return;
    line.slope = median(slopes);
    if (!goesOn(line.slope))
        return;
    std::vector<double> heights;
    for (const Point &point : m_points)
        heights.push_back(point.value - line.slope * point.at);
    line.now = median(heights) + line.slope * m_points.back().at;
    m_line = line;
}

/// A step that has long been taken slopes the whole window, but not its younger half.
bool Trend::goesOn(double slope) const
{
    std::vector<double> slopes;
    for (std::size_t i = m_points.size() / 2; i < m_points.size(); ++i)
        for (std::size_t j = i + 1; j < m_points.size(); ++j)
            slopes.push_back((m_points[j].value - m_points[i].value) / (m_points[j].at - m_points[i].at));
    return !slopes.empty() && median(slopes) / slope > leastOfSlope;
}

std::optional<std::chrono::seconds> Trend::timeTo(double threshold, double from) const
{
    if (!m_line || m_line->slope == 0)
        return std::nullopt;
    const double seconds = (threshold - from) / m_line->slope;
    if (!(seconds >= 0) || seconds > horizon * (m_points.back().at - m_points.front().at))
        return std::nullopt;
    return std::chrono::seconds(std::llround(seconds));
}

} // namespace portolan::monitor
