// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/session.h"

#include <array>
#include <chrono>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace portolan::auth {

/// The sessions this process has seen lately. While Redis is there it decides, and this only says whose session an id
/// is before the script has run; while Redis is away this decides. Also remembers what has to be told to Redis when
/// it is back: sessions born here, sessions ended, users signed out. Any thread. Bounded: the session not used for
/// longest goes, but none that only lives here.
class MemorySessions final
{
public:
    /// `sessions`: at most so many. Of those at most half may be born here.
    MemorySessions(const Clock &clock, std::chrono::seconds lifetime, std::size_t sessions);

    std::optional<Session> find(const SessionId &id); ///< alive and not revoked
    void remember(const SessionId &id, const Session &session);
    /// A session Redis does not know yet. False: no room for more of these.
    [[nodiscard]] bool born(const SessionId &id, const Session &session);
    bool isBornHere(const SessionId &id) const;
    /// Redis says it is not there (or no longer).
    void forget(const SessionId &id);
    /// Redis was lost at `seconds`, perhaps with its last second or two of writes: sessions noted from then on are
    /// taken for born here, so that they are told to it again.
    void distrust(std::uint32_t seconds);

    /// The same while Redis is away: `takePending()` will tell it.
    void end(const SessionId &id);
    void revoke(Id user, std::uint32_t upTo, bool pending);
    /// The u32 up to which this user's sessions are void here; 0: none.
    std::uint32_t revokedUpTo(Id user) const;
    bool isEnded(const SessionId &id) const;

    struct Pending
    {
        std::vector<std::pair<SessionId, Session>> born;
        std::vector<SessionId> ended;
        std::vector<std::pair<Id, std::uint32_t>> revoked;
        bool empty() const { return born.empty() && ended.empty() && revoked.empty(); }
    };
    /// What Redis must hear, at most `most` of each kind. Endings and revocations are taken out, and go back by
    /// putBack() if they could not be told; sessions stay born here until remember() or forget().
    Pending takePending(std::size_t most);
    void putBack(const Pending &pending);
    bool hasPending() const;

    std::size_t size() const;

private:
    struct Entry
    {
        SessionId id;
        Session session;
        SteadyTime until;
        bool born = false;
    };
    struct Hash
    {
        std::size_t operator()(const SessionId &id) const { return std::hash<std::string_view>()(id.view()); }
    };
    using Order = std::list<Entry>;

    void put(const SessionId &id, const Session &session, bool born);
    void erase(const SessionId &id);
    bool revoked(const Session &session) const;
    void forgetOld(SteadyTime now);
    static constexpr std::size_t maxEnded = 20'000;
    static constexpr std::size_t maxRevoked = 20'000;

    const Clock &m_clock;
    const std::chrono::seconds m_lifetime;
    const std::size_t m_bound;
    mutable std::mutex m_mutex;
    Order m_order; ///< most recently used first; those born here have a list of their own
    Order m_born;
    std::unordered_map<SessionId, Order::iterator, Hash> m_index;
    std::unordered_map<SessionId, SteadyTime, Hash> m_ended; ///< ended while Redis was away, until when to remember
    struct Revocation
    {
        std::uint32_t upTo = 0;
        SteadyTime until;
        bool pending = false;
    };
    std::unordered_map<Id, Revocation> m_revoked;
};

} // namespace portolan::auth
