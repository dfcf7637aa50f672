// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <optional>

namespace portolan::stack {

/// How many observations were at most so large, by upper bound (`le`): a Prometheus histogram's buckets, each with all
/// below it. The last bound is +Inf.
using Buckets = std::map<double, double>;

/// A percentile as buckets tell it: it lies between `low` and `high`, and `value` is where it would be if the
/// observations between them were spread evenly.
struct BucketPercentile
{
    double value = 0;
    double low = 0;
    std::optional<double> high; ///< nothing: above the highest bound there is, which `value` is then
    std::optional<double> width() const { return high ? std::optional(*high - low) : std::nullopt; }
    bool operator==(const BucketPercentile &) const = default;
};

/// As histogram_quantile() of Prometheus finds it (promql/quantile.go, bucketQuantile): linearly in the bucket that
/// holds it, from 0 in the first; counts that fall with rising bounds, as sums of two moments may, are lifted. `rank`:
/// 0 to 1. Nothing: no observation, fewer than two bounds or no +Inf, which none can be told without.
std::optional<BucketPercentile> percentileOf(const Buckets &buckets, double rank);

} // namespace portolan::stack
