// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/redis_server_fixture.h"

#include <netinet/in.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan {

/// A real Redis Sentinel of a test's own on a free loopback port, in a temporary directory that goes with it. It is
/// redis-server in another mode. Throws std::runtime_error with its log when it does not come up. It dies with the
/// thread that started it.
class SentinelFixture final
{
public:
    /// `lines` of its configuration: "sentinel monitor mymaster 127.0.0.1 6379 2", "requirepass secret". Without a line
    /// `port` it listens on port().
    explicit SentinelFixture(std::vector<std::string> lines)
        : m_directory(makeDirectory()), m_port(RedisServerFixture::freePort())
    {
        std::ofstream file(m_directory / "sentinel.conf");
        file << "bind 127.0.0.1\ndaemonize no\ndir " << m_directory.string() << "\nlogfile "
             << (m_directory / "sentinel.log").string() << "\nunixsocket " << socketPath() << "\nport " << m_port
             << "\n";
        for (const auto &line : lines)
            file << line << "\n";
        file.close();
        try {
            launch();
        } catch (...) {
            std::filesystem::remove_all(m_directory);
            throw;
        }
    }
    ~SentinelFixture()
    {
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(m_directory, ignored);
    }
    SentinelFixture(const SentinelFixture &) = delete;
    SentinelFixture &operator=(const SentinelFixture &) = delete;

    /// Of "mymaster", for failovers that end within seconds.
    static std::vector<std::string> quick(std::uint16_t port, int quorum)
    {
        return {"sentinel monitor mymaster 127.0.0.1 " + std::to_string(port) + " " + std::to_string(quorum),
                "sentinel down-after-milliseconds mymaster 1000", "sentinel failover-timeout mymaster 2000"};
    }

    std::uint16_t port() const { return m_port; }
    std::string socketPath() const { return m_directory / "sentinel.sock"; }
    void kill()
    {
        if (m_pid <= 0)
            return;
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
        m_pid = 0;
    }

    /// One inline command; the raw answer as far as it came in one piece, empty where none came in time.
    std::string command(std::string_view line) const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = socketPath();
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        std::string answer;
        const std::string request = std::string(line) + "\r\n";
        pollfd wait{socket, POLLIN, 0};
        if (::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 &&
            ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()) &&
            ::poll(&wait, 1, 5000) == 1) {
            char buffer[65536];
            const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
            if (size > 0)
                answer.assign(buffer, static_cast<std::size_t>(size));
        }
        ::close(socket);
        return answer;
    }

    /// Whether it can carry out a failover of "mymaster": it sees this many others, and this many replicas.
    bool knows(int sentinels, int replicas) const
    {
        const std::string master = command("SENTINEL MASTER mymaster");
        const auto says = [&master](const std::string &name, int number) {
            const std::string digits = std::to_string(number);
            return master.find("\r\n" + name + "\r\n$" + std::to_string(digits.size()) + "\r\n" + digits + "\r\n") !=
                   std::string::npos;
        };
        return says("num-other-sentinels", sentinels) && says("num-slaves", replicas) && isWell(master);
    }

private:
    static bool isWell(const std::string &master)
    {
        return master.find("\r\nflags\r\n$6\r\nmaster\r\n") != std::string::npos; // neither down nor disconnected
    }

    static std::filesystem::path makeDirectory()
    {
        std::string name = "/tmp/portolan-sentinel-XXXXXX";
        if (!::mkdtemp(name.data()))
            throw std::runtime_error(std::string("mkdtemp: ") + std::strerror(errno));
        return name;
    }

    void launch()
    {
        std::vector<std::string> words{
            "setpriv", "--pdeathsig", "KILL", "redis-server", m_directory / "sentinel.conf", "--sentinel"};
        std::vector<char *> argv;
        for (auto &word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        if (const int failed = ::posix_spawnp(&m_pid, argv[0], nullptr, nullptr, argv.data(), environ)) {
            m_pid = 0;
            throw std::runtime_error(std::string("cannot start a Sentinel: ") + std::strerror(failed));
        }
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (;;) {
            const std::string answer = command("PING");
            if (answer.starts_with("+PONG") || answer.starts_with("-NOAUTH"))
                return;
            if (::waitpid(m_pid, nullptr, WNOHANG) == m_pid) {
                m_pid = 0;
                throw std::runtime_error("a Sentinel did not start: " + log());
            }
            if (std::chrono::steady_clock::now() > deadline) {
                kill();
                throw std::runtime_error("a Sentinel does not answer: " + log());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    std::string log() const
    {
        std::ostringstream text;
        text << std::ifstream(m_directory / "sentinel.log").rdbuf();
        return text.str();
    }

    const std::filesystem::path m_directory;
    const std::uint16_t m_port;
    pid_t m_pid = 0;
};

} // namespace portolan
