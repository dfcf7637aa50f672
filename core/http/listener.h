// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/peer.h"
#include "core/http/server_core.h"
#include "core/http/transport.h"

#include <memory>
#include <vector>

namespace portolan::http {

/// Takes connections in and hands them to the shards. TCP: tcp_listener.h, a Unix socket: local_listener.h.
class Listener
{
public:
    Listener(std::shared_ptr<ServerCore> core, std::vector<std::shared_ptr<Shard>> shards);
    virtual ~Listener() = default;
    Listener(const Listener &) = delete;
    Listener &operator=(const Listener &) = delete;

    virtual Result<void> bind() = 0;
    virtual std::uint16_t port() const { return 0; }
    virtual void start() = 0; ///< from any thread
    virtual void stop() = 0;  ///< from any thread but those of the shards

protected:
    const ServerOptions &options() const { return m_core->options; }
    const TrustedProxies &proxies() const { return m_core->proxies; }
    const std::shared_ptr<Shard> &nextShard(); ///< in turn
    void accepted() { m_core->accepted.fetch_add(1, std::memory_order_relaxed); }
    /// Serves it, if there is a place for it.
    void take(std::unique_ptr<Transport> transport, Peer peer, const std::shared_ptr<Shard> &shard);

private:
    const std::shared_ptr<ServerCore> m_core;
    const std::vector<std::shared_ptr<Shard>> m_shards;
    std::size_t m_next = 0;
};

} // namespace portolan::http
