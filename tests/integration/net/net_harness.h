// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/net/http_client.h"
#include "tests/fakes/ways.h"

#include <functional>
#include <memory>
#include <string>

namespace portolan::test {

using namespace std::chrono_literals;

/// An HttpClient with a thread of its own, called from a test's.
class Caller final
{
public:
    explicit Caller(net::Origin origin, net::HttpLimits limits = {}, std::shared_ptr<TlsClient> tls = nullptr,
                    std::shared_ptr<Dialer> way = loopbackWay())
        : m_client(std::make_unique<net::HttpClient>(m_runtime.at(0), std::move(way), std::move(tls), std::move(origin),
                                                     limits))
    {}
    ~Caller() { dropClient(); }
    Caller(const Caller &) = delete;
    Caller &operator=(const Caller &) = delete;

    Result<net::HttpAnswer> send(net::HttpRequest request)
    {
        return runSync<Result<net::HttpAnswer>>(m_runtime.at(0), [&] { return m_client->send(std::move(request)); });
    }
    Result<net::HttpAnswer> get(std::string target, std::chrono::milliseconds deadline = 20s)
    {
        return send({.target = std::move(target), .deadline = deadline});
    }
    Result<net::HttpAnswer> post(std::string target, std::string body, std::chrono::milliseconds deadline = 20s)
    {
        return send(
            {.verb = net::Verb::Post, .target = std::move(target), .body = std::move(body), .deadline = deadline});
    }
    /// Begins a call and leaves it to itself; `answered` runs on the client's thread.
    void begin(net::HttpRequest request, std::function<void(const Result<net::HttpAnswer> &)> answered)
    {
        spawn(m_runtime.at(0), [this, request, answered]() -> awaitable<void> {
            const auto answer = co_await m_client->send(request);
            answered(answer);
        });
    }
    void close()
    {
        runSync<int>(m_runtime.at(0), [this]() -> awaitable<int> {
            m_client->close();
            co_return 0;
        });
    }
    /// What is under way goes on without it.
    void dropClient()
    {
        runSync<int>(m_runtime.at(0), [this]() -> awaitable<int> {
            m_client.reset();
            co_return 0;
        });
    }

    Runtime &runtime() { return m_runtime; }
    net::HttpClient &client() { return *m_client; }

private:
    Runtime m_runtime{1};
    std::unique_ptr<net::HttpClient> m_client;
};

inline net::Origin at(std::uint16_t port, std::string host = "portal.example", bool secure = false)
{
    return {secure, std::move(host), port};
}

/// The bytes of one.
inline std::string answer(const std::string &body, const std::string &headers = {},
                          const std::string &status = "200 OK")
{
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
           body;
}

/// The status, or the code of the error.
inline std::string codeOf(const Result<net::HttpAnswer> &result)
{
    return result ? std::to_string(result->status) : result.error().code;
}

} // namespace portolan::test
