// SPDX-License-Identifier: GPL-3.0-or-later
// How a request is let in: its route, admission, its body, and what it uses up of its limits.

#include "core/http/connection.h"
#include "core/http/problem.h"
#include "core/http/uri.h"

#include <boost/beast/http/error.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

constexpr std::size_t bodyReadSize = 32 * 1024;
constexpr std::chrono::seconds unreadTime{5}; ///< for the rest of a body whose request has its answer

} // namespace

/// The route of a request. A path that is spelled otherwise (`/health/`, `//health`) finds the route of the plain one
/// where following a redirect is not everybody's: a probe's, and a WebSocket's. Others are redirected, see unmatched().
Router::Match Connection::findRoute(const Router &router)
{
    auto match = router.match(m_request);
    if (match.route || !match.allowed.empty() || !m_request.path.starts_with('/'))
        return match;
    m_plainPath = plainPath(m_request.path);
    if (m_plainPath == m_request.path)
        return match;
    const auto spelled = std::exchange(m_request.path, m_plainPath);
    auto plain = router.match(m_request);
    const bool probe = plain.route && plain.route->method == verb::get && plain.route->access.role == Role::Anonymous &&
                       plain.route->access.category == Category::Unlimited;
    if (plain.route && (probe || &router == &m_core->webSocketRoutes))
        return plain;
    m_request.path = spelled;
    return match;
}

/// False: the answer is given.
awaitable<bool> Connection::admit(const Route &route)
{
    wait(Phase::Handler, m_request.deadline);
    Admitted admitted;
    std::optional<std::string> thrown;
    try {
        admitted = co_await m_core->admission.admit(m_request, route);
    } catch (const std::exception &e) {
        thrown = e.what();
    } catch (...) {
        thrown = "something that is no std::exception";
    }
    if (m_over)
        co_return false;
    m_phase = Phase::Writing;
    if (thrown)
        admitted.refusal = failed(*thrown);
    m_served.limits = admitted.limits;
    m_served.charge = admitted.charge;
    m_hold = std::move(admitted.hold);
    if (!admitted.refusal)
        co_return true;
    co_await answerEarly(std::move(*admitted.refusal));
    co_return false;
}

/// Gives back what the request has used up if an answer with `code` says that it does not count.
awaitable<void> Connection::settle(const Route &route, status code)
{
    const auto charge = std::exchange(m_served.charge, std::nullopt);
    if (!charge || countsFor(route.access, code))
        co_return;
    wait(Phase::Handler, m_request.deadline);
    bool done = false;
    try {
        done = co_await m_core->admission.giveBack(m_request, route, *charge, code);
    } catch (const std::exception &e) {
        m_core->observer.failed(m_request, &route, e.what());
    }
    if (m_over)
        co_return;
    m_phase = Phase::Writing;
    if (auto &limits = m_served.limits; done && limits && limits->remaining < limits->limit)
        ++limits->remaining; // every window has one more, so the tightest is the same
}

/// For HEAD where there is no GET: the answer says how much room there is for what the path does have. A refusal where
/// that is asked for too often.
awaitable<std::optional<Response>> Connection::lookAtLimits(const std::vector<verb> &methods)
{
    const bool post = std::find(methods.begin(), methods.end(), verb::post) != methods.end();
    m_request.method = post ? verb::post : methods.front();
    const auto match = m_core->router.match(m_request);
    m_request.method = verb::head;
    if (!match.route || match.route->access.category == Category::Unlimited)
        co_return std::nullopt;
    wait(Phase::Handler, m_request.deadline);
    Admitted seen;
    try {
        seen = co_await m_core->admission.look(m_request, *match.route);
    } catch (const std::exception &e) {
        m_core->observer.failed(m_request, match.route, e.what());
    }
    if (m_over)
        co_return std::nullopt;
    m_phase = Phase::Writing;
    m_served.limits = seen.limits;
    co_return std::move(seen.refusal);
}

