// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/storage/history_points.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

/// What was not measured here, from points that somebody else measured of the same things.
namespace portolan::storage {

/// Another's points, of which only what is missing here is taken.
struct HistoryFill
{
    std::chrono::seconds step{60}; ///< of all rows: a minute or an hour
    WallTime from{};               ///< nothing is taken of what was before it …
    WallTime to{};                 ///< … or from then on
    std::vector<SeriesRows> series;
    /// For each of these, minutes that were measured here and are not in the file yet.
    std::vector<std::vector<HistoryRow>> held;
};

struct Filled
{
    std::uint64_t rows = 0;            ///< that were put there; of some only a part
    std::optional<WallTime> last = {}; ///< what the latest of them tells of
    bool operator==(const Filled &) const = default;
};

/// What of the time that `row` tells of nobody has told: the row cut to that, in pieces, oldest first. A value stands
/// for a second, so a piece begins a second after what is known before it and ends a second before what is known after.
/// Each has the row's extremes and mean, which say nothing closer, and its part of the count. `known`: rows of `step`.
std::vector<HistoryRow> missingOf(const HistoryRow &row, const std::vector<HistoryRow> &known,
                                  std::chrono::seconds step);

/// Puts into the file what is missing there, in one transaction of the caller's: nothing that was measured here is
/// changed, and to do it twice changes nothing.
///
/// Minutes: a row is cut to what no row of the file and none that is held covers (missingOf), and put there as one that
/// was measured here would be, with its hour. A hole of briefGap and less within a row is none.
///
/// Hours, which tell of no hole within them: the file's hour is filled up to as many values as the other has of it, for
/// both have one a second. So they serve where nobody has minutes, and not where minutes of the same time follow.
Result<Filled> putMissing(DatabaseConnection &connection, const HistoryFill &fill);

} // namespace portolan::storage
