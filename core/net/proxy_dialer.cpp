// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/proxy_dialer.h"

#include "core/base/byte_stream.h"
#include "core/base/masking.h"
#include "core/net/coded.h"
#include "core/net/ssh_tunnel.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace portolan::net {

namespace {

constexpr std::size_t longest = 255; ///< a name, a user, a password (RFC 1928 and 1929)

/// RFC 4648, section 4.
std::string base64(std::string_view bytes)
{
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto group = bytes.substr(at, 3);
        unsigned bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= group.size() ? letters[bits >> (18U - 6U * i) & 63U] : '=';
    }
    return text;
}

} // namespace

ProxyDialer::ProxyDialer(std::shared_ptr<Dialer> way, Target proxy, std::optional<ProxySignIn> signIn)
    : m_way(std::move(way)), m_proxy(std::move(proxy)), m_signIn(std::move(signIn))
{}

std::string ProxyDialer::display() const { return "through " + m_proxy.display(); }

Error ProxyDialer::failed(ErrorKind kind, const char *code, const std::string &what, std::string hint) const
{
    return coded(kind, code, "The proxy " + m_proxy.display() + what, std::move(hint));
}

Error ProxyDialer::broken(const error_code &ec) const
{
    if (isEnd(ec))
        return failed(ErrorKind::Unavailable, "tunnel-protocol",
                      " closed the connection when it was asked for the target.",
                      "Check that it is a proxy of this kind.");
    return failed(ErrorKind::Unavailable, "tunnel-protocol", " cannot be asked for the target (" + ec.message() + ").",
                  "Check that it is a proxy of this kind.");
}

awaitable<Result<RawSocket>> ProxyDialer::dial(Executor executor, Target target, SteadyTime deadline)
{
    if (!target.path.empty())
        co_return failed(ErrorKind::Unsupported, "tunnel-unsupported", " leads to hosts, not to a Unix socket.",
                         "Reach it through ssh.");
    if (target.host.empty() || target.host.size() > longest || target.port == 0)
        co_return failed(ErrorKind::Invalid, "name-invalid", " cannot be asked for '" + quotable(target.host) + "'.",
                         "Write a name or an address, and a port.");
    if (m_signIn && !takes(*m_signIn))
        co_return failed(ErrorKind::Invalid, "tunnel-sign-in", " cannot be told this user and password.",
                         "A user has 1 to 255 bytes and over HTTP no colon, a password at most 255.");
    auto socket = co_await m_way->dial(executor, m_proxy, deadline);
    if (!socket)
        co_return failed(socket.error().kind, "tunnel-away", " cannot be reached. " + socket.error().message,
                         socket.error().hint);
    const auto stream = std::make_shared<ByteStream>(std::move(*socket));
    const auto late = std::make_shared<bool>(false);
    Timer watchdog(executor, deadline);
    watchdog.async_wait([stream, late](const error_code &cancelled) {
        if (cancelled)
            return;
        *late = true;
        stream->close();
    });
    const auto asked = co_await ask(stream, target);
    const bool inTime = watchdog.cancel() > 0;
    if (*late || !inTime)
        co_return failed(ErrorKind::Timeout, "tunnel-timeout", " did not connect to " + target.display() + " in time.",
                         "Check that the target runs, and that the proxy may reach it.");
    if (!asked) {
        stream->close();
        co_return asked.error();
    }
    co_return stream->takeSocket();
}

bool ProxyDialer::takes(const ProxySignIn &signIn) const
{
    return !signIn.user.empty() && signIn.user.size() <= longest && signIn.password.reveal().size() <= longest;
}

bool HttpConnectDialer::takes(const ProxySignIn &signIn) const
{
    return ProxyDialer::takes(signIn) && signIn.user.find(':') == std::string::npos;
}

/// The replies of RFC 1928, section 6.
Error Socks5Dialer::refused(unsigned reply, const Target &target) const
{
    const std::string to = target.display();
    switch (reply) {
    case 2:
        return failed(ErrorKind::Unavailable, "tunnel-target", " may not connect to " + to + " by its rules.",
                      "Let it, where it is set up.");
    case 3:
    case 4:
    case 6:
        return failed(ErrorKind::Unavailable, "tunnel-target", " has no network that leads to " + to + ".",
                      "Check the host, and whether another proxy leads there.");
    case 5:
        return failed(ErrorKind::Unavailable, "tunnel-target", " finds nobody listening at " + to + ".",
                      "Check host and port, and that the server runs.");
    default:
        return failed(ErrorKind::Unavailable, "tunnel-target",
                      " cannot connect to " + to + " (reply " + std::to_string(reply) + ").",
                      "Check host and port, and that the proxy knows the name.");
    }
}

