// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/history.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/base/asio.h"
#include "core/storage/history_fill.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::monitor {

/// A time of which there is no history here: the process did not run, or stood still, or its file was set aside.
struct Missed
{
    std::optional<WallTime> from; ///< the last value before; nothing: there is none, or it was lost
    WallTime to;                  ///< the first after
    SteadyTime noticed;           ///< when that was
    bool atStart = false;         ///< the process did not run
};

/// What was measured over time: each second of the last hour in memory (some 900 KB; of series with labels only while
/// somebody asks for them), each minute and each hour on disk (storage/history_store.h has bounds, and what becomes of
/// a file that cannot be used). What is not known leaves a gap. At most 400 series at once: monitor/kept_series.h says
/// which.
///
/// Minutes are written when they are over, all at once and off the I/O threads; what could not be written is tried
/// again with the next, up to a day's worth, of series with labels up to an hour's. A crash loses at most the minute
/// under way and the seconds.
///
/// The wall clock may be wrong for a while, jump, or stand ahead after the machine was suspended: that costs nothing
/// that was measured. Seconds are kept for an hour of the steady clock; of a second that came twice the later one
/// counts, and what lies ahead of the latest does not show until its time comes. Minutes that came twice are joined.
class History final
{
public:
    /// `file`: made when there is none, with the first minute that is over. References outlive it.
    History(std::filesystem::path file, const Clock &clock, Logger &logger);
    ~History(); ///< stop()
    History(const History &) = delete;
    History &operator=(const History &) = delete;

    /// Takes a snapshot; about once a second, one caller at a time, quick.
    void record(const Snapshot &snapshot);
    /// Something else that happened; any thread.
    void note(Event event);

    /// Writes what is not written yet. Blocks; record() and note() do nothing any more. Twice is harmless.
    void stop();

    /// HistoryQuery as core/api/history.h has it. Where seconds would be taken, but only minutes are left of the
    /// beginning (it is too long ago, or a restart has lost the seconds), minutes come first and seconds follow. The
    /// file's errors pass through. Invalid: `most` out of its bounds, `to` before `from`, a metric that is none of the
    /// catalogue's or has other labels, more than 1,000 series; more than `mostInAll` points of all series together
    /// where each second, minute or hour were measured, which is refused before any is read. Any thread.
    awaitable<Result<std::vector<Series>>> query(HistoryQuery query,
                                                 std::uint64_t mostInAll = std::numeric_limits<std::uint64_t>::max());
    /// The latest 500 with from ≤ time < to, oldest first.
    awaitable<Result<std::vector<Event>>> events(WallTime from, WallTime to);

    /// Times of more than briefGap without a snapshot since this was last asked, and once that before the first,
    /// however short, for rates are known only later, and then those of keepMissed() too: the latest 8 of each; and all
    /// of before, where a file in use turned out to be damaged. Errors of the file; then it may be asked again. Any
    /// thread, as all below, which wait 5 s at most for what they ask of the file, once it is open: Timeout.
    awaitable<Result<std::vector<Missed>>> takeMissed();
    /// These are still to be filled: so after a restart too. Replaces what it was told before.
    awaitable<Result<void>> keepMissed(std::vector<Missed> missed);
    /// All series of which there are points, in order; of a name that has a label at most 65, what has values now
    /// first. Cancelled: `stopping`, which outlives it, was set meanwhile.
    awaitable<Result<std::vector<Metric>>> allSeries(const std::atomic<bool> &stopping);
    /// Of each of these, rows of `step` (a minute, an hour) with from ≤ time < to, oldest first.
    awaitable<Result<std::vector<storage::SeriesRows>>> rows(std::vector<Metric> metrics, std::chrono::seconds step,
                                                             WallTime from, WallTime to);
    /// Takes rows that another measured of times that are missing here (storage/history_fill.h): nothing that was
    /// measured here changes, and to do it twice changes nothing. `held` is filled in. Errors of the file.
    awaitable<Result<storage::Filled>> fill(storage::HistoryFill rows);
    /// Of a time between two snapshots the minutes tell now: they stand between the seconds of before and of after, of
    /// the latest 8 such times; where none of before are in memory, they tell of all until `to`.
    void filled(WallTime from, WallTime to);

    /// About what its series take in memory.
    std::size_t bytesHeld() const;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor
