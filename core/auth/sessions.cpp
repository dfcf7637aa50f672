// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/sessions.h"

#include "core/base/embedded_file.h"
#include "core/base/ids.h"
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <stdexcept>
#include <thread>

namespace portolan::auth {

namespace scripts {
std::span<const EmbeddedFile> embeddedFiles();
}

namespace {

/// What an append-only file synced every second may have lost, a second for the clocks, and that new sessions are noted
/// as if their last use lay back.
constexpr std::uint32_t perhapsLost = 3 + noteInterval;
/// Sessions were noted by Redis' clock, which may be ahead of ours.
constexpr std::uint32_t clockDifference = 5;
constexpr std::size_t moveAtOnce = 500;
constexpr std::chrono::milliseconds keeperPause{250};
constexpr int tombstoneSeconds = 3600;

std::string source(std::string_view name)
{
    const auto *file = findEmbedded(scripts::embeddedFiles(), name);
    if (!file)
        throw std::logic_error("no script " + std::string(name));
    return std::string(file->text);
}

void put(std::string &to, std::uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i)
        to += static_cast<char>(value >> (8 * i));
}

std::string createRequest(bool moved, std::chrono::seconds lifetime, const Session &session)
{
    std::string text;
    put(text, moved ? 1 : 0, 1);
    put(text, static_cast<std::uint64_t>(lifetime.count()), 4);
    return text + encodeSession(session);
}

std::string revokeRequest(std::chrono::seconds lifetime, std::uint32_t upTo)
{
    std::string text;
    // A minute more than any session it concerns can live.
    put(text, static_cast<std::uint64_t>(lifetime.count()) + 60, 4);
    put(text, upTo, 4);
    return text;
}

} // namespace

Sessions::Sessions(redis::Client &client, const Clock &clock, SessionOptions options)
    : m_client(client),
      m_clock(clock),
      m_options(options),
      m_memory(clock, options.lifetime, options.memorySessions),
      m_outage(clock),
      m_create("session_create", source("session_create.lua")),
      m_revoke("session_revoke", source("session_revoke.lua")),
      m_underWay(std::make_shared<std::atomic<int>>(0))
{}

Sessions::~Sessions() { stop(); }

void Sessions::stop()
{
    m_subscription.reset();
    m_stopping = true;
    if (!m_executor)
        return;
    asio::post(*m_executor, [this, underWay = m_underWay] {
        if (*underWay > 0)
            m_pause->cancel();
    });
    // Of a runtime that was stopped before nothing runs on, and nothing more touches this.
    while (*m_underWay > 0 && !m_executor->context().stopped())
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

void Sessions::connect(Executor executor, redis::Subscriber *subscriber)
{
    m_executor = executor;
    m_pause.emplace(executor);
    if (subscriber)
        m_subscription = subscriber->subscribe(std::string(channel),
                                               [this](std::string_view, std::string_view text) { heard(text); });
}

std::vector<const redis::Script *> Sessions::scripts() const { return {&m_create, &m_revoke}; }

std::uint32_t Sessions::seconds() const
{
    return static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(m_clock.wall()).time_since_epoch().count() - sessionEpoch);
}

Error Sessions::unknownWhileAway() const
{
    Error error = failure(ErrorKind::Unavailable, "Sessions cannot be looked up right now.",
                          "You are still signed in; try again in a moment.");
    error.code = "redis-away";
    error.retryAfter = std::chrono::seconds(2);
    return error;
}

awaitable<Result<Sessions::Created>> Sessions::create(Id user, Role role)
{
    const auto token = m_options.mark ? m_options.mark->make() : SessionToken::random();
    Created created{token, token.id(), Session{user, role, 0}};
    if (m_outage.mayAsk()) {
        const std::string key = sessionKey(created.id);
        const std::string revocation = revocationKey(user);
        const std::string request = createRequest(false, m_options.lifetime, created.session);
        const std::array<std::string_view, 2> keys{key, revocation};
        const std::array<std::string_view, 1> arguments{request};
        const auto reply = co_await m_client.eval(m_create, keys, arguments, m_options.deadline);
        if (reply) {
            redisAnswered();
            created.session.noted = static_cast<std::uint32_t>(reply->integer);
            m_memory.remember(created.id, created.session);
            co_return created;
        }
        if (!RedisOutage::means(reply.error().kind))
            co_return reply.error();
        redisFailed();
    }
    created.session.noted = std::max(seconds() - noteInterval, m_memory.revokedUpTo(user) + 1);
    if (!m_memory.born(created.id, created.session)) {
        Error error =
            failure(ErrorKind::Unavailable, "Nobody can sign in right now: Redis is away.", "Try again in a moment.");
        error.code = "redis-away";
        error.retryAfter = std::chrono::seconds(5);
        co_return error;
    }
    co_return created;
}

