// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/system_clock.h"

#include <atomic>
#include <chrono>

namespace portolan {

/// The machine's own clock, which a test sets forward: for what waits on minutes beside what really runs.
class LeapingClock final : public Clock
{
public:
    WallTime wall() const override { return m_machine.wall() + ahead<WallTime::duration>(); }
    SteadyTime steady() const override { return m_machine.steady() + ahead<SteadyTime::duration>(); }
    void leap(std::chrono::nanoseconds by) { m_ahead += by.count(); }

private:
    template <class Duration> Duration ahead() const
    {
        return std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(m_ahead));
    }

    SystemClock m_machine;
    std::atomic<std::chrono::nanoseconds::rep> m_ahead{0};
};

} // namespace portolan
