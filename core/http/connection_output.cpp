// SPDX-License-Identifier: GPL-3.0-or-later
// Answers on their way out: those of pipelined requests together, large bodies from where they are, and the last one so
// that the client gets it.

#include "core/http/connection.h"
#include "core/http/problem.h"
#include "core/http/response_head.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

constexpr std::size_t copiedBody = 32 * 1024; ///< larger ones are written from where they are

} // namespace

bool Connection::append(Response &response)
{
    if (const auto flaw = flawOf(response); !flaw.empty())
        response = failed(flaw);
    if (!response.cause.empty())
        m_core->observer.explained(m_request, m_served.route, response.cause);
    const auto &options = m_core->options;
    HeadFacts facts;
    facts.dateLine = m_shard->dateLine();
    facts.requestId = m_request.id;
    facts.limits = m_served.limits;
    facts.varyOrigin = !options.allowedOrigins.empty();
    if (m_parser->seen().origin && originAllowed(m_request.headers[field::origin]))
        facts.allowedOrigin = m_request.headers[field::origin];
    facts.strictTransport = options.strictTransport && m_request.secure;
    if (!m_served.keepAlive || m_draining)
        m_closeAfter = true;
    facts.close = m_closeAfter;
    facts.http10 = m_parser->httpVersion() == 10;
    const auto before = m_out.size();
    appendHead(m_out, response, facts);
    const bool sendsBody = m_request.method != verb::head && !bodiless(response.code);
    const bool separate = sendsBody && response.body.size() > copiedBody;
    if (sendsBody && !separate)
        m_out.append(response.body);
    const auto bytes = m_out.size() - before + (separate ? response.body.size() : 0);
    m_core->observer.answered(m_request, m_served.route, static_cast<unsigned>(response.code),
                              m_core->clock.steady() - m_served.started, bytes);
    return separate;
}

void Connection::closeAfter(bool unread)
{
    m_closeAfter = true;
    m_unread = m_unread || unread;
}

awaitable<bool> Connection::flush()
{
    if (m_out.empty())
        co_return true;
    error_code ec;
    Transport::Buffers rest{asio::buffer(m_out), asio::const_buffer{}};
    const auto written = m_transport->tryWrite(rest, ec);
    if (!ec && written == m_out.size()) {
        m_out.clear();
        co_return true;
    }
    if (ec && ec != asio::error::would_block && ec != asio::error::try_again)
        co_return loseClient();
    rest[0] += written;
    co_return co_await flushRest(rest);
}

/// From the shard's sweep: answers to pipelined requests need not wait for the one behind them, whose handler takes its
/// time. What does not fit, or breaks, is left to the next flush.
void Connection::flushWhileHandling()
{
    error_code ec;
    const auto written = m_transport->tryWrite({asio::buffer(m_out), asio::const_buffer{}}, ec);
    if (!ec)
        m_out.erase(0, written);
}

awaitable<bool> Connection::flushWith(std::string body)
{
    Transport::Buffers all{asio::buffer(m_out), asio::buffer(body)};
    co_return co_await flushRest(all);
}

/// Writes what did not fit at once. m_out is empty afterwards.
awaitable<bool> Connection::flushRest(Transport::Buffers rest)
{
    const auto now = m_core->clock.steady();
    wait(Phase::Writing, std::max(m_request.deadline, now + farewellTime));
    while (asio::buffer_size(rest) > 0) {
        error_code ec;
        m_wrote = m_core->clock.steady();
        stopWaiting();
        const auto written = co_await m_transport->writeSome(rest, ec);
        if (ec || m_over)
            co_return loseClient();
        const auto first = std::min(written, rest[0].size());
        rest[0] += first;
        rest[1] += written - first;
    }
    if (m_out.capacity() > keptCapacity)
        m_out = {};
    m_out.clear();
    stopWaiting();
    m_deadline = SteadyTime::max();
    co_return true;
}

bool Connection::loseClient()
{
    m_out.clear();
    m_closeAfter = true;
    m_unread = false;
    return false;
}

/// The last answer's way out. What the client is still sending is dropped for a moment: closing with unread bytes
/// would reset the connection and take the answer with it.
awaitable<void> Connection::farewell()
{
    if (!co_await flush() || m_over)
        co_return;
    wait(Phase::Closing, m_core->clock.steady() + farewellTime);
    error_code ec;
    co_await m_transport->endOutput(ec);
    auto &scratch = m_shard->scratch();
    while (!ec && m_unread && !m_over)
        co_await m_transport->discardSome(asio::buffer(scratch), ec);
}

/// Answers while the handler still runs; what it returns later is dropped.
void Connection::startLateAnswer(const Error &error)
{
    closeAfter(true);
    Response response = problem(m_request, error);
    append(response);
    m_over = true;
    wait(Phase::Closing, m_core->clock.steady() + farewellTime);
    asio::co_spawn(
        executor(), [self = shared_from_this()] { return self->finishLate(); }, asio::detached);
}

awaitable<void> Connection::finishLate()
{
    const auto self = shared_from_this();
    Transport::Buffers rest{asio::buffer(m_out), asio::const_buffer{}};
    error_code ec;
    while (!ec && asio::buffer_size(rest) > 0)
        rest[0] += co_await m_transport->writeSome(rest, ec);
    if (!ec)
        co_await m_transport->endOutput(ec);
    m_transport->close();
}

} // namespace portolan::http
