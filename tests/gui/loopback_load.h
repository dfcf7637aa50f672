// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <QUrl>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace portolan::ui {

/// Clients of a portal on this machine that ask again as soon as they have an answer: a bounded number of them, for a
/// bounded time.
class LoopbackLoad final
{
public:
    LoopbackLoad(const QUrl &portal, int clients, std::chrono::seconds most)
    {
        const auto deadline = std::chrono::steady_clock::now() + most;
        for (int i = 0; i < clients; ++i)
            m_threads.emplace_back([this, port = portal.port(), deadline] { ask(port, deadline); });
    }
    ~LoopbackLoad()
    {
        m_ending = true;
        for (auto &thread : m_threads)
            thread.join();
    }
    LoopbackLoad(const LoopbackLoad &) = delete;
    LoopbackLoad &operator=(const LoopbackLoad &) = delete;

    std::uint64_t answers() const { return m_answers; }

private:
    void ask(int port, std::chrono::steady_clock::time_point deadline)
    {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience{1, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        bool open = ::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0;
        const std::string request = "GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n";
        char answer[16384];
        while (open && !m_ending && std::chrono::steady_clock::now() < deadline) {
            open = ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) == ssize_t(request.size()) &&
                   ::recv(socket, answer, sizeof answer, 0) > 0; // it is small enough to come in one piece
            m_answers += open ? 1 : 0;
        }
        ::close(socket);
    }

    std::atomic<bool> m_ending{false};
    std::atomic<std::uint64_t> m_answers{0};
    std::vector<std::thread> m_threads;
};

} // namespace portolan::ui
