// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/dial.h"

#include "core/base/given_text.h"
#include "core/base/resolver.h"

#include <boost/asio/redirect_error.hpp>

#include <sys/un.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace portolan {

namespace {

Error coded(ErrorKind kind, const char *code, std::string message, std::string hint, std::string told = {})
{
    return Error{kind, code, std::move(message), std::move(hint), {}, std::chrono::seconds{0}, {}, {}, std::move(told)};
}

Error timedOut(const Target &target)
{
    return coded(ErrorKind::Timeout, "tcp-timeout", "There is no answer from " + target.display() + ".",
                 "Check host and port, and that no firewall is between: this one drops what it gets.",
                 error_code(asio::error::timed_out).message());
}

void prepare(TcpSocket &socket)
{
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

/// The addresses of one target, tried side by side. Shared with the attempts under way; all on one thread.
struct Race : std::enable_shared_from_this<Race>
{
    Race(Executor executor_, Resolver::Addresses addresses_, std::uint16_t port_)
        : executor(executor_), step(executor_), addresses(std::move(addresses_)), port(port_)
    {}

    void startNext()
    {
        const asio::ip::tcp::endpoint to(addresses[sockets.size()], port);
        sockets.push_back(std::make_unique<TcpSocket>(executor));
        const auto at = sockets.size() - 1;
        ++running;
        sockets[at]->async_connect(to, [self = shared_from_this(), at](const error_code &ec) { self->ended(at, ec); });
    }

    void ended(std::size_t at, const error_code &ec)
    {
        --running;
        if (over)
            return;
        if (!ec && !winner)
            winner = at;
        else if (ec)
            failed = ec;
        step.cancel();
    }

    void close()
    {
        over = true;
        error_code ignored;
        for (const auto &socket : sockets)
            if (socket)
                socket->close(ignored);
    }

    const Executor executor;
    Timer step;
    const Resolver::Addresses addresses;
    const std::uint16_t port;
    std::vector<std::unique_ptr<TcpSocket>> sockets; ///< one for each address that was tried
    std::size_t running = 0;
    std::optional<std::size_t> winner;
    error_code failed; ///< of the last that failed
    bool over = false;
};

/// Both families in turn, beginning with the first one's: where one of them leads nowhere, the other is tried second.
Resolver::Addresses interleaved(Resolver::Addresses addresses)
{
    Resolver::Addresses first, second, all;
    for (const auto &address : addresses)
        (address.is_v6() == addresses.front().is_v6() ? first : second).push_back(address);
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size())
            all.push_back(first[i]);
        if (i < second.size())
            all.push_back(second[i]);
    }
    return all;
}

awaitable<Result<RawSocket>> dialUnix(Executor executor, Target target, SteadyTime deadline)
{
    if (target.path.size() >= sizeof(sockaddr_un::sun_path) || target.path.find('\0') != std::string::npos)
        co_return coded(ErrorKind::Invalid, "tcp-failed", target.display() + " is no path of a Unix socket.",
                        "Its path has at most 107 bytes.");
    // Connecting to a Unix socket waits only while its backlog is full.
    const auto socket = std::make_shared<UnixSocket>(executor);
    Timer watchdog(executor, deadline);
    watchdog.async_wait([socket](const error_code &cancelled) {
        error_code ignored;
        if (!cancelled)
            socket->close(ignored);
    });
    error_code failed;
    const asio::local::stream_protocol::endpoint address(target.path);
    co_await socket->async_connect(address, asio::redirect_error(use_awaitable, failed));
    if (failed == asio::error::operation_aborted)
        co_return timedOut(target);
    if (failed)
        co_return dialError(target, failed);
    if (watchdog.cancel() == 0)
        co_return timedOut(target);
    co_return RawSocket(std::move(*socket));
}

} // namespace

std::string Target::display() const
{
    if (!path.empty())
        return visible(path);
    const std::string shown = visible(host);
    return (host.find(':') != std::string::npos ? "[" + shown + "]" : shown) + ":" + std::to_string(port);
}

Error dialError(const Target &target, const error_code &failed)
{
    const std::string where = target.display();
    if (failed == asio::error::timed_out)
        return timedOut(target);
    if (!target.path.empty() && failed == boost::system::errc::no_such_file_or_directory)
        return coded(ErrorKind::Unavailable, "tcp-missing", "There is no Unix socket " + where + ".",
                     "Check its path, and that the server runs.", failed.message());
    if (failed == asio::error::connection_refused)
        return coded(ErrorKind::Unavailable, "tcp-refused", "Nothing listens at " + where + " (connection refused).",
                     "Check host and port, and that the server runs.", failed.message());
    if (failed == asio::error::host_unreachable || failed == asio::error::network_unreachable ||
        failed == asio::error::network_down)
        return coded(
            ErrorKind::Unavailable, "tcp-unreachable", "No network leads to " + where + " (" + failed.message() + ").",
            "Check this machine's network, and whether the host is reached through a VPN or tunnel.", failed.message());
    return coded(ErrorKind::Unavailable, "tcp-failed", "Cannot connect to " + where + " (" + failed.message() + ").",
                 "Check the address, and that the server runs.", failed.message());
}

awaitable<Result<RawSocket>> DirectDialer::dial(Executor executor, Target target, SteadyTime deadline)
{
    if (!target.path.empty())
        return dialUnix(executor, std::move(target), deadline);
    return dialTcp(executor, std::move(target), deadline);
}

awaitable<Result<RawSocket>> DirectDialer::dialTcp(Executor executor, Target target, SteadyTime deadline)
{
    auto addresses = co_await m_resolver->resolve(target.host, deadline);
    if (!addresses)
        co_return addresses.error();
    const auto race = std::make_shared<Race>(executor, interleaved(std::move(*addresses)), target.port);
    // Also when this is destroyed unfinished, with its executor.
    struct Closing
    {
        std::shared_ptr<Race> race;
        ~Closing() { race->close(); }
    };
    const Closing closing{race};
    while (!race->winner && std::chrono::steady_clock::now() < deadline) {
        const bool more = race->sockets.size() < race->addresses.size();
        if (!more && race->running == 0)
            co_return dialError(target, race->failed);
        if (more)
            race->startNext();
        const bool last = race->sockets.size() == race->addresses.size();
        race->step.expires_at(last ? deadline : std::min(deadline, std::chrono::steady_clock::now() + m_between));
        error_code cancelled;
        co_await race->step.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    if (!race->winner)
        co_return timedOut(target);
    TcpSocket socket = std::move(*race->sockets[*race->winner]);
    race->sockets[*race->winner].reset();
    prepare(socket);
    co_return RawSocket(std::move(socket));
}

} // namespace portolan
