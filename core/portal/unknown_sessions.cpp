// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/unknown_sessions.h"

#include <array>

namespace portolan::portal {

namespace {

constexpr std::size_t addresses = 20'000;

constexpr std::uint32_t moreGivenOut = 10;

} // namespace

UnknownSessions::UnknownSessions(const Clock &clock, std::uint32_t perMinute)
    : m_clock(clock),
      m_windows(limits::Windows{{perMinute, 1, limits::Unit::Minute, false}}),
      m_givenOutWindows(limits::Windows{{perMinute * moreGivenOut, 1, limits::Unit::Minute, false}}),
      m_counts(clock, addresses)
{}

UnknownSessions::Found UnknownSessions::mayAsk(std::string_view address, const auth::SessionId &session, bool givenOut)
{
    if (isUnknown(session))
        return {Verdict::Unknown, {}};
    const auto decision = count(address, givenOut);
    if (decision.allowed) { // only looked: Redis has not said yet
        const std::array<limits::Check, 1> checks{checkOf(address, givenOut)};
        m_counts.giveBack(checks, decision.now);
    }
    return {decision.allowed ? Verdict::Ask : Verdict::TooMany, decision};
}

limits::Decision UnknownSessions::count(std::string_view address, bool givenOut)
{
    const std::array<limits::Check, 1> checks{checkOf(address, givenOut)};
    return m_counts.count(checks);
}

limits::Check UnknownSessions::checkOf(std::string_view address, bool givenOut) const
{
    return {address, Category::Unlimited, givenOut, givenOut ? &m_givenOutWindows : &m_windows};
}

void UnknownSessions::unknown(std::string_view address, const auth::SessionId &session, bool givenOut)
{
    (void)count(address, givenOut);
    const std::lock_guard lock(m_mutex);
    if (m_unknown.size() >= mostRemembered)
        m_unknown.clear(); // they are counted all the same
    m_unknown.insert_or_assign(session, m_clock.steady() + rememberedFor);
}

bool UnknownSessions::isUnknown(const auth::SessionId &session)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_unknown.find(session);
    if (found == m_unknown.end())
        return false;
    if (m_clock.steady() < found->second)
        return true;
    m_unknown.erase(found);
    return false;
}

} // namespace portolan::portal
