// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/transport.h"
#include "core/http/web_socket_impl.h"

#include <boost/asio/redirect_error.hpp>

#include <sys/socket.h>

#include <type_traits>
#include <utility>

namespace portolan::http {

/// A Transport over an Asio stream; included only by the source file that instantiates it.
template <class Stream> class StreamTransport final : public Transport
{
public:
    static constexpr bool isTls = !std::is_same_v<Stream, TcpSocket> && !std::is_same_v<Stream, UnixSocket>;

    explicit StreamTransport(Stream stream) : m_stream(std::move(stream))
    {
        error_code ec; // then tryWrite() answers would_block; Asio's own operations wait all the same
        m_stream.lowest_layer().non_blocking(true, ec);
    }

    bool secure() const override { return isTls; }

    awaitable<void> handshake(error_code &ec) override
    {
        if constexpr (isTls)
            return greet(ec);
        else
            return nothing();
    }

    awaitable<std::size_t> readSome(asio::mutable_buffer into, error_code &ec) override
    {
        return m_stream.async_read_some(into, asio::redirect_error(use_awaitable, ec));
    }

    awaitable<std::size_t> writeSome(const Buffers &from, error_code &ec) override
    {
        return m_stream.async_write_some(from, asio::redirect_error(use_awaitable, ec));
    }

    std::size_t tryWrite(const Buffers &from, error_code &ec) override
    {
        if constexpr (isTls) {
            ec = asio::error::would_block; // OpenSSL wants the same bytes again after a partial write
            return 0;
        } else {
            return m_stream.write_some(from, ec);
        }
    }

    awaitable<void> endOutput(error_code &ec) override
    {
        if constexpr (isTls) {
            error_code ignored; // the peer may be gone or still talk; both are fine
            co_await m_stream.async_shutdown(asio::redirect_error(use_awaitable, ignored));
        }
        m_stream.lowest_layer().shutdown(asio::socket_base::shutdown_send, ec);
        co_return;
    }

    awaitable<std::size_t> discardSome(asio::mutable_buffer into, error_code &ec) override
    {
        if constexpr (isTls)
            return m_stream.next_layer().async_read_some(into, asio::redirect_error(use_awaitable, ec));
        else
            return m_stream.async_read_some(into, asio::redirect_error(use_awaitable, ec));
    }

    void cancel() override
    {
        error_code ignored;
        m_stream.lowest_layer().cancel(ignored);
    }

    void close() override
    {
        error_code ignored;
        m_stream.lowest_layer().close(ignored);
    }

    std::shared_ptr<WebSocketSession> openWebSocket(const WebSocketSettings &settings) override
    {
        if constexpr (std::is_same_v<Stream, UnixSocket>)
            return nullptr;
        else
            return std::make_shared<StreamWebSocket<Stream>>(std::move(m_stream), settings);
    }

private:
    static awaitable<void> nothing() { co_return; }

    /// The handshake. Who speaks plain HTTP to this port is told so in it; a TLS alert would say nothing to him.
    awaitable<void> greet(error_code &ec)
    {
        auto &socket = m_stream.next_layer();
        co_await socket.async_wait(asio::socket_base::wait_read, asio::redirect_error(use_awaitable, ec));
        if (ec)
            co_return;
        char first = 0;
        const bool letter = ::recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first >= 'A' &&
                            first <= 'Z'; // of a method; a TLS record begins with 22
        if (!letter) {
            co_await m_stream.async_handshake(Stream::server, asio::redirect_error(use_awaitable, ec));
            co_return;
        }
        error_code ignored;
        dropInput(socket);
        co_await socket.async_send(asio::buffer(plainAnswer), asio::redirect_error(use_awaitable, ignored));
        socket.shutdown(asio::socket_base::shutdown_send, ignored);
        ec = asio::error::operation_not_supported;
    }

    /// Unread bytes would reset the connection under the answer. No coroutine: its frame would hold the buffer.
    static void dropInput(TcpSocket &socket)
    {
        std::array<char, 16 * 1024> request;
        error_code ignored;
        socket.receive(asio::buffer(request), 0, ignored);
    }

    static constexpr std::string_view plainAnswer =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 64\r\n"
        "Connection: close\r\n\r\nThis port speaks HTTPS, not plain HTTP: write https:// instead.\n";

    Stream m_stream;
};

} // namespace portolan::http
