// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/auth/api_tokens.h"
#include "core/auth/csrf.h"
#include "core/auth/sessions.h"
#include "core/auth/tokens.h"
#include "core/http/admission.h"
#include "core/limits/limits_table.h"
#include "core/limits/memory_rate_limiter.h"
#include "core/portal/uncounted.h"
#include "core/portal/unknown_sessions.h"
#include "core/redis/script.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace portolan::redis {
class Client;
}

namespace portolan::portal {

/// Which session a request came with, for handlers: `callerOf(request)`.
struct Caller
{
    auth::SessionId session;
    auth::Session what;
    bool bearer = false; ///< by access token, not by cookie
};
/// Null: nobody is signed in, also on a route that asks for a role: whoever uses the control socket has one, and no
/// session; and so has whoever came with an API token.
const Caller *callerOf(const http::Request &request);

/// With which API token a request came, instead of a Caller.
struct TokenCaller
{
    std::string hash; ///< auth::apiTokenHash()
    std::string name;
};

struct AdmissionOptions
{
    std::atomic<std::uint32_t> usersCeiling{0}; ///< concurrent users of the whole deployment; 0: none. May change live
    std::uint32_t adminGuard = 50;              ///< requests a second of a session or a token to /api/admin
    std::uint32_t unknownSessions = 60;         ///< a minute of an address, in this process; of tokens as well
    std::uint32_t refusedForms = 600;           ///< a minute of a user or an address, in this process
    std::uint32_t failures = 120;               ///< as well: those the server fails at that use nothing up
    std::size_t memoryKeys = 100'000;           ///< limits counted in memory while Redis is away
};

/// Lets requests in: who is it, has every window room, is the role enough, is it not forged. One script, one round
/// trip (two when this instance sees a session for the first time: whose windows apply depends on who it is).
///
/// - Order: nobody at all (401), session and windows (429 `rate-limited`, 429 `concurrency`), role (401, 403), CSRF
/// (403
///   `csrf`). What is refused for its role has been counted, so guessing is limited too; what lacks its CSRF token uses
///   nothing up, or any page elsewhere could use up the limits of who looks at it.
/// - Whoever brings nothing that could be a session gets 401 without Redis being asked, and counts nowhere; a session
///   that nobody knows counts in the windows of its address, and costs Redis what UnknownSessions lets it.
/// - What is refused for its form counts in no window, but over `refusedForms` nothing that could be is let in.
/// - What the server fails at uses nothing up, up to `failures`: asking for it for ever must not be free.
/// - An API token (`Authorization: Bearer pt_…`) opens /api/admin and nothing else (403 `token-scope`), with its role
///   and no CSRF token, and has a guard of its own. It costs Redis the same one round trip, and the database nothing
///   while it is remembered. Those that nobody knows are looked up no more often than such sessions.
/// - Other programs of the host may have set a `sid` as well: each that can be a session is tried, up to
///   `mostSessions`.
/// - What says who somebody is (Access::identifies) counts for its address, whoever was signed in before.
/// - A route for everybody without limits never touches Redis.
/// - A concurrent user has made a request in the last 5 minutes; noted at most every 10 s per session, so a place is
///   free up to 10 s later. Operators and admins are counted but never refused by that ceiling.
/// - Redis away: windows are counted in this process, sessions as auth::Sessions says. Redis full: sessions go on,
///   windows are counted in this process.
class RequestAdmission final : public http::Admission
{
public:
    /// All outlive this.
    RequestAdmission(redis::Client &client, auth::Sessions &sessions, const auth::AccessTokens &tokens,
                     auth::ApiTokens &apiTokens, const auth::CsrfTokens &csrf, limits::LimitsTable &limits,
                     const Clock &clock, AdmissionOptions &options, const Clock *testTime = nullptr);

    static constexpr std::size_t mostSessions = 4;

    awaitable<http::Admitted> admit(http::Request &request, const http::Route &route) override;
    awaitable<bool> giveBack(http::Request &request, const http::Route &route, const http::Charge &charge,
                             http::status code) override;
    awaitable<http::Admitted> look(http::Request &request, const http::Route &route) override;

    /// Called when a session's use is noted (every 10 s of use): for the list of sessions. Any thread; must not block.
    void onSeen(std::function<void(const auth::SessionId &, WallTime)> handler) { m_onSeen = std::move(handler); }

    const redis::Script &script() const { return m_script; }         ///< for Client::preload()
    const redis::Script &returnScript() const { return m_giveBack; } ///< as well

    /// 429 answers so far, by category.
    std::array<std::uint64_t, limits::categoryCount> refused() const;
    /// Signed-in users with a request in the last 5 minutes, in the whole deployment; exact while there is a ceiling,
    /// else within a percent or two. Redis' errors.
    awaitable<Result<std::uint64_t>> concurrentUsers();

private:
    struct Visit;   ///< one request on its way through
    struct Outcome; ///< what the script, or the memory, said of it

    Visit identify(const http::Request &request);
    void chooseWindows(Visit &visit, const http::Route &route) const;
    awaitable<void> chooseSession(Visit &visit, const http::Request &request);
    std::optional<http::Response> heedUnknown(Visit &visit, const http::Request &request, const http::Route &route);
    std::optional<http::Response> heedForms(const Visit &visit, const http::Request &request);
    awaitable<http::Admitted> admitToken(http::Request &request, const http::Route &route, std::string_view bearer);
    http::Admitted concludeToken(const http::Request &request, const http::Route &route, const Visit &visit,
                                 const Outcome &outcome);
    bool isGivenOut(const auth::SessionToken &token) const;
    void noteUnknown(const Visit &visit, const Result<Outcome> &outcome);
    awaitable<void> loadLimits(Visit &visit, Id user);
    awaitable<Result<Outcome>> ask(Visit &visit);
    awaitable<Result<Outcome>> askRedis(const Visit &visit);
    std::string scriptRequest(const Visit &visit) const;
    Result<Outcome> askMemory(const Visit &visit);
    limits::Decision countInMemory(const Visit &visit, const std::optional<auth::Session> &session);
    http::Admitted conclude(http::Request &request, const http::Route &route, const Visit &visit,
                            const Outcome &outcome);
    http::Response refuse(const http::Request &request, Category category, const limits::Decision &decision,
                          bool crowded);

    redis::Client &m_client;
    auth::Sessions &m_sessions;
    const auth::AccessTokens &m_tokens;
    auth::ApiTokens &m_apiTokens;
    const auth::CsrfTokens &m_csrf;
    limits::LimitsTable &m_limits;
    const Clock &m_clock;
    AdmissionOptions &m_options;
    const Clock *m_testTime;
    redis::Script m_script;
    redis::Script m_giveBack;
    limits::MemoryRateLimiter m_memory;
    UnknownSessions m_unknown;
    Uncounted m_forms;
    Uncounted m_failures;
    limits::WindowSpec m_guard;
    std::function<void(const auth::SessionId &, WallTime)> m_onSeen;
    std::array<std::atomic<std::uint64_t>, limits::categoryCount> m_refused{};
};

} // namespace portolan::portal
