// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/limits/memory_rate_limiter.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace portolan::portal {

/// Bounds the requests of a caller that use nothing up of any window, such as those refused for their form: no window
/// would. Any thread.
class Uncounted final
{
public:
    /// `perMinute`: of one caller or address, in this process.
    Uncounted(const Clock &clock, std::uint32_t perMinute)
        : m_windows(limits::Windows{{perMinute, 1, limits::Unit::Minute, false}}), m_counts(clock, callers)
    {}

    /// Whether there is room for one more, which is not counted yet; how long until there is. `key`: of limits/keys.h.
    limits::Decision look(std::string_view key)
    {
        const std::array<limits::Check, 1> checks{check(key)};
        auto decision = m_counts.count(checks);
        if (decision.allowed)
            m_counts.giveBack(checks, decision.now);
        return decision;
    }
    /// False: no room was left for this one.
    bool count(std::string_view key)
    {
        const std::array<limits::Check, 1> checks{check(key)};
        return m_counts.count(checks).allowed;
    }

private:
    static constexpr std::size_t callers = 20'000;
    limits::Check check(std::string_view key) const { return {key, Category::Unlimited, false, &m_windows}; }

    const limits::WindowSpec m_windows;
    limits::MemoryRateLimiter m_counts;
};

} // namespace portolan::portal