awaitable<Result<std::optional<Session>>> Sessions::find(SessionId id)
{
    using Found = Result<std::optional<Session>>;
    if (!m_outage.mayAsk())
        co_return findHere(id);
    redis::Command get("GET", sessionKey(id));
    const auto reply = co_await m_client.run(std::move(get), m_options.deadline);
    if (!reply) {
        if (!RedisOutage::means(reply.error().kind))
            co_return reply.error();
        redisFailed();
        co_return findHere(id);
    }
    redisAnswered();
    const auto session = decodeSession(reply->text);
    if (!session) {
        const auto here = m_memory.find(id);
        const bool moved = co_await adopt(id);
        if (here && (moved || m_memory.isBornHere(id))) // which Redis does not take now
            co_return Found(here);
        m_memory.forget(id);
        co_return Found(std::nullopt);
    }
    redis::Command revocation("GET", revocationKey(session->userId));
    const auto revoked = co_await m_client.run(std::move(revocation), m_options.deadline);
    if (!revoked)
        co_return revoked.error();
    std::uint32_t upTo = 0;
    for (std::size_t i = revoked->text.size(); i-- > 0;)
        upTo = upTo << 8 | static_cast<unsigned char>(revoked->text[i]);
    if (session->noted <= upTo) {
        m_memory.forget(id);
        co_return Found(std::nullopt);
    }
    m_memory.remember(id, *session);
    co_return Found(session);
}

Result<std::optional<Session>> Sessions::findHere(const SessionId &id)
{
    if (const auto session = m_memory.find(id))
        return session;
    if (m_memory.isEnded(id))
        return std::optional<Session>();
    return unknownWhileAway();
}

awaitable<Result<void>> Sessions::destroy(SessionId id)
{
    bool told = false;
    m_memory.forget(id); // first, so that no move back tells it to Redis again
    if (m_outage.mayAsk()) {
        const auto reply = co_await tellEnded(id);
        if (!reply && !RedisOutage::means(reply.error().kind))
            co_return reply.error();
        told = reply.has_value();
        if (told)
            redisAnswered();
        else
            redisFailed();
    }
    if (!told)
        m_memory.end(id);
    ended(Ended{id, 0, 0}, told);
    co_return Result<void>();
}

awaitable<Result<void>> Sessions::destroyAll(Id user)
{
    std::uint32_t upTo = 0;
    if (m_outage.mayAsk()) {
        const std::string key = revocationKey(user);
        const std::string request = revokeRequest(m_options.lifetime, 0);
        const std::array<std::string_view, 1> keys{key};
        const std::array<std::string_view, 1> arguments{request};
        const auto reply = co_await m_client.eval(m_revoke, keys, arguments, m_options.deadline);
        if (reply) {
            redisAnswered();
            upTo = static_cast<std::uint32_t>(reply->integer);
        } else if (RedisOutage::means(reply.error().kind)) {
            redisFailed();
        } else if (reply.error().kind != ErrorKind::Full) {
            co_return reply.error();
        }
    }
    const bool told = upTo > 0;
    if (!told)
        upTo = std::max(seconds() + clockDifference, m_memory.revokedUpTo(user) + 1);
    m_memory.revoke(user, upTo, !told);
    if (!told)
        startKeeper();
    ended(Ended{std::nullopt, user, upTo}, told);
    co_return Result<void>();
}

awaitable<Result<void>> Sessions::tellEnded(SessionId id)
{
    redis::Command tombstone("SET", sessionKey(id), "", "EX", tombstoneSeconds);
    auto reply = co_await m_client.run(std::move(tombstone), m_options.deadline);
    if (!reply && reply.error().kind == ErrorKind::Full) {
        redis::Command del("DEL", sessionKey(id));
        reply = co_await m_client.run(std::move(del), m_options.deadline);
    }
    if (!reply)
        co_return reply.error();
    co_return Result<void>();
}

void Sessions::redisFailed()
{
    if (m_outage.failed())
        m_lostAt = seconds();
    startKeeper();
}

void Sessions::redisAnswered()
{
    if (!m_outage.answered())
        return;
    if (const auto lost = m_lostAt.exchange(0); lost > perhapsLost)
        m_memory.distrust(lost - perhapsLost);
}

void Sessions::startKeeper()
{
    // Counted before stop() is looked for: either that waits for this one, or this one sees that it was called.
    m_underWay->fetch_add(1);
    // Gone with the frame, also when the runtime stops and destroys that unfinished.
    const auto present = std::shared_ptr<void>(nullptr, [underWay = m_underWay](void *) { underWay->fetch_sub(1); });
    if (!m_executor || m_stopping || m_keeping.exchange(true))
        return;
    spawn(*m_executor, [this, present]() -> awaitable<void> { co_await keepAsking(); });
}

