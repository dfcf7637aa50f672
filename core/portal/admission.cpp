#include "core/portal/admission.h"

#include "core/http/cookie.h"
#include "core/http/problem.h"
#include "core/limits/keys.h"
#include "core/limits/packing.h"
#include "core/limits/redis_windows.h"
#include "core/limits/scripts.h"
#include "core/portal/portal_scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <any>

namespace portolan::portal {

namespace {

using limits::LimitsPlan;
using limits::UserLimits;
using limits::WindowSpec;

constexpr std::uint8_t onlySay = 1; ///< flags of admission.lua
constexpr std::uint8_t noteUse = 2;

constexpr std::size_t index(Category category) { return static_cast<std::size_t>(category); }

bool isUnsafe(http::verb method)
{
    return method != http::verb::get && method != http::verb::head && method != http::verb::options &&
           method != http::verb::trace;
}

std::int64_t wholeSeconds(std::chrono::milliseconds duration)
{
    return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count());
}

Error refusal(ErrorKind kind, std::string code, std::string message, std::string hint = {})
{
    Error error = failure(kind, std::move(message), std::move(hint));
    error.code = std::move(code);
    return error;
}

} // namespace

struct RequestAdmission::Visit
{
    Category category = Category::Default;
    bool counted = false; ///< has windows, counts among the concurrent users
    bool bearer = false;
    std::optional<auth::SessionId> session;
    bool known = false; ///< whose windows apply has been found out
    std::shared_ptr<const LimitsPlan> plan;
    std::shared_ptr<const UserLimits> own;
    std::string addressKey;
    std::string guardKey;
    const WindowSpec *caller = nullptr;
    const WindowSpec *address = nullptr;
};

struct RequestAdmission::Outcome
{
    enum Status : std::uint8_t { Admitted, Limited, Crowded, OnlySaid, Uncounted };
    Status status = Admitted;
    std::optional<auth::Session> session;
    bool noted = false;
    limits::Decision decision;
};

const Caller *callerOf(const http::Request &request) { return std::any_cast<Caller>(&request.admission); }

RequestAdmission::RequestAdmission(redis::Client &client, auth::Sessions &sessions, const auth::AccessTokens &tokens,
                                   const auth::CsrfTokens &csrf, limits::LimitsTable &limits, const Clock &clock,
                                   AdmissionOptions &options, const Clock *testTime)
    : m_client(client),
      m_sessions(sessions),
      m_tokens(tokens),
      m_csrf(csrf),
      m_limits(limits),
      m_clock(clock),
      m_options(options),
      m_testTime(testTime),
      m_script("admission", limits::windowsLua() + portalScript("admission.lua")),
      m_memory(clock, options.memoryKeys),
      m_guard(limits::Windows{{options.adminGuard, 1, limits::Unit::Second, false}})
{}

awaitable<http::Admitted> RequestAdmission::admit(http::Request &request, const http::Route &route)
{
    if (route.access.category == Category::Unlimited && route.access.role == Role::Anonymous)
        co_return http::Admitted{};
    Visit visit = identify(request, route);
    auto outcome = co_await ask(visit);
    if (!outcome && outcome.error().code == "redis-away" && route.access.role == Role::Anonymous) {
        // Whoever it is, this route is for everybody: signing in again, for one.
        visit.session.reset();
        outcome = askMemory(visit);
    }
    if (!outcome)
        co_return http::Admitted{http::problem(request, outcome.error()), std::nullopt, nullptr};
    co_return conclude(request, route, visit, *outcome);
}

RequestAdmission::Visit RequestAdmission::identify(const http::Request &request, const http::Route &route)
{
    Visit visit;
    visit.category = route.access.category;
    visit.counted = visit.category != Category::Unlimited;
    if (const auto token = http::bearerToken(request.header(http::field::authorization)); !token.empty()) {
        visit.bearer = true;
        if (const auto claims = m_tokens.read(token))
            visit.session = claims->session;
    } else if (const auto cookie = request.cookie("sid"); !cookie.empty()) {
        if (const auto opened = auth::SessionToken::parse(cookie))
            visit.session = opened->id();
    }
    visit.addressKey = limits::keys::address(request.address);
    visit.plan = m_limits.plan();
    static const WindowSpec none;
    visit.caller = &none;
    visit.address = &none;
    if (!visit.counted) {
        visit.known = true;
        return visit;
    }
    if (visit.category == Category::Admin) {
        visit.caller = &m_guard;
        visit.known = true;
        if (visit.session)
            visit.guardKey = limits::keys::guard(visit.session->view());
        return visit;
    }
    visit.caller = &visit.plan->caller[index(visit.category)];
    visit.address = &visit.plan->address[index(visit.category)];
    return visit;
}

