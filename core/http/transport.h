// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/http/message.h"

#include <boost/asio/buffer.hpp>

#include <array>
#include <chrono>
#include <memory>

namespace portolan::http {

class WebSocketSession;

/// The bytes under a connection: TCP, TLS, a Unix socket, or memory in the fuzzer. Used on one thread, one operation at
/// a time. The virtual calls hand out Asio's own awaitables, so the seam costs no coroutine frame.
class Transport
{
public:
    virtual ~Transport() = default;

    virtual bool secure() const = 0;
    virtual awaitable<void> handshake(error_code &ec) = 0;
    virtual awaitable<std::size_t> readSome(asio::mutable_buffer into, error_code &ec) = 0;

    using Buffers = std::array<asio::const_buffer, 2>;
    virtual awaitable<std::size_t> writeSome(const Buffers &from, error_code &ec) = 0;
    /// Writes what fits without waiting; would_block where nothing does or where the transport cannot say.
    virtual std::size_t tryWrite(const Buffers &from, error_code &ec) = 0;

    /// Tells the peer that nothing more follows.
    virtual awaitable<void> endOutput(error_code &ec) = 0;
    /// Reads raw bytes nobody will look at, after endOutput().
    virtual awaitable<std::size_t> discardSome(asio::mutable_buffer into, error_code &ec) = 0;

    virtual void cancel() = 0; ///< the operation under way ends with operation_aborted
    virtual void close() = 0;

    /// Of the closing handshake, and of silence before a ping and then a cut.
    struct WebSocketSettings
    {
        std::chrono::milliseconds handshakeTimeout{};
        std::chrono::milliseconds idleTimeout{};
    };
    /// Answers the upgrade and gives the stream away. Null where this transport has no WebSockets.
    virtual std::shared_ptr<WebSocketSession> openWebSocket(const WebSocketSettings &settings) = 0;
};

} // namespace portolan::http
