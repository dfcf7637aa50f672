// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/fact.h"
#include "core/api/metric.h"
#include "core/api/tier.h"
#include "core/api/zone.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What was measured over time. A deployment keeps each series in three resolutions, each bounded: 1 s, 1 min, 1 h. Of
/// series with a label seconds are kept only while somebody asks for them.
namespace portolan {

/// One measured value, or what a minute or an hour of them came to.
struct Point
{
    WallTime time{}; ///< its beginning
    double low = 0;
    double high = 0;
    double mean = 0;
    /// Where it covers only a part of its step, as around a stop and a start: from the first value, until the last.
    std::optional<WallTime> from = {};
    std::optional<WallTime> until = {};
    bool operator==(const Point &) const = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (time, low, high, mean, from, until))

/// Points of one metric, oldest first. What they cover is what was measured: see isGap().
struct Series
{
    Metric metric;
    std::chrono::seconds step{1}; ///< what a point covers: of the resolution, times how many were merged into one
    std::vector<Point> points;
    bool operator==(const Series &) const = default;
};
BOOST_DESCRIBE_STRUCT(Series, (), (metric, step, points))

/// So long no value may come before it counts as a gap: a few of them, which come about once a second.
inline constexpr std::chrono::seconds briefGap{5};

inline WallTime beginOf(const Point &point) { return point.from.value_or(point.time); }
inline WallTime endOf(const Point &point, std::chrono::seconds step) { return point.until.value_or(point.time + step); }
/// Whether nothing was known between two points that follow each other: where it is told what they cover, for longer
/// than briefGap, else for longer than a step.
inline bool isGap(const Point &one, const Point &next, std::chrono::seconds step)
{
    return beginOf(next) - endOf(one, step) > (one.until || next.from ? briefGap : step);
}

struct HistoryQuery
{
    /// Answered in this order. A name that has a label, asked without one, is all its series: those that had a value
    /// last, at most 64 and "other", by label; with its label it is that one, of which there may be no points.
    std::vector<Metric> metrics;
    WallTime from{}; ///< the first point is the one that covers it, if there is one: it may have begun earlier
    WallTime to{};   ///< exclusive
    /// At most so many points a series: the coarsest resolution is taken that gives at least half of them, and where
    /// there are still more, neighbours are merged, their extremes kept. 2–1,000,000. Where the finest is left of the
    /// later part only, points of the next coarser one come before it, and tell what they cover.
    std::uint32_t most = 2000;
    /// Instead of `most`: points that cover so much each, or, where only what is coarser is left, so much or more. The
    /// first begins with what covers `from`, so there may be one more than fit between. 1 s and more.
    std::optional<std::chrono::seconds> step = {};
    bool operator==(const HistoryQuery &) const = default;
    static constexpr std::string_view queryRequired[] = {"metrics", "from", "to"};
    static constexpr std::string_view queryNames[][2] = {{"metrics", "metric"}}; ///< one parameter for each
};
BOOST_DESCRIBE_STRUCT(HistoryQuery, (), (metrics, from, to, most, step))

/// HistoryQuery::most, or what its step comes to; 0: the step is none.
inline std::uint32_t mostPointsOf(const HistoryQuery &query)
{
    if (!query.step)
        return query.most;
    if (*query.step < std::chrono::seconds(1))
        return 0;
    const auto points = query.to > query.from ? (query.to - query.from) / *query.step : 0;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(points, 2, 1'000'000));
}

enum class EventKind : std::uint8_t { Zone, Link, Restart, Action, Instance };
BOOST_DESCRIBE_ENUM(EventKind, Zone, Link, Restart, Action, Instance)

/// What became of an instance, as Event::reason of the kind Instance.
namespace instance_event {
inline constexpr const char *started = "started";
inline constexpr const char *restarted = "restarted";
inline constexpr const char *hangs = "hangs";
inline constexpr const char *back = "back"; ///< after it hung, or was gone
inline constexpr const char *gone = "gone";
inline constexpr const char *stopped = "stopped";
inline constexpr const char *twice = "twice";     ///< two processes go by its name
inline constexpr const char *version = "version"; ///< `detail` is another one than that of who noted it
} // namespace instance_event

/// Something that happened, for the time line: a change of zone, of a link, of another instance, a start or an end, an
/// action.
struct Event
{
    WallTime time{};
    EventKind kind = EventKind::Zone;
    std::optional<Resource> resource = {}; ///< Zone: whose
    std::optional<Zone> zone = {};         ///< Zone: which it came into
    /// Link: its name in LinkStatus. Restart: "portal" or "redis". Action: its name in ActionTraits. Instance: its
    /// name.
    std::string name = {};
    std::optional<bool> up = {};  ///< Link: whether it is back or away. Restart: whether it started or stopped
    std::string reason = {};      ///< Link: why it is away. Action: the code of the error, where it failed
    std::string actor = {};       ///< Action: who did it; empty: who owns the portal's process, at its console
    std::string subject = {};     ///< Action: what it was done to, as in the audit log
    std::string detail = {};      ///< Action: what changed, as in the audit log. Instance: its version
    std::vector<Fact> facts = {}; ///< Action: what came of it, where that is known
    std::string told = {};        ///< all of it in words: of a version that kept nothing else
    bool operator==(const Event &) const = default;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Event, (), (time, kind, resource, zone, name, up, reason, actor, subject, detail, facts, told))

} // namespace portolan
