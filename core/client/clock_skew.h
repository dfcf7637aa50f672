// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace portolan::client {

/// How far another machine's clock is ahead of ours, from what it says the time is whenever it says something. Each of
/// these is late by as long as it was on its way, which is never negative: so of the last nine the one that is furthest
/// ahead is nearest to the truth (as NTP's clock filter takes the sample of least delay, RFC 5905, section 10). Under
/// 2 s there is none: ages are told in seconds, and a network is that late at times.
class ClockSkew final
{
public:
    using Milliseconds = std::chrono::milliseconds;

    /// Its time minus ours, when what it said arrived.
    void add(Milliseconds ahead)
    {
        m_last[m_count++ % m_last.size()] = ahead;
        const auto end = m_last.begin() + std::ptrdiff_t(std::min(m_count, m_last.size()));
        const Milliseconds most = *std::max_element(m_last.begin(), end);
        m_skew = most > -smallest && most < smallest ? Milliseconds(0) : most;
    }
    Milliseconds skew() const { return m_skew; }

private:
    static constexpr Milliseconds smallest{2'000};
    std::array<Milliseconds, 9> m_last{};
    std::size_t m_count = 0;
    Milliseconds m_skew{0};
};

} // namespace portolan::client
