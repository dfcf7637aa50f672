// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/sign_in.h"

#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/client/portal_error.h"
#include "core/net/coded.h"

#include <boost/beast/core/string.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <utility>

namespace portolan::client {
namespace {

using namespace std::chrono_literals;

constexpr auto signInTime = 10s; ///< passwords are hashed slowly, and wait for their turn
constexpr auto shortestLife = 30s;
constexpr auto longestLife = 24h;
constexpr auto afterFailure = 10s;
constexpr std::size_t longestAnswer = 64 * 1024;
constexpr std::size_t longestCookie = 1024;
constexpr JsonLimits limits{.depth = 16, .string = 8 * 1024, .items = 1'000};

struct SignedIn
{
    Secret accessToken;
    std::uint32_t expiresIn = 0;
};
BOOST_DESCRIBE_STRUCT(SignedIn, (), (accessToken, expiresIn))

struct CsrfAnswer
{
    std::string csrfToken;
};
BOOST_DESCRIBE_STRUCT(CsrfAnswer, (), (csrfToken))

/// What may stand in a header without ending it (RFC 6265, section 4.1.1, but quotes).
bool isCookieValue(std::string_view value)
{
    const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\'; };
    return !value.empty() && value.size() <= longestCookie && std::ranges::all_of(value, fits);
}

/// The value of the session's cookie, "sid", among those that an answer sets; empty: it sets none.
std::string_view sessionIn(const net::Headers &headers)
{
    constexpr std::string_view name = "sid=";
    for (const auto &header : headers) {
        const std::string_view value = header.value;
        if (!boost::beast::iequals(header.name, "Set-Cookie") || !value.starts_with(name))
            continue;
        const auto session = value.substr(name.size(), value.find(';') - name.size());
        if (isCookieValue(session))
            return session;
    }
    return {};
}

Error closed() { return net::coded(ErrorKind::Cancelled, "", "The sign-in was given up."); }

} // namespace

SignIn::SignIn(Credentials who, PortalAddress address, Executor executor, const Clock &clock, Send send)
    : m_who(std::move(who)),
      m_address(std::move(address)),
      m_where(m_address.display()),
      m_executor(executor),
      m_clock(clock),
      m_send(std::move(send))
{}

net::Headers SignIn::bearer(const Secret &token) const
{
    return {{"Authorization", std::string("Bearer ").append(token.reveal())}};
}

awaitable<Result<net::Headers>> SignIn::headers(SteadyTime deadline)
{
    const auto self = shared_from_this();
    if (m_who.email.empty())
        co_return bearer(m_who.secret);
    if (m_closed)
        co_return closed();
    if (m_final)
        co_return *m_final;
    if (!m_token.empty() && m_clock.steady() < m_renewAt)
        co_return bearer(m_token);
    if (m_failed && m_clock.steady() < m_notBefore)
        co_return *m_failed;
    begin();
    bool done = !m_busy;
    if (m_busy)
        done = co_await m_done.wait(m_executor, deadline);
    if (m_closed)
        co_return closed();
    if (!m_token.empty() && m_clock.steady() < m_expires)
        co_return bearer(m_token);
    if (!done || !m_failed)
        co_return slow();
    co_return *m_failed;
}

bool SignIn::refused(const net::Headers &headers)
{
    if (m_who.email.empty() || m_closed)
        return false;
    const auto said = net::header(headers, "Authorization");
    if (!m_token.empty() && said == std::string("Bearer ").append(m_token.reveal()))
        m_token = Secret();
    return !m_final.has_value();
}

Error SignIn::ended(Error why) const
{
    why.code = "portal-sign-in";
    if (m_who.email.empty())
        why.hint = "The token has expired or was revoked: make another one there with portoland token add.";
    return why;
}

void SignIn::close()
{
    m_closed = true;
    m_done.wake();
}

void SignIn::begin()
{
    if (std::exchange(m_busy, true))
        return;
    spawn(m_executor, [self = shared_from_this()] { return self->work(); });
}

awaitable<void> SignIn::work()
{
    const auto self = shared_from_this();
    Result<void> done = closed();
    bool again = m_session.empty();
    if (!again) {
        done = co_await renew();
        again = !done && done.error().kind == ErrorKind::Unauthenticated;
    }
    if (again && !m_closed) {
        m_session = Secret();
        done = co_await logIn();
    }
    m_failed = done ? std::nullopt : std::optional(done.error());
    if (!done) {
        m_renewAt = m_clock.steady() + afterFailure; // the token at hand may be good for a while yet
        m_notBefore = m_clock.steady() + done.error().retryAfter;
    }
    m_busy = false;
    m_done.wake();
}

net::HttpRequest SignIn::request(net::Verb verb, const char *path) const
{
    net::HttpRequest request;
    request.verb = verb;
    request.target = m_address.base + path;
    request.deadline = signInTime;
    request.most = longestAnswer;
    if (!m_session.empty())
        request.headers.push_back({"Cookie", std::string("sid=").append(m_session.reveal())});
    return request;
}

awaitable<Result<void>> SignIn::logIn()
{
    net::HttpRequest login = request(net::Verb::Post, "/auth/login");
    login.headers.push_back({"Content-Type", "application/json"});
    boost::json::object who;
    who["email"] = m_who.email;
    who["password"] = boost::json::string_view(m_who.secret.reveal());
    login.body = jsonText(boost::json::value(std::move(who)));
    auto answer = co_await m_send(std::move(login));
    if (!answer && answer.error().kind == ErrorKind::Timeout) { // it may have been counted
        Error late = slow();
        late.retryAfter = afterFailure;
        co_return late;
    }
    if (!answer)
        co_return answer.error();
    if (answer->status / 100 != 2)
        co_return refusedLogIn(errorOf(*answer, m_where));
    co_return take(std::move(*answer));
}

awaitable<Result<void>> SignIn::renew()
{
    const auto csrf = co_await askCsrf();
    if (!csrf)
        co_return csrf.error();
    net::HttpRequest again = request(net::Verb::Post, "/auth/token");
    again.headers.push_back({"X-CSRF-Token", *csrf});
    auto answer = co_await m_send(std::move(again));
    if (!answer)
        co_return answer.error();
    if (answer->status / 100 != 2)
        co_return errorOf(*answer, m_where);
    co_return take(std::move(*answer));
}

awaitable<Result<std::string>> SignIn::askCsrf()
{
    net::HttpRequest question = request(net::Verb::Get, "/auth/csrf");
    auto answer = co_await m_send(std::move(question));
    if (!answer)
        co_return answer.error();
    if (answer->status / 100 != 2)
        co_return errorOf(*answer, m_where);
    auto read = readJson<CsrfAnswer>(answer->body, JsonMode::Lenient, limits);
    if (!read)
        co_return notUnderstood(m_where, read.error());
    if (!isCookieValue(read->csrfToken))
        co_return notUnderstood(m_where, failure(ErrorKind::Invalid, "Its CSRF token is none."));
    co_return std::move(read->csrfToken);
}

Result<void> SignIn::take(net::HttpAnswer answer)
{
    auto read = readJson<SignedIn>(answer.body, JsonMode::Lenient, limits);
    wipe(answer.body);
    if (!read)
        return notUnderstood(m_where, read.error());
    if (const auto session = sessionIn(answer.headers); !session.empty())
        m_session = Secret(session);
    if (m_session.empty() || read->accessToken.empty())
        return notUnderstood(m_where, failure(ErrorKind::Invalid, "It signs in without a session."));
    const auto life =
        std::clamp<std::chrono::seconds>(std::chrono::seconds(read->expiresIn), shortestLife, longestLife);
    const SteadyTime now = m_clock.steady();
    m_token = std::move(read->accessToken);
    m_renewAt = now + life * 2 / 3;
    m_expires = now + life;
    return {};
}

Error SignIn::slow() const
{
    return net::coded(ErrorKind::Timeout, "portal-sign-in-slow", m_where + " did not sign us in in time.",
                      "It may be busy; it is tried again.");
}

/// What is said of it, and whether it may be tried again.
Error SignIn::refusedLogIn(Error why)
{
    if (why.code == "bad-credentials")
        why = net::coded(ErrorKind::Unauthenticated, "portal-password",
                         m_where + " knows no such e-mail address, or the password is another.",
                         "Give the right ones. These are not tried again, since failed sign-ins are counted.");
    if (why.kind == ErrorKind::Unauthenticated || why.kind == ErrorKind::Invalid || why.code == "user-disabled")
        m_final = why;
    return why;
}

} // namespace portolan::client
