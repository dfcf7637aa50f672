// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace portolan::auth {

/// Whether to ask Redis at all. After a call failed with Unavailable or Timeout nobody asks for `pause`; then one call
/// goes first to find out. So a Redis that hangs costs one request its deadline, not every one.
/// Any thread, no lock.
class RedisOutage final
{
public:
    explicit RedisOutage(const Clock &clock, std::chrono::milliseconds pause = std::chrono::milliseconds(250))
        : m_clock(clock), m_pause(std::chrono::duration_cast<SteadyTime::duration>(pause).count())
    {}

    /// False: use the memory.
    bool mayAsk()
    {
        auto askAgain = m_askAgain.load(std::memory_order_relaxed);
        if (askAgain == 0)
            return true;
        const auto time = now();
        return time >= askAgain && m_askAgain.compare_exchange_strong(askAgain, time + m_pause);
    }

    /// Whatever Redis said. True: it had been away until now.
    bool answered() { return m_askAgain.load(std::memory_order_relaxed) != 0 && m_askAgain.exchange(0) != 0; }

    /// True: it had been there until now.
    bool failed() { return m_askAgain.exchange(now() + m_pause) == 0; }

    bool away() const { return m_askAgain.load(std::memory_order_relaxed) != 0; }

    /// Of a failed call: did Redis fail, or only the call?
    static bool means(ErrorKind kind)
    {
        return kind == ErrorKind::Unavailable || kind == ErrorKind::Timeout || kind == ErrorKind::Cancelled;
    }

private:
    std::int64_t now() const { return m_clock.steady().time_since_epoch().count(); }

    const Clock &m_clock;
    const std::int64_t m_pause;
    std::atomic<std::int64_t> m_askAgain{0}; ///< steady time; 0: Redis is there
};

} // namespace portolan::auth
