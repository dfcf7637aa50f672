// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/backlog_pace.h"

#include <algorithm>

namespace portolan::ui {

namespace {

constexpr std::chrono::seconds window{30};
constexpr std::chrono::seconds least{5};

/// By how much the two rates may differ for being of different spans: tasks per second, and a share of what ends.
constexpr double jitter = 0.1;
constexpr double jitterShare = 0.1;

} // namespace

void BacklogPace::add(WallTime time, const QueueFigures &queue)
{
    m_ended = queue.endedPerSecond;
    if (queue.waiting && !m_samples.empty() && time == m_samples.back().time)
        return;
    if (!queue.waiting || (!m_samples.empty() && time < m_samples.back().time))
        m_samples.clear();
    if (!queue.waiting)
        return;
    m_samples.push_back({time, double(*queue.waiting + queue.unacked.value_or(0))});
    while (m_samples.front().time < time - window)
        m_samples.pop_front();
}

std::optional<double> BacklogPace::growth() const
{
    if (m_samples.empty() || m_samples.back().time - m_samples.front().time < least)
        return std::nullopt;
    const std::chrono::duration<double> span = m_samples.back().time - m_samples.front().time;
    return (m_samples.back().backlog - m_samples.front().backlog) / span.count();
}

std::optional<double> BacklogPace::arrivals() const
{
    const auto grown = growth();
    if (!grown || !m_ended)
        return std::nullopt;
    const double come = *grown + *m_ended;
    return come < -(jitter + jitterShare * *m_ended) ? std::nullopt : std::optional(std::max(0.0, come));
}

} // namespace portolan::ui
