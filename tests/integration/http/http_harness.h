// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/problem.h"
#include "core/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan::test {

inline constexpr http::Access everybody{Role::Anonymous, Category::Unlimited};

struct Answer
{
    unsigned status = 0;                        ///< 0: the connection ended without one
    std::map<std::string, std::string> headers; ///< names in lower case
    std::string body;

    std::string header(const std::string &name) const
    {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string() : found->second;
    }
};

/// A blocking client that sends exactly the bytes it is told to. Every wait ends after 20 s.
class Client final
{
public:
    explicit Client(std::uint16_t port, const char *from = "127.0.0.1", int receiveBuffer = 0)
        : m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        limitWaits();
        const int one = 1;
        setsockopt(m_socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (receiveBuffer > 0)
            setsockopt(m_socket, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer);
        sockaddr_in own{};
        own.sin_family = AF_INET;
        inet_pton(AF_INET, from, &own.sin_addr);
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(port);
        inet_pton(AF_INET, "127.0.0.1", &peer.sin_addr);
        if (::bind(m_socket, reinterpret_cast<const sockaddr *>(&own), sizeof own) != 0 ||
            ::connect(m_socket, reinterpret_cast<const sockaddr *>(&peer), sizeof peer) != 0)
            throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
    }
    /// Through a Unix socket.
    explicit Client(const std::string &path) : m_socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        limitWaits();
        sockaddr_un peer{};
        peer.sun_family = AF_UNIX;
        path.copy(peer.sun_path, sizeof peer.sun_path - 1);
        if (::connect(m_socket, reinterpret_cast<const sockaddr *>(&peer), sizeof peer) != 0)
            throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
    }
    ~Client() { ::close(m_socket); }
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    int socket() const { return m_socket; }

    /// False where the server has closed.
    bool send(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const auto sent = ::send(m_socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void endOutput() { ::shutdown(m_socket, SHUT_WR); }

    /// The next answer; `head`: of a HEAD request, which has no body.
    Answer read(bool head = false)
    {
        std::size_t end = std::string::npos;
        while ((end = m_input.find("\r\n\r\n")) == std::string::npos) {
            if (!fill())
                return {};
        }
        auto answer = parse(m_input.substr(0, end));
        m_input.erase(0, end + 4);
        const auto length = answer.header("content-length");
        const std::size_t size = head || length.empty() ? 0 : std::stoul(length);
        while (m_input.size() < size) {
            if (!fill())
                return {};
        }
        answer.body = m_input.substr(0, size);
        m_input.erase(0, size);
        return answer;
    }

    Answer ask(std::string_view bytes, bool head = false)
    {
        send(bytes); // it may be refused while it is sent; the answer says why
        return read(head);
    }

    /// True when the server ends the connection without sending anything more.
    bool closed()
    {
        while (m_input.empty()) {
            if (!fill())
                return !m_timedOut;
        }
        return false;
    }

    /// Exactly `size` bytes; fewer where the connection ends.
    std::string readRaw(std::size_t size)
    {
        while (m_input.size() < size && fill()) {
        }
        auto bytes = m_input.substr(0, size);
        m_input.erase(0, bytes.size());
        return bytes;
    }

private:
    void limitWaits() const
    {
        const timeval limit{20, 0};
        setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(m_socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }

    bool fill()
    {
        char bytes[64 * 1024];
        const auto got = ::recv(m_socket, bytes, sizeof bytes, 0);
        if (got <= 0) {
            m_timedOut = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
            return false;
        }
        m_input.append(bytes, static_cast<std::size_t>(got));
        return true;
    }

    static Answer parse(const std::string &head)
    {
        Answer answer;
        answer.status = static_cast<unsigned>(std::stoul(head.substr(9, 3)));
        for (auto start = head.find("\r\n"); start != std::string::npos;) {
            start += 2;
            const auto end = head.find("\r\n", start);
            const auto line = head.substr(start, end == std::string::npos ? end : end - start);
            const auto colon = line.find(": ");
            auto name = line.substr(0, colon);
            std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
            answer.headers[name] = line.substr(colon + 2);
            start = end;
        }
        return answer;
    }

    int m_socket;
    bool m_timedOut = false;
    std::string m_input;
};

/// Knows two bearers, `user` and `admin`, and refuses whom a request's X-Refuse says.
class TestAdmission final : public http::Admission
{
public:
    awaitable<http::Admitted> admit(http::Request &request, const http::Route &route) override
    {
        ++admitted;
        http::Admitted result;
        result.limits = http::LimitHeaders{8, 7, 1767225660};
        if (request.bearer() == "user")
            request.principal = {1, Role::User};
        else if (request.bearer() == "admin")
            request.principal = {2, Role::Admin};
        if (!request.header("X-Throw").empty())
            throw std::runtime_error("admission's secret");
        if (!request.header("X-Refuse").empty())
            result.refusal = http::problem(request, failure(ErrorKind::RateLimited, "Slower."));
        else if (request.principal.role < route.access.role)
            result.refusal = http::problem(request, failure(ErrorKind::Unauthenticated, "Sign in."));
        if (!result.refusal)
            result.charge = http::Charge{};
        result.hold = std::make_shared<Hold>(*this);
        co_return result;
    }
    awaitable<bool> giveBack(http::Request &, const http::Route &, const http::Charge &, http::status) override
    {
        ++givenBack;
        co_return true;
    }
    awaitable<http::Admitted> look(http::Request &, const http::Route &) override
    {
        http::Admitted result;
        result.limits = http::LimitHeaders{8, 8, 1767225660};
        co_return result;
    }
    std::atomic<int> admitted{0};
    std::atomic<int> givenBack{0};
    std::atomic<int> held{0};

private:
    struct Hold
    {
        explicit Hold(TestAdmission &owner) : admission(owner) { ++admission.held; }
        ~Hold() { --admission.held; }
        TestAdmission &admission;
    };
};

class TestObserver final : public http::ServerObserver
{
public:
    void answered(const http::Request &request, const http::Route *route, unsigned status, std::chrono::nanoseconds,
                  std::size_t) override
    {
        const std::lock_guard lock(m_mutex);
        m_seen.push_back((route ? route->path : "-") + " " + std::to_string(status) + " " + request.id);
    }
    void refused(const http::Request &, std::string_view why) override
    {
        const std::lock_guard lock(m_mutex);
        m_refusals.emplace_back(why);
    }
    void failed(const http::Request &, const http::Route *, std::string_view what) override
    {
        const std::lock_guard lock(m_mutex);
        m_failures.emplace_back(what);
    }
    std::vector<std::string> seen() const
    {
        const std::lock_guard lock(m_mutex);
        return m_seen;
    }
    std::vector<std::string> refusals() const
    {
        const std::lock_guard lock(m_mutex);
        return m_refusals;
    }
    std::vector<std::string> failures() const
    {
        const std::lock_guard lock(m_mutex);
        return m_failures;
    }

private:
    mutable std::mutex m_mutex;
    std::vector<std::string> m_seen;
    std::vector<std::string> m_failures;
    std::vector<std::string> m_refusals;
};

/// A server on a free loopback port, with routes for every way to behave. `declare`, where given, adds WebSockets.
class TestServer final
{
public:
    explicit TestServer(http::ServerOptions options = {}, const Clock *clock = nullptr, unsigned threads = 2)
        : runtime(threads)
    {
        options.port = 0;
        addRoutes();
        server = std::make_unique<http::Server>(runtime, router, admission, observer, clock ? *clock : m_systemClock,
                                                std::move(options));
    }
    ~TestServer()
    {
        server->stop();
        runtime.stop();
    }

    TestServer &start()
    {
        const auto started = server->start();
        if (started.has_error())
            throw std::runtime_error(started.error().message);
        return *this;
    }
    std::uint16_t port() const { return server->port(); }

    Runtime runtime;
    http::Router router;
    TestAdmission admission;
    TestObserver observer;
    std::unique_ptr<http::Server> server;
    std::atomic<int> hanging{0};
    std::atomic<bool> release{false}; ///< /hang answers when this is set

private:
    using Request = http::Request;
    using Response = http::Response;

    void addRoutes()
    {
        router.get("/health", everybody, [](Request &) -> awaitable<Response> {
            co_return http::json(std::string(R"({"status":"healthy"})"));
        });
        router.get("/whoami", everybody, [](Request &request) -> awaitable<Response> {
            co_return http::text(std::string(request.address) + (request.secure ? " secure" : " plain"));
        });
        router.get("/echo/{id}", everybody, [](Request &request) -> awaitable<Response> {
            co_return http::text(std::string(request.param("id")));
        });
        const auto echo = [](Request &request) -> awaitable<Response> {
            co_return http::text(std::move(request.body));
        };
        router.post("/anonymous", {Role::Anonymous, Category::Api, 1 << 20}, echo);
        router.post("/upload", {Role::User, Category::Upload, 1 << 20}, echo);
        router.post("/counted", {Role::Anonymous, Category::Api}, [](Request &request) -> awaitable<Response> {
            co_return http::text({}, static_cast<http::status>(std::stoi(request.body)));
        });
        router.get("/api/me", {Role::User, Category::Api},
                   [](Request &) -> awaitable<Response> { co_return http::json(std::string("{}")); });
        router.get("/throw", everybody, [](Request &) -> awaitable<Response> {
            throw std::runtime_error("the handler's secret");
            co_return Response{};
        });
        router.get("/split", everybody, [](Request &) -> awaitable<Response> {
            co_return http::noContent().with("X-Bad", "a\r\nSet-Cookie: b=c");
        });
        router.get("/large", everybody,
                   [](Request &) -> awaitable<Response> { co_return http::text(std::string(4 << 20, 'x')); });
        router.get("/hang", everybody, [this](Request &) { return hang(); });
    }

    awaitable<Response> hang()
    {
        ++hanging;
        Timer timer(co_await asio::this_coro::executor);
        while (!release) {
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(use_awaitable);
        }
        --hanging;
        co_return http::text("late");
    }

    SystemClock m_systemClock;
};

/// Waits for what another thread brings about; false after 20 s.
template <class Condition> bool eventually(Condition condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

} // namespace portolan::test
