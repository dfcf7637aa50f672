// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/catalogue.h"
#include "ui/support/reduce.h"
#include "ui/widgets/tile.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

/// The part of a tile that is arithmetic: its trend's scale and lines.
namespace portolan::ui {

namespace {

constexpr double redPart = 1.2; ///< of where red begins, to be seen above it
constexpr double room = 1.25;   ///< above the highest, where there is no limit
constexpr double beyond = 1.1;  ///< above the highest, where it goes beyond its limit

} // namespace

std::optional<TileGauge> gaugeOf(const Reading &reading)
{
    if (!reading.value || reading.unknown == Unknown::NoLimit)
        return std::nullopt;
    TileTrend scale;
    scale.red = reading.red;
    const bool whole = reading.limit && kindOf(reading.resource).form != Form::Fraction;
    if (!whole && !reading.red)
        return std::nullopt;
    // A budget may be where yellow begins, and red beyond it.
    const double full = whole && !(reading.red && *reading.red > *reading.limit) ? *reading.limit : scale.top();
    if (full <= 0)
        return std::nullopt;
    const auto part = [full](double value) { return std::clamp(value / full, 0.0, 1.0); };
    TileGauge gauge{.filled = part(*reading.value)};
    if (reading.yellow)
        gauge.yellow = part(*reading.yellow);
    if (reading.red)
        gauge.red = part(*reading.red);
    return gauge;
}

double TileTrend::top() const
{
    double most = least;
    if (red) // the whole of a share is too far away to see anything
        most = std::max(most, limit && *limit >= *red ? std::min(*limit, *red * redPart) : *red * redPart);
    else if (limit)
        most = std::max(most, *limit);
    for (const Point &point : series.points)
        most = std::max(most, point.high * (red || limit ? beyond : room));
    return most;
}

std::vector<QPolygonF> trendLines(const TileTrend &trend, const QRectF &rect)
{
    std::vector<QPolygonF> lines;
    const double top = trend.top();
    const double span = double((trend.until - trend.from).count());
    if (span <= 0 || top <= 0)
        return lines;
    const auto x = [&](WallTime time) {
        return rect.left() + std::clamp(double((time - trend.from).count()) / span, 0.0, 1.0) * rect.width();
    };
    const auto y = [&](double value) { return rect.bottom() - std::clamp(value / top, 0.0, 1.0) * rect.height(); };
    const Series &series = trend.series;
    QPolygonF line;
    std::optional<Point> before;
    for (const Point &point : series.points) {
        if (before && isGap(*before, point, series.step)) {
            lines.push_back(std::exchange(line, {}));
            before.reset();
        }
        // A point covers a time, and holds for all of it: first what is nearer to the one before, then the other
        // extreme. Of one that is much wider than the others that would be a tooth of a saw.
        const bool wide = isWide(point, series.step);
        const bool up = !before || std::abs(before->mean - point.low) <= std::abs(before->mean - point.high);
        line << QPointF(x(beginOf(point)), y(wide ? point.mean
                                             : up ? point.low
                                                  : point.high))
             << QPointF(x(endOf(point, series.step)), y(wide ? point.mean
                                                        : up ? point.high
                                                             : point.low));
        before = point;
    }
    if (!line.isEmpty())
        lines.push_back(std::move(line));
    return lines;
}

} // namespace portolan::ui
