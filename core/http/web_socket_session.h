// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/message.h"
#include "core/http/websocket.h"

namespace portolan::http {

/// The connection's side of a WebSocket. On the connection's thread, but for what WebSocket says.
class WebSocketSession : public WebSocket
{
public:
    /// Answers the upgrade with 101. False where the client is gone.
    virtual awaitable<bool> accept(const Request &request) = 0;
    /// Closes with 1000 unless that was done, and returns when the closing handshake is over or was given up.
    virtual awaitable<void> finish() = 0;
    /// True once a close was asked for, by either side: the closing handshake then has a deadline.
    virtual bool closing() const = 0;
    virtual void abort() = 0; ///< drops the connection
};

} // namespace portolan::http
