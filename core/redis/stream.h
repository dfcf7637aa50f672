// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/byte_stream.h"
#include "core/redis/endpoint.h"

#include <boost/asio/write.hpp>

#include <memory>
#include <optional>

namespace portolan::redis {

/// How TLS is spoken to an endpoint; null without TLS. Of `trust`, or by its own where that is null. Reads files, so
/// asked once per client and not on an I/O thread. Invalid "redis-tls-file", "redis-tls-pin".
Result<std::shared_ptr<TlsClient>> tlsClient(const Endpoint &endpoint, const std::shared_ptr<TlsClients> &trust);

/// One byte stream to Redis over TCP, TLS or a Unix socket. Belongs to the executor's thread. Must outlive its pending
/// operations: keep it in a shared_ptr held by each of them.
class Stream final
{
public:
    Stream(Executor executor, std::shared_ptr<Dialer> way, std::shared_ptr<TlsClient> tls)
        : m_executor(executor), m_way(std::move(way)), m_tls(std::move(tls))
    {}

    /// Connects and shakes hands by the deadline, with the errors of ByteStream::open(). TLS asks for the endpoint's
    /// `otherName` where it has one. After close() nothing comes of it.
    awaitable<Result<void>> connect(Endpoint endpoint, SteadyTime deadline);
    bool connected() const { return m_stream != nullptr; } ///< has been

    /// Bytes read, zero with `failed` set at the end of the stream or on an error.
    awaitable<std::size_t> readSome(asio::mutable_buffer buffer, error_code &failed);

    /// Writes all of `buffer`.
    awaitable<void> send(asio::const_buffer buffer, error_code &failed);

    /// The same with a completion handler void(error_code, std::size_t); `buffer` must stay until then.
    template <class Handler> void writeAll(asio::const_buffer buffer, Handler handler)
    {
        if (m_stream)
            asio::async_write(*m_stream, buffer, std::move(handler));
    }

    std::optional<Error> tlsProblem(const error_code &failed) const; ///< as ByteStream has it
    void close();

private:
    const Executor m_executor;
    const std::shared_ptr<Dialer> m_way;
    const std::shared_ptr<TlsClient> m_tls;
    std::shared_ptr<ByteStream> m_stream;
    bool m_closed = false;
};

} // namespace portolan::redis
