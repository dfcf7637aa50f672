// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/tcp_listener.h"

#include "core/base/masking.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

namespace portolan::http {

namespace ip = asio::ip;

TcpListener::TcpListener(Executor executor, std::shared_ptr<ServerCore> core,
                         std::vector<std::shared_ptr<Shard>> shards, std::shared_ptr<TlsContext> tls)
    : Listener(std::move(core), std::move(shards)),
      m_executor(executor),
      m_tls(std::move(tls)),
      m_acceptor(executor),
      m_pause(executor)
{}

Result<void> TcpListener::bind()
{
    const std::string &host = options().address;
    const auto name = host + ":" + std::to_string(options().port);
    error_code ec;
    const auto address = ip::make_address(host == "localhost" ? "127.0.0.1" : host, ec);
    if (ec) {
        return failure(ErrorKind::Invalid, "Cannot listen on '" + quotable(host) + "': that is no address.",
                       "Write one like 127.0.0.1, 0.0.0.0 or ::.");
    }
    const ip::tcp::endpoint endpoint(address, options().port);
    m_acceptor.open(endpoint.protocol(), ec);
    if (!ec) // a port in TIME_WAIT may be taken again; on Linux one that somebody listens on may not
        m_acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec)
        m_acceptor.bind(endpoint, ec);
    if (!ec)
        m_acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec == asio::error::address_in_use) {
        return failure(ErrorKind::Unavailable, "Cannot listen on " + name + ": the port is in use.",
                       "Stop what listens there or choose another port; port 0 picks a free one.");
    }
    if (ec) {
        return failure(ErrorKind::Unavailable, "Cannot listen on " + name + ": " + ec.message() + ".",
                       "Choose an address of this machine and a port this user may take.");
    }
    m_port = m_acceptor.local_endpoint(ec).port();
    return {};
}

void TcpListener::start()
{
    asio::co_spawn(
        m_executor, [self = shared_from_this()] { return self->accept(); }, asio::detached);
}

void TcpListener::stop()
{
    asio::post(m_executor, [self = shared_from_this()] {
        self->m_stopped = true;
        error_code ignored;
        self->m_acceptor.close(ignored);
        self->m_pause.cancel();
    });
}

awaitable<void> TcpListener::accept()
{
    const auto self = shared_from_this();
    while (!m_stopped) {
        const auto &shard = nextShard();
        TcpSocket socket(shard->executor());
        error_code ec;
        co_await m_acceptor.async_accept(socket, asio::redirect_error(use_awaitable, ec));
        if (m_stopped)
            break;
        if (!ec) {
            admit(std::move(socket), shard);
            continue;
        }
        // Out of file descriptors or memory: trying again at once would only burn the processor.
        error_code ignored;
        m_pause.expires_after(std::chrono::milliseconds(50));
        co_await m_pause.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
}

void TcpListener::admit(TcpSocket socket, const std::shared_ptr<Shard> &shard)
{
    accepted();
    error_code ec;
    const auto endpoint = socket.remote_endpoint(ec);
    if (ec) // gone already
        return;
    socket.set_option(ip::tcp::no_delay(true), ec);
    auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
    auto transport = m_tls ? m_tls->transport(std::move(socket)) : plainTransport(std::move(socket));
    take(std::move(transport), Peer::at(address, proxies()), shard);
}

} // namespace portolan::http
