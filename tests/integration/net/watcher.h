// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/net/web_socket_client.h"
#include "net_harness.h"

#include <functional>
#include <memory>
#include <string>

namespace portolan::test {

/// A WebSocketClient with a thread of its own, called from a test's.
class Watcher final
{
public:
    explicit Watcher(net::Origin origin, net::WebSocketLimits limits = {}, std::shared_ptr<TlsClient> tls = nullptr,
                     std::shared_ptr<Dialer> way = loopbackWay())
        : m_client(std::make_unique<net::WebSocketClient>(m_runtime.at(0), std::move(way), std::move(tls),
                                                          std::move(origin), limits))
    {}
    ~Watcher() { drop(); }
    /// What is under way goes on without the client.
    void drop()
    {
        call<int>([this]() -> awaitable<int> {
            m_client.reset();
            co_return 0;
        });
    }
    Result<void> open(const std::string &target, net::Headers headers = {}, std::chrono::milliseconds deadline = 20s)
    {
        return call<Result<void>>([&] { return m_client->open(target, std::move(headers), deadline); });
    }
    Result<std::string> receive()
    {
        return call<Result<std::string>>([&] { return m_client->receive(); });
    }
    Result<void> send(const std::string &text)
    {
        return call<Result<void>>([&] { return m_client->send(text); });
    }
    void close(std::uint16_t code)
    {
        call<int>([&]() -> awaitable<int> {
            co_await m_client->close(code);
            co_return 0;
        });
    }
    void abort()
    {
        call<int>([this]() -> awaitable<int> {
            m_client->abort();
            co_return 0;
        });
    }
    /// Begins to open it and leaves that to itself; `opened` runs on the client's thread.
    void begin(std::function<void(const Result<void> &)> opened)
    {
        spawn(m_runtime.at(0), [this, opened]() -> awaitable<void> {
            const auto done = co_await m_client->open("/stream", {}, 60s);
            opened(done);
        });
    }
    /// Receives until it fails, and tells with what.
    void watch(std::function<void(const Error &)> ended)
    {
        spawn(m_runtime.at(0), [this, ended]() -> awaitable<void> {
            for (;;) {
                const auto message = co_await m_client->receive();
                if (!message) {
                    ended(message.error());
                    co_return;
                }
            }
        });
    }
    net::WebSocketClient &client() { return *m_client; }

private:
    template <class T> T call(std::function<awaitable<T>()> work)
    {
        return runSync<T>(m_runtime.at(0), std::move(work));
    }

    Runtime m_runtime{1};
    std::unique_ptr<net::WebSocketClient> m_client;
};

} // namespace portolan::test
