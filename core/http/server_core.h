// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/address_table.h"
#include "core/http/forwarded.h"
#include "core/http/hosts.h"
#include "core/http/server.h"
#include "core/http/shard.h"
#include "core/http/socket_counts.h"

#include <atomic>
#include <unordered_map>

namespace portolan::http {

/// What Server::onWebSocket() was given.
struct WebSocketEnd
{
    std::function<awaitable<void>(Request &, std::shared_ptr<WebSocket>)> serve;
    std::function<std::optional<Response>(const Request &)> refuses;
};

/// What all connections of a server share. Held by each of them, so that none outlives it.
struct ServerCore
{
    ServerCore(const Router &routes, Admission &gate, ServerObserver &watcher, const Clock &time,
               ServerOptions serverOptions)
        : router(routes),
          admission(gate),
          observer(watcher),
          clock(time),
          options(std::move(serverOptions)),
          addresses(options.maxConnections, options.maxConnectionsPerAddress),
          sockets(options.maxWebSocketsPerUser)
    {}

    const Router &router;
    Admission &admission;
    ServerObserver &observer;
    const Clock &clock;
    const ServerOptions options;
    std::uint16_t port = 0; ///< bound to
    TrustedProxies proxies;
    AllowedHosts hosts;
    std::vector<std::string> origins; ///< as browsers send them
    Router webSocketRoutes;
    std::unordered_map<const Route *, WebSocketEnd> webSocketHandlers;

    AddressTable addresses;
    SocketCounts sockets;
    std::atomic<bool> stopping{false};
    std::atomic<std::size_t> connections{0};
    std::atomic<std::size_t> webSockets{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> cut{0};
};

} // namespace portolan::http
