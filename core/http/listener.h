#pragma once

#include "core/http/server_core.h"
#include "core/http/transports.h"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <memory>
#include <vector>

namespace portolan::http {

/// Accepts on one thread and hands connections to all shards in turn. (SO_REUSEPORT would save the hand-over, but lets
/// a second process take the port without anybody noticing.)
class Listener final : public std::enable_shared_from_this<Listener>
{
public:
    Listener(Executor executor, std::shared_ptr<ServerCore> core, std::vector<std::shared_ptr<Shard>> shards,
             std::shared_ptr<TlsContext> tls);

    Result<void> bind();
    std::uint16_t port() const { return m_port; }
    void start(); ///< from any thread
    void stop();  ///< from any thread

private:
    using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

    awaitable<void> accept();
    void admit(TcpSocket socket, const std::shared_ptr<Shard> &shard);

    const Executor m_executor;
    const std::shared_ptr<ServerCore> m_core;
    const std::vector<std::shared_ptr<Shard>> m_shards;
    const std::shared_ptr<TlsContext> m_tls;
    Acceptor m_acceptor;
    Timer m_pause;
    std::uint16_t m_port = 0;
    bool m_stopped = false;
};

} // namespace portolan::http
