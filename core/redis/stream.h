// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/redis/endpoint.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace portolan::redis {

/// The TLS settings of an endpoint: certificates verified against the system's store (SSL_CERT_FILE and SSL_CERT_DIR
/// may name another). Reads files, so made once per client and not on an I/O thread. Null without TLS.
std::shared_ptr<asio::ssl::context> tlsContext(const Endpoint &endpoint);

/// One byte stream to Redis over TCP, TLS or a Unix socket. Belongs to the executor's thread. Must outlive its pending
/// operations: keep it in a shared_ptr held by each of them.
class Stream final
{
public:
    Stream(Executor executor, std::shared_ptr<asio::ssl::context> tls) : m_executor(executor), m_tls(std::move(tls)) {}

    /// Connects and shakes hands. The error text is for people; empty when it worked. close() ends it early.
    awaitable<std::string> connect(Endpoint endpoint);

    /// Bytes read, zero with `failed` set at the end of the stream or on an error.
    awaitable<std::size_t> readSome(asio::mutable_buffer buffer, error_code &failed);

    /// Writes all of `buffer`.
    awaitable<void> send(asio::const_buffer buffer, error_code &failed);

    /// The same with a completion handler void(error_code, std::size_t); `buffer` must stay until then.
    template <class Handler> void writeAll(asio::const_buffer buffer, Handler handler)
    {
        std::visit(
            [&](auto &stream) {
                if constexpr (!std::is_same_v<std::decay_t<decltype(stream)>, std::monostate>)
                    asio::async_write(stream, buffer, std::move(handler));
            },
            m_stream);
    }

    void close();

private:
    using TlsStream = asio::ssl::stream<TcpSocket>;

    awaitable<std::string> connectTcp(TcpSocket &socket, const Endpoint &endpoint);
    awaitable<std::string> connectTls(const Endpoint &endpoint);

    Executor m_executor;
    std::shared_ptr<asio::ssl::context> m_tls;
    std::variant<std::monostate, TcpSocket, UnixSocket, TlsStream> m_stream;
    bool m_closed = false;
};

} // namespace portolan::redis