/// An answer that needs no body of the request. A small one is read over, so that the connection can go on.
awaitable<void> Connection::answerEarly(Response response)
{
    const auto length = m_parser->content_length();
    const bool small = length && *length <= m_core->options.maxBodyBeforeSignIn && !awaitsContinue();
    const bool done = m_parser->is_done();
    if (!done && !small)
        closeAfter(true);
    if (append(response) && !co_await flushWith(std::move(response.body)))
        co_return;
    if (m_hold) {
        co_await flush();
        m_hold.reset();
    }
    if (!done && small) {
        m_parser->discardBody();
        m_request.deadline = std::min(m_request.deadline, m_core->clock.steady() + unreadTime);
        std::optional<Response> late; // it has its answer
        if (!co_await readBody(late))
            closeAfter(late.has_value());
    }
}

/// Decides whether the body may come, and reads it. False: the answer is given, or the client is gone.
awaitable<bool> Connection::receiveBody(const Route &route)
{
    const bool signedIn = m_request.principal.userId != 0 || m_request.principal.role != Role::Anonymous;
    const auto limit =
        signedIn ? route.access.maxBody : std::min(route.access.maxBody, m_core->options.maxBodyBeforeSignIn);
    m_parser->limitBody(limit);
    std::optional<Response> refusal = checkEncoding();
    if (refusal) {
        closeAfter(true);
    } else if (const auto length = m_parser->content_length(); length && *length > limit) {
        closeAfter(true);
        refusal = bodyFailure(boost::beast::http::error::body_limit);
    } else {
        if (awaitsContinue() && m_buffer.size() == 0) {
            m_out.append("HTTP/1.1 100 Continue\r\n\r\n");
            if (!co_await flush()) {
                closeAfter(false);
                co_return false;
            }
        }
        if (co_await readBody(refusal))
            co_return true;
    }
    if (refusal && !m_over) {
        co_await settle(route, refusal->code);
        if (!m_over)
            append(*refusal);
    }
    co_return false;
}

/// False where the body does not come: the client is gone, or `refusal` is what to answer.
awaitable<bool> Connection::readBody(std::optional<Response> &refusal)
{
    // Beast asserts that five bytes are there when it returns to a last chunk; no chunked message ends in fewer.
    const auto least = [this] { return m_parser->chunked() && !m_parser->inChunk() ? std::size_t{5} : std::size_t{1}; };
    bool starved = false;
    while (!m_parser->is_done()) {
        const auto data = m_buffer.cdata();
        if (!m_parser->canContinueWith({static_cast<const char *>(data.data()), data.size()})) {
            stopWaiting();
            closeAfter(true);
            refusal = bodyFailure(boost::beast::http::error::bad_chunk);
            co_return false;
        }
        if (starved || m_buffer.size() < least()) {
            if (!m_out.empty() && !co_await flush())
                break;
            wait(Phase::Body, m_request.deadline);
            if (waitingSince() == 0) // from its beginning: a byte now and then keeps no place
                startWaiting();
            if (!co_await readMore(bodyReadSize))
                break;
            starved = false;
            continue;
        }
        error_code ec;
        const auto used = m_parser->put(m_buffer.cdata(), ec);
        m_buffer.consume(used);
        if (ec == boost::beast::http::error::need_more) {
            starved = true;
            ec = {};
            // A chunk's head or the trailers, which have no other bound.
            if (m_buffer.size() >= m_core->options.maxHeaderBytes)
                ec = boost::beast::http::error::header_limit;
        }
        if (ec) {
            stopWaiting();
            closeAfter(true);
            refusal = bodyFailure(ec);
            co_return false;
        }
    }
    m_phase = m_over ? m_phase : Phase::Writing;
    stopWaiting();
    if (m_parser->is_done())
        co_return true;
    closeAfter(false);
    if (m_timedOut && !m_over)
        refusal = timedOut();
    co_return false;
}

} // namespace portolan::http