awaitable<void> RequestAdmission::loadLimits(Visit &visit, Id user)
{
    visit.own = m_limits.known(user);
    if (!visit.own) {
        // With the database away everybody has the plan's windows rather than nobody getting in.
        if (auto loaded = co_await m_limits.load(user))
            visit.own = *loaded;
    }
    if (visit.own && visit.own->own[index(visit.category)])
        visit.caller = visit.own->own[index(visit.category)].get();
    visit.known = true;
}

awaitable<Result<RequestAdmission::Outcome>> RequestAdmission::ask(Visit &visit)
{
    if (visit.session && !visit.known) {
        if (const auto session = m_sessions.memory().find(*visit.session))
            co_await loadLimits(visit, session->userId);
    }
    if (!m_sessions.outage().mayAsk())
        co_return askMemory(visit);
    auto outcome = co_await askRedis(visit);
    if (outcome && outcome->status == Outcome::OnlySaid) {
        m_sessions.memory().remember(*visit.session, *outcome->session);
        co_await loadLimits(visit, outcome->session->userId);
        outcome = co_await askRedis(visit);
    }
    if (outcome)
        m_sessions.redisAnswered(); // before adopt(): what Redis may have lost is told to it again
    if (outcome && visit.session && !outcome->session) {
        const bool adopted = co_await m_sessions.adopt(*visit.session);
        if (adopted) {
            outcome = co_await askRedis(visit);
        } else if (m_sessions.memory().isBornHere(*visit.session)) {
            // It reads and does not take what is written: what was born meanwhile lives on here.
            m_sessions.redisFailed();
            co_return askMemory(visit);
        } else {
            m_sessions.memory().forget(*visit.session);
        }
    }
    if (!outcome && auth::RedisOutage::means(outcome.error().kind)) {
        m_sessions.redisFailed();
        co_return askMemory(visit);
    }
    if (!outcome)
        co_return outcome.error();
    if (outcome->status == Outcome::Uncounted)
        outcome->decision = countInMemory(visit, outcome->session);
    if (!outcome->decision.allowed)
        outcome->status = Outcome::Limited;
    co_return outcome;
}

std::string RequestAdmission::scriptRequest(const Visit &visit) const
{
    using limits::put;
    std::string text;
    text.reserve(20 + visit.caller->packed().size() + visit.address->packed().size());
    put(text, limits::tagOf(visit.category, false), 1);
    put(text, (visit.session && !visit.known ? onlySay : 0u) | (visit.counted ? noteUse : 0u), 1);
    put(text, visit.caller->fixed(), 1);
    put(text, visit.caller->moving(), 1);
    put(text, visit.address->fixed(), 1);
    put(text, visit.address->moving(), 1);
    put(text, static_cast<std::uint64_t>(m_sessions.options().lifetime.count()), 4);
    put(text, m_options.usersCeiling.load(std::memory_order_relaxed), 4);
    put(text, limits::testTimeOf(m_testTime), 6);
    return text.append(visit.caller->packed()).append(visit.address->packed());
}

awaitable<Result<RequestAdmission::Outcome>> RequestAdmission::askRedis(const Visit &visit)
{
    const std::string session = visit.session ? auth::sessionKey(*visit.session) : std::string();
    const std::string request = scriptRequest(visit);
    const std::array<std::string_view, 3> keys{session, visit.addressKey, visit.guardKey};
    const std::array<std::string_view, 1> arguments{request};
    const auto reply = co_await m_client.eval(m_script, keys, arguments, m_sessions.options().deadline);
    if (!reply)
        co_return reply.error();
    std::string_view text = reply->text;
    constexpr std::size_t fixedPart = 1 + 1 + 4 + 4 + 5 + 5;
    if (text.size() < fixedPart || static_cast<unsigned char>(text[0]) > Outcome::Uncounted)
        co_return failure(ErrorKind::Protocol, "Redis answered the admission script with something else.");
    Outcome outcome;
    outcome.status = static_cast<Outcome::Status>(limits::take(text, 1));
    outcome.noted = limits::take(text, 1) != 0;
    auto &decision = outcome.decision;
    decision.allowed = outcome.status != Outcome::Limited;
    decision.limit = static_cast<std::uint32_t>(limits::take(text, 4));
    decision.remaining = static_cast<std::uint32_t>(limits::take(text, 4));
    const auto reset = limits::take(text, 5);
    decision.limited = reset != 0;
    decision.reset = limits::timeOfScript(reset);
    decision.now = limits::timeOfScript(limits::take(text, 5));
    outcome.session = auth::decodeSession(text);
    co_return outcome;
}

