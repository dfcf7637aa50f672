// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/plan_pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace portolan::showcase {

PlanPace::PlanPace(double perSecond, Sent sent, const Clock &clock)
    : m_perSecond(perSecond), m_sent(std::move(sent)), m_clock(clock), m_began(clock.steady()), m_before(m_sent())
{}

std::chrono::milliseconds PlanPace::left()
{
    using std::chrono::milliseconds;
    const SteadyTime now = m_clock.steady();
    const std::uint64_t sent = m_sent();
    if (m_perSecond > 0) {
        const double wanted = double(sent - std::min(m_before, sent)) / m_perSecond;
        const auto due = m_began + milliseconds(std::int64_t(std::ceil(wanted * 1000)));
        if (due > now)
            return std::chrono::ceil<milliseconds>(due - now);
    }
    m_began = now;
    m_before = sent;
    return milliseconds(0);
}

} // namespace portolan::showcase
