// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <ctime>

namespace portolan::client {

/// Tells that this machine was suspended, or this process was stopped, from what two clocks have counted meanwhile:
/// Linux's CLOCK_MONOTONIC, by which timers run, does not count a suspension, CLOCK_BOOTTIME does (clock_gettime(2)).
/// Connections from before are then most likely dead, without a word from either side.
class WakeWatch final
{
public:
    struct Clocks
    {
        std::chrono::nanoseconds monotonic{0};
        std::chrono::nanoseconds boot{0};
    };
    static Clocks machine() { return {read(CLOCK_MONOTONIC), read(CLOCK_BOOTTIME)}; }

    /// How often slept() is to be asked.
    static constexpr std::chrono::seconds interval{1};

    explicit WakeWatch(Clocks now) : m_last(now) {}

    /// Whether it was so since the last call.
    bool slept(Clocks now)
    {
        const auto suspended = (now.boot - m_last.boot) - (now.monotonic - m_last.monotonic);
        const auto late = now.monotonic - m_last.monotonic - interval;
        m_last = now;
        return suspended > shortestSuspension || late > longestDelay;
    }

private:
    static constexpr std::chrono::seconds shortestSuspension{2};
    static constexpr std::chrono::seconds longestDelay{3}; ///< of a thread of a machine that is only busy

    static std::chrono::nanoseconds read(clockid_t clock)
    {
        timespec now{};
        ::clock_gettime(clock, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    }

    Clocks m_last;
};

} // namespace portolan::client
