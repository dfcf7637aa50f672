// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/history.h"
#include "core/api/result.h"
#include "core/storage/database.h"
#include "core/storage/history_fill.h"
#include "core/storage/history_points.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::storage {

/// What was measured, by minute and by hour, and what happened: a SQLite file of its own, so that writing it never
/// waits for the portal's database, and throwing it away costs nobody an account.
///
/// Bounded: minutes are kept for 31 days, hours for two years, of series with labels 2 days and 90; the latest 10,000
/// events: some 70 MB without labels, more where figures came and went within minutes. Of series with labels there are
/// at most HistoryBounds::labelled, those written last; one of which no point is left goes. Where the file holds more
/// than HistoryBounds::bytes, their oldest minutes go first, then their oldest hours. What is older by the clock goes
/// only once there are newer points for all of that time: a clock that is wrong for a while takes nothing away. A file
/// that is damaged, of a later version or no history at all is set aside (renamed, one warning in the log) and a new
/// one begun. One thread does all; calls come from any thread. Timeout: it took longer than `within`, waiting included,
/// or where none is given than `longest`.
class HistoryStore final
{
public:
    static constexpr std::chrono::seconds minute = keep::minute;
    static constexpr std::chrono::seconds hour = keep::hour;
    static constexpr std::chrono::days minutesKept = keep::minutes;
    static constexpr std::chrono::days hoursKept = keep::hours;
    static constexpr std::int64_t eventsKept = 10'000;
    static constexpr std::chrono::seconds longest{30}; ///< reading a million points takes a second or two

    /// Sees whether SQLite opens the file, some milliseconds; the rest happens with the first call. References outlive
    /// it.
    HistoryStore(std::filesystem::path file, const Clock &clock, Logger &logger, HistoryBounds bounds = {});
    ~HistoryStore();

    struct Batch
    {
        std::vector<SeriesRows> minutes; ///< added to what is there of the minute that they go on from, and to its hour
        std::vector<Event> events;
    };
    /// Events are kept as fitEvent() has them. `done` is called once, on the store's thread or at once.
    void write(Batch batch, std::function<void(Result<void>)> done);
    Result<void> writeBlocking(Batch batch);

    /// What is missing of another's points (history_fill.h), all of it or nothing.
    awaitable<Result<Filled>> fill(HistoryFill fill, std::chrono::seconds within = longest);

    /// Rows of `step` (minute or hour) with from ≤ time < to, oldest first, for each metric in order.
    awaitable<Result<std::vector<std::vector<HistoryRow>>>> read(std::vector<Metric> metrics, std::chrono::seconds step,
                                                                 WallTime from, WallTime to,
                                                                 std::chrono::seconds within = longest);
    /// Whether there are minutes of any of these.
    awaitable<Result<bool>> hasMinutes(std::vector<Metric> metrics, WallTime from, WallTime to);
    /// Of a name that has a label: its series, written last first.
    awaitable<Result<std::vector<Metric>>> labelSets(std::string name, std::size_t most,
                                                     std::chrono::seconds within = longest);
    /// When the last value was measured that was in the file before anything was written to it, or as noteBefore() has
    /// it; nothing: there is none, or the file was not looked into yet, which each call does first. None is later than
    /// when it was looked into. Any thread.
    std::optional<WallTime> lastBefore() const;
    void noteBefore(WallTime last);
    /// Whether a file in use was set aside, and with it all that was measured, since takeLost(). Any thread.
    bool isLost() const;
    bool takeLost();
    /// Gaps that are still to be filled, the latest 8, as they were put there last: what a restart is not to forget.
    struct Hole
    {
        WallTime from{}; ///< 1970: there is nothing before
        WallTime to{};
    };
    awaitable<Result<std::vector<Hole>>> holes(std::chrono::seconds within = longest);
    awaitable<Result<void>> keepHoles(std::vector<Hole> holes, std::chrono::seconds within = longest);
    /// The latest `most` with from ≤ time < to, oldest first.
    awaitable<Result<std::vector<Event>>> events(WallTime from, WallTime to, std::uint32_t most);

private:
    class File; ///< on the store's thread
    std::shared_ptr<File> m_file;
    std::unique_ptr<Database> m_database;
};

} // namespace portolan::storage
