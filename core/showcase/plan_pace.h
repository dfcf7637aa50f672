// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <cstdint>
#include <functional>

namespace portolan::showcase {

/// Keeps work to a rate of Redis commands, by what this process has sent, whatever for: what a step took is counted
/// after it, and the next one waits until as much time has gone by as that many commands may take. Nothing is saved up
/// while less is sent. One caller at a time.
class PlanPace final
{
public:
    using Sent = std::function<std::uint64_t()>; ///< commands since the start of the process

    /// `perSecond`: 0: any rate. `clock` outlives it.
    PlanPace(double perSecond, Sent sent, const Clock &clock);

    /// After a step: how long to wait before the next one; asked again meanwhile, how long still, with what others sent
    /// by then. 0 ends the step.
    std::chrono::milliseconds left();

private:
    const double m_perSecond;
    const Sent m_sent;
    const Clock &m_clock;
    SteadyTime m_began;         ///< of the step
    std::uint64_t m_before = 0; ///< sent by then
};

} // namespace portolan::showcase
