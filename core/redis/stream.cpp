// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/stream.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

namespace portolan::redis {

namespace {

std::string words(const error_code &failed) { return failed ? failed.message() : std::string(); }

/// Why OpenSSL refused the other side's certificate, in its own words.
std::string handshakeProblem(const error_code &failed, SSL *ssl)
{
    const long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK)
        return std::string("its TLS certificate is not accepted: ") + X509_verify_cert_error_string(verified);
    return "TLS handshake: " + failed.message();
}

} // namespace

std::shared_ptr<asio::ssl::context> tlsContext(const Endpoint &endpoint)
{
    if (endpoint.transport != Endpoint::Transport::Tls)
        return nullptr;
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    context->set_default_verify_paths();
    context->set_verify_mode(asio::ssl::verify_peer);
    return context;
}

awaitable<std::string> Stream::connect(Endpoint endpoint)
{
    switch (endpoint.transport) {
    case Endpoint::Transport::Tcp:
        co_return co_await connectTcp(m_stream.emplace<TcpSocket>(m_executor), endpoint);
    case Endpoint::Transport::Tls:
        co_return co_await connectTls(endpoint);
    case Endpoint::Transport::Unix:
        break;
    }
    error_code failed;
    auto &socket = m_stream.emplace<UnixSocket>(m_executor);
    const asio::local::stream_protocol::endpoint address(endpoint.path);
    co_await socket.async_connect(address, asio::redirect_error(use_awaitable, failed));
    co_return words(failed);
}

awaitable<std::string> Stream::connectTcp(TcpSocket &socket, const Endpoint &endpoint)
{
    using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;
    error_code failed;
    Resolver::results_type addresses;
    const auto literal = asio::ip::make_address(endpoint.host, failed);
    if (!failed) {
        addresses = Resolver::results_type::create({literal, endpoint.port}, endpoint.host, {});
    } else {
        failed = {};
        Resolver resolver(m_executor);
        addresses = co_await resolver.async_resolve(endpoint.host, std::to_string(endpoint.port),
                                                    asio::redirect_error(use_awaitable, failed));
        if (failed)
            co_return "its host name does not resolve (" + failed.message() + ")";
    }
    if (m_closed)
        co_return "it was given up";
    co_await asio::async_connect(socket, addresses, asio::redirect_error(use_awaitable, failed));
    if (failed)
        co_return words(failed);
    socket.set_option(asio::ip::tcp::no_delay(true), failed);
    socket.set_option(asio::socket_base::keep_alive(true), failed);
    co_return std::string();
}

awaitable<std::string> Stream::connectTls(const Endpoint &endpoint)
{
    auto &stream = m_stream.emplace<TlsStream>(TcpSocket(m_executor), *m_tls);
    std::string problem = co_await connectTcp(stream.next_layer(), endpoint);
    if (!problem.empty())
        co_return problem;
    error_code failed;
    asio::ip::make_address(endpoint.host, failed);
    if (failed) // an address is no server name (RFC 6066)
        SSL_set_tlsext_host_name(stream.native_handle(), endpoint.host.c_str());
    stream.set_verify_callback(asio::ssl::host_name_verification(endpoint.host), failed);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(use_awaitable, failed));
    if (failed)
        co_return handshakeProblem(failed, stream.native_handle());
    co_return std::string();
}

awaitable<std::size_t> Stream::readSome(asio::mutable_buffer buffer, error_code &failed)
{
    if (auto *tcp = std::get_if<TcpSocket>(&m_stream))
        co_return co_await tcp->async_read_some(buffer, asio::redirect_error(use_awaitable, failed));
    if (auto *local = std::get_if<UnixSocket>(&m_stream))
        co_return co_await local->async_read_some(buffer, asio::redirect_error(use_awaitable, failed));
    if (auto *tls = std::get_if<TlsStream>(&m_stream))
        co_return co_await tls->async_read_some(buffer, asio::redirect_error(use_awaitable, failed));
    failed = asio::error::not_connected;
    co_return 0;
}

awaitable<void> Stream::send(asio::const_buffer buffer, error_code &failed)
{
    if (auto *tcp = std::get_if<TcpSocket>(&m_stream))
        co_await asio::async_write(*tcp, buffer, asio::redirect_error(use_awaitable, failed));
    else if (auto *local = std::get_if<UnixSocket>(&m_stream))
        co_await asio::async_write(*local, buffer, asio::redirect_error(use_awaitable, failed));
    else if (auto *tls = std::get_if<TlsStream>(&m_stream))
        co_await asio::async_write(*tls, buffer, asio::redirect_error(use_awaitable, failed));
}

void Stream::close()
{
    m_closed = true;
    error_code ignored;
    if (auto *tcp = std::get_if<TcpSocket>(&m_stream))
        tcp->close(ignored);
    else if (auto *local = std::get_if<UnixSocket>(&m_stream))
        local->close(ignored);
    else if (auto *tls = std::get_if<TlsStream>(&m_stream))
        tls->next_layer().close(ignored);
}

} // namespace portolan::redis
