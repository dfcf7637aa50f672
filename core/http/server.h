// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/runtime.h"
#include "core/http/admission.h"
#include "core/http/forwarded.h"
#include "core/http/router.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan {
class Clock;
}

namespace portolan::http {

class WebSocket;

/// Bounds of what a client may cost. Every one is tested.
struct ServerOptions
{
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080; ///< 0: any free one
    std::string socket; ///< path of a Unix socket to listen on instead, for this user and root; at most 107 bytes
    std::string tlsCertificate; ///< PEM file with the chain; empty: plain HTTP
    std::string tlsKey;
    std::size_t maxHeaderBytes = 16 * 1024;
    std::size_t maxBodyBeforeSignIn = 4 * 1024;
    std::size_t maxConnections = 10'000;
    /// Trusted proxies have no such bound. At most three quarters of them may be WebSockets.
    std::size_t maxConnectionsPerAddress = 256;
    std::size_t maxWebSocketsPerUser = 32;            ///< open at once; per address for who is not signed in
    std::chrono::milliseconds headerTimeout{10'000};  ///< from the first byte (or the accept) to the end of the headers
    std::chrono::milliseconds requestTimeout{60'000}; ///< from the first byte to the end of the answer
    std::chrono::milliseconds idleTimeout{75'000};    ///< between requests
    std::chrono::milliseconds drainTimeout{10'000};   ///< stop(): for requests under way
    std::vector<std::string> trustedProxies; ///< addresses or CIDR blocks whose X-Forwarded-For/-Proto are believed
    ClientHeader clientHeader = ClientHeader::Either; ///< in which a trusted proxy writes the client's address
    std::vector<std::string> allowedOrigins;          ///< CORS and WebSocket upgrades; read by normalOrigin() (hosts.h)
    /// Names this is asked by, read by AllowedHosts (hosts.h); empty: any, or with `loopbackNames` those of loopback.
    /// Where they are known, pages of other hosts cannot change anything either.
    std::vector<std::string> allowedHosts;
    bool loopbackNames = false;
    /// Answered whatever name they are asked by, and without TLS: load balancers and monitors go by address.
    std::vector<std::string> probes = {"/health", "/ready", "/metrics"};
    bool redirectToHttps = false; ///< what comes without TLS, here or at a proxy, is sent to https://
    bool strictTransport = false; ///< Strict-Transport-Security on answers that leave over TLS (here or at a proxy)
};

/// What the server tells whoever counts; called on the connection's thread, must not block.
class ServerObserver
{
public:
    virtual ~ServerObserver() = default;
    /// `route` is null where none matched, and for WebSocket handshakes (status 101, or why it was refused), which are
    /// not in the router's table. `bytes`: of the answer. A request whose headers made no sense is reported too, as far
    /// as it was understood.
    virtual void answered(const Request &request, const Route *route, unsigned status, std::chrono::nanoseconds took,
                          std::size_t bytes) = 0;
    /// Why an answer is an error, where the client is told no more than that it is.
    virtual void explained(const Request &request, const Route *route, std::string_view cause)
    {
        (void)request;
        (void)route;
        (void)cause;
    }
    /// A request was refused before anybody looked at it, for a name or a page that is not allowed: for whoever set
    /// what is.
    virtual void refused(const Request &request, std::string_view why)
    {
        (void)request;
        (void)why;
    }
    /// A handler or admission threw: a bug. The client got 500 `internal` without `what`.
    virtual void failed(const Request &request, const Route *route, std::string_view what)
    {
        (void)request;
        (void)route;
        (void)what;
    }
};

/// HTTP/1.1 on Beast: keep-alive, pipelining, HEAD, chunked bodies, Expect: 100-continue, TLS, WebSocket on the same
/// port. A connection is one coroutine on one I/O thread: headers, admission, body, handler, answer.
class Server final
{
public:
    /// All arguments outlive the server. Connections are spread over all threads of `runtime`; those of a Unix socket
    /// share one.
    Server(Runtime &runtime, const Router &router, Admission &admission, ServerObserver &observer, const Clock &clock,
           ServerOptions options);
    ~Server(); ///< stop()

    /// Binds and begins to serve. Invalid (bad certificate, bad address) or Unavailable (port in use; the error names
    /// it).
    Result<void> start();
    std::uint16_t port() const; ///< the one bound to
    bool secure() const;

    /// A WebSocket endpoint: after admission of `route` (GET) and the Origin check the connection becomes `handler`'s.
    /// A user, or an API token, that has `maxWebSocketsPerUser` of them open gets 429 `too-many-sockets`. Before
    /// start(). `refuses`: what it answers instead of opening one, such as for a query that it does not understand.
    void onWebSocket(std::string path, Access access,
                     std::function<awaitable<void>(Request &, std::shared_ptr<WebSocket>)> handler, Doc doc = {},
                     std::function<std::optional<Response>(const Request &)> refuses = {});
    /// Those of onWebSocket(), for the document of the API.
    const Router &webSocketRoutes() const;

    /// Stops accepting, lets requests under way finish within drainTimeout, closes WebSockets with 1001. Blocks; not
    /// from an I/O thread. Twice is harmless.
    void stop();

    struct Counters
    {
        std::size_t connections = 0;
        std::size_t webSockets = 0;
        std::uint64_t accepted = 0;
        std::uint64_t refused = 0; ///< at a bound of connections
        std::uint64_t cut = 0;     ///< at a deadline
    };
    Counters counters() const; ///< from any thread

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::http
