// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/api/clock.h"
#include "core/monitor/metric_readers.h"
#include "core/storage/history_points.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::monitor {

/// The part of history that is in memory: seconds, the minute under way, and minutes that are not written yet. Neither
/// locks nor looks at a clock.
///
/// Bounded, whatever comes: at most `most` series at once. Of a name that has a label at most `mostOfName` label sets,
/// first come first kept; the rest is one series whose label is "other" (its value by the metric's Merge). One that had
/// no value for an hour makes room. Seconds are kept of all series without a label, and of others from when somebody
/// asks for them until ten minutes after the last time.
class KeptSeries final
{
public:
    static constexpr std::size_t most = 400;
    static constexpr std::size_t mostOfName = 64;
    static constexpr std::string_view other = "other";
    static constexpr std::chrono::hours secondsKept{1};
    static constexpr std::size_t mostSeconds = 4000; ///< of an hour; more when snapshots come faster than once a second
    static constexpr std::chrono::hours unseenKept{1};
    static constexpr std::chrono::minutes askedFor{10};

    /// What was measured at `time`; a minute is over before the first second of the next.
    void add(const std::vector<Figure> &figures, WallTime time, SteadyTime taken);
    void closeMinute();

    bool hasUnwritten() const;
    /// What waits to be written; it is still told from here until written().
    std::vector<storage::SeriesRows> beginWriting();
    void written(bool there);
    /// Seconds of before then are told by the minutes from now on, which know more of that time. Answers the last.
    std::optional<WallTime> forgetSeconds(WallTime before);

    /// Somebody wants these: of a name without its label, all of it.
    void ask(const std::vector<Metric> &metrics, SteadyTime now);
    /// The label sets of a name that are here.
    std::vector<Metric> labelSets(std::string_view name) const;

    /// From when on there are seconds of it; nothing: there are none.
    std::optional<WallTime> oldestSecond(const Metric &metric) const;
    /// Whether it was here before that.
    bool wasBefore(const Metric &metric) const;
    std::vector<storage::HistoryRow> seconds(const Metric &metric, WallTime from, WallTime to) const;
    std::vector<storage::HistoryRow> unwritten(const Metric &metric, std::chrono::seconds step, WallTime from,
                                               WallTime to) const;

    std::size_t count() const { return m_series.size(); }
    std::size_t bytes() const; ///< about what all of it takes

private:
    struct Moment
    {
        WallTime time;
        SteadyTime taken;
    };
    struct One
    {
        const MetricKind *kind = nullptr;
        SteadyTime seen{};                    ///< its last value
        std::optional<SteadyTime> asked = {}; ///< when its seconds were wanted last
        std::optional<double> now = {};       ///< of the moment that is being added
        bool late = false;                    ///< it was here before its seconds
        std::uint64_t first = 0;              ///< the moment of the first of `values`
        std::deque<double> values = {};       ///< one a moment, up to the latest; NaN: not known. Empty: not kept
        std::optional<storage::HistoryRow> underWay = {};
        std::uint8_t pieces = 0; ///< of the minute, that came before the one under way
        std::vector<storage::HistoryRow> waiting = {};
        std::vector<storage::HistoryRow> inFlight = {};
    };

    One *place(const Figure &figure, SteadyTime taken);
    One *adopt(const MetricKind &kind, Metric metric, SteadyTime taken);
    void addMoment(WallTime time, SteadyTime taken);
    void addTo(One &one, double value, WallTime time);
    void keepSeconds(One &one, double value, SteadyTime taken);
    void forgetUnseen(SteadyTime now);
    std::uint64_t nextMoment() const { return m_firstMoment + m_moments.size(); }

    std::map<Metric, One> m_series;
    std::map<std::string, std::size_t, std::less<>> m_labelSets; ///< of a name, without "other"
    std::map<std::string, SteadyTime, std::less<>> m_namesAsked; ///< all of a name
    std::size_t m_labelled = 0;
    std::deque<Moment> m_moments;
    std::uint64_t m_firstMoment = 0;
};

} // namespace portolan::monitor
