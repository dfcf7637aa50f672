// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/auth/session.h"
#include "core/limits/memory_rate_limiter.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

namespace portolan::portal {

/// Keeps what nobody is signed in with from costing Redis: a session that this process does not know is looked up only
/// so often a minute for an address, and one that Redis has just called unknown not again for some seconds. Any thread.
///
/// Counted is what Redis has called unknown, so people behind one address are not, however many come at once; what
/// makes sessions up, and what goes on with one that has ended, is. How many are asked for at the same time is bounded
/// by the connections of an address.
///
/// What this deployment has given out (auth/session_mark.h) is counted apart, and ten times as many are asked for: it
/// does not have to wait because a neighbour makes sessions up.
class UnknownSessions final
{
public:
    /// `perMinute`: of one address, in this process.
    UnknownSessions(const Clock &clock, std::uint32_t perMinute);

    enum class Verdict {
        Ask,     ///< ask Redis, then say unknown() if it does not exist
        Unknown, ///< Redis said so a moment ago
        TooMany, ///< not asked; `decision` says for how long
    };
    struct Found
    {
        Verdict verdict = Verdict::Ask;
        limits::Decision decision;
    };
    /// `address`: of limits/keys.h.
    Found mayAsk(std::string_view address, const auth::SessionId &session, bool givenOut);
    /// Counts as unknown(), for other questions that somebody nobody knows makes Redis answer.
    limits::Decision count(std::string_view address, bool givenOut = false);
    void unknown(std::string_view address, const auth::SessionId &session, bool givenOut);

private:
    static constexpr std::size_t mostRemembered = 4096;
    static constexpr std::chrono::seconds rememberedFor{5};

    bool isUnknown(const auth::SessionId &session);
    limits::Check checkOf(std::string_view address, bool givenOut) const;

    const Clock &m_clock;
    const limits::WindowSpec m_windows;
    const limits::WindowSpec m_givenOutWindows;
    limits::MemoryRateLimiter m_counts;
    std::mutex m_mutex;
    std::map<auth::SessionId, SteadyTime> m_unknown; ///< until when that is taken for granted
};

} // namespace portolan::portal
