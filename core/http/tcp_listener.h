// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/listener.h"
#include "core/http/transports.h"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <memory>
#include <vector>

namespace portolan::http {

/// Accepts on one thread and hands connections to all shards in turn. (SO_REUSEPORT would save the hand-over, but lets
/// a second process take the port without anybody noticing.)
class TcpListener final : public Listener, public std::enable_shared_from_this<TcpListener>
{
public:
    TcpListener(Executor executor, std::shared_ptr<ServerCore> core, std::vector<std::shared_ptr<Shard>> shards,
                std::shared_ptr<TlsContext> tls);

    Result<void> bind() override;
    std::uint16_t port() const override { return m_port; }
    void start() override;
    void stop() override;

private:
    using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

    awaitable<void> accept();
    void admit(TcpSocket socket, const std::shared_ptr<Shard> &shard);

    const Executor m_executor;
    const std::shared_ptr<TlsContext> m_tls;
    Acceptor m_acceptor;
    Timer m_pause;
    std::uint16_t m_port = 0;
    bool m_stopped = false;
};

} // namespace portolan::http