awaitable<Result<void>> Socks5Dialer::greet(std::shared_ptr<ByteStream> proxy) const
{
    const bool signs = signIn().has_value();
    const std::string hello = signs ? std::string("\5\2\0\2", 4) : std::string("\5\1\0", 3);
    error_code ec;
    std::array<unsigned char, 2> answer{};
    co_await asio::async_write(*proxy, asio::buffer(hello), asio::redirect_error(use_awaitable, ec));
    if (!ec)
        co_await asio::async_read(*proxy, asio::buffer(answer), asio::redirect_error(use_awaitable, ec));
    if (ec)
        co_return broken(ec);
    if (answer[0] != 5)
        co_return failed(ErrorKind::Protocol, "tunnel-protocol", " speaks no SOCKS 5.", "Check its kind and its port.");
    if (answer[1] == 0)
        co_return Result<void>();
    if (answer[1] != 2 || !signs)
        co_return failed(ErrorKind::Unavailable, "tunnel-sign-in", " wants to know who we are.",
                         "Name a user and a password for it.");
    const std::string_view user = signIn()->user;
    const std::string_view password = signIn()->password.reveal();
    std::string who;
    who.reserve(3 + 2 * longest);
    who.append("\1").append(1, static_cast<char>(user.size())).append(user);
    who.append(1, static_cast<char>(password.size())).append(password);
    co_await asio::async_write(*proxy, asio::buffer(who), asio::redirect_error(use_awaitable, ec));
    wipe(who);
    if (!ec)
        co_await asio::async_read(*proxy, asio::buffer(answer), asio::redirect_error(use_awaitable, ec));
    if (ec)
        co_return broken(ec);
    if (answer[1] != 0)
        co_return failed(ErrorKind::Unavailable, "tunnel-sign-in", " does not know this user or password.",
                         "Check user and password of the proxy.");
    co_return Result<void>();
}

awaitable<Result<void>> Socks5Dialer::ask(std::shared_ptr<ByteStream> proxy, Target target) const
{
    if (auto greeted = co_await greet(proxy); !greeted)
        co_return greeted;
    std::string request("\5\1\0", 3);
    error_code noAddress;
    const auto address = asio::ip::make_address(target.host, noAddress);
    const auto append = [&request](const auto &bytes) { request.append(bytes.begin(), bytes.end()); };
    if (noAddress) {
        request.append("\3").append(1, static_cast<char>(target.host.size())).append(target.host);
    } else if (address.is_v4()) {
        request.append("\1");
        append(address.to_v4().to_bytes());
    } else {
        request.append("\4");
        append(address.to_v6().to_bytes());
    }
    request += static_cast<char>(target.port >> 8U);
    request += static_cast<char>(target.port & 255U);
    error_code ec;
    std::array<unsigned char, 5> answer{}; // version, reply, 0, kind of address, its first byte
    co_await asio::async_write(*proxy, asio::buffer(request), asio::redirect_error(use_awaitable, ec));
    if (!ec)
        co_await asio::async_read(*proxy, asio::buffer(answer), asio::redirect_error(use_awaitable, ec));
    if (ec)
        co_return broken(ec);
    const bool known = answer[0] == 5 && (answer[3] == 1 || answer[3] == 3 || answer[3] == 4);
    if (answer[0] == 5 && answer[1] != 0)
        co_return refused(answer[1], target);
    if (!known)
        co_return failed(ErrorKind::Protocol, "tunnel-protocol", " speaks no SOCKS 5.", "Check its kind and its port.");
    // The rest of the address it has bound, which nobody needs, and its port.
    std::array<unsigned char, longest + 2> rest{};
    const std::size_t size = (answer[3] == 1 ? 3U : answer[3] == 4 ? 15U : answer[4]) + 2U;
    co_await asio::async_read(*proxy, asio::buffer(rest, size), asio::redirect_error(use_awaitable, ec));
    if (ec)
        co_return broken(ec);
    co_return Result<void>();
}

