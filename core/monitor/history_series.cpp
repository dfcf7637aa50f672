// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history_series.h"

#include <algorithm>

namespace portolan::monitor {
namespace {

/// About as long as a value holds: they come once a second.
constexpr std::chrono::seconds holds{1};

/// What `point` tells of the rows it is made of.
struct Covered
{
    std::optional<WallTime> first, last;
    Point point;
    WallTime end; ///< of its step
};

/// Points, with what they cover where it is not all of their step.
std::vector<Point> pointsOf(std::vector<Covered> all, std::chrono::seconds step)
{
    std::vector<Point> points;
    points.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto &[first, last, point, end] = all[i];
        if (end < point.time + step) // it began within its step
            point.until = end;
        if (first && last && step >= storage::HistoryStore::minute) {
            if (storage::isApart(i > 0 ? all[i - 1].last : point.time, first))
                point.from = first;
            if (storage::isApart(last, i + 1 < all.size() ? all[i + 1].first : end))
                point.until = std::min(WallTime(*last + holds), end);
        }
        points.push_back(point);
    }
    return points;
}

} // namespace

std::chrono::seconds resolutionFor(WallTime from, WallTime to, std::uint32_t most)
{
    for (const auto step : {storage::HistoryStore::hour, storage::HistoryStore::minute})
        if ((to - from) / step >= (most + 1) / 2)
            return step;
    return std::chrono::seconds(1);
}

Series seriesOf(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
                std::uint32_t most)
{
    Series series;
    series.metric = metric;
    series.step = step;
    std::vector<Covered> points;
    const auto add = [&points](WallTime time, const storage::HistoryRow &row, WallTime end) {
        points.push_back({row.first, row.last, {time, row.low, row.high, row.mean}, end});
    };
    const bool ofPieces = step == storage::HistoryStore::minute;
    if (rows.size() <= most) {
        points.reserve(rows.size());
        for (const auto &row : rows)
            add(row.time, row,
                row.time + step - (ofPieces ? row.time.time_since_epoch() % step : WallTime::duration(0)));
        series.points = pointsOf(std::move(points), step);
        return series;
    }
    auto first = std::chrono::floor<std::chrono::seconds>(rows.front().time);
    first -= first.time_since_epoch() % step;
    const auto span = std::chrono::ceil<std::chrono::seconds>(rows.back().time - first) + step;
    // Whole steps, rounded up: so no more spans than wanted.
    const auto steps = (span / step + most - 1) / most;
    series.step = step * std::max<std::int64_t>(steps, 1);
    for (std::size_t at = 0; at < rows.size();) {
        const auto index = (rows[at].time - first) / series.step;
        auto merged = rows[at];
        for (++at; at < rows.size() && (rows[at].time - first) / series.step == index; ++at)
            storage::mergeInto(merged, rows[at]);
        add(first + index * series.step, merged, first + (index + 1) * series.step);
    }
    // Of seconds there are holes between points, not within them.
    series.points = pointsOf(std::move(points), step == std::chrono::seconds(1) ? step : series.step);
    return series;
}

Series followedBy(Series coarse, WallTime then, Series fine, std::optional<WallTime> lastBefore)
{
    Series both{fine.metric, fine.step, {}};
    for (Point point : coarse.points) {
        const bool lastOnes = endOf(point, coarse.step) >= then && lastBefore && *lastBefore < then;
        point.until = std::min(endOf(point, coarse.step), lastOnes ? WallTime(*lastBefore + holds) : then);
        if (beginOf(point) < *point.until)
            both.points.push_back(point);
    }
    both.points.insert(both.points.end(), fine.points.begin(), fine.points.end());
    return both;
}

std::vector<storage::HistoryRow> inOrder(std::vector<TakenRow> rows, std::chrono::seconds step)
{
    std::ranges::stable_sort(rows, {}, [](const TakenRow &one) { return one.row.time; });
    std::vector<TakenRow> kept;
    for (const TakenRow &one : rows) {
        const bool twice = !kept.empty() && one.row.time - kept.back().row.time < step &&
                           std::max(one.number, kept.back().number) - std::min(one.number, kept.back().number) > 1;
        if (!twice)
            kept.push_back(one);
        else if (one.number > kept.back().number)
            kept.back() = one;
    }
    std::vector<storage::HistoryRow> inOrder;
    inOrder.reserve(kept.size());
    for (const TakenRow &one : kept)
        inOrder.push_back(one.row);
    return inOrder;
}

void addRows(std::vector<storage::HistoryRow> &rows, std::vector<storage::HistoryRow> more)
{
    if (more.empty())
        return;
    std::ranges::move(more, std::back_inserter(rows));
    std::ranges::stable_sort(rows, {}, &storage::HistoryRow::time);
    std::vector<storage::HistoryRow> joined;
    joined.reserve(rows.size());
    for (auto &row : rows) {
        if (!joined.empty() && joined.back().time == row.time)
            storage::mergeInto(joined.back(), row);
        else
            joined.push_back(row);
    }
    rows = std::move(joined);
}

} // namespace portolan::monitor
