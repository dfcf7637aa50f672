// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/byte_stream.h"

#include <boost/asio/redirect_error.hpp>

#include <sys/socket.h>

#include <type_traits>

namespace portolan {

namespace {

template <class Stream>
constexpr bool isPlain = std::is_same_v<Stream, TcpSocket> || std::is_same_v<Stream, UnixSocket>;

using AnyStream = std::variant<TcpSocket, UnixSocket, asio::ssl::stream<TcpSocket>, asio::ssl::stream<UnixSocket>>;

AnyStream made(RawSocket socket, TlsClient *tls)
{
    return std::visit(
        [tls](auto &raw) -> AnyStream {
            using Socket = std::decay_t<decltype(raw)>;
            if (!tls)
                return std::move(raw);
            return asio::ssl::stream<Socket>(std::move(raw), tls->context());
        },
        socket);
}

} // namespace

ByteStream::ByteStream(RawSocket socket, std::shared_ptr<TlsClient> tls, std::string where)
    : m_tls(std::move(tls)), m_where(std::move(where)), m_stream(made(std::move(socket), m_tls.get()))
{}

awaitable<Result<std::shared_ptr<ByteStream>>> ByteStream::open(Executor executor, std::shared_ptr<Dialer> dialer,
                                                                std::shared_ptr<TlsClient> tls, Target target,
                                                                SteadyTime deadline)
{
    auto socket = co_await dialer->dial(executor, target, deadline);
    if (!socket)
        co_return socket.error();
    const std::shared_ptr<ByteStream> stream(new ByteStream(std::move(*socket), std::move(tls), target.display()));
    if (!stream->secure())
        co_return stream;
    const std::string name = target.name.empty() ? target.host : target.name;
    auto shaken = co_await shakeHands(stream, name, deadline);
    if (!shaken)
        co_return shaken.error();
    co_return stream;
}

awaitable<Result<void>> ByteStream::shakeHands(std::shared_ptr<ByteStream> self, std::string host, SteadyTime deadline)
{
    if (auto armed = self->m_tls->arm(self->ssl(), host); !armed)
        co_return armed;
    const auto late = std::make_shared<bool>(false);
    Timer watchdog(self->get_executor(), deadline);
    watchdog.async_wait([self, late](const error_code &cancelled) {
        if (cancelled)
            return;
        *late = true;
        self->close();
    });
    error_code failed;
    if (auto *tcp = std::get_if<Tls<TcpSocket>>(&self->m_stream))
        co_await tcp->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_awaitable, failed));
    else if (auto *local = std::get_if<Tls<UnixSocket>>(&self->m_stream))
        co_await local->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_awaitable, failed));
    const bool inTime = watchdog.cancel() > 0;
    if (*late || (!failed && !inTime))
        co_return Error{ErrorKind::Timeout,
                        "tls-timeout",
                        self->m_where + " did not finish the TLS handshake in time.",
                        "Check that this port speaks TLS.",
                        {},
                        std::chrono::seconds{0}};
    if (failed)
        co_return self->m_tls->explain(self->ssl(), failed, self->m_where);
    co_return Result<void>();
}

void ByteStream::close()
{
    std::visit(
        [](auto &stream) {
            error_code ignored;
            stream.lowest_layer().close(ignored);
        },
        m_stream);
}

bool ByteStream::quiet()
{
    return std::visit(
        [](auto &stream) {
            char byte = 0;
            const int socket = stream.lowest_layer().native_handle();
            const auto size = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        },
        m_stream);
}

SSL *ByteStream::ssl()
{
    return std::visit(
        [](auto &stream) -> SSL * {
            if constexpr (isPlain<std::decay_t<decltype(stream)>>)
                return nullptr;
            else
                return stream.native_handle();
        },
        m_stream);
}

std::optional<Error> ByteStream::tlsProblem(const error_code &failed)
{
    if (!m_tls || failed.category() != asio::error::get_ssl_category())
        return std::nullopt;
    return m_tls->explain(ssl(), failed, m_where);
}

std::optional<CertificateFacts> ByteStream::certificate() { return m_tls ? TlsClient::peer(ssl()) : std::nullopt; }

RawSocket ByteStream::takeSocket()
{
    if (auto *tcp = std::get_if<TcpSocket>(&m_stream))
        return std::move(*tcp);
    return std::move(std::get<UnixSocket>(m_stream));
}

bool isEnd(const error_code &failed)
{
    return failed == asio::error::eof || failed == asio::error::connection_reset ||
           failed == asio::error::broken_pipe || failed == asio::ssl::error::stream_truncated;
}

} // namespace portolan
