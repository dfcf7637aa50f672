// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/listener.h"

#include "core/http/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace portolan::http {

Listener::Listener(std::shared_ptr<ServerCore> core, std::vector<std::shared_ptr<Shard>> shards)
    : m_core(std::move(core)), m_shards(std::move(shards))
{}

const std::shared_ptr<Shard> &Listener::nextShard()
{
    const auto &shard = m_shards[m_next];
    m_next = (m_next + 1) % m_shards.size();
    return shard;
}

void Listener::take(std::unique_ptr<Transport> transport, Peer peer, const std::shared_ptr<Shard> &shard)
{
    const bool bounded = !peer.proxied;
    auto connection = std::make_shared<Connection>(m_core, shard, std::move(transport), std::move(peer));
    auto entry = m_core->addresses.enter(connection->place(), connection, bounded, m_core->clock.steady());
    if (entry.evicted) {
        m_core->refused.fetch_add(1, std::memory_order_relaxed);
        const auto executor = entry.evicted->executor;
        asio::post(executor, [evicted = std::move(*entry.evicted)] {
            if (const auto held = evicted.connection.lock())
                held->giveWay(evicted.since);
        });
    }
    if (!entry.admitted) {
        m_core->refused.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    const auto executor = shard->executor();
    asio::co_spawn(
        executor, [held = std::move(connection)] { return held->run(); }, asio::detached);
}

} // namespace portolan::http
