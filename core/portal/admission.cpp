// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/admission.h"

#include "core/http/cookie.h"
#include "core/http/problem.h"
#include "core/limits/keys.h"
#include "core/limits/redis_windows.h"
#include "core/portal/admission_visit.h"
#include "core/portal/portal_scripts.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <any>

namespace portolan::portal {

namespace {

using limits::WindowSpec;

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

/// `byAddress`: nobody is signed in, so whoever else comes from there shares the limit.
std::string usedUp(Category category, bool byAddress)
{
    const auto of = [category]() -> std::string_view {
        switch (category) {
        case Category::Auth:
            return "attempts to sign in or register";
        case Category::Upload:
            return "uploads";
        case Category::Analysis:
            return "analyses";
        case Category::Automation:
            return "automation runs";
        case Category::Default:
        case Category::Api:
        case Category::Admin:
        case Category::Unlimited:
            break;
        }
        return "requests";
    };
    return std::string("Too many ").append(of()).append(byAddress ? " from this address." : ".");
}

http::Response notSignedIn(const http::Request &request)
{
    return http::problem(
        request, failure(ErrorKind::Unauthenticated, "You are not signed in.",
                         "Sign in at /auth/login; then send the cookie, or the token as 'Authorization: Bearer'."));
}

} // namespace

http::Admitted refusedWith(http::Response response)
{
    http::Admitted admitted;
    admitted.refusal = std::move(response);
    return admitted;
}

std::optional<http::LimitHeaders> headersOf(const limits::Decision &decision)
{
    if (!decision.limited)
        return std::nullopt;
    const auto reset = std::chrono::ceil<std::chrono::seconds>(decision.reset).time_since_epoch().count();
    return http::LimitHeaders{decision.limit, decision.remaining, reset};
}

const Caller *callerOf(const http::Request &request) { return std::any_cast<Caller>(&request.admission); }

RequestAdmission::RequestAdmission(redis::Client &client, auth::Sessions &sessions, const auth::AccessTokens &tokens,
                                   auth::ApiTokens &apiTokens, const auth::CsrfTokens &csrf,
                                   limits::LimitsTable &limits, const Clock &clock, AdmissionOptions &options,
                                   const Clock *testTime)
    : m_client(client),
      m_sessions(sessions),
      m_tokens(tokens),
      m_apiTokens(apiTokens),
      m_csrf(csrf),
      m_limits(limits),
      m_clock(clock),
      m_options(options),
      m_testTime(testTime),
      m_script("admission", limits::windowsLua() + portalScript("admission.lua")),
      m_giveBack("admission_return", portalScript("admission_return.lua")),
      m_memory(clock, options.memoryKeys),
      m_unknown(clock, options.unknownSessions),
      m_forms(clock, options.refusedForms),
      m_failures(clock, options.failures),
      m_guard(limits::Windows{{options.adminGuard, 1, limits::Unit::Second, false}})
{}

awaitable<http::Admitted> RequestAdmission::admit(http::Request &request, const http::Route &route)
{
    if (route.access.category == Category::Unlimited && route.access.role == Role::Anonymous)
        co_return http::Admitted{};
    const auto bearer = http::bearerToken(request.header(http::field::authorization));
    if (auth::isMeantAsApiToken(bearer))
        co_return co_await admitToken(request, route, bearer);
    Visit visit = identify(request);
    if (visit.several)
        co_await chooseSession(visit, request);
    chooseWindows(visit, route);
    if (auto tooMany = heedUnknown(visit, request, route))
        co_return refusedWith(std::move(*tooMany));
    if (auto tooMany = heedForms(visit, request))
        co_return refusedWith(std::move(*tooMany));
    if (!visit.session && route.access.role != Role::Anonymous)
        co_return refusedWith(notSignedIn(request));
    visit.forged = visit.session && !visit.bearer && route.access.csrf && isUnsafe(request.method) &&
                   !m_csrf.matches(*visit.session, request.headers["X-CSRF-Token"]);
    auto outcome = co_await ask(visit);
    noteUnknown(visit, outcome);
    if (!outcome && redis::isAway(outcome.error()) && route.access.role == Role::Anonymous) {
        // Whoever it is, this route is for everybody: signing in again, for one.
        visit.session.reset();
        outcome = askMemory(visit);
    }
    if (!outcome)
        co_return refusedWith(http::problem(request, outcome.error()));
    co_return conclude(request, route, visit, *outcome);
}

awaitable<http::Admitted> RequestAdmission::look(http::Request &request, const http::Route &route)
{
    if (auth::isMeantAsApiToken(http::bearerToken(request.header(http::field::authorization))))
        co_return http::Admitted{}; // nothing it may do has limits to tell of
    Visit visit = identify(request);
    if (visit.several)
        co_await chooseSession(visit, request);
    chooseWindows(visit, route);
    visit.looksOnly = true;
    http::Admitted seen;
    if (const auto decision = m_unknown.count(visit.addressKey); !decision.allowed) {
        seen.refusal = refuse(request, visit.category, decision, false);
        co_return seen;
    }
    const auto outcome = co_await ask(visit);
    if (outcome)
        seen.limits = headersOf(outcome->decision);
    co_return seen;
}

RequestAdmission::Visit RequestAdmission::identify(const http::Request &request)
{
    Visit visit;
    visit.addressKey = limits::keys::address(request.address);
    if (const auto token = http::bearerToken(request.header(http::field::authorization)); !token.empty()) {
        visit.bearer = true;
        if (const auto claims = m_tokens.read(token)) {
            visit.session = claims->session;
            visit.givenOut = true;
        }
    } else if (const auto cookie = request.cookie("sid"); !cookie.empty()) {
        if (const auto opened = auth::SessionToken::parse(cookie)) {
            visit.session = opened->id();
            visit.givenOut = isGivenOut(*opened);
        }
        visit.several = true;
    }
    if (visit.session)
        visit.remembered = m_sessions.memory().find(*visit.session);
    visit.several = visit.several && !visit.remembered; // only then are there others to look for
    return visit;
}

bool RequestAdmission::isGivenOut(const auth::SessionToken &token) const
{
    const auto &mark = m_sessions.options().mark;
    return mark && mark->isOn(token);
}

/// The first of several cookies that is a session.
awaitable<void> RequestAdmission::chooseSession(Visit &visit, const http::Request &request)
{
    struct Candidate
    {
        auth::SessionId id;
        bool givenOut;
    };
    std::vector<Candidate> candidates;
    std::vector<std::string_view> values;
    for (const auto value : request.cookies("sid")) {
        if (values.size() == mostSessions)
            break;
        if (std::ranges::find(values, value) != values.end())
            continue;
        if (const auto opened = auth::SessionToken::parse(value)) {
            values.push_back(value);
            candidates.push_back({opened->id(), isGivenOut(*opened)});
        }
    }
    if (candidates.empty())
        co_return;
    const auto choose = [&visit](const Candidate &candidate) {
        visit.session = candidate.id;
        visit.givenOut = candidate.givenOut;
    };
    choose(candidates.front());
    if (candidates.size() == 1)
        co_return;
    for (const auto &candidate : candidates) {
        if (auto remembered = m_sessions.memory().find(candidate.id)) {
            choose(candidate);
            visit.remembered = std::move(remembered);
            co_return;
        }
    }
    for (const auto &candidate : candidates) {
        const auto may = m_unknown.mayAsk(visit.addressKey, candidate.id, candidate.givenOut);
        if (may.verdict == UnknownSessions::Verdict::TooMany)
            co_return;
        if (may.verdict == UnknownSessions::Verdict::Unknown)
            continue;
        const auto found = co_await m_sessions.find(candidate.id);
        if (found && !*found) {
            m_unknown.unknown(visit.addressKey, candidate.id, candidate.givenOut);
            continue;
        }
        choose(candidate);
        if (found)
            visit.remembered = *found;
        co_return; // found, or nobody can say
    }
}

void RequestAdmission::chooseWindows(Visit &visit, const http::Route &route) const
{
    static const WindowSpec none;
    visit.category = route.access.category;
    visit.counted = visit.category != Category::Unlimited;
    visit.caller = &none;
    visit.address = &none;
    if (!visit.counted) {
        visit.known = true;
    } else if (visit.category == Category::Admin) {
        visit.caller = &m_guard;
        visit.known = true;
        if (visit.session)
            visit.insteadKey = limits::keys::guard(visit.session->view());
    } else {
        visit.caller = &m_limits.plan().caller[index(visit.category)];
        visit.address = &m_limits.plan().address[index(visit.category)];
        if (route.access.identifies && route.access.role == Role::Anonymous) {
            visit.insteadKey = visit.addressKey;
            visit.known = true;
        }
    }
}

/// Before Redis is asked for a session that this process does not know: a refusal, or the session is left out of it.
std::optional<http::Response> RequestAdmission::heedUnknown(Visit &visit, const http::Request &request,
                                                            const http::Route &route)
{
    if (!visit.session || visit.remembered)
        return std::nullopt;
    const auto may = m_unknown.mayAsk(visit.addressKey, *visit.session, visit.givenOut);
    if (may.verdict == UnknownSessions::Verdict::Ask) {
        visit.suspicious = true;
        return std::nullopt;
    }
    visit.session.reset(); // which a route for everybody does without
    if (may.verdict == UnknownSessions::Verdict::Unknown || route.access.role == Role::Anonymous)
        return std::nullopt;
    return refuse(request, visit.category, may.decision, false);
}

std::optional<http::Response> RequestAdmission::heedForms(const Visit &visit, const http::Request &request)
{
    if (!visit.counted || visit.category == Category::Admin || !isUnsafe(request.method))
        return std::nullopt;
    if (visit.session && visit.givenOut && !visit.remembered)
        return std::nullopt; // a user whom this process does not know yet; how many come so is bounded
    const bool byUser = visit.remembered && visit.insteadKey.empty();
    const auto decision = m_forms.look(byUser ? limits::keys::user(visit.remembered->userId) : visit.addressKey);
    if (decision.allowed)
        return std::nullopt;
    return refuse(request, visit.category, decision, false);
}

void RequestAdmission::noteUnknown(const Visit &visit, const Result<Outcome> &outcome)
{
    if (!visit.suspicious)
        return;
    if (outcome && !outcome->session) {
        m_unknown.unknown(visit.addressKey, *visit.session, visit.givenOut);
        return;
    }
    if (outcome)
        m_sessions.memory().remember(*visit.session, *outcome->session);
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
    if (outcome.status != Outcome::Crowded)
        admitted.limits = headersOf(outcome.decision);
    if (outcome.status == Outcome::Limited || outcome.status == Outcome::Crowded) {
        admitted.refusal = refuse(request, visit.category, outcome.decision, outcome.status == Outcome::Crowded);
    } else if (route.access.role > request.principal.role) {
        admitted.refusal = outcome.session
                               ? http::problem(request, failure(ErrorKind::Forbidden, "Your role does not allow this.",
                                                                "Ask an administrator."))
                               : notSignedIn(request);
    } else if (visit.forged && outcome.session) {
        admitted.refusal =
            http::problem(request, refusal(ErrorKind::Forbidden, "csrf", "The request has no valid CSRF token.",
                                           "Send the token of GET /auth/csrf in X-CSRF-Token."));
    } else if (outcome.decision.limited && visit.category != Category::Admin) {
        admitted.charge =
            http::Charge{outcome.decision.now, outcome.here, !outcome.session || visit.insteadKey == visit.addressKey};
    }
    return admitted;
}

http::Response RequestAdmission::refuse(const http::Request &request, Category category,
                                        const limits::Decision &decision, bool crowded)
{
    m_refused[index(category)].fetch_add(1, std::memory_order_relaxed);
    const auto wait = wholeSeconds(decision.retryAfter());
    Error error =
        crowded ? refusal(ErrorKind::RateLimited, "concurrency",
                          "All " + std::to_string(decision.limit) + " places for users at the same time are taken.",
                          "A place is free when somebody has made no request for five minutes.")
                : refusal(ErrorKind::RateLimited, "rate-limited",
                          usedUp(category, request.principal.role == Role::Anonymous),
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
