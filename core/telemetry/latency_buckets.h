// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

/// Log-linear buckets of durations, as HdrHistogram has them (http://hdrhistogram.org/): each power of two is cut into
/// 32 equal parts. In microseconds: 0–63 one bucket each, then 32 per octave up to 2^27 µs (134 s); longer ones count
/// as that. A bucket is represented by its middle, so a percentile read from them is at most half a part off:
/// 1/64 = 1.6 % (plus half a microsecond).
namespace portolan::telemetry::latency {

inline constexpr unsigned partBits = 5; ///< 2^5 parts per octave
inline constexpr unsigned octaves = 27;
inline constexpr std::size_t bucketCount = (std::size_t{octaves} - partBits + 1) << partBits;
inline constexpr double relativeError = 1.0 / 64;

constexpr std::size_t bucketOf(std::chrono::nanoseconds duration)
{
    const auto micros = std::uint64_t(std::max<std::int64_t>(duration.count(), 0)) / 1000;
    const auto value = std::min<std::uint64_t>(micros, (std::uint64_t{1} << octaves) - 1);
    const unsigned width = unsigned(std::bit_width(value));
    if (width <= partBits + 1)
        return std::size_t(value);
    const unsigned shift = width - partBits - 1;
    return (std::size_t{shift} << partBits) + std::size_t(value >> shift);
}

/// The middle of a bucket, in seconds.
constexpr double middleOf(std::size_t bucket)
{
    if (bucket < (std::size_t{2} << partBits))
        return (double(bucket) + 0.5) * 1e-6;
    const unsigned shift = unsigned(bucket >> partBits) - 1;
    const auto low = std::uint64_t((bucket & ((1u << partBits) - 1)) + (1u << partBits)) << shift;
    return (double(low) + double(std::uint64_t{1} << shift) / 2) * 1e-6;
}

} // namespace portolan::telemetry::latency
