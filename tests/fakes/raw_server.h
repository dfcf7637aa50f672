// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan {

/// One connection of a RawServer. Its calls block, for 20 s at most; they fail once the server goes.
class RawConnection final
{
public:
    explicit RawConnection(int socket) : m_socket(socket)
    {
        const timeval limit{20, 0};
        setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(m_socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    ~RawConnection() { ::close(m_socket); }
    RawConnection(const RawConnection &) = delete;
    RawConnection &operator=(const RawConnection &) = delete;

    bool write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const auto sent = ::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Up to and with `end`; empty where the connection ends before.
    std::string readUntil(std::string_view end)
    {
        std::size_t at = std::string::npos;
        while ((at = m_input.find(end)) == std::string::npos)
            if (!fill())
                return {};
        return take(at + end.size());
    }
    std::string read(std::size_t size)
    {
        while (m_input.size() < size)
            if (!fill())
                return {};
        return take(size);
    }
    /// A request: its head, and its body by Content-Length.
    std::string request()
    {
        std::string head = readUntil("\r\n\r\n");
        const auto at = head.find("Content-Length: ");
        return at == std::string::npos ? head : head + read(std::stoul(head.substr(at + 16)));
    }
    /// Until the other end hangs up, or the server goes.
    void waitForEnd()
    {
        while (fill())
            m_input.clear();
    }
    /// Closing resets the connection instead of ending it.
    void reset()
    {
        const linger now{1, 0};
        setsockopt(m_socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    void cut() { ::shutdown(m_socket, SHUT_RDWR); }
    /// What becomes of bytes on their way: to the server behind, or `back`.
    using Change = std::function<std::string(bool back, std::string bytes)>;

    /// Takes all that comes from here to there and back, until one of them ends.
    void relay(int there, const Change &change = {})
    {
        if (!m_input.empty())
            ::send(there, m_input.data(), m_input.size(), MSG_NOSIGNAL);
        for (;;) {
            pollfd both[2]{{m_socket, POLLIN, 0}, {there, POLLIN, 0}};
            if (::poll(both, 2, 20'000) <= 0)
                return;
            for (const int from : {0, 1}) {
                char bytes[16 * 1024];
                if ((both[from].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
                    continue;
                const auto got = ::recv(both[from].fd, bytes, sizeof bytes, 0);
                if (got <= 0)
                    return;
                std::string on(bytes, static_cast<std::size_t>(got));
                if (change)
                    on = change(from == 1, std::move(on));
                if (::send(both[1 - from].fd, on.data(), on.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(on.size()))
                    return;
            }
        }
    }

private:
    bool fill()
    {
        char bytes[64 * 1024];
        const auto got = ::recv(m_socket, bytes, sizeof bytes, 0);
        if (got <= 0)
            return false;
        m_input.append(bytes, static_cast<std::size_t>(got));
        return true;
    }
    std::string take(std::size_t size)
    {
        std::string bytes = m_input.substr(0, size);
        m_input.erase(0, size);
        return bytes;
    }

    const int m_socket;
    std::string m_input;
};

/// A socket that is connected to a port of loopback, or -1; close() is the caller's.
inline int connectedTo(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0)
        return socket;
    ::close(socket);
    return -1;
}

/// A TCP server on a free loopback port that says what a script tells it to, byte for byte: the script is called with
/// each connection, on a thread of its own, and hangs up when it returns.
class RawServer final
{
public:
    /// `number`: of the connection, from 0.
    using Script = std::function<void(RawConnection &connection, int number)>;

    explicit RawServer(Script script)
        : m_script(std::move(script)), m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(m_socket, reinterpret_cast<sockaddr *>(&address), size) != 0 || ::listen(m_socket, 64) != 0 ||
            ::getsockname(m_socket, reinterpret_cast<sockaddr *>(&address), &size) != 0)
            throw std::runtime_error(std::string("no raw server: ") + std::strerror(errno));
        m_port = ntohs(address.sin_port);
        m_accepting = std::thread([this] { accept(); });
    }
    ~RawServer()
    {
        m_ending = true;
        ::shutdown(m_socket, SHUT_RDWR);
        m_accepting.join();
        {
            const std::lock_guard lock(m_mutex);
            for (auto *connection : m_open)
                connection->cut();
        }
        for (auto &thread : m_threads)
            thread.join();
        ::close(m_socket);
    }
    RawServer(const RawServer &) = delete;
    RawServer &operator=(const RawServer &) = delete;

    std::uint16_t port() const { return m_port; }
    int connections() const { return m_connections; } ///< accepted so far

private:
    void accept()
    {
        for (;;) {
            const int socket = ::accept4(m_socket, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0)
                return;
            const int number = m_connections++;
            m_threads.emplace_back([this, socket, number] { serve(socket, number); });
        }
    }
    void serve(int socket, int number)
    {
        RawConnection connection(socket);
        {
            const std::lock_guard lock(m_mutex);
            if (m_ending)
                return;
            m_open.push_back(&connection);
        }
        m_script(connection, number);
        const std::lock_guard lock(m_mutex);
        m_open.remove(&connection);
    }

    const Script m_script;
    const int m_socket;
    std::uint16_t m_port = 0;
    std::atomic<int> m_connections{0};
    std::atomic<bool> m_ending{false};
    std::mutex m_mutex;
    std::list<RawConnection *> m_open;
    std::vector<std::thread> m_threads; ///< of the accepting thread, until it has ended
    std::thread m_accepting;
};

} // namespace portolan
