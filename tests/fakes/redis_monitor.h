// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/redis_server_fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan {

/// Every command that was run since the start or the last CONFIG RESETSTAT, as INFO commandstats counts them, also
/// those of administration, which MONITOR does not tell: "GET", "CLIENT LIST". Those that were refused did not run.
inline std::set<std::string> calledCommands(const RedisServerFixture &redis)
{
    const std::string stats = redis.command("INFO commandstats");
    const std::string_view mark = "cmdstat_";
    std::set<std::string> called;
    for (std::size_t at = stats.find(mark); at != std::string::npos; at = stats.find(mark, at + 1)) {
        const std::size_t end = stats.find(':', at);
        if (stats.compare(end, 9, ":calls=0,") == 0)
            continue;
        std::string name = stats.substr(at + mark.size(), end - at - mark.size());
        for (char &c : name)
            c = c == '|' ? ' ' : c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
        called.insert(std::move(name));
    }
    return called;
}

/// What a redis-server runs from now on, as its MONITOR tells a connection of its own: also what scripts call. A
/// command that was refused, or queued in a transaction that was given up, did not run and is not there.
class RedisMonitor final
{
public:
    /// `path`: of the server's Unix socket.
    explicit RedisMonitor(const std::string &path) : m_socket(connectTo(path))
    {
        const std::string_view command = "MONITOR\r\n";
        if (::send(m_socket, command.data(), command.size(), MSG_NOSIGNAL) != ssize_t(command.size()))
            throw std::runtime_error("MONITOR cannot be asked for");
        while (m_text.find("+OK\r\n") == std::string::npos)
            if (!read(std::chrono::seconds(5)))
                throw std::runtime_error("MONITOR does not answer");
        m_text.clear();
        m_reader = std::thread([this] {
            while (!m_end)
                (void)read(std::chrono::milliseconds(20));
        });
    }
    ~RedisMonitor()
    {
        m_end = true;
        m_reader.join();
        ::close(m_socket);
    }
    RedisMonitor(const RedisMonitor &) = delete;
    RedisMonitor &operator=(const RedisMonitor &) = delete;

    /// "GET", "CLIENT LIST": each once, in capitals.
    std::set<std::string> commands() const
    {
        std::set<std::string> all;
        for (const auto &words : lines())
            all.insert(nameOf(words));
        return all;
    }
    /// Every command with its arguments, as far as they hold no escapes.
    std::vector<std::vector<std::string>> lines() const
    {
        const std::lock_guard lock(m_mutex);
        std::vector<std::vector<std::string>> all;
        for (std::size_t at = 0, end = 0; (end = m_text.find("\r\n", at)) != std::string::npos; at = end + 2)
            if (auto words = wordsOf(std::string_view(m_text).substr(at, end - at)); !words.empty())
                all.push_back(std::move(words));
        return all;
    }

private:
    static int connectTo(const std::string &path)
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
            throw std::runtime_error("the server's socket cannot be connected to");
        return socket;
    }

    bool read(std::chrono::milliseconds most)
    {
        pollfd wait{m_socket, POLLIN, 0};
        if (::poll(&wait, 1, int(most.count())) != 1)
            return false;
        char buffer[65536];
        const ssize_t size = ::recv(m_socket, buffer, sizeof buffer, 0);
        if (size <= 0)
            return false;
        const std::lock_guard lock(m_mutex);
        m_text.append(buffer, std::size_t(size));
        return true;
    }

    /// `+1339518083.1 [0 lua] "SCAN" "0"`: what stands in quotes.
    static std::vector<std::string> wordsOf(std::string_view line)
    {
        std::vector<std::string> words;
        bool in = false;
        for (std::size_t i = line.find("] "); i != std::string_view::npos && i < line.size(); ++i) {
            if (in && line[i] == '\\' && i + 1 < line.size()) {
                words.back() += line[++i];
            } else if (line[i] == '"') {
                in = !in;
                if (in)
                    words.emplace_back();
            } else if (in) {
                words.back() += line[i];
            }
        }
        return words;
    }

    static std::string nameOf(const std::vector<std::string> &words)
    {
        const auto upper = [](std::string text) {
            for (char &c : text)
                c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
            return text;
        };
        const std::string name = upper(words.front());
        const std::set<std::string> containers{"CLIENT", "CONFIG", "SCRIPT", "MEMORY", "OBJECT", "ACL"};
        return containers.contains(name) && words.size() > 1 ? name + " " + upper(words[1]) : name;
    }

    const int m_socket;
    mutable std::mutex m_mutex;
    std::string m_text;
    std::atomic<bool> m_end{false};
    std::thread m_reader;
};

} // namespace portolan
