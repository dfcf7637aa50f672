// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/sliding_window.h"

#include <algorithm>
#include <limits>

namespace portolan::telemetry {

SlidingWindow::SlidingWindow(std::chrono::seconds span) : m_span(span) {}

void SlidingWindow::advance(SteadyTime now, std::span<const std::uint32_t> latencies, const Unanswered &unanswered)
{
    expire(now);
    if (!m_started)
        m_started = now;
    Slice slice{now, unanswered, {}};
    slice.unanswered -= m_lastUnanswered;
    const std::size_t buckets = std::min(latencies.size(), m_last.size());
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
        std::uint32_t fresh = latencies[bucket] - m_last[bucket];
        m_last[bucket] = latencies[bucket];
        m_sum[bucket] += fresh;
        m_answered += fresh;
        while (fresh > 0) {
            const auto part = std::uint16_t(std::min<std::uint32_t>(fresh, std::numeric_limits<std::uint16_t>::max()));
            slice.hits.push_back({std::uint16_t(bucket), part});
            fresh -= part;
        }
    }
    m_unanswered += slice.unanswered;
    m_lastUnanswered = unanswered;
    if (!slice.hits.empty() || slice.unanswered != Unanswered()) {
        slice.hits.shrink_to_fit();
        m_slices.push_back(std::move(slice));
    }
}

void SlidingWindow::expire(SteadyTime now)
{
    while (!m_slices.empty() && now - m_slices.front().time >= m_span) {
        for (const Hit hit : m_slices.front().hits)
            m_sum[hit.bucket] -= hit.count;
        m_unanswered -= m_slices.front().unanswered;
        m_slices.pop_front();
    }
}

WindowFigures SlidingWindow::figures(SteadyTime now) const
{
    const SlidingWindow *self = this;
    return merged({&self, 1}, now);
}

WindowFigures SlidingWindow::merged(std::span<const SlidingWindow *const> windows, SteadyTime now)
{
    Buckets buckets;
    WindowFigures result;
    std::chrono::duration<double> span{1};
    for (const SlidingWindow *window : windows) {
        const auto since = std::min<SteadyTime::duration>(now - window->m_started.value_or(now), window->m_span);
        span = std::max(span, std::chrono::duration<double>(since));
        result.unanswered += window->m_unanswered;
        for (std::size_t bucket = 0; bucket < latency::bucketCount; ++bucket)
            buckets.add(bucket, window->m_sum[bucket]);
        // advance() may be late: what has left the window since does not count.
        for (const Slice &slice : window->m_slices) {
            if (now - slice.time < window->m_span)
                break;
            result.unanswered -= slice.unanswered;
            for (const Hit hit : slice.hits)
                buckets.remove(hit.bucket, hit.count);
        }
    }
    result.count = buckets.total();
    result.perSecond = double(result.count) / span.count();
    result.setPercentiles(buckets);
    return result;
}

} // namespace portolan::telemetry
