// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/metrics/percentile.h"

#include <algorithm>
#include <cmath>

namespace portolan::stack {

std::optional<BucketPercentile> percentileOf(const Buckets &buckets, double rank)
{
    if (buckets.size() < 2 || !std::isinf(buckets.rbegin()->first))
        return std::nullopt;
    double all = 0;
    for (const auto &[bound, count] : buckets)
        all = std::max(all, count);
    if (!(all > 0))
        return std::nullopt;
    const double wanted = rank * all;
    double low = 0, below = 0;
    for (const auto &[bound, count] : buckets) {
        const double upTo = std::max(below, count);
        if (std::isinf(bound))
            break;
        if (upTo >= wanted) {
            if (below == 0 && low == 0 && bound <= 0) // nothing says where below it they begin
                return BucketPercentile{bound, bound, bound};
            const double share = upTo > below ? (wanted - below) / (upTo - below) : 0;
            return BucketPercentile{low + (bound - low) * share, low, bound};
        }
        low = bound;
        below = upTo;
    }
    return BucketPercentile{low, low, std::nullopt};
}

} // namespace portolan::stack
