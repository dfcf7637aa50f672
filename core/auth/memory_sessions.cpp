// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/memory_sessions.h"

#include <algorithm>

namespace portolan::auth {

MemorySessions::MemorySessions(const Clock &clock, std::chrono::seconds lifetime, std::size_t sessions)
    : m_clock(clock), m_lifetime(lifetime), m_bound(std::max<std::size_t>(2, sessions))
{}

std::optional<Session> MemorySessions::find(const SessionId &id)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_index.find(id);
    if (found == m_index.end())
        return std::nullopt;
    auto entry = found->second;
    const auto now = m_clock.steady();
    if (now >= entry->until || revoked(entry->session)) {
        erase(id);
        return std::nullopt;
    }
    entry->until = now + m_lifetime;
    auto &order = entry->born ? m_born : m_order;
    order.splice(order.begin(), order, entry);
    return entry->session;
}

void MemorySessions::remember(const SessionId &id, const Session &session)
{
    const std::lock_guard lock(m_mutex);
    if (const auto found = m_index.find(id); found != m_index.end() && !found->second->born) {
        found->second->session = session;
        found->second->until = m_clock.steady() + m_lifetime;
        m_order.splice(m_order.begin(), m_order, found->second);
        return;
    }
    put(id, session, false);
}

bool MemorySessions::born(const SessionId &id, const Session &session)
{
    const std::lock_guard lock(m_mutex);
    if (m_born.size() >= m_bound / 2)
        return false;
    put(id, session, true);
    return true;
}

bool MemorySessions::isBornHere(const SessionId &id) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_index.find(id);
    return found != m_index.end() && found->second->born;
}

void MemorySessions::forget(const SessionId &id)
{
    const std::lock_guard lock(m_mutex);
    erase(id);
}

void MemorySessions::distrust(std::uint32_t seconds)
{
    const std::lock_guard lock(m_mutex);
    // The lists are by use, not by age; this happens once per outage.
    for (auto entry = m_order.begin(); entry != m_order.end() && m_born.size() < m_bound / 2;) {
        const auto next = std::next(entry);
        if (entry->session.noted >= seconds) {
            entry->born = true;
            m_born.splice(m_born.begin(), m_order, entry);
        }
        entry = next;
    }
}

void MemorySessions::end(const SessionId &id)
{
    const std::lock_guard lock(m_mutex);
    const auto now = m_clock.steady();
    erase(id);
    if (m_ended.size() >= maxEnded)
        forgetOld(now);
    if (m_ended.size() < maxEnded)
        m_ended[id] = now + m_lifetime;
}

void MemorySessions::revoke(Id user, std::uint32_t upTo, bool pending)
{
    const std::lock_guard lock(m_mutex);
    const auto now = m_clock.steady();
    if (m_revoked.size() >= maxRevoked)
        forgetOld(now);
    auto &revocation = m_revoked[user];
    revocation.upTo = std::max(revocation.upTo, upTo);
    revocation.until = now + m_lifetime;
    revocation.pending = revocation.pending || pending;
}

std::uint32_t MemorySessions::revokedUpTo(Id user) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_revoked.find(user);
    return found == m_revoked.end() ? 0 : found->second.upTo;
}

bool MemorySessions::isEnded(const SessionId &id) const
{
    const std::lock_guard lock(m_mutex);
    return m_ended.contains(id);
}

MemorySessions::Pending MemorySessions::takePending(std::size_t most)
{
    const std::lock_guard lock(m_mutex);
    Pending pending;
    for (auto &[user, revocation] : m_revoked) {
        if (pending.revoked.size() == most)
            break;
        if (revocation.pending)
            pending.revoked.emplace_back(user, revocation.upTo);
        revocation.pending = false;
    }
    for (auto ended = m_ended.begin(); ended != m_ended.end() && pending.ended.size() < most;) {
        pending.ended.push_back(ended->first);
        ended = m_ended.erase(ended);
    }
    for (auto entry = m_born.begin(); entry != m_born.end() && pending.born.size() < most;) {
        const auto next = std::next(entry);
        if (revoked(entry->session))
            erase(SessionId(entry->id));
        else
            pending.born.emplace_back(entry->id, entry->session);
        entry = next;
    }
    return pending;
}

void MemorySessions::putBack(const Pending &pending)
{
    const std::lock_guard lock(m_mutex);
    const auto until = m_clock.steady() + m_lifetime;
    for (const auto &[user, upTo] : pending.revoked) {
        auto &revocation = m_revoked[user];
        revocation = {std::max(revocation.upTo, upTo), until, true};
    }
    for (const auto &id : pending.ended)
        m_ended[id] = until;
}

bool MemorySessions::hasPending() const
{
    const std::lock_guard lock(m_mutex);
    return !m_born.empty() || !m_ended.empty() ||
           std::ranges::any_of(m_revoked, [](const auto &entry) { return entry.second.pending; });
}

std::size_t MemorySessions::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_index.size();
}

void MemorySessions::put(const SessionId &id, const Session &session, bool born)
{
    erase(id);
    if (m_index.size() >= m_bound && !m_order.empty())
        erase(SessionId(m_order.back().id));
    auto &order = born ? m_born : m_order;
    order.push_front({id, session, m_clock.steady() + m_lifetime, born});
    m_index[id] = order.begin();
}

void MemorySessions::erase(const SessionId &id)
{
    const auto found = m_index.find(id);
    if (found == m_index.end())
        return;
    auto &order = found->second->born ? m_born : m_order;
    order.erase(found->second);
    m_index.erase(found);
}

bool MemorySessions::revoked(const Session &session) const
{
    const auto found = m_revoked.find(session.userId);
    return found != m_revoked.end() && session.noted <= found->second.upTo;
}

void MemorySessions::forgetOld(SteadyTime now)
{
    std::erase_if(m_ended, [&](const auto &entry) { return entry.second <= now; });
    std::erase_if(m_revoked, [&](const auto &entry) { return entry.second.until <= now; });
}

} // namespace portolan::auth
