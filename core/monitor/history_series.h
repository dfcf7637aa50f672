// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "core/storage/history_store.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

/// The arithmetic of history, without clock or file.
namespace portolan::monitor {

/// The coarsest of 1 h, 1 min and 1 s that gives at least half of `most` points from `from` to `to`; 1 s if none does.
std::chrono::seconds resolutionFor(WallTime from, WallTime to, std::uint32_t most);

/// The coarsest of these of which points of `step` can be made.
std::chrono::seconds resolutionOf(std::chrono::seconds step);

/// Rows of one series, oldest first and `step` apart (of a minute with gaps, what lies between them), as points: at
/// most `most`. Where there are more, neighbours that lie in the same span of time are merged, their extremes kept, and
/// the series' step is that span. What minutes and hours were not measured throughout tell so (Point::from, until): at
/// a hole of more than briefGap between the last value of one and the first of the next, and at both ends.
Series seriesOf(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
                std::uint32_t most);

/// The same, merged only as far as each point covers `least` or more, however many there are.
Series seriesAtLeast(const Metric &metric, const std::vector<storage::HistoryRow> &rows, std::chrono::seconds step,
                     std::chrono::seconds least);

/// A coarse series up to `then`, and from there a finer one, whose step is that of both: so each point of the coarse
/// one tells what it covers. `lastBefore`: when the portal's last run measured last, which the minute does not tell in
/// which the next one began.
Series followedBy(Series coarse, WallTime then, Series fine, std::optional<WallTime> lastBefore);

/// Seconds with a hole after `from`, and in it what minutes tell of the time until `to`: cut to what lies between the
/// seconds, of which none is lost.
Series filledBetween(Series fine, const Series &minutes, WallTime from, WallTime to);

/// A row, and as how manieth it was taken.
struct TakenRow
{
    storage::HistoryRow row;
    std::size_t number = 0;
};
/// Rows in the order they were taken, by their time. Where the clock was set back, so that a time came twice, the later
/// ones count: no two that were not taken one after the other are less than a step apart.
std::vector<storage::HistoryRow> inOrder(std::vector<TakenRow> rows, std::chrono::seconds step);

/// Puts `more` (in any order) among `rows` (oldest first), all of `step`, a minute or an hour: of the same step they
/// become one, of a minute as far as they are not apart.
void addRows(std::vector<storage::HistoryRow> &rows, std::vector<storage::HistoryRow> more, std::chrono::seconds step);

} // namespace portolan::monitor
