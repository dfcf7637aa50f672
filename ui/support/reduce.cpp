// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/reduce.h"

#include <algorithm>

namespace portolan::ui {

namespace {

using Points = std::vector<Point>;

/// Until when a point tells how it stands.
WallTime heldUntil(const Points &points, Points::const_iterator point, std::chrono::seconds step)
{
    const auto next = point + 1;
    return next != points.end() && !isGap(*point, *next, step) ? beginOf(*next) : endOf(*point, step);
}

} // namespace

bool isWide(const Point &point, std::chrono::seconds step) { return endOf(point, step) - beginOf(point) > step; }

std::vector<PixelColumn> reduce(const Series &series, WallTime from, WallTime to, int columns)
{
    std::vector<PixelColumn> result(std::size_t(std::max(columns, 0)));
    if (result.empty() || to <= from)
        return result;
    const Points &points = series.points;
    const double perColumn = double((to - from).count()) / columns;
    const std::chrono::seconds step = series.step;
    auto point = std::ranges::lower_bound(points, from, {}, beginOf);
    auto latest = point == points.begin() ? points.end() : point - 1;
    WallTime begins = from;
    for (std::size_t column = 0; column < result.size(); ++column) {
        const bool last = column + 1 == result.size();
        const WallTime until = last ? to : from + WallTime::duration(std::int64_t(perColumn * double(column + 1)));
        PixelColumn &pixel = result[column];
        double sum = 0;
        std::size_t count = 0;
        for (; point != points.end() && beginOf(*point) < until; latest = point++, ++count) {
            pixel.low = count == 0 ? point->low : std::min(pixel.low, point->low);
            pixel.high = count == 0 ? point->high : std::max(pixel.high, point->high);
            sum += point->mean;
            pixel.gap |= latest != points.end() && isGap(*latest, *point, step);
        }
        if (count > 0) {
            pixel.mean = sum / double(count);
            pixel.any = true;
        } else if (latest != points.end() && begins < heldUntil(points, latest, step)) {
            pixel = {latest->low, latest->high, latest->mean, true, true, false, isWide(*latest, step)};
        }
        begins = until;
    }
    return result;
}

} // namespace portolan::ui
