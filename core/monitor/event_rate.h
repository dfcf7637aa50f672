// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/monitor/rate.h"

#include <array>

namespace portolan::monitor {

/// How often something happens that may be frequent or rare: over 10 s, 1 min or 10 min, the shortest in which it
/// happened ten times. A single event in ten seconds is no rate of 0.1 a second, and six in the first second after a
/// start are none of 6: until the shortest is over there is none.
class EventRate final
{
public:
    void add(std::uint64_t total, SteadyTime now)
    {
        for (Rate &rate : m_rates)
            rate.add(total, now);
    }

    /// The one that says most; the longest where nothing is frequent.
    const Rate &rate() const
    {
        for (const Rate &rate : m_rates)
            if (rate.growth().value_or(0) >= enough)
                return rate;
        return m_rates.back();
    }
    const Rate &longest() const { return m_rates.back(); }

    static constexpr std::uint64_t enough = 10;

private:
    static constexpr std::chrono::seconds shortest{10};
    std::array<Rate, 3> m_rates{Rate{shortest, shortest}, Rate{std::chrono::minutes(1), shortest},
                                Rate{std::chrono::minutes(10), shortest}};
};

} // namespace portolan::monitor
