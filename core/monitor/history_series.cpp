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

void addPoint(std::vector<Covered> &points, WallTime time, const storage::HistoryRow &row, WallTime end)
{
    points.push_back({row.first, row.last, {time, row.low, row.high, row.mean}, end});
}

/// A point for each row.
Series each(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step)
{
    const bool ofPieces = step == storage::HistoryStore::minute;
    std::vector<Covered> points;
    points.reserve(rows.size());
    for (const auto &row : rows)
        addPoint(points, row.time, row,
                 row.time + step - (ofPieces ? row.time.time_since_epoch() % step : WallTime::duration(0)));
    return {metric, step, pointsOf(std::move(points), step)};
}

/// Where the spans of time begin that are merged: with a step of its own.
WallTime beginOf(const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step)
{
    const auto first = std::chrono::floor<std::chrono::seconds>(rows.front().time);
    return first - first.time_since_epoch() % step;
}

/// A point for each `span` that has rows, a multiple of `step`.
Series merged(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
              std::chrono::seconds span)
{
    const WallTime first = beginOf(rows, step);
    std::vector<Covered> points;
    for (std::size_t at = 0; at < rows.size();) {
        const auto index = (rows[at].time - first) / span;
        auto one = rows[at];
        for (++at; at < rows.size() && (rows[at].time - first) / span == index; ++at)
            storage::mergeInto(one, rows[at]);
        addPoint(points, first + index * span, one, first + (index + 1) * span);
    }
    // Of seconds there are holes between points, not within them.
    return {metric, span, pointsOf(std::move(points), step == std::chrono::seconds(1) ? step : span)};
}

} // namespace

std::chrono::seconds resolutionFor(WallTime from, WallTime to, std::uint32_t most)
{
    for (const auto step : {storage::HistoryStore::hour, storage::HistoryStore::minute})
        if ((to - from) / step >= (most + 1) / 2)
            return step;
    return std::chrono::seconds(1);
}

std::chrono::seconds resolutionOf(std::chrono::seconds step)
{
    for (const auto coarser : {storage::HistoryStore::hour, storage::HistoryStore::minute})
        if (step % coarser == std::chrono::seconds(0))
            return coarser;
    return std::chrono::seconds(1);
}

Series seriesOf(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
                std::uint32_t most)
{
    if (rows.size() <= most)
        return each(metric, rows, step);
    const auto range = std::chrono::ceil<std::chrono::seconds>(rows.back().time - beginOf(rows, step)) + step;
    // Whole steps, rounded up: so no more spans than wanted.
    const auto steps = (range / step + most - 1) / most;
    return merged(metric, rows, step, step * std::max<std::int64_t>(steps, 1));
}

Series seriesAtLeast(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
                     std::chrono::seconds least)
{
    if (least <= step)
        return each(metric, rows, step);
    const auto span = step * ((least + step - std::chrono::seconds(1)) / step);
    return rows.empty() ? Series{metric, span, {}} : merged(metric, rows, step, span);
}

Series followedBy(Series coarse, WallTime then, Series fine, std::optional<WallTime> lastBefore)
{
    Series both{fine.metric, fine.step, {}};
    for (Point point : coarse.points) {
        const bool lastOnes = endOf(point, coarse.step) >= then && lastBefore && *lastBefore < then;
        point.until = std::min({endOf(point, coarse.step), then, lastOnes ? WallTime(*lastBefore + holds) : then});
        if (beginOf(point) < *point.until)
            both.points.push_back(point);
    }
    both.points.insert(both.points.end(), fine.points.begin(), fine.points.end());
    return both;
}

Series filledBetween(Series fine, const Series &minutes, WallTime from, WallTime to)
{
    const auto after = std::ranges::find_if(fine.points, [&](const Point &one) { return beginOf(one) > from; });
    WallTime first = from + holds, last = to;
    if (after != fine.points.begin())
        first = std::max(first, endOf(*(after - 1), fine.step));
    if (after != fine.points.end())
        last = std::min(last, beginOf(*after));
    std::vector<Point> between;
    for (Point point : minutes.points) {
        const WallTime until = std::min(endOf(point, minutes.step), last);
        point.time = std::max(beginOf(point), first);
        point.from = std::nullopt;
        point.until = until;
        if (point.time < until)
            between.push_back(point);
    }
    fine.points.insert(after, between.begin(), between.end());
    return fine;
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

void addRows(std::vector<storage::HistoryRow> &rows, std::vector<storage::HistoryRow> more, std::chrono::seconds step)
{
    if (more.empty())
        return;
    std::ranges::move(more, std::back_inserter(rows));
    std::ranges::stable_sort(rows, {}, &storage::HistoryRow::time);
    const auto stepOf = [step](const storage::HistoryRow &row) {
        return row.time - row.time.time_since_epoch() % step;
    };
    std::vector<storage::HistoryRow> joined;
    joined.reserve(rows.size());
    for (auto row = rows.begin(); row != rows.end();) {
        const auto next = std::find_if(row, rows.end(), [&](const auto &one) { return stepOf(one) != stepOf(*row); });
        if (step == storage::HistoryStore::minute && next - row > 1) {
            std::ranges::move(storage::piecesOf({row, next}), std::back_inserter(joined));
        } else {
            joined.push_back(*row);
            std::for_each(row + 1, next, [&](const auto &one) { storage::mergeInto(joined.back(), one); });
        }
        row = next;
    }
    rows = std::move(joined);
}

} // namespace portolan::monitor
