// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

#include <cstdint>
#include <memory>
#include <string>

namespace portolan::http {

/// One open WebSocket. Text messages only. receive() is for its handler's coroutine; send() and close() may be called
/// from any thread.
class WebSocket : public std::enable_shared_from_this<WebSocket>
{
public:
    virtual ~WebSocket() = default;

    /// The next message, at most 64 KiB. Cancelled when the connection has ended.
    virtual awaitable<Result<std::string>> receive() = 0;

    /// Queues a message. A client that does not keep up (256 KiB or 1,000 messages waiting) is closed with 4008.
    /// The text may be shared between many sockets.
    virtual void send(std::shared_ptr<const std::string> text) = 0;

    /// Closes with `code` (1000 normal, 1001 going away, 4001 session ended, 4008 too slow). Twice is harmless.
    virtual void close(std::uint16_t code, std::string reason) = 0;

    virtual bool open() const = 0;
    virtual Executor executor() const = 0;
};

} // namespace portolan::http
