// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/history.h"
#include "core/api/result.h"
#include "core/storage/database_connection.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// The points of the history file, and how many of them stay. On the store's thread.
namespace portolan::storage {

/// One metric over one step of time.
struct HistoryRow
{
    WallTime time{}; ///< beginning of the step; of a minute that has a gap, also where it goes on after that
    double low = 0;
    double high = 0;
    double mean = 0;
    std::uint32_t count = 0; ///< values it is made of
    /// When the first and the last of them were measured; nothing: written by an earlier version, which did not tell.
    std::optional<WallTime> first = {};
    std::optional<WallTime> last = {};
    bool operator==(const HistoryRow &) const = default;
};

/// Rows of one series.
struct SeriesRows
{
    Metric metric;
    std::vector<HistoryRow> rows;
};

/// How much of what is kept.
struct HistoryBounds
{
    std::uint64_t bytes = 200ull * 1024 * 1024; ///< beyond these the oldest points with labels go
    std::int64_t labelled = 1000;               ///< series with labels
};

namespace keep {
constexpr std::chrono::seconds minute{60};
constexpr std::chrono::seconds hour{3600};
constexpr std::chrono::days minutes{31};
constexpr std::chrono::days hours{730};
constexpr std::chrono::days labelledMinutes{2};
constexpr std::chrono::days labelledHours{90};
} // namespace keep

/// Whether nothing was measured for so long before `next` that the two do not become one row of a minute.
bool isApart(const std::optional<WallTime> &last, const std::optional<WallTime> &next);
/// The same of two rows, whichever was first.
bool areApart(const HistoryRow &one, const HistoryRow &other);

/// Takes what another row of the same series and time says into this one.
void mergeInto(HistoryRow &row, const HistoryRow &other);

/// Rows of one minute and series, in any order, as they are kept: those that are not apart are one, oldest first, and
/// each but the first begins with the second in which it goes on.
std::vector<HistoryRow> piecesOf(std::vector<HistoryRow> rows);

/// Adds minutes to what is there of the minute that they go on from, and to its hour.
Result<void> putMinutes(DatabaseConnection &connection, const SeriesRows &series);

/// The number of a series, which is made where there is none.
Result<std::int64_t> makeSeries(DatabaseConnection &connection, const Metric &metric);
/// Adds a row to what is there of its minute, as putMinutes() does, or of its hour: to that one step alone.
Result<void> putRow(DatabaseConnection &connection, std::int64_t series, const HistoryRow &row,
                    std::chrono::seconds step);
/// Of a series with labels: it had a value then.
Result<void> noteSeen(DatabaseConnection &connection, std::int64_t series, WallTime latest);

/// Rows with from ≤ time < to, oldest first.
Result<std::vector<HistoryRow>> rowsOf(DatabaseConnection &connection, const Metric &metric, std::chrono::seconds step,
                                       WallTime from, WallTime to);
Result<bool> hasMinutes(DatabaseConnection &connection, const Metric &metric, WallTime from, WallTime to);

/// Those of a name that has a label, written last first; at most `most`.
Result<std::vector<Metric>> labelSets(DatabaseConnection &connection, std::string_view name, std::int64_t most);

/// When the last value was measured, in milliseconds since 1970; 0: there is none, or none that tells. What lies ahead
/// of `now` was measured while the clock was fast, and does not count.
Result<std::int64_t> lastMeasured(DatabaseConnection &connection, WallTime now);

/// Throws away what is too old by the clock and by what has been measured since, and what is too much.
Result<void> trimPoints(DatabaseConnection &connection, WallTime now, const HistoryBounds &bounds);

} // namespace portolan::storage
