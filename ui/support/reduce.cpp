#include "ui/support/reduce.h"

#include <algorithm>

namespace portolan::ui {

std::vector<PixelColumn> reduce(const Series &series, WallTime from, WallTime to, int columns)
{
    std::vector<PixelColumn> result(std::size_t(std::max(columns, 0)));
    if (result.empty() || to <= from)
        return result;
    const auto &points = series.points;
    const auto begin = std::ranges::lower_bound(points, from, {}, &Point::time);
    const auto end = std::lower_bound(begin, points.end(), to, [](const Point &p, WallTime t) { return p.time < t; });
    const double perColumn = double((to - from).count()) / columns;
    const WallTime::duration hole = 2 * series.step;
    auto point = begin;
    WallTime before = point == end ? from : point->time;
    for (std::size_t column = 0; column < result.size() && point != end; ++column) {
        const bool last = column + 1 == result.size();
        const WallTime until = last ? to : from + WallTime::duration(std::int64_t(perColumn * double(column + 1)));
        PixelColumn &pixel = result[column];
        double low = point->low, high = point->high, sum = 0;
        std::size_t count = 0;
        for (; point != end && point->time < until; ++point, ++count) {
            low = std::min(low, point->low);
            high = std::max(high, point->high);
            sum += point->mean;
            pixel.gap |= point->time - before > hole;
            before = point->time;
        }
        if (count > 0) {
            pixel.low = low;
            pixel.high = high;
            pixel.mean = sum / double(count);
            pixel.any = true;
        }
    }
    return result;
}

} // namespace portolan::ui