awaitable<void> Sessions::keepAsking()
{
    while (!m_stopping) {
        if (m_outage.away()) {
            redis::Command ping("PING");
            const auto reply = co_await m_client.run(std::move(ping), m_options.deadline);
            if (reply || !RedisOutage::means(reply.error().kind))
                redisAnswered();
        } else {
            const bool done = co_await moveBack();
            if (done) {
                m_keeping = false;
                // What came in just now found somebody keeping still, and relies on that.
                if ((!m_outage.away() && !m_memory.hasPending()) || m_keeping.exchange(true))
                    co_return;
                continue;
            }
        }
        error_code cancelled;
        m_pause->expires_after(keeperPause);
        co_await m_pause->async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
}

awaitable<bool> Sessions::adopt(SessionId id)
{
    if (!m_memory.isBornHere(id))
        co_return false;
    const auto session = m_memory.find(id);
    if (!session)
        co_return false;
    co_return co_await tellBorn(id, *session);
}

awaitable<bool> Sessions::tellBorn(SessionId id, Session session)
{
    const std::string key = sessionKey(id);
    const std::string revocation = revocationKey(session.userId);
    const std::string request = createRequest(true, m_options.lifetime, session);
    const std::array<std::string_view, 2> keys{key, revocation};
    const std::array<std::string_view, 1> arguments{request};
    const auto reply = co_await m_client.eval(m_create, keys, arguments, m_options.deadline);
    if (!reply)
        co_return false;
    if (!m_memory.isBornHere(id)) {
        // Ended while it was being told, or told twice; only what is still in memory may stay.
        if (!m_memory.find(id))
            m_client.post(redis::Command("SET", key, "", "EX", tombstoneSeconds));
    } else if (reply->integer == 0) {
        m_memory.forget(id);
    } else {
        m_memory.remember(id, session);
    }
    co_return true;
}

awaitable<bool> Sessions::moveBack()
{
    for (;;) {
        auto pending = m_memory.takePending(moveAtOnce);
        if (pending.empty())
            co_return true;
        // Revocations first: a session born before one must not arrive after it as if it were newer.
        while (!pending.revoked.empty()) {
            const auto [user, upTo] = pending.revoked.back();
            const std::string key = revocationKey(user);
            const std::string request = revokeRequest(m_options.lifetime, upTo);
            const std::array<std::string_view, 1> keys{key};
            const std::array<std::string_view, 1> arguments{request};
            const auto reply = co_await m_client.eval(m_revoke, keys, arguments, m_options.deadline);
            if (!reply)
                break;
            ended(Ended{std::nullopt, user, upTo}, true);
            pending.revoked.pop_back();
        }
        while (pending.revoked.empty() && !pending.ended.empty()) {
            const auto reply = co_await tellEnded(pending.ended.back());
            if (!reply)
                break;
            ended(Ended{pending.ended.back(), 0, 0}, true);
            pending.ended.pop_back();
        }
        while (pending.revoked.empty() && pending.ended.empty() && !pending.born.empty()) {
            const auto [id, session] = pending.born.back();
            const bool told = co_await tellBorn(id, session);
            if (!told)
                break;
            pending.born.pop_back();
        }
        if (!pending.empty()) {
            m_memory.putBack(pending);
            co_return false;
        }
    }
}

void Sessions::ended(const Ended &what, bool tellOthers)
{
    if (tellOthers) {
        const std::string message = what.id ? "session " + std::string(what.id->view())
                                            : "user " + formatId(what.userId) + " " + std::to_string(what.upTo);
        m_client.post(redis::Command("PUBLISH", channel, message));
    }
    if (m_onEnded)
        m_onEnded(what);
}

void Sessions::heard(std::string_view message)
{
    Ended what;
    if (message.starts_with("session ")) {
        what.id = SessionId::parse(message.substr(8));
        if (!what.id)
            return;
        m_memory.forget(*what.id);
    } else if (message.starts_with("user ")) {
        message.remove_prefix(5);
        const auto blank = message.find(' ');
        if (blank == std::string_view::npos)
            return;
        const auto user = parseId(message.substr(0, blank));
        const auto number = message.substr(blank + 1);
        const auto read = std::from_chars(number.data(), number.data() + number.size(), what.upTo);
        if (!user || read.ec != std::errc() || read.ptr != number.data() + number.size())
            return;
        what.userId = *user;
        m_memory.revoke(what.userId, what.upTo, false);
    } else {
        return;
    }
    if (m_onEnded)
        m_onEnded(what);
}

} // namespace portolan::auth
