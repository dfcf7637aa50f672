// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/auth/memory_sessions.h"
#include "core/auth/redis_outage.h"
#include "core/auth/session.h"
#include "core/auth/session_mark.h"
#include "core/base/asio.h"
#include "core/redis/script.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::auth {

struct SessionOptions
{
    std::chrono::seconds lifetime{86400};    ///< without use
    std::size_t memorySessions = 100'000;    ///< about 200 bytes each
    std::chrono::milliseconds deadline{500}; ///< of a call to Redis
    std::optional<SessionMark> mark{};       ///< what new tokens bear; nothing: none
};

/// Who is signed in. Sessions are in Redis and end `lifetime` after their last use; each instance remembers those it
/// has seen.
///
/// - All sessions of a user end at once, on every instance, by one number: the user's revocation (session.h). No list
///   of sessions has to be right for that. Changing a role, disabling a user and a new password end all sessions.
/// - While Redis is away: sessions this instance has seen go on; others answer Unavailable, never "not signed in". New
///   ones live in memory and move to Redis when it is back, as do endings and revocations.
/// - When Redis is full: sessions that are there go on, create() answers Full.
///
/// Any thread; coroutines resume on the caller's executor.
class Sessions final
{
public:
    Sessions(redis::Client &client, const Clock &clock, SessionOptions options = {});
    ~Sessions(); ///< stop()
    Sessions(const Sessions &) = delete;
    Sessions &operator=(const Sessions &) = delete;

    /// Hears what other instances end (channel `p:sessions`). On `executor` it finds out when Redis is back, and moves
    /// sessions there. Before the server starts; `subscriber` may be null (a single instance).
    void connect(Executor executor, redis::Subscriber *subscriber);
    /// Nothing of it runs on the executor afterwards. Blocks until what is under way there has ended (some 2 s at
    /// most), so not on one of its threads, and before the executor's context stops: what waits there would never end.
    /// Twice is harmless.
    void stop();

    struct Ended
    {
        std::optional<SessionId> id; ///< this one, or …
        Id userId = 0;               ///< … all of this user's that were noted up to …
        std::uint32_t upTo = 0;      ///< … then (as Session::noted)
    };
    /// Called for every session that is ended, here or elsewhere (not for those that expire); on any thread. For what
    /// hangs on a session: a WebSocket. Before the server starts.
    void onEnded(std::function<void(const Ended &)> handler) { m_onEnded = std::move(handler); }

    struct Created
    {
        SessionToken token;
        SessionId id;
        Session session;
    };
    /// A new session. Full (code `redis-full`), Unavailable (too many live in memory already).
    awaitable<Result<Created>> create(Id user, Role role);

    /// nullopt: not signed in. Unavailable with retryAfter: Redis is away and this instance does not know it.
    awaitable<Result<std::optional<Session>>> find(SessionId id);

    /// Leaves a tombstone of an hour, so that an instance that was cut off meanwhile does not tell Redis again what it
    /// still remembers.
    awaitable<Result<void>> destroy(SessionId id);
    /// Every session made before this call, everywhere, also those not listed anywhere.
    awaitable<Result<void>> destroyAll(Id user);

    // For whoever looks sessions up by a script of its own (portal/admission).
    MemorySessions &memory() { return m_memory; }
    RedisOutage &outage() { return m_outage; }
    const SessionOptions &options() const { return m_options; }
    /// Redis answered.
    void redisAnswered();
    void redisFailed(); ///< a call failed with what RedisOutage::means() says
    /// While Redis is away: what this instance knows. nullopt: ended here. Unavailable: not known.
    Result<std::optional<Session>> findHere(const SessionId &id);
    /// Redis does not know `id`. If it was born here it is moved now: true, and the caller asks again.
    awaitable<bool> adopt(SessionId id);

    /// Tells Redis what it missed; true if nothing is left. Happens by itself after an outage.
    awaitable<bool> moveBack();

    std::vector<const redis::Script *> scripts() const;       ///< for Client::preload()
    static constexpr std::string_view channel = "p:sessions"; ///< "session <id>", "user <id> <upTo>"

private:
    void startKeeper();
    awaitable<void> keepAsking();
    awaitable<Result<void>> tellEnded(SessionId id);
    awaitable<bool> tellBorn(SessionId id, Session session);
    void ended(const Ended &what, bool tellOthers);
    void heard(std::string_view message);
    std::uint32_t seconds() const; ///< since sessionEpoch
    Error unknownWhileAway() const;

    redis::Client &m_client;
    const Clock &m_clock;
    const SessionOptions m_options;
    MemorySessions m_memory;
    RedisOutage m_outage;
    redis::Script m_create;
    redis::Script m_revoke;
    std::function<void(const Ended &)> m_onEnded;
    std::optional<Executor> m_executor;
    std::optional<Timer> m_pause;           ///< of keepAsking(); on the executor
    std::atomic<std::uint32_t> m_lostAt{0}; ///< as Session::noted: when Redis went away; 0: it is there
    std::atomic<bool> m_stopping{false};
    std::atomic<bool> m_keeping{false}; ///< somebody is in keepAsking()
    /// How many coroutines of this are under way; they hold it too, to say good-bye after this may be gone.
    std::shared_ptr<std::atomic<int>> m_underWay;
    std::shared_ptr<void> m_subscription;
};

} // namespace portolan::auth
