#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace portolan::auth {

/// Whether to ask Redis at all. After a call failed with Unavailable or Timeout nobody asks for `pause`; then one call
/// goes first to find out. So a Redis that hangs costs a request its deadline once per pause, not every request.
/// Any thread, no lock.
class RedisOutage final
{
public:
    explicit RedisOutage(const Clock &clock, std::chrono::milliseconds pause = std::chrono::milliseconds(250))
        : m_clock(clock), m_pause(std::chrono::duration_cast<std::chrono::nanoseconds>(pause).count())
    {}

    bool mayAsk();   ///< false: use the memory
    bool answered(); ///< true: it had been away until now
    void failed();
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