std::string HttpConnectDialer::requestFor(const std::string &to) const
{
    std::string request;
    request.reserve(2 * to.size() + 1024); // so that growing leaves no copy of the password behind
    request.append("CONNECT ").append(to).append(" HTTP/1.1\r\nHost: ").append(to).append("\r\n");
    if (signIn()) {
        const std::string_view password = signIn()->password.reveal();
        std::string who;
        who.reserve(signIn()->user.size() + 1 + password.size());
        who.append(signIn()->user).append(":").append(password);
        std::string encoded = base64(who);
        request.append("Proxy-Authorization: Basic ").append(encoded).append("\r\n");
        wipe(who);
        wipe(encoded);
    }
    return request.append("\r\n");
}

awaitable<Result<void>> HttpConnectDialer::ask(std::shared_ptr<ByteStream> proxy, Target target) const
{
    constexpr std::size_t mostHead = 8 * 1024;
    if (std::ranges::any_of(target.host, [](char c) { return c <= ' ' || c > '~'; }))
        co_return failed(ErrorKind::Invalid, "name-invalid", " cannot be asked for '" + quotable(target.host) + "'.",
                         "Write a name or an address.");
    const std::string to = target.display();
    std::string request = requestFor(to);
    error_code ec;
    co_await asio::async_write(*proxy, asio::buffer(request), asio::redirect_error(use_awaitable, ec));
    wipe(request);
    // By single bytes: what follows the head is the target's.
    std::string head;
    while (!ec && !head.ends_with("\r\n\r\n") && head.size() < mostHead) {
        char byte = 0;
        const auto size =
            co_await proxy->async_read_some(asio::buffer(&byte, 1), asio::redirect_error(use_awaitable, ec));
        head.append(&byte, size);
    }
    if (ec && head.empty())
        co_return broken(ec);
    unsigned status = 0;
    const std::string_view line = std::string_view(head).substr(0, head.find('\r'));
    const bool http = line.starts_with("HTTP/1.") && line.size() >= 12 && line[8] == ' ' &&
                      std::from_chars(line.data() + 9, line.data() + 12, status).ptr == line.data() + 12;
    if (!http || (status / 100 == 2 && !head.ends_with("\r\n\r\n")))
        co_return failed(ErrorKind::Protocol, "tunnel-protocol", " is no HTTP proxy.", "Check its kind and its port.");
    if (status / 100 == 2)
        co_return Result<void>();
    if (status == 407)
        co_return failed(ErrorKind::Unavailable, "tunnel-sign-in",
                         signIn() ? " does not know this user or password." : " wants to know who we are.",
                         "Check user and password of the proxy.");
    co_return failed(ErrorKind::Unavailable, "tunnel-target",
                     " does not connect to " + to + ": " + quotable(line.substr(9), 80) + ".",
                     "Check host and port, and what the proxy may reach.");
}

Result<std::shared_ptr<Dialer>> dialerFor(const Reach &reach, std::shared_ptr<Dialer> direct,
                                          std::optional<ProxySignIn> signIn, SshTunnels *tunnels)
{
    if (reach.way == Way::Direct)
        return direct;
    if (reach.way == Way::Ssh && tunnels)
        return tunnels->through(reach.host);
    if (reach.way == Way::Ssh)
        return coded(ErrorKind::Unsupported, "tunnel-unsupported", "No tunnel of ssh can be made here.",
                     "Reach it directly, or through a SOCKS 5 proxy (ssh -D).");
    if (reach.host.empty() || reach.port == 0)
        return coded(ErrorKind::Invalid, "tunnel-away", "The proxy has no host or no port.",
                     "Write socks5:HOST:PORT or http:HOST:PORT.");
    const Target proxy{reach.host, reach.port, {}};
    if (reach.way == Way::Socks5)
        return std::shared_ptr<Dialer>(std::make_shared<Socks5Dialer>(std::move(direct), proxy, std::move(signIn)));
    return std::shared_ptr<Dialer>(std::make_shared<HttpConnectDialer>(std::move(direct), proxy, std::move(signIn)));
}

} // namespace portolan::net
