// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/portal_calls.h"

#include "core/client/portal_error.h"
#include "core/net/coded.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace portolan::client {
namespace {

using namespace std::chrono_literals;

constexpr auto signInTime = 30s;     ///< of all that may be needed for it
constexpr auto untilNoticed = 250ms; ///< that the stream broke too

Error stopped() { return net::coded(ErrorKind::Cancelled, "", "The call was given up."); }

} // namespace

PortalCalls::PortalCalls(PortalAddress address, TrustSpec trust, Credentials who, const Parts &parts)
    : m_address(std::move(address)),
      m_where(m_address.display()),
      m_trust(std::move(trust)),
      m_who(std::move(who)),
      m_parts(parts)
{}

/// Not by the constructor, in which nothing can be shared yet.
void PortalCalls::prepare()
{
    if (m_signIn)
        return;
    const auto sent = [weak = weak_from_this()](net::HttpRequest request) {
        return send(weak.lock(), std::move(request));
    };
    m_signIn = std::make_shared<SignIn>(m_who, m_address, m_parts.executor, m_parts.clock, sent);
}

awaitable<Result<std::shared_ptr<TlsClient>>> PortalCalls::trusted()
{
    if (!m_address.origin.secure)
        co_return std::shared_ptr<TlsClient>();
    co_return co_await m_parts.trust.client(m_parts.files, m_trust);
}

awaitable<Result<std::shared_ptr<net::HttpClient>>> PortalCalls::client()
{
    const auto self = shared_from_this();
    if (m_http)
        co_return m_http;
    const auto tls = co_await trusted();
    if (!tls)
        co_return tls.error();
    if (m_closed)
        co_return stopped();
    if (!m_http) // another call may have made it meanwhile
        m_http = std::make_shared<net::HttpClient>(m_parts.executor, m_parts.dialer, *tls, m_address.origin);
    co_return m_http;
}

awaitable<Result<net::HttpAnswer>> PortalCalls::send(std::shared_ptr<PortalCalls> self, net::HttpRequest request)
{
    if (!self || self->m_closed)
        co_return stopped();
    const auto http = co_await self->client();
    if (!http)
        co_return http.error();
    co_return co_await (*http)->send(std::move(request));
}

awaitable<Result<net::HttpAnswer>> PortalCalls::once(Call call, net::Headers headers, SteadyTime deadline)
{
    net::HttpRequest request;
    request.verb = call.verb;
    request.target = m_address.base + call.path;
    request.headers = std::move(headers);
    if (call.verb != net::Verb::Get)
        request.headers.push_back({"Content-Type", "application/json"});
    request.body = std::move(call.body);
    request.deadline =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    co_return co_await send(shared_from_this(), std::move(request));
}

awaitable<Result<std::string>> PortalCalls::call(Call call)
{
    const auto self = shared_from_this();
    const SteadyTime deadline = std::chrono::steady_clock::now() + call.deadline;
    prepare();
    bool signedInAgain = false;
    bool askedAgain = false;
    for (;;) {
        if (m_closed)
            co_return stopped();
        const auto headers = co_await m_signIn->headers(deadline);
        Result<net::HttpAnswer> answer = headers ? stopped() : headers.error();
        if (headers)
            answer = co_await once(call, *headers, deadline);
        if (!answer) {
            const Error error = answer.error();
            bool again = !askedAgain && mayBeAskedAgain(call, error);
            askedAgain = true;
            if (again)
                again = co_await backAgain(deadline);
            if (!again)
                co_return asEnded(call, error);
            continue;
        }
        if (answer->status / 100 == 2)
            co_return std::move(answer->body);
        Error error = errorOf(*answer, m_where);
        if (error.kind == ErrorKind::Unauthenticated) {
            const bool others = m_signIn->refused(*headers);
            if (others && !std::exchange(signedInAgain, true))
                continue;
            co_return m_signIn->ended(std::move(error));
        }
        const SteadyTime next =
            std::chrono::steady_clock::now() + std::max<std::chrono::milliseconds>(error.retryAfter, 1s);
        if (error.kind != ErrorKind::RateLimited || next >= deadline)
            co_return error;
        co_await pause(next);
    }
}

awaitable<Result<net::Headers>> PortalCalls::headers()
{
    const auto self = shared_from_this();
    prepare();
    co_return co_await m_signIn->headers(std::chrono::steady_clock::now() + signInTime);
}

Error PortalCalls::signInEnded(const net::Headers &headers, Error why)
{
    prepare();
    if (!m_signIn->refused(headers))
        return m_signIn->ended(std::move(why));
    Error again = net::coded(ErrorKind::Unavailable, "portal-sign-in", std::move(why.message), "It signs in again.");
    again.retryAfter = 1s; // whoever ends it at once, again and again, is not asked for a session each time at once
    return again;
}

/// Broken off, and nothing can have come of it. What was never connected is not waited for.
bool PortalCalls::mayBeAskedAgain(const Call &call, const Error &error) const
{
    if (call.verb != net::Verb::Get || !call.again || m_closed || !m_wasLive)
        return false;
    return error.kind == ErrorKind::Cancelled || error.code == "http-closed" || error.code == "tls-closed" ||
           error.code.starts_with("tcp-");
}

awaitable<bool> PortalCalls::backAgain(SteadyTime deadline)
{
    co_await pause(std::chrono::steady_clock::now() + untilNoticed);
    if (!m_closed && !m_live)
        co_await m_back.wait(m_parts.executor, deadline);
    co_return m_live && !m_closed && std::chrono::steady_clock::now() < deadline;
}

awaitable<void> PortalCalls::pause(SteadyTime until)
{
    Timer timer(m_parts.executor, until);
    error_code woken;
    co_await timer.async_wait(asio::redirect_error(use_awaitable, woken));
}

/// What away() gave up was not given up by whoever asked.
Error PortalCalls::asEnded(const Call &call, Error error) const
{
    if (error.kind != ErrorKind::Cancelled || m_closed)
        return error;
    if (call.verb != net::Verb::Get && !error.hint.empty()) // it was sent: HttpClient says what to do then
        return net::coded(ErrorKind::Timeout, "http-unknown",
                          "The connection to " + m_where + " was lost. It may have been done all the same.",
                          std::move(error.hint));
    return net::coded(ErrorKind::Unavailable, "http-closed",
                      "The connection to " + m_where + " was lost before there was an answer.", "Try it again.");
}

void PortalCalls::live()
{
    m_live = m_wasLive = true;
    m_back.wake();
}

void PortalCalls::away(bool cut)
{
    m_live = false;
    const auto http = std::exchange(m_http, nullptr); // who uses it holds it
    if (http && cut)
        http->close();
}

void PortalCalls::close()
{
    m_closed = true;
    m_live = false;
    m_back.wake();
    if (m_signIn)
        m_signIn->close();
    if (const auto http = std::exchange(m_http, nullptr))
        http->close();
}

} // namespace portolan::client
