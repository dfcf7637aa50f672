// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/history.h"
#include "core/api/result.h"
#include "core/storage/database.h"

#include <boost/describe/enumerators.hpp>
#include <boost/mp11/list.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::storage {

inline constexpr std::size_t metricCount = boost::mp11::mp_size<boost::describe::describe_enumerators<Metric>>::value;

/// One metric over one step of time.
struct HistoryRow
{
    Metric metric{};
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

/// Whether nothing was measured for so long before `next` that the two do not become one row of a minute.
bool isApart(const std::optional<WallTime> &last, const std::optional<WallTime> &next);

/// Takes what another row of the same metric and time says into this one.
void mergeInto(HistoryRow &row, const HistoryRow &other);

/// What was measured, by minute and by hour, and what happened: a SQLite file of its own, so that writing it never
/// waits for the portal's database, and throwing it away costs nobody an account.
///
/// Bounded: minutes are kept for 31 days, hours for two years, the latest 10,000 events: some 50 MB with 19 metrics,
/// and more where figures came and went within minutes. What is older by the clock goes only once there are newer
/// points for all of that time: a clock that is wrong for a while takes nothing away. A file that is damaged, of a
/// later version or no history at all is set aside (renamed, one warning in the log) and a new one begun. One thread
/// does all; calls come from any thread.
class HistoryStore final
{
public:
    static constexpr std::chrono::seconds minute{60};
    static constexpr std::chrono::seconds hour{3600};
    static constexpr std::chrono::days minutesKept{31};
    static constexpr std::chrono::days hoursKept{730};
    static constexpr std::int64_t eventsKept = 10'000;

    /// Sees whether SQLite opens the file, some milliseconds; the rest happens with the first call. References outlive
    /// it.
    HistoryStore(std::filesystem::path file, const Clock &clock, Logger &logger);
    ~HistoryStore();

    struct Batch
    {
        std::vector<HistoryRow> minutes; ///< added to what is there of the minute that they go on from, and to its hour
        std::vector<Event> events;
    };
    /// Events are kept as fitEvent() has them. `done` is called once, on the store's thread or at once.
    void write(Batch batch, std::function<void(Result<void>)> done);
    Result<void> writeBlocking(Batch batch);

    /// Rows of `step` (minute or hour) with from ≤ time < to, oldest first, for each metric in order.
    awaitable<Result<std::vector<std::vector<HistoryRow>>>> read(std::vector<Metric> metrics, std::chrono::seconds step,
                                                                 WallTime from, WallTime to);
    /// Whether there are minutes of any of these.
    awaitable<Result<bool>> hasMinutes(std::vector<Metric> metrics, WallTime from, WallTime to);
    /// When the last value was measured that was in the file before anything was written to it; nothing: there is none,
    /// or the file was not looked into yet, which each call does first. Any thread.
    std::optional<WallTime> lastBefore() const;
    /// The latest `most` with from ≤ time < to, oldest first.
    awaitable<Result<std::vector<Event>>> events(WallTime from, WallTime to, std::uint32_t most);

private:
    class File; ///< on the store's thread
    std::shared_ptr<File> m_file;
    std::unique_ptr<Database> m_database;
};

} // namespace portolan::storage
