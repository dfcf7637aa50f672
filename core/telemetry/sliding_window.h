// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/telemetry/buckets.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace portolan::telemetry {

/// How many answers were not what was asked for, by kind.
struct Unanswered
{
    std::uint64_t errors = 0;   ///< 5xx
    std::uint64_t refused = 0;  ///< 429: over a limit
    std::uint64_t notFound = 0; ///< 404
    bool operator==(const Unanswered &) const = default;

    Unanswered &operator+=(const Unanswered &other)
    {
        errors += other.errors;
        refused += other.refused;
        notFound += other.notFound;
        return *this;
    }
    Unanswered &operator-=(const Unanswered &other)
    {
        errors -= other.errors;
        refused -= other.refused;
        notFound -= other.notFound;
        return *this;
    }
};

/// What a window holds.
struct WindowFigures
{
    std::uint64_t count = 0;
    Unanswered unanswered;
    double perSecond = 0;      ///< count over the span, or over the time since the first advance() when that is shorter
    std::optional<double> p50; ///< seconds; at most 2 % off (latency_buckets.h); nothing when the window is empty
    std::optional<double> p95;
    std::optional<double> p99;

    void setPercentiles(const Buckets &buckets)
    {
        p50 = buckets.percentile(0.50);
        p95 = buckets.percentile(0.95);
        p99 = buckets.percentile(0.99);
    }
};

/// Percentiles, count, errors and refusals of the last `span` of one route.
///
/// Whoever answers requests only adds to counters that never go back; once a second advance() is told where they
/// stand and keeps the difference, so the hot path knows neither time nor window. A slice leaves the window `span`
/// after it was taken; the window so covers span to span + one interval of advance().
/// Memory: the sum (3 KiB) and, per slice, 4 bytes for each distinct bucket that was hit: at most
/// 1 + span / interval slices, so below 200 KiB per route whatever happens, and a few KiB as a rule.
/// Not thread-safe: one caller at a time.
class SlidingWindow final
{
public:
    struct Hit
    {
        std::uint16_t bucket;
        std::uint16_t count;
    };

    explicit SlidingWindow(std::chrono::seconds span = std::chrono::seconds(60));

    /// `latencies`: latency::bucketCount cumulative counts (they may wrap); `unanswered`: cumulative.
    void advance(SteadyTime now, std::span<const std::uint32_t> latencies, const Unanswered &unanswered);

    bool empty() const { return m_slices.empty(); }
    WindowFigures figures(SteadyTime now) const;

    /// Figures of several windows taken together: exact sums, percentiles of all answers as one.
    static WindowFigures merged(std::span<const SlidingWindow *const> windows, SteadyTime now);

    /// Calls `visit(time, unanswered, hits)` for each slice in the window, oldest first: a bucket may come in several
    /// hits, one after the other.
    template <class Visit> void eachSlice(SteadyTime now, Visit visit) const
    {
        for (const Slice &slice : m_slices)
            if (now - slice.time < m_span)
                visit(slice.time, slice.unanswered, std::span<const Hit>(slice.hits));
    }

    std::uint64_t answeredInAll() const { return m_answered; }             ///< up to the last advance()
    const Unanswered &unansweredInAll() const { return m_lastUnanswered; } ///< of these
    std::optional<SteadyTime> started() const { return m_started; }        ///< when advance() was first called

private:
    struct Slice
    {
        SteadyTime time;
        Unanswered unanswered;
        std::vector<Hit> hits;
    };
    void expire(SteadyTime now);

    std::chrono::seconds m_span;
    std::deque<Slice> m_slices;
    std::array<std::uint32_t, latency::bucketCount> m_sum{};
    std::array<std::uint32_t, latency::bucketCount> m_last{};
    std::uint64_t m_answered = 0; ///< never falls
    Unanswered m_unanswered;
    Unanswered m_lastUnanswered;
    std::optional<SteadyTime> m_started; ///< of the first advance()
};

} // namespace portolan::telemetry
