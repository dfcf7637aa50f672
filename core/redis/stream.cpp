// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/stream.h"

#include <boost/asio/redirect_error.hpp>

namespace portolan::redis {

Result<std::shared_ptr<TlsClient>> tlsClient(const Endpoint &endpoint, const std::shared_ptr<TlsClients> &trust)
{
    if (endpoint.transport != Endpoint::Transport::Tls)
        return std::shared_ptr<TlsClient>();
    TlsClients own;
    auto client = trust ? trust->client(endpoint.trust) : own.client(endpoint.trust);
    if (client)
        return client;
    Error error = client.error();
    error.code = "redis-" + error.code;
    error.about = endpoint.display();
    error.message = "TLS to Redis at " + endpoint.display() + " cannot begin. " + error.message;
    return error;
}

awaitable<Result<void>> Stream::connect(Endpoint endpoint, SteadyTime deadline)
{
    Target target{endpoint.host, endpoint.port, {}, endpoint.otherName};
    if (endpoint.transport == Endpoint::Transport::Unix)
        target = {{}, 0, endpoint.path, {}};
    auto opened = co_await ByteStream::open(m_executor, m_way, m_tls, target, deadline);
    if (!opened)
        co_return opened.error();
    if (m_closed) {
        (*opened)->close();
        co_return dialError(target, asio::error::timed_out);
    }
    m_stream = std::move(*opened);
    co_return Result<void>();
}

awaitable<std::size_t> Stream::readSome(asio::mutable_buffer buffer, error_code &failed)
{
    if (m_stream)
        co_return co_await m_stream->async_read_some(buffer, asio::redirect_error(use_awaitable, failed));
    failed = asio::error::not_connected;
    co_return 0;
}

awaitable<void> Stream::send(asio::const_buffer buffer, error_code &failed)
{
    if (m_stream)
        co_await asio::async_write(*m_stream, buffer, asio::redirect_error(use_awaitable, failed));
}

std::optional<Error> Stream::tlsProblem(const error_code &failed) const
{
    return m_stream ? m_stream->tlsProblem(failed) : std::nullopt;
}

void Stream::close()
{
    m_closed = true;
    if (m_stream)
        m_stream->close();
}

} // namespace portolan::redis
