// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/probe/certificate_look.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <utility>

namespace portolan::stack {

namespace {

template <class Socket>
awaitable<std::optional<CertificateFacts>> look(Executor executor, Socket socket, std::shared_ptr<TlsClient> tls,
                                                std::string host, SteadyTime deadline)
{
    const auto stream = std::make_shared<asio::ssl::stream<Socket>>(std::move(socket), tls->context());
    if (const auto armed = tls->arm(stream->native_handle(), host); !armed)
        co_return std::nullopt;
    Timer watchdog(executor, deadline);
    watchdog.async_wait([stream](const error_code &cancelled) {
        error_code ignored;
        if (!cancelled)
            stream->lowest_layer().close(ignored);
    });
    error_code failed; // what is shown counts, whether it is trusted or not
    co_await stream->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_awaitable, failed));
    watchdog.cancel();
    co_return TlsClient::peer(stream->native_handle());
}

} // namespace

awaitable<std::optional<CertificateFacts>> lookAtCertificate(Executor executor, std::shared_ptr<Dialer> dialer,
                                                             std::shared_ptr<TlsClient> tls, Target target,
                                                             SteadyTime deadline)
{
    auto socket = co_await dialer->dial(executor, target, deadline);
    if (!socket)
        co_return std::nullopt;
    if (auto *tcp = std::get_if<TcpSocket>(&*socket))
        co_return co_await look(executor, std::move(*tcp), tls, target.host, deadline);
    co_return co_await look(executor, std::move(std::get<UnixSocket>(*socket)), tls, target.host, deadline);
}

} // namespace portolan::stack
