// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/web_socket_client.h"

#include "core/base/byte_stream.h"
#include "core/base/version.h"
#include "core/net/coded.h"
#include "core/net/request_head.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <algorithm>
#include <charconv>

namespace portolan {

// How Beast ends a stream that it does not know: found by the namespace of ByteStream.

inline void beast_close_socket(ByteStream &stream) { stream.close(); }

inline void teardown(boost::beast::role_type, ByteStream &stream, error_code &ec)
{
    stream.close();
    ec = {};
}

template <class Handler> void async_teardown(boost::beast::role_type, ByteStream &stream, Handler &&handler)
{
    const auto executor = stream.get_executor();
    stream.close();
    asio::post(executor, boost::beast::bind_front_handler(std::forward<Handler>(handler), error_code{}));
}

} // namespace portolan

namespace portolan::net {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

Error refusal(ErrorKind kind, unsigned status, const std::string &where, std::string hint)
{
    return coded(kind, "ws-refused", where + " refuses the WebSocket (HTTP " + std::to_string(status) + ").",
                 std::move(hint));
}

/// Why the upgrade was refused.
Error refused(const websocket::response_type &response, const std::string &where)
{
    const unsigned status = response.result_int();
    if (status == 401)
        return refusal(ErrorKind::Unauthenticated, status, where, "Sign in again.");
    if (status == 403)
        return refusal(ErrorKind::Forbidden, status, where, "Ask for a role that may watch.");
    if (status == 404)
        return refusal(ErrorKind::NotFound, status, where, "Check that this is the address of a portal.");
    if (status != 429)
        return refusal(
            ErrorKind::Protocol, status, where,
            "Check that this is the address of a portal, and that a proxy before it lets WebSockets through.");
    Error error = refusal(ErrorKind::RateLimited, status, where, "Wait a moment.");
    const std::string after(response[beast::http::field::retry_after]);
    unsigned seconds = 0;
    if (std::from_chars(after.data(), after.data() + after.size(), seconds).ec == std::errc{})
        error.retryAfter = std::chrono::seconds(std::min(seconds, 86'400U));
    return error;
}

} // namespace

/// Kept by the calls under way, which the WebSocketClient need not outlive.
struct WebSocketClient::Session
{
    explicit Session(std::string where_) : where(std::move(where_)) {}

    void abort()
    {
        aborted = true;
        cut();
    }

    void cut()
    {
        open = false;
        if (socket)
            socket->next_layer().close();
    }

    static Error cancelled() { return coded(ErrorKind::Cancelled, "ws-closed", "The WebSocket was closed here."); }

    Error failed(const error_code &ec)
    {
        open = false;
        if (aborted || closing)
            return cancelled();
        if (auto tls = socket->next_layer().tlsProblem(ec))
            return *tls;
        if (ec == beast::error::timeout)
            return coded(ErrorKind::Timeout, "ws-silent", where + " gives no sign of life.",
                         "It may be stuck, or the network to it is cut.");
        if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow)
            return coded(ErrorKind::TooLarge, "ws-too-large", where + " sends a message that is too large.",
                         "Check that this is the address of a portal.");
        if (ec == websocket::error::closed) {
            peerCode = socket->reason().code == websocket::close_code::none ? 1005 : socket->reason().code;
            return coded(ErrorKind::Unavailable, "ws-closed",
                         where + " has closed the WebSocket (" + std::to_string(*peerCode) + ").");
        }
        if (ec.category() == make_error_code(websocket::error::closed).category())
            return coded(ErrorKind::Protocol, "ws-malformed",
                         where + " breaks the rules of WebSockets (" + ec.message() + ").",
                         "Check that this is the address of a portal, and what proxy is before it.");
        return coded(ErrorKind::Unavailable, "ws-closed",
                     "The connection to " + where + " broke (" + ec.message() + ").");
    }

    Error notOpened(const error_code &ec, const websocket::response_type &response)
    {
        if (ec == websocket::error::upgrade_declined)
            return refused(response, where);
        if (ec == beast::error::timeout)
            return coded(ErrorKind::Timeout, "ws-timeout", where + " did not open the WebSocket in time.",
                         "It may be busy, or a proxy before it does not let WebSockets through.");
        if (ec == beast::http::error::end_of_stream)
            return coded(ErrorKind::Unavailable, "ws-closed", where + " closed the connection without an answer.",
                         "Check host and port; its log may say why.");
        if (ec.category() == make_error_code(beast::http::error::bad_version).category())
            return coded(ErrorKind::Protocol, "ws-malformed",
                         where + " does not answer in HTTP (" + ec.message() + ").", "Check host and port.");
        return failed(ec);
    }

    const std::string where;
    std::optional<websocket::stream<ByteStream, false>> socket;
    std::optional<CertificateFacts> certificate;
    beast::flat_buffer input;
    bool used = false;    ///< open() was called
    bool shaken = false;  ///< it was open once
    bool open = false;    ///< and still is
    bool closing = false; ///< here
    bool aborted = false;
    std::optional<Error> ended; ///< for receive(): Beast may not be asked again after a message that failed
    std::optional<std::uint16_t> peerCode;
};

WebSocketClient::WebSocketClient(Executor executor, std::shared_ptr<Dialer> dialer, std::shared_ptr<TlsClient> tls,
                                 Origin origin, WebSocketLimits limits)
    : m_executor(executor),
      m_dialer(std::move(dialer)),
      m_tls(std::move(tls)),
      m_origin(std::move(origin)),
      m_limits(limits),
      m_session(std::make_shared<Session>(m_origin.display()))
{}

WebSocketClient::~WebSocketClient() { abort(); }

awaitable<Result<void>> WebSocketClient::open(std::string target, Headers headers, std::chrono::milliseconds deadline)
{
    const auto session = m_session;
    const auto host = m_origin.authority();
    const auto limits = m_limits;
    const auto by = std::chrono::steady_clock::now() + deadline;
    if (session->used || session->aborted)
        co_return coded(ErrorKind::Cancelled, "ws-closed", "A WebSocket is opened once.");
    session->used = true;
    if (auto flaw = requestFlaw(target, headers))
        co_return *flaw;
    if (m_origin.secure && !m_tls)
        co_return badRequest("there is no trust set for " + session->where);
    const auto tls = m_origin.secure ? m_tls : nullptr;
    const Target to{m_origin.host, m_origin.port, {}};
    auto stream = co_await ByteStream::open(m_executor, m_dialer, tls, to, by);
    if (session->aborted) // what was opened meanwhile is closed with its last owner
        co_return Session::cancelled();
    if (!stream)
        co_return stream.error();
    session->certificate = (*stream)->certificate();
    auto &socket = session->socket.emplace(std::move(**stream));
    const auto left = std::max<std::chrono::steady_clock::duration>(by - std::chrono::steady_clock::now(),
                                                                    std::chrono::milliseconds(1));
    socket.set_option(websocket::stream_base::timeout{left, websocket::stream_base::none(), false});
    socket.read_message_max(limits.message);
    socket.text(true);
    socket.set_option(
        websocket::stream_base::decorator([headers = std::move(headers)](websocket::request_type &request) {
            request.set(beast::http::field::user_agent, std::string("portolan/") + version());
            for (const auto &[name, value] : headers)
                request.insert(name, value);
        }));
    websocket::response_type response;
    error_code failed;
    co_await socket.async_handshake(response, host, target, asio::redirect_error(use_awaitable, failed));
    if (session->aborted)
        co_return Session::cancelled();
    if (failed) {
        const Error why = session->notOpened(failed, response);
        session->cut();
        co_return why;
    }
    socket.set_option(websocket::stream_base::timeout{limits.closing, limits.silence, true});
    session->shaken = session->open = true;
    co_return Result<void>();
}

awaitable<Result<std::string>> WebSocketClient::receive()
{
    const auto session = m_session;
    if (!session->shaken || session->aborted)
        co_return coded(ErrorKind::Cancelled, "ws-closed", "The WebSocket is not open.");
    if (session->ended)
        co_return *session->ended;
    error_code failed;
    co_await session->socket->async_read(session->input, asio::redirect_error(use_awaitable, failed));
    if (failed) {
        session->ended = session->failed(failed);
        co_return *session->ended;
    }
    std::string text = beast::buffers_to_string(session->input.cdata());
    session->input.consume(session->input.size());
    if (!session->socket->got_text()) {
        session->cut();
        session->ended = coded(ErrorKind::Protocol, "ws-malformed", session->where + " sends what is no text.",
                               "Check that this is the address of a portal.");
        co_return *session->ended;
    }
    co_return text;
}

awaitable<Result<void>> WebSocketClient::send(std::string text)
{
    const auto session = m_session;
    if (!session->open)
        co_return coded(ErrorKind::Cancelled, "ws-closed", "The WebSocket is not open.");
    error_code failed;
    co_await session->socket->async_write(asio::buffer(text), asio::redirect_error(use_awaitable, failed));
    if (failed)
        co_return session->failed(failed);
    co_return Result<void>();
}

awaitable<void> WebSocketClient::close(std::uint16_t code)
{
    const auto session = m_session;
    if (!session->open || session->closing)
        co_return;
    session->closing = true;
    session->open = false;
    error_code ignored;
    const websocket::close_reason reason(code);
    co_await session->socket->async_close(reason, asio::redirect_error(use_awaitable, ignored));
    session->abort();
}

void WebSocketClient::abort() { m_session->abort(); }

std::optional<std::uint16_t> WebSocketClient::closeCode() const { return m_session->peerCode; }

bool WebSocketClient::open() const { return m_session->open; }

std::optional<CertificateFacts> WebSocketClient::certificate() const { return m_session->certificate; }

} // namespace portolan::net
