// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/logging.h"
#include "core/monitor/history.h"
#include "core/monitor/history_events.h"
#include "core/monitor/kept_series.h"
#include "core/storage/history_store.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace portolan::monitor {

using storage::HistoryRow;
using storage::HistoryStore;

struct History::Impl : std::enable_shared_from_this<Impl>
{
    /// Which resolution answers.
    struct Choice
    {
        std::chrono::seconds step;
        std::optional<WallTime> thenSeconds = {}; ///< seconds from there on: of before only what is coarser is left
    };

    Impl(std::filesystem::path file, const Clock &c, Logger &l)
        : clock(c), logger(l), store(std::make_unique<HistoryStore>(std::move(file), c, l))
    {}

    /// Between the seconds, where only minutes tell; from the last second before it.
    using Hole = HistoryStore::Hole;

    void addEvent(Event event);
    void addHole(Hole hole);
    void noteMissed(WallTime time);
    void closeMinute();
    void flush();
    void written(const Result<void> &result);
    std::optional<HistoryStore::Batch> nextBatch();
    std::vector<HistoryRow> unwritten(const Metric &metric, std::chrono::seconds step, WallTime from,
                                      WallTime to) const;
    std::vector<HistoryRow> seconds(const Metric &metric, WallTime from, WallTime to) const;
    std::optional<WallTime> oldestSecond(const std::vector<Metric> &metrics) const;
    bool wereBefore(const std::vector<Metric> &metrics) const;
    awaitable<Result<std::vector<Metric>>> resolve(std::vector<Metric> asked);
    std::chrono::seconds resolution(const HistoryQuery &query) const;
    awaitable<Result<Choice>> choose(const HistoryQuery &query);
    awaitable<Result<std::vector<std::vector<HistoryRow>>>> read(const HistoryQuery &query, std::chrono::seconds step,
                                                                 std::chrono::seconds within = HistoryStore::longest);
    awaitable<Result<std::vector<Series>>> answer(HistoryQuery query);
    std::vector<Hole> holesIn(const HistoryQuery &query, const Choice &choice) const;
    awaitable<void> fillHoles(std::vector<Series> &series, HistoryQuery query, std::vector<Hole> holes);

    const Clock &clock;
    Logger &logger;
    mutable std::mutex mutex;
    HistoryEvents finder;
    KeptSeries kept;
    std::optional<WallTime> minute;   ///< the one under way
    std::optional<WallTime> recorded; ///< the last snapshot
    std::vector<Missed> missed;       ///< since that was last taken
    std::vector<Hole> filledHoles;    ///< the latest
    std::vector<Event> eventsWaiting;
    std::vector<Event> eventsInFlight; ///< being written; still to be answered from here
    bool writing = false;
    bool failing = false; ///< so that it is said once
    bool stopped = false;
    std::unique_ptr<HistoryStore> store;
};

} // namespace portolan::monitor
