// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/child_process.h"
#include "core/base/runtime.h"
#include "core/net/ssh_tunnel.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/sshd_fixture.h"

#include <sys/un.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace portolan::test {

using namespace std::chrono_literals;

/// A dial's outcome, used from a test's thread.
class Dialed final
{
public:
    explicit Dialed(Result<FileDescriptor> result) : m_error(result ? Error{} : result.error())
    {
        if (result)
            m_file = std::move(*result);
        if (m_file)
            ::fcntl(fd(), F_SETFL, 0);
    }
    bool ok() const { return bool(m_file); }
    const Error &error() const { return m_error; }
    std::string code() const { return ok() ? "connected" : m_error.code; }
    int fd() const { return m_file.get(); }
    /// What comes within 20 s; empty: the end.
    std::string read() const
    {
        pollfd ready{fd(), POLLIN, 0};
        char bytes[4096];
        if (::poll(&ready, 1, 20'000) != 1)
            return "nothing";
        const auto size = ::recv(fd(), bytes, sizeof bytes, 0);
        return std::string(bytes, std::size_t(std::max<ssize_t>(size, 0)));
    }
    std::string echo(const std::string &text) const
    {
        if (::send(fd(), text.data(), text.size(), MSG_NOSIGNAL) != ssize_t(text.size()))
            return {};
        std::string all;
        while (all.size() < text.size()) {
            const auto more = read();
            if (more.empty() || more == "nothing")
                break;
            all += more;
        }
        return all;
    }

private:
    Error m_error;
    FileDescriptor m_file;
};

/// Answers each byte with itself, and says nothing first.
inline std::unique_ptr<RawServer> echoServer()
{
    return std::make_unique<RawServer>([](RawConnection &connection, int) {
        for (auto byte = connection.read(1); !byte.empty(); byte = connection.read(1))
            if (!connection.write(byte))
                return;
    });
}

/// Two sshds, of which the second is reached through the first, and a tunnel on a thread of its own; dials come from
/// another one.
class SshNet
{
public:
    explicit SshNet(const std::string &outerLines = {}, const std::string &innerLines = {})
        : outer(place, "outer", outerLines), inner(place, "inner", innerLines)
    {
        place.addHost("bastion", outer.port());
        place.addHost("inner", inner.port(), "  ProxyJump bastion\n");
        place.know(outer.port(), outer.hostKey());
        place.know(inner.port(), inner.hostKey());
    }

    net::SshOptions options() const
    {
        net::SshOptions options = net::systemSshOptions();
        options.environment.push_back("PORTAL_TOKEN=planted"); // what an embedder forgot to take away stays its own
        options.environment = net::sshEnvironment(options.environment);
        options.userConfig = place.at("config");
        options.firstPause = 50ms;
        options.runtimeFolder = place.at("run");
        std::filesystem::create_directory(options.runtimeFolder);
        return options;
    }
    void open(const std::string &host = "inner") { open(host, options()); }
    void open(const std::string &host, const net::SshOptions &options)
    {
        close();
        tunnel = net::SshTunnel::make(runtime.at(0), host, options).value();
    }
    /// Returns once it is gone.
    void close()
    {
        tunnel.reset();
        settle();
    }
    void settle()
    {
        runSync<int>(runtime.at(0), []() -> awaitable<int> { co_return 0; });
    }
    Dialed dial(Target target, std::chrono::milliseconds within = 20s)
    {
        return Dialed(runSync<Result<FileDescriptor>>(
            runtime.at(1), [this, target, within] { return dialing(tunnel, target, within); }));
    }
    Dialed dial(std::uint16_t port, std::chrono::milliseconds within = 20s)
    {
        return dial(Target{"127.0.0.1", port, {}}, within);
    }
    /// Folders of sockets that are there.
    std::vector<std::string> folders() const
    {
        std::vector<std::string> found;
        std::error_code none;
        for (const auto &entry : std::filesystem::directory_iterator(place.at("run") + "/portolan", none))
            found.push_back(entry.path());
        return found;
    }

    SshPlace place;
    SshdFixture outer;
    SshdFixture inner;
    Runtime runtime{2};
    std::shared_ptr<net::SshTunnel> tunnel;

    ~SshNet() { close(); }
    SshNet(const SshNet &) = delete;
    SshNet &operator=(const SshNet &) = delete;

    awaitable<Result<FileDescriptor>> dialing(std::shared_ptr<net::SshTunnel> through, Target target,
                                              std::chrono::milliseconds within)
    {
        const auto way = std::make_shared<net::SshDialer>(std::move(through));
        const auto deadline = std::chrono::steady_clock::now() + within;
        auto dialed = co_await way->dial(runtime.at(1), target, deadline);
        if (!dialed)
            co_return dialed.error();
        co_return FileDescriptor(std::visit([](auto &socket) { return int(socket.release()); }, *dialed));
    }
};

} // namespace portolan::test
