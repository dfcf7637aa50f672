// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/connection.h"

#include "core/http/oversized_head.h"
#include "core/http/problem.h"
#include "core/http/web_socket_session.h"

#include <boost/beast/http/error.hpp>

namespace portolan::http {

namespace {

constexpr std::size_t readSize = 4 * 1024;
constexpr std::size_t coalesced = 64 * 1024;   ///< answers waiting to be written together
constexpr std::chrono::seconds closingTime{5}; ///< for a WebSocket's closing handshake

} // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, std::shared_ptr<Shard> shard,
                       std::unique_ptr<Transport> transport, Peer peer)
    : m_core(std::move(core)),
      m_shard(std::move(shard)),
      m_transport(std::move(transport)),
      m_peer(std::move(peer)),
      m_waitingSince(0),
      m_deadline(SteadyTime::max())
{
    startWaiting();
    m_core->connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection()
{
    m_core->addresses.leave(m_peer.place, this);
    if (m_listed)
        m_shard->remove(*this);
    m_core->connections.fetch_sub(1, std::memory_order_release);
}

awaitable<void> Connection::run()
{
    const auto self = shared_from_this();
    m_shard->add(*this);
    m_listed = true;
    if (m_over || m_core->stopping.load(std::memory_order_relaxed)) {
        cut();
        co_return;
    }
    wait(Phase::Handshake, m_core->clock.steady() + m_core->options.headerTimeout);
    error_code ec;
    co_await m_transport->handshake(ec);
    if (!ec && !m_over) {
        co_await serveRequests();
        if (!m_over)
            co_await farewell();
    }
    if (!m_over)
        cut();
}

awaitable<void> Connection::serveRequests()
{
    const auto &options = m_core->options;
    wait(Phase::Idle, m_core->clock.steady() + options.headerTimeout);
    while (!m_closeAfter) {
        const bool split = skipEmptyLines();
        const auto data = m_buffer.cdata();
        const auto outcome = split ? HeadScanner::Outcome::Incomplete
                                   : m_scanner.scan({static_cast<const char *>(data.data()), data.size()});
        const bool tooLarge = outcome == HeadScanner::Outcome::Complete ? m_scanner.size() > options.maxHeaderBytes
                                                                        : data.size() >= options.maxHeaderBytes;
        if (outcome == HeadScanner::Outcome::Complete && !tooLarge) {
            co_await serve();
            if (m_over)
                co_return;
            m_scanner.reset();
            if (m_out.size() >= coalesced && !co_await flush())
                co_return;
            continue;
        }
        if (outcome == HeadScanner::Outcome::Malformed) {
            beginRequest();
            refuseHead(Flaw::Syntax);
            co_return;
        }
        if (tooLarge) {
            co_await refuseOversizedHead();
            co_return;
        }
        if (!co_await awaitHead(split))
            co_return;
    }
}

/// Reads on towards the end of a head. Between requests the connection is idle; from the first byte on the head has its
/// own deadline. `split`: what has come is half of an empty line, which is no beginning of a head.
awaitable<bool> Connection::awaitHead(bool split)
{
    const auto &options = m_core->options;
    const bool begun = m_buffer.size() > 0 && !split;
    if (!m_out.empty() && !co_await flush())
        co_return false;
    if (m_draining && !begun)
        co_return false;
    if (!begun && m_phase != Phase::Idle) {
        wait(Phase::Idle, m_core->clock.steady() + options.idleTimeout);
        startWaiting();
        if (m_buffer.capacity() > keptCapacity)
            m_buffer.shrink_to_fit();
    } else if (begun && m_phase != Phase::Headers) {
        m_started = m_core->clock.steady();
        wait(Phase::Headers, m_started + options.headerTimeout);
        if (waitingSince() == 0) // it came right behind the request before
            startWaiting();
    }
    if (co_await readMore(readSize))
        co_return true;
    if (m_timedOut && !m_over) {
        beginRequest();
        refuseHead(Flaw::Time);
    }
    co_return false;
}

/// RFC 9112, section 2.2: a server ignores an empty line before the request line. True where half of one has come, and
/// the rest may.
bool Connection::skipEmptyLines()
{
    if (!m_scanner.fresh())
        return false;
    for (;;) {
        const auto *start = static_cast<const char *>(m_buffer.cdata().data());
        if (m_buffer.size() == 0 || start[0] != '\r')
            return false;
        if (m_buffer.size() == 1)
            return true;
        if (start[1] != '\n')
            return false;
        m_buffer.consume(2);
    }
}

/// Says no to a head that is too large, once enough of it is read over to say it in the asker's form.
awaitable<void> Connection::refuseOversizedHead()
{
    constexpr std::size_t most = 256 * 1024;
    constexpr std::chrono::seconds rest{1}; // for what is on its way
    beginRequest();
    wait(Phase::Headers, m_core->clock.steady() + rest);
    OversizedHead head;
    for (std::size_t seen = 0; seen < most;) {
        const auto data = m_buffer.cdata();
        head.take({static_cast<const char *>(data.data()), data.size()});
        seen += data.size();
        m_buffer.consume(data.size());
        if (!head.undecided() || !co_await readMore(readSize))
            break;
    }
    if (m_over)
        co_return;
    m_phase = Phase::Writing;
    m_request.method = head.isHead() ? verb::head : head.wantsPage() ? verb::get : verb::unknown;
    if (head.wantsPage())
        m_request.headers.set(field::accept, "text/html");
    refuseHead(head.mostlyCookies() ? Flaw::Cookies : Flaw::Size);
}

void Connection::startWaiting()
{
    m_waitingSince.store(m_core->clock.steady().time_since_epoch() / std::chrono::nanoseconds(1) | 1,
                         std::memory_order_relaxed); // never 0
}

/// True when bytes came. False: the connection is over, or m_timedOut.
awaitable<bool> Connection::readMore(std::size_t size)
{
    error_code ec;
    const auto into = m_buffer.prepare(size);
    const auto got = co_await m_transport->readSome(into, ec);
    m_buffer.commit(got);
    co_return !ec && got > 0 && !m_over && !m_timedOut;
}

void Connection::beginRequest()
{
    m_request.method = verb::unknown;
    m_request.target.clear();
    m_request.path = m_request.query = {};
    m_request.headers.clear();
    if (m_request.body.capacity() > keptCapacity)
        m_request.body = {};
    m_request.body.clear();
    m_request.principal = {};
    m_request.admission.reset();
    m_request.paramCount = 0;
    m_request.address = m_peer.text;
    m_request.secure = m_transport->secure();
    const auto now = m_core->clock.steady();
    m_served = {};
    m_served.started = m_phase == Phase::Headers ? m_started : now;
    m_request.deadline = m_served.started + m_core->options.requestTimeout;
    m_shard->nextRequestId(m_request.id);
    m_parser.emplace(m_request);
}

/// One request whose whole head is in the buffer: headers, route, admission, body, handler, answer.
awaitable<void> Connection::serve()
{
    beginRequest();
    m_phase = Phase::Writing; // until something waits
    stopWaiting();
    if (auto refusal = understandHead()) {
        closeAfter(true);
        append(*refusal);
        co_return;
    }
    const bool upgrade = wantsWebSocket();
    const Router &router = upgrade ? m_core->webSocketRoutes : m_core->router;
    const auto match = findRoute(router);
    if (!match.route) {
        std::optional<Response> refusal;
        if (m_request.method == verb::head && !match.allowed.empty())
            refusal = co_await lookAtLimits(match.allowed);
        if (m_over)
            co_return;
        Response response = refusal ? std::move(*refusal) : unmatched(match.allowed);
        co_await answerEarly(std::move(response));
        co_return;
    }
    const Route &route = *match.route;
    if (!upgrade)
        m_served.route = &route;
    if (route.access.category != Category::Unlimited || route.access.role != Role::Anonymous) {
        if (!co_await admit(route))
            co_return;
    }
    if (upgrade) {
        co_await openWebSocket(route);
        co_return;
    }
    if (!m_parser->is_done() && !co_await receiveBody(route))
        co_return;
    co_await handle(route);
}

awaitable<void> Connection::handle(const Route &route)
{
    wait(Phase::Handler, m_request.deadline);
    Response response;
    std::optional<std::string> thrown;
    try {
        response = co_await route.handler(m_request);
    } catch (const std::exception &e) {
        thrown = e.what();
    } catch (...) {
        thrown = "something that is no std::exception";
    }
    if (m_over)
        co_return;
    m_phase = Phase::Writing;
    if (thrown)
        response = failed(*thrown);
    if (m_served.charge && !countsFor(route.access, response.code)) {
        co_await settle(route, response.code);
        if (m_over)
            co_return;
    }
    if (append(response) && !co_await flushWith(std::move(response.body)))
        co_return;
    if (m_hold) {
        co_await flush();
        m_hold.reset();
    }
}

awaitable<void> Connection::openWebSocket(const Route &route)
{
    auto refusal = checkUpgrade();
    const auto handler = m_core->webSocketHandlers.find(&route);
    if (!refusal && handler != m_core->webSocketHandlers.end() && handler->second.refuses)
        refusal = handler->second.refuses(m_request);
    const auto place = refusal ? nullptr : m_core->sockets.enter(socketOwner());
    if (!refusal && !place)
        refusal = tooManySockets("You have " + std::to_string(m_core->sockets.most()));
    // They wait for nobody, so no request could make them give way: some connections of an address are kept from them.
    const std::size_t mostHere = std::max<std::size_t>(1, m_core->options.maxConnectionsPerAddress * 3 / 4);
    const auto placeHere =
        refusal || m_peer.proxied ? nullptr : m_core->sockets.enter("connections of " + m_peer.place, mostHere);
    if (!refusal && !m_peer.proxied && !placeHere)
        refusal = tooManySockets("Your address has " + std::to_string(mostHere));
    if (refusal) {
        co_await answerEarly(std::move(*refusal));
        co_return;
    }
    if (!co_await flush()) {
        closeAfter(false);
        co_return;
    }
    m_webSocket = m_transport->openWebSocket({m_core->options.headerTimeout, m_core->options.idleTimeout});
    if (handler == m_core->webSocketHandlers.end() || !m_webSocket) {
        Response response = problem(m_request, failure(ErrorKind::Unsupported, "No WebSocket can be opened here."));
        co_await answerEarly(std::move(response));
        co_return;
    }
    wait(Phase::WebSocket, SteadyTime::min());
    const bool accepted = co_await m_webSocket->accept(m_request);
    if (accepted) {
        m_core->observer.answered(m_request, nullptr, 101, m_core->clock.steady() - m_served.started, 0);
        m_core->webSockets.fetch_add(1, std::memory_order_relaxed);
        m_hold.reset(); // the answer is written; what the socket does later is its handler's
        if (m_draining)
            m_webSocket->close(1001, "going away");
        std::optional<std::string> thrown;
        try {
            co_await handler->second.serve(m_request, m_webSocket);
        } catch (const std::exception &e) {
            thrown = e.what();
        } catch (...) {
            thrown = "something that is no std::exception";
        }
        if (thrown) {
            m_core->observer.failed(m_request, nullptr, *thrown);
            m_webSocket->close(1011, "internal");
        }
        co_await m_webSocket->finish();
        m_core->webSockets.fetch_sub(1, std::memory_order_relaxed);
    }
    m_webSocket->abort();
    m_hold.reset();
    m_over = true;
}

void Connection::checkDeadline(SteadyTime now)
{
    if (now < m_deadline) {
        if (m_phase == Phase::Handler && !m_out.empty())
            flushWhileHandling();
        else if (m_phase == Phase::Writing && waitingSince() == 0 && now - m_wrote >= stalledTime)
            startWaiting();
        return;
    }
    if (m_over) { // a late answer that does not get out
        m_transport->close();
        return;
    }
    switch (m_phase) {
    case Phase::Idle:
    case Phase::Closing:
        cut();
        break;
    case Phase::Handshake:
    case Phase::Writing:
        m_core->cut.fetch_add(1, std::memory_order_relaxed);
        cut();
        break;
    case Phase::Headers:
    case Phase::Body:
        m_core->cut.fetch_add(1, std::memory_order_relaxed);
        m_timedOut = true;
        wait(Phase::Writing, now + farewellTime);
        m_transport->cancel();
        break;
    case Phase::Handler:
        m_core->cut.fetch_add(1, std::memory_order_relaxed);
        startLateAnswer(Error{ErrorKind::Timeout, {}, "The request took longer than it may.", {}, {}, {}});
        break;
    case Phase::WebSocket:
        checkWebSocket(now);
        break;
    }
}

void Connection::checkWebSocket(SteadyTime now)
{
    if (!m_webSocket || !m_webSocket->closing())
        return;
    if (m_closeBy == SteadyTime::max())
        m_closeBy = now + closingTime;
    else if (now >= m_closeBy)
        m_webSocket->abort();
}

void Connection::cut()
{
    m_over = true;
    if (m_webSocket)
        m_webSocket->abort();
    m_transport->close();
}

void Connection::giveWay(std::int64_t since)
{
    if (waitingSince() == since)
        cut();
    else
        m_draining = true;
}

void Connection::drain()
{
    m_draining = true;
    if (m_phase == Phase::WebSocket && m_webSocket)
        m_webSocket->close(1001, "going away");
    else if (m_phase == Phase::Idle || m_phase == Phase::Handshake)
        cut();
}

void Connection::giveUp()
{
    if (m_phase == Phase::Handler && !m_over)
        startLateAnswer(Error{ErrorKind::Cancelled, {}, "The server is stopping.", {}, {}, std::chrono::seconds{1}});
    else
        cut();
}

} // namespace portolan::http
