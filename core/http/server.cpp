// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/server.h"

#include "core/http/connection.h"
#include "core/http/local_listener.h"
#include "core/http/tcp_listener.h"

#include <boost/asio/post.hpp>

#include <stdexcept>
#include <thread>

namespace portolan::http {

struct Server::Impl
{
    Impl(Runtime &io, const Router &router, Admission &admission, ServerObserver &observer, const Clock &clock,
         ServerOptions options)
        : runtime(io), core(std::make_shared<ServerCore>(router, admission, observer, clock, std::move(options)))
    {}

    Runtime &runtime;
    std::shared_ptr<ServerCore> core;
    std::vector<std::shared_ptr<Shard>> shards;
    std::shared_ptr<Listener> listener;

    void tellConnections(void (Connection::*what)())
    {
        for (const auto &shard : shards) {
            asio::post(shard->executor(), [shard, what] {
                for (const auto &connection : shard->held())
                    ((*connection).*what)();
            });
        }
    }

    /// Real time, whatever the server's clock says: nobody may be kept from stopping by a clock that stands.
    bool waitUntilEmpty(std::chrono::milliseconds atMost) const
    {
        const auto end = std::chrono::steady_clock::now() + atMost;
        while (core->connections.load(std::memory_order_acquire) > 0) {
            if (std::chrono::steady_clock::now() >= end)
                return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return true;
    }
};

Server::Server(Runtime &runtime, const Router &router, Admission &admission, ServerObserver &observer,
               const Clock &clock, ServerOptions options)
    : m_impl(std::make_unique<Impl>(runtime, router, admission, observer, clock, std::move(options)))
{}

Server::~Server() { stop(); }

Result<void> Server::start()
{
    auto &core = *m_impl->core;
    if (m_impl->listener)
        return failure(ErrorKind::Conflict, "The HTTP server is started already.");
    auto proxies = TrustedProxies::parse(core.options.trustedProxies, core.options.clientHeader);
    if (proxies.has_error())
        return proxies.error();
    core.proxies = std::move(*proxies);
    auto hosts = AllowedHosts::parse(core.options.allowedHosts);
    if (hosts.has_error())
        return hosts.error();
    core.hosts = core.options.allowedHosts.empty() && core.options.loopbackNames ? AllowedHosts::loopback() : *hosts;
    for (const auto &entry : core.options.allowedOrigins) {
        auto origin = normalOrigin(entry);
        if (origin.has_error())
            return origin.error();
        core.origins.push_back(std::move(*origin));
    }
    std::shared_ptr<TlsContext> tls;
    if (secure()) {
        auto loaded = TlsContext::load(core.options.tlsCertificate, core.options.tlsKey);
        if (loaded.has_error())
            return loaded.error();
        tls = std::move(*loaded);
    }
    std::vector<std::shared_ptr<Shard>> shards;
    const bool local = !core.options.socket.empty();
    for (std::size_t i = 0; i < (local ? 1 : m_impl->runtime.size()); ++i)
        shards.push_back(std::make_shared<Shard>(m_impl->runtime.at(i), core.clock));
    std::shared_ptr<Listener> listener;
    if (local)
        listener = std::make_shared<LocalListener>(m_impl->runtime.at(0), m_impl->core, shards);
    else
        listener = std::make_shared<TcpListener>(m_impl->runtime.at(0), m_impl->core, shards, std::move(tls));
    if (auto bound = listener->bind(); bound.has_error())
        return bound.error();
    core.port = listener->port();
    m_impl->shards = std::move(shards);
    m_impl->listener = std::move(listener);
    m_impl->listener->start();
    return {};
}

std::uint16_t Server::port() const { return m_impl->listener ? m_impl->listener->port() : 0; }

bool Server::secure() const { return !m_impl->core->options.tlsCertificate.empty(); }

void Server::onWebSocket(std::string path, Access access,
                         std::function<awaitable<void>(Request &, std::shared_ptr<WebSocket>)> handler, Doc doc,
                         std::function<std::optional<Response>(const Request &)> refuses)
{
    if (m_impl->listener)
        throw std::logic_error("a WebSocket is declared before the server starts");
    const auto &route = m_impl->core->webSocketRoutes.get(std::move(path), access, nullptr, doc);
    m_impl->core->webSocketHandlers.emplace(&route, WebSocketEnd{std::move(handler), std::move(refuses)});
}

const Router &Server::webSocketRoutes() const { return m_impl->core->webSocketRoutes; }

void Server::stop()
{
    if (!m_impl->listener || m_impl->core->stopping.exchange(true))
        return;
    m_impl->listener->stop();
    m_impl->tellConnections(&Connection::drain);
    if (!m_impl->waitUntilEmpty(m_impl->core->options.drainTimeout)) {
        m_impl->tellConnections(&Connection::giveUp);
        constexpr std::chrono::seconds grace{2}; // for the last answers, and for handlers to notice
        if (!m_impl->waitUntilEmpty(grace)) {
            m_impl->tellConnections(&Connection::cut);
            m_impl->waitUntilEmpty(grace);
        }
    }
    for (const auto &shard : m_impl->shards)
        shard->stop();
}

Server::Counters Server::counters() const
{
    const auto &core = *m_impl->core;
    return {core.connections.load(), core.webSockets.load(), core.accepted.load(), core.refused.load(),
            core.cut.load()};
}

} // namespace portolan::http
