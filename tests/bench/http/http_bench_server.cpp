// SPDX-License-Identifier: GPL-3.0-or-later
// The same `/health` answered by a bare Beast responder and by our server, for measuring one against the other:
//   http_bench_server bare|portolan [threads]
// Prints its port and serves until its standard input ends.

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/file_limit.h"
#include "core/http/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

using namespace portolan;
namespace beast_http = boost::beast::http;

namespace {

constexpr std::string_view healthBody = R"({"status":"healthy"})";

awaitable<void> answer(TcpSocket socket)
{
    boost::beast::flat_buffer buffer;
    error_code ec;
    for (;;) {
        beast_http::request<beast_http::string_body> request;
        co_await beast_http::async_read(socket, buffer, request, asio::redirect_error(use_awaitable, ec));
        if (ec)
            co_return;
        beast_http::response<beast_http::string_body> response(beast_http::status::ok, request.version());
        response.set(beast_http::field::content_type, "application/json");
        response.keep_alive(request.keep_alive());
        response.body() = healthBody;
        response.prepare_payload();
        co_await beast_http::async_write(socket, response, asio::redirect_error(use_awaitable, ec));
        if (ec)
            co_return;
    }
}

awaitable<void> acceptAll(asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor, Runtime &runtime)
{
    error_code ec;
    for (std::size_t turn = 0; !ec; ++turn) {
        const auto executor = runtime.at(turn % runtime.size());
        TcpSocket socket(executor);
        co_await acceptor.async_accept(socket, asio::redirect_error(use_awaitable, ec));
        if (ec)
            co_return;
        socket.set_option(asio::ip::tcp::no_delay(true));
        asio::co_spawn(executor, answer(std::move(socket)), asio::detached);
    }
}

void untilInputEnds()
{
    std::string line;
    while (std::getline(std::cin, line)) {
    }
}

void serveBare(Runtime &runtime)
{
    asio::basic_socket_acceptor<asio::ip::tcp, Executor> acceptor(runtime.at(0));
    acceptor.open(asio::ip::tcp::v4());
    acceptor.bind({asio::ip::make_address("127.0.0.1"), 0});
    acceptor.listen();
    std::cout << acceptor.local_endpoint().port() << std::endl;
    asio::co_spawn(runtime.at(0), acceptAll(std::move(acceptor), runtime), asio::detached);
    untilInputEnds();
    runtime.stop();
}

/// Counts as the portal's own observer does, so that the comparison includes it.
class CountingObserver final : public http::ServerObserver
{
public:
    void answered(const http::Request &, const http::Route *, unsigned, std::chrono::nanoseconds took,
                  std::size_t bytes) override
    {
        m_answers.fetch_add(1, std::memory_order_relaxed);
        m_nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
        m_bytes.fetch_add(bytes, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> m_answers{0};
    std::atomic<std::uint64_t> m_nanoseconds{0};
    std::atomic<std::uint64_t> m_bytes{0};
};

/// Lets everybody in, as nobody.
class AdmitAll final : public http::Admission
{
public:
    awaitable<http::Admitted> admit(http::Request &, const http::Route &) override { co_return http::Admitted{}; }
};

int servePortolan(Runtime &runtime)
{
    http::Router router;
    router.get("/health", {Role::Anonymous, Category::Unlimited},
               [](http::Request &) -> awaitable<http::Response> { co_return http::json(std::string(healthBody)); });
    AdmitAll admission;
    CountingObserver observer;
    SystemClock clock;
    http::ServerOptions options;
    options.port = 0;
    options.maxConnectionsPerAddress = 10'000; // the load comes from one address
    http::Server server(runtime, router, admission, observer, clock, options);
    if (const auto started = server.start(); started.has_error()) {
        std::cerr << started.error().message << '\n';
        return 1;
    }
    std::cout << server.port() << std::endl;
    untilInputEnds();
    server.stop();
    runtime.stop();
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
    if ((mode != "bare" && mode != "portolan") || threads < 1) {
        std::cerr << "usage: http_bench_server bare|portolan [threads]\n";
        return 2;
    }
    http::raiseFileLimit();
    Runtime runtime(static_cast<unsigned>(threads));
    if (mode == "portolan")
        return servePortolan(runtime);
    serveBare(runtime);
    return 0;
}
