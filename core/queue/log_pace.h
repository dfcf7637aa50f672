// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <cstdint>
#include <utility>

namespace portolan::queue {

/// How often one kind of line may be logged: ten in a minute, then how many more there were. The caller locks.
class LogPace final
{
public:
    /// Whether this one may be said. When it begins a new minute, `unsaid` becomes the number not said in the last.
    bool mayBeSaid(SteadyTime now, std::uint64_t &unsaid)
    {
        if (m_since == SteadyTime{} || now - m_since >= window) {
            unsaid = std::exchange(m_unsaid, 0);
            m_since = now;
            m_lines = 0;
        }
        if (m_lines >= most) {
            ++m_unsaid;
            return false;
        }
        ++m_lines;
        return true;
    }
    /// How many were not said, once their minute is over; then 0 again.
    std::uint64_t unsaid(SteadyTime now) { return now - m_since >= window ? std::exchange(m_unsaid, 0) : 0; }

private:
    static constexpr std::uint64_t most = 10;
    static constexpr auto window = std::chrono::minutes(1);
    SteadyTime m_since{};
    std::uint64_t m_lines = 0;
    std::uint64_t m_unsaid = 0;
};

} // namespace portolan::queue
