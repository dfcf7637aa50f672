// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/exposed.h"

#include <limits>

namespace portolan::telemetry {

prometheus::ClientMetric exposed(const Histogram &histogram)
{
    const Histogram::Sums sums = histogram.sums();
    prometheus::ClientMetric metric;
    metric.histogram.sample_count = sums.cumulative.back();
    metric.histogram.sample_sum = sums.seconds;
    for (std::size_t i = 0; i < sums.cumulative.size(); ++i) {
        const bool last = i == histogram.bounds().size();
        metric.histogram.bucket.push_back(
            {sums.cumulative[i], last ? std::numeric_limits<double>::infinity() : histogram.bounds()[i]});
    }
    return metric;
}

} // namespace portolan::telemetry
