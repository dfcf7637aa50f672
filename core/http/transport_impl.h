#pragma once

#include "core/http/transport.h"
#include "core/http/web_socket_impl.h"

#include <boost/asio/redirect_error.hpp>

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
            return m_stream.async_handshake(Stream::server, asio::redirect_error(use_awaitable, ec));
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

    Stream m_stream;
};

} // namespace portolan::http
