// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/telemetry/latency_buckets.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace portolan::telemetry {

/// How many durations fell into each bucket of latency_buckets.h. Buckets of several windows, routes or processes are
/// added up, and a percentile of the sum is that of all durations as one: at most half a bucket off, as everywhere.
/// Percentiles themselves can be neither added nor averaged.
class Buckets final
{
public:
    void add(std::size_t bucket, std::uint64_t count)
    {
        m_counts[bucket] += count;
        m_total += count;
    }
    /// No more than were added.
    void remove(std::size_t bucket, std::uint64_t count)
    {
        m_counts[bucket] -= count;
        m_total -= count;
    }
    Buckets &operator+=(const Buckets &other)
    {
        for (std::size_t bucket = 0; bucket < m_counts.size(); ++bucket)
            m_counts[bucket] += other.m_counts[bucket];
        m_total += other.m_total;
        return *this;
    }

    std::uint64_t operator[](std::size_t bucket) const { return m_counts[bucket]; }
    std::uint64_t total() const { return m_total; }

    /// The nearest-rank percentile, in seconds: the smallest value with at least `share` (0–1) of all at or below it.
    /// Nothing when there are none.
    std::optional<double> percentile(double share) const
    {
        if (m_total == 0)
            return std::nullopt;
        const auto rank = std::max<std::uint64_t>(1, std::uint64_t(std::ceil(share * double(m_total))));
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < m_counts.size(); ++bucket) {
            seen += m_counts[bucket];
            if (seen >= rank)
                return latency::middleOf(bucket);
        }
        return latency::middleOf(m_counts.size() - 1);
    }

    bool operator==(const Buckets &) const = default;

private:
    std::array<std::uint64_t, latency::bucketCount> m_counts{};
    std::uint64_t m_total = 0;
};

} // namespace portolan::telemetry
