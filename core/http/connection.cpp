#include "core/http/connection.h"

#include "core/http/problem.h"
#include "core/http/web_socket_session.h"

#include <boost/beast/http/error.hpp>

namespace portolan::http {

namespace {

constexpr std::size_t readSize = 4 * 1024;
constexpr std::size_t bodyReadSize = 32 * 1024;
constexpr std::size_t coalesced = 64 * 1024;   ///< answers waiting to be written together
constexpr std::chrono::seconds closingTime{5}; ///< for a WebSocket's closing handshake

} // namespace

Connection::Connection(std::shared_ptr<ServerCore> core, std::shared_ptr<Shard> shard,
                       std::unique_ptr<Transport> transport, asio::ip::address peer)
    : m_core(std::move(core)),
      m_shard(std::move(shard)),
      m_transport(std::move(transport)),
      m_peer(std::move(peer)),
      m_peerText(m_peer.to_string()),
      m_place(addressPlace(m_peer)),
      m_proxied(m_core->proxies.trusts(m_peer)),
      m_deadline(SteadyTime::max())
{
    m_core->connections.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection()
{
    m_core->addresses.leave(m_place, this);
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
        skipEmptyLines();
        const auto data = m_buffer.cdata();
        const auto outcome = m_scanner.scan({static_cast<const char *>(data.data()), data.size()});
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
        if (outcome == HeadScanner::Outcome::Malformed || tooLarge) {
            beginRequest();
            refuseHead(outcome == HeadScanner::Outcome::Malformed ? Flaw::Syntax : Flaw::Size);
            co_return;
        }
        if (!co_await awaitHead())
            co_return;
    }
}

/// Reads on towards the end of a head. Between requests the connection is idle; from the first byte on the head has its
/// own deadline.
awaitable<bool> Connection::awaitHead()
{
    const auto &options = m_core->options;
    const bool begun = m_buffer.size() > 0;
    if (!m_out.empty() && !co_await flush())
        co_return false;
    if (m_draining && !begun)
        co_return false;
    if (!begun && m_phase != Phase::Idle) {
        wait(Phase::Idle, m_core->clock.steady() + options.idleTimeout);
        if (m_buffer.capacity() > keptCapacity)
            m_buffer.shrink_to_fit();
    } else if (begun && m_phase != Phase::Headers) {
        m_started = m_core->clock.steady();
        wait(Phase::Headers, m_started + options.headerTimeout);
        m_headersPending.store(true, std::memory_order_relaxed);
    }
    if (co_await readMore(readSize))
        co_return true;
    if (m_timedOut && !m_over) {
        beginRequest();
        refuseHead(Flaw::Time);
    }
    co_return false;
}

/// RFC 9112, section 2.2: a server ignores an empty line before the request line.
void Connection::skipEmptyLines()
{
    if (!m_scanner.fresh())
        return;
    while (m_buffer.size() >= 2) {
        const auto *start = static_cast<const char *>(m_buffer.cdata().data());
        if (start[0] != '\r' || start[1] != '\n')
            return;
        m_buffer.consume(2);
    }
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
    m_request.address = m_peerText;
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
    if (m_headersPending.load(std::memory_order_relaxed))
        m_headersPending.store(false, std::memory_order_relaxed);
    if (auto refusal = understandHead()) {
        closeAfter(true);
        append(*refusal);
        co_return;
    }
    const bool upgrade = wantsWebSocket();
    const Router &router = upgrade ? m_core->webSocketRoutes : m_core->router;
    auto match = router.match(m_request);
    if (!match.route) {
        Response response = unmatched(std::move(match));
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
    m_hold = std::move(admitted.hold);
    if (!admitted.refusal)
        co_return true;
    co_await answerEarly(std::move(*admitted.refusal));
    co_return false;
}

/// An answer that needs no body of the request. A small one is read over, so that the connection can go on.
awaitable<void> Connection::answerEarly(Response response)
{
    const auto length = m_parser->content_length();
    const bool small = length && *length <= m_core->options.maxBodyBeforeSignIn && !m_parser->seen().expect;
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
        if (!co_await readBody())
            closeAfter(false);
    }
}

/// Decides whether the body may come, and reads it. False: the answer is given, or the client is gone.
awaitable<bool> Connection::receiveBody(const Route &route)
{
    const bool signedIn = m_request.principal.userId != 0 || m_request.principal.role != Role::Anonymous;
    const auto limit =
        signedIn ? route.access.maxBody : std::min(route.access.maxBody, m_core->options.maxBodyBeforeSignIn);
    m_parser->limitBody(limit);
    if (const auto length = m_parser->content_length(); length && *length > limit) {
        closeAfter(true);
        Response response = bodyFailure(boost::beast::http::error::body_limit);
        append(response);
        co_return false;
    }
    if (m_parser->seen().expect && m_buffer.size() == 0) {
        m_out.append("HTTP/1.1 100 Continue\r\n\r\n");
        if (!co_await flush()) {
            closeAfter(false);
            co_return false;
        }
    }
    co_return co_await readBody();
}

awaitable<bool> Connection::readBody()
{
    // Beast asserts that five bytes are there when it returns to a last chunk; no chunked message ends in fewer.
    const std::size_t least = m_parser->chunked() ? 5 : 1;
    bool starved = false;
    while (!m_parser->is_done()) {
        if (starved || m_buffer.size() < least) {
            if (!m_out.empty() && !co_await flush())
                break;
            wait(Phase::Body, m_request.deadline);
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
            closeAfter(true);
            Response response = bodyFailure(ec);
            append(response);
            co_return false;
        }
    }
    m_phase = m_over ? m_phase : Phase::Writing;
    if (m_parser->is_done())
        co_return true;
    closeAfter(false);
    if (m_timedOut && !m_over && !m_parser->discarding()) { // else it has its answer
        Response response = timedOut();
        append(response);
    }
    co_return false;
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
    if (append(response) && !co_await flushWith(std::move(response.body)))
        co_return;
    if (m_hold) {
        co_await flush();
        m_hold.reset();
    }
}

awaitable<void> Connection::openWebSocket(const Route &route)
{
    if (auto refusal = checkUpgrade()) {
        co_await answerEarly(std::move(*refusal));
        co_return;
    }
    if (!co_await flush()) {
        closeAfter(false);
        co_return;
    }
    const auto handler = m_core->webSocketHandlers.find(&route);
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
            co_await handler->second(m_request, m_webSocket);
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
