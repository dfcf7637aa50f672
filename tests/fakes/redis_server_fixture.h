// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/endpoint.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan {

/// A real redis-server of a test's own, in a temporary directory that goes with it: on a Unix socket always, on a free
/// loopback port too when asked. Throws std::runtime_error with the server's log when it does not come up, so a test
/// without Redis fails instead of being skipped. The server dies with the thread that started it.
///
///     RedisServerFixture redis;                           // answers PING already
///     redis::Client client(runtime.at(0), redis.endpoint());
///     redis.kill(); … redis.start();                      // the same data directory and address
class RedisServerFixture final
{
public:
    enum class Listen { Unix, Tcp };

    /// `arguments` as for redis-server: {"--appendonly", "yes", "--maxmemory", "2mb"}. Nothing is persisted by default.
    explicit RedisServerFixture(std::vector<std::string> arguments = {}, Listen listen = Listen::Unix)
        : m_directory(makeDirectory()), m_arguments(std::move(arguments)), m_listen(listen)
    {
        try {
            if (listen == Listen::Tcp)
                m_port = freePort();
            start();
        } catch (...) {
            std::filesystem::remove_all(m_directory);
            throw;
        }
    }

    ~RedisServerFixture()
    {
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(m_directory, ignored);
    }

    RedisServerFixture(const RedisServerFixture &) = delete;
    RedisServerFixture &operator=(const RedisServerFixture &) = delete;

    pid_t pid() const { return m_pid; } ///< 0 while it does not run
    const std::filesystem::path &directory() const { return m_directory; }
    std::string socketPath() const { return m_directory / "redis.sock"; }
    std::uint16_t port() const { return m_port; } ///< 0 without Listen::Tcp

    /// Where it listens; user, password and database are left to the test.
    redis::Endpoint endpoint() const
    {
        redis::Endpoint endpoint;
        if (m_listen == Listen::Tcp) {
            endpoint.transport = redis::Endpoint::Transport::Tcp;
            endpoint.host = "127.0.0.1";
            endpoint.port = m_port;
        } else {
            endpoint.transport = redis::Endpoint::Transport::Unix;
            endpoint.path = socketPath();
        }
        return endpoint;
    }

    std::string url() const
    {
        return m_listen == Listen::Tcp ? "redis://127.0.0.1:" + std::to_string(m_port) : "unix:" + socketPath();
    }

    /// Starts it and returns once it answers (also -NOAUTH), with the data it left before.
    void start()
    {
        if (m_pid != 0)
            return;
        std::filesystem::remove(socketPath());
        launch();
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!answers(std::chrono::milliseconds(1000))) {
            if (!alive() || std::chrono::steady_clock::now() > deadline) {
                kill();
                throw std::runtime_error("redis-server did not start: " + log());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    void pause() { signal(SIGSTOP); }  ///< stuck: keeps its connections, answers nothing
    void resume() { signal(SIGCONT); } ///< goes on where it was
    void kill() { end(SIGKILL); }      ///< gone at once, returns when it is
    void terminate() { end(SIGTERM); } ///< an orderly shutdown, returns when it is over
    void restart()
    {
        terminate();
        start();
    }

    /// One inline command over a connection of its own: `FLUSHALL`, `CONFIG SET maxmemory 1mb`. The raw RESP answer as
    /// far as it came in one piece: good for short answers. Empty: no answer in time.
    std::string command(std::string_view line, std::chrono::milliseconds timeout = std::chrono::seconds(5)) const
    {
        const int socket = connectUnix();
        if (socket < 0)
            return {};
        const std::string request = std::string(line) + "\r\n";
        std::string answer;
        pollfd wait{socket, POLLIN, 0};
        if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()) &&
            ::poll(&wait, 1, static_cast<int>(timeout.count())) == 1) {
            char buffer[65536];
            const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
            if (size > 0)
                answer.assign(buffer, static_cast<std::size_t>(size));
        }
        ::close(socket);
        return answer;
    }

    std::string log() const
    {
        std::ostringstream text;
        text << std::ifstream(m_directory / "redis.log").rdbuf();
        return text.str();
    }

    /// A loopback TCP port nobody listens on right now.
    static std::uint16_t freePort()
    {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        const bool bound = ::bind(socket, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
                           ::getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size) == 0;
        ::close(socket);
        if (!bound)
            throw std::runtime_error("no free loopback port");
        return ntohs(address.sin_port);
    }

private:
    static std::filesystem::path makeDirectory()
    {
        // Not TMPDIR: it may be long, and a socket's path has at most 107 characters.
        std::string name = "/tmp/portolan-redis-XXXXXX";
        if (!::mkdtemp(name.data()))
            throw std::runtime_error(std::string("mkdtemp: ") + std::strerror(errno));
        return name;
    }

    void launch()
    {
        // setpriv (util-linux) so that a crashed test leaves no server behind.
        std::vector<std::string> words{
            "setpriv",      "--pdeathsig", "KILL",        "redis-server", "--port",    "0",
            "--unixsocket", socketPath(),  "--dir",       m_directory,    "--save",    "",
            "--appendonly", "no",          "--daemonize", "no",           "--logfile", m_directory / "redis.log"};
        if (m_listen == Listen::Tcp)
            words.insert(words.end(), {"--port", std::to_string(m_port), "--bind", "127.0.0.1"});
        words.insert(words.end(), m_arguments.begin(), m_arguments.end());
        std::vector<char *> argv;
        for (auto &word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);

        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        const std::string output = m_directory / "redis.log";
        posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        posix_spawn_file_actions_adddup2(&files, 1, 2);
        const int failed = posix_spawnp(&m_pid, argv[0], &files, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        if (failed) {
            m_pid = 0;
            throw std::runtime_error(std::string("cannot start redis-server: ") + std::strerror(failed));
        }
    }

    bool answers(std::chrono::milliseconds timeout) const
    {
        const std::string answer = command("PING", timeout);
        return answer.starts_with("+PONG") || answer.starts_with("-NOAUTH");
    }

    int connectUnix() const
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = socketPath();
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0)
            return socket;
        ::close(socket);
        return -1;
    }

    void signal(int number) const
    {
        if (m_pid > 0)
            ::kill(m_pid, number);
    }

    bool alive()
    {
        if (m_pid > 0 && ::waitpid(m_pid, nullptr, WNOHANG) == m_pid)
            m_pid = 0;
        return m_pid > 0;
    }

    void end(int number)
    {
        if (m_pid <= 0)
            return;
        signal(number);
        signal(SIGCONT); // a stopped process takes no SIGTERM
        ::waitpid(m_pid, nullptr, 0);
        m_pid = 0;
    }

    const std::filesystem::path m_directory;
    const std::vector<std::string> m_arguments;
    const Listen m_listen;
    std::uint16_t m_port = 0;
    pid_t m_pid = 0;
};

} // namespace portolan
