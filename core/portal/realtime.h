// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/http/socket_watch.h"

#include <any>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace portolan::http {
class Request;
class WebSocket;
} // namespace portolan::http

namespace portolan::portal {

/// Takes the JSON of one event's `data`. Any thread.
using TopicSink = std::function<void(std::string data)>;

/// One kind of topic a WebSocket client may subscribe to.
class TopicSource
{
public:
    virtual ~TopicSource() = default;
    /// `argument`: what follows the colon of the topic ("quotes:AAPL"), or empty. The subscription ends with the
    /// returned token; `sink` may still be called while that happens. `executor`: of the connection.
    /// Forbidden, NotFound or Invalid when this caller cannot have it.
    virtual Result<std::shared_ptr<void>> subscribe(const Principal &principal, std::string_view argument,
                                                    Executor executor, TopicSink sink) = 0;
};

struct RealtimeOptions
{
    std::size_t maxTopics = 64; ///< of one connection
    std::chrono::seconds sessionCheck{8};
};

/// The WebSocket `/ws`: {"subscribe": […]} and {"unsubscribe": […]} in, "subscribed", "event" and "error" out, as
/// api.md has them. A connection whose session has ended is closed with 4001 within `sessionCheck`.
class Realtime final
{
public:
    /// `alive`: whether the session still lives. Unavailable counts as alive.
    Realtime(const Clock &clock, http::StillAllowed alive, RealtimeOptions options = {});
    ~Realtime();

    /// Before the server starts. `source` outlives this.
    void addTopic(std::string name, TopicSource &source);

    /// The life of one connection: for http::Server::onWebSocket.
    awaitable<void> serve(http::Request &request, std::shared_ptr<http::WebSocket> socket);

private:
    struct Connection;
    void handle(Connection &connection, std::string_view message);
    bool subscribe(Connection &connection, const std::string &topic); ///< false: an error was sent

    const Clock &m_clock;
    const http::StillAllowed m_alive;
    const RealtimeOptions m_options;
    std::map<std::string, TopicSource *, std::less<>> m_sources;
};

} // namespace portolan::portal
