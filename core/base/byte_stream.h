// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/dial.h"
#include "core/base/trust.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace portolan {

/// A connection that a Dialer has made, plain or in TLS: for Asio and Beast it is an AsyncStream. Used on its
/// executor's thread. Must outlive its pending operations. Not final: Asio derives from what it is handed, to see what
/// members it has.
class ByteStream
{
public:
    using executor_type = Executor;
    /// Said rather than deduced: Beast asks for it of tokens that no operation could be given.
    template <class Token>
    using Answer = typename asio::async_result<std::decay_t<Token>, void(error_code, std::size_t)>::return_type;

    explicit ByteStream(RawSocket socket) : ByteStream(std::move(socket), nullptr, {}) {}

    /// Dials, and shakes hands where there is a `tls`, both by `deadline`. The errors of the Dialer, of TlsClient, and
    /// Timeout "tls-timeout".
    static awaitable<Result<std::shared_ptr<ByteStream>>> open(Executor executor, std::shared_ptr<Dialer> dialer,
                                                               std::shared_ptr<TlsClient> tls, Target target,
                                                               SteadyTime deadline);

    ByteStream(ByteStream &&) = default;
    ByteStream &operator=(ByteStream &&) = delete;
    ~ByteStream() = default;

    executor_type get_executor()
    {
        return std::visit([](auto &stream) -> Executor { return stream.get_executor(); }, m_stream);
    }

    template <class Buffers, class Token> Answer<Token> async_read_some(const Buffers &buffers, Token &&token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, ByteStream *self, const Buffers &into) {
                std::visit([&](auto &stream) { stream.async_read_some(into, std::move(handler)); }, self->m_stream);
            },
            token, this, buffers);
    }
    template <class Buffers, class Token> Answer<Token> async_write_some(const Buffers &buffers, Token &&token)
    {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [](auto handler, ByteStream *self, const Buffers &from) {
                std::visit([&](auto &stream) { stream.async_write_some(from, std::move(handler)); }, self->m_stream);
            },
            token, this, buffers);
    }

    /// At once, without a word of farewell; what is under way ends with operation_aborted. Twice is harmless.
    void close();
    bool secure() const { return m_tls != nullptr; }
    /// Nothing has come, not even the end: an idle connection that may be used again. Not while an operation is under
    /// way.
    bool quiet();

    /// Why an operation failed, in words and with the code of TlsClient::explain(), where it is TLS that failed: an end
    /// refuses our certificate behind the handshake only. Nothing for all else.
    std::optional<Error> tlsProblem(const error_code &failed);
    std::optional<CertificateFacts> certificate(); ///< of the other end; nothing without TLS

    /// The socket again, of a plain one, which is then as good as closed.
    RawSocket takeSocket();

private:
    template <class Socket> using Tls = asio::ssl::stream<Socket>;

    ByteStream(RawSocket socket, std::shared_ptr<TlsClient> tls, std::string where);
    static awaitable<Result<void>> shakeHands(std::shared_ptr<ByteStream> self, std::string host, SteadyTime deadline);
    SSL *ssl();

    std::shared_ptr<TlsClient> m_tls;
    std::string m_where;
    std::variant<TcpSocket, UnixSocket, Tls<TcpSocket>, Tls<UnixSocket>> m_stream;
};

/// The other end has ended the connection, well or badly.
bool isEnd(const error_code &failed);

} // namespace portolan