Result<RequestAdmission::Outcome> RequestAdmission::askMemory(const Visit &visit)
{
    Outcome outcome;
    if (visit.session) {
        const auto session = m_sessions.findHere(*visit.session);
        if (!session)
            return session.error();
        outcome.session = *session;
    }
    outcome.decision = countInMemory(visit, outcome.session);
    if (!outcome.decision.allowed)
        outcome.status = Outcome::Limited;
    return outcome;
}

limits::Decision RequestAdmission::countInMemory(const Visit &visit, const std::optional<auth::Session> &session)
{
    const std::string key = !session                 ? visit.addressKey
                            : visit.guardKey.empty() ? limits::keys::user(session->userId)
                                                     : visit.guardKey;
    const std::array<limits::Check, 2> checks{limits::Check{key, visit.category, false, visit.caller},
                                              limits::Check{visit.addressKey, visit.category, true, visit.address}};
    return m_memory.count(checks);
}

http::Admitted RequestAdmission::conclude(http::Request &request, const http::Route &route, const Visit &visit,
                                          const Outcome &outcome)
{
    http::Admitted admitted;
    if (outcome.session) {
        request.principal = {outcome.session->userId, outcome.session->role};
        request.admission = Caller{*visit.session, *outcome.session, visit.bearer};
        if (outcome.noted) {
            m_sessions.memory().remember(*visit.session, *outcome.session);
            if (m_onSeen)
                m_onSeen(*visit.session, outcome.decision.now);
        }
    }
    if (outcome.decision.limited && outcome.status != Outcome::Crowded) {
        const auto reset = std::chrono::ceil<std::chrono::seconds>(outcome.decision.reset).time_since_epoch().count();
        admitted.limits = http::LimitHeaders{outcome.decision.limit, outcome.decision.remaining, reset};
    }
    if (outcome.status == Outcome::Limited || outcome.status == Outcome::Crowded) {
        admitted.refusal = refuse(request, visit, outcome);
    } else if (route.access.role > request.principal.role) {
        admitted.refusal = http::problem(
            request,
            outcome.session
                ? failure(ErrorKind::Forbidden, "Your role does not allow this.", "Ask an administrator.")
                : failure(ErrorKind::Unauthenticated, "You are not signed in.",
                          "Sign in at /auth/login; then send the cookie, or the token as 'Authorization: Bearer'."));
    } else if (outcome.session && !visit.bearer && route.access.csrf && isUnsafe(request.method) &&
               !m_csrf.matches(*visit.session, request.headers["X-CSRF-Token"])) {
        admitted.refusal =
            http::problem(request, refusal(ErrorKind::Forbidden, "csrf", "The request has no valid CSRF token.",
                                           "Send the token of GET /auth/csrf in X-CSRF-Token."));
    }
    return admitted;
}

http::Response RequestAdmission::refuse(const http::Request &request, const Visit &visit, const Outcome &outcome)
{
    const bool crowded = outcome.status == Outcome::Crowded;
    m_refused[index(visit.category)].fetch_add(1, std::memory_order_relaxed);
    if (m_onRefused)
        m_onRefused({request, visit.category, request.principal.userId, crowded});
    const auto wait = wholeSeconds(outcome.decision.retryAfter());
    Error error =
        crowded
            ? refusal(ErrorKind::RateLimited, "concurrency",
                      "All " + std::to_string(outcome.decision.limit) + " places for users at the same time are taken.",
                      "A place is free when somebody has made no request for five minutes.")
            : refusal(ErrorKind::RateLimited, "rate-limited", "This limit is used up.",
                      "Try again in " + std::to_string(wait) + (wait == 1 ? " second." : " seconds."));
    error.retryAfter = std::chrono::seconds(wait);
    return http::problem(request, error);
}

std::array<std::uint64_t, limits::categoryCount> RequestAdmission::refused() const
{
    std::array<std::uint64_t, limits::categoryCount> counts{};
    std::ranges::transform(m_refused, counts.begin(), [](const auto &count) { return count.load(); });
    return counts;
}

awaitable<Result<std::uint64_t>> RequestAdmission::concurrentUsers()
{
    const auto now = std::chrono::floor<std::chrono::seconds>(m_clock.wall()).time_since_epoch().count();
    redis::Command command;
    if (m_options.usersCeiling > 0) {
        command.add("ZCOUNT", limits::keys::activeUsers, now - auth::sessionEpoch - 310,
                    now - auth::sessionEpoch + 60); // later: of a clock that was ahead
    } else {
        command.begin(7).argument("PFCOUNT");
        for (std::int64_t minute = now / 60 - 5; minute <= now / 60; ++minute)
            command.argument("l:v" + std::to_string(minute));
    }
    const auto reply = co_await m_client.run(std::move(command));
    if (!reply)
        co_return reply.error();
    co_return static_cast<std::uint64_t>(reply->integer);
}

} // namespace portolan::portal
