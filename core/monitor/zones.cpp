// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/zones.h"

#include "core/api/verdict.h"

#include <algorithm>

namespace portolan::monitor {

void ZoneTracker::Latch::update(bool beyond, bool below, const ZoneLimits &limits, SteadyTime now)
{
    if (!beyond)
        beyondSince.reset();
    else if (!beyondSince)
        beyondSince = now;
    if (!below)
        belowSince.reset();
    else if (!belowSince)
        belowSince = now;

    if (!on && beyondSince && now - *beyondSince >= limits.enter)
        on = true;
    else if (on && belowSince && now - *belowSince >= limits.leave)
        on = false;
}

Zone ZoneTracker::decide(double value) const
{
    if (m_red.on)
        return Zone::Red;
    if (m_yellow.on)
        return Zone::Yellow;
    if (!m_settled && zoneOf(value, m_limits, m_redWhenReached) != Zone::Green)
        return Zone::Unknown;
    return Zone::Green;
}

Zone ZoneTracker::update(std::optional<double> value, SteadyTime now)
{
    const Zone before = m_zone;
    if (!value) {
        if (!m_unknownSince)
            m_unknownSince = now;
        for (Latch *latch : {&m_yellow, &m_red}) {
            latch->beyondSince.reset();
            latch->belowSince.reset();
        }
        if (now - *m_unknownSince >= m_limits.leave) {
            m_yellow.on = m_red.on = false;
            m_settled = false;
        }
        m_zone = Zone::Unknown;
    } else {
        m_unknownSince.reset();
        const double kept = 1 - m_limits.margin;
        m_yellow.update(*value >= m_limits.yellow, *value < m_limits.yellow * kept, m_limits, now);
        const bool red = zoneOf(*value, m_limits, m_redWhenReached) == Zone::Red;
        m_red.update(red, *value < m_limits.red * kept, m_limits, now);
        m_zone = decide(*value);
        m_settled = m_settled || m_zone != Zone::Unknown;
    }
    if (m_zone != before || !m_since)
        m_since = now;
    return m_zone;
}

std::optional<double> nextThreshold(Zone zone, const ZoneLimits &limits)
{
    if (zone == Zone::Green)
        return limits.yellow;
    if (zone == Zone::Yellow)
        return limits.red;
    return std::nullopt;
}

} // namespace portolan::monitor
