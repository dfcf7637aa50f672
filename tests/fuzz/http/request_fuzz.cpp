// SPDX-License-Identifier: GPL-3.0-or-later
// Arbitrary bytes through the code a real connection runs: head scanner, parser, checks, router, admission, body
// bounds, answers. The transport is memory; how the bytes are cut into reads comes from the input too. Whatever is
// sent, the connection must end, and everything it wrote must be well-formed HTTP.

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/connection.h"
#include "core/http/web_socket_session.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

using namespace portolan;
using namespace portolan::http;

namespace {

[[noreturn]] void violated(const char *what, std::string_view output)
{
    std::fprintf(stderr, "violated: %s\n--- output\n%.*s\n---\n", what, static_cast<int>(output.size()), output.data());
    std::abort();
}

class MemoryTransport final : public Transport
{
public:
    MemoryTransport(std::string_view input, std::size_t piece, std::string &output)
        : m_input(input), m_piece(piece), m_output(output)
    {}

    bool secure() const override { return false; }
    awaitable<void> handshake(error_code &) override { co_return; }
    awaitable<std::size_t> readSome(asio::mutable_buffer into, error_code &ec) override
    {
        const auto size = std::min({m_piece, into.size(), m_input.size()});
        if (size == 0) {
            ec = asio::error::eof;
            co_return 0;
        }
        std::memcpy(into.data(), m_input.data(), size);
        m_input.remove_prefix(size);
        co_return size;
    }
    awaitable<std::size_t> writeSome(const Buffers &from, error_code &) override
    {
        for (const auto &buffer : from)
            m_output.append(static_cast<const char *>(buffer.data()), buffer.size());
        co_return asio::buffer_size(from);
    }
    std::size_t tryWrite(const Buffers &, error_code &ec) override
    {
        ec = asio::error::would_block;
        return 0;
    }
    awaitable<void> endOutput(error_code &) override { co_return; }
    awaitable<std::size_t> discardSome(asio::mutable_buffer into, error_code &ec) override
    {
        return readSome(into, ec);
    }
    void cancel() override {}
    void close() override { m_input = {}; }
    std::shared_ptr<WebSocketSession> openWebSocket(const WebSocketSettings &) override { return nullptr; }

private:
    std::string_view m_input;
    const std::size_t m_piece;
    std::string &m_output;
};

class FuzzAdmission final : public Admission
{
public:
    awaitable<Admitted> admit(Request &request, const Route &route) override
    {
        Admitted admitted;
        if (!request.bearer().empty() || !request.cookie("sid").empty())
            request.principal = {1, Role::User};
        if (request.principal.role < route.access.role)
            admitted.refusal = noContent();
        co_return admitted;
    }
};

/// Checks what it is told about each request as well.
class FuzzObserver final : public ServerObserver
{
public:
    void answered(const Request &request, const Route *route, unsigned status, std::chrono::nanoseconds,
                  std::size_t) override
    {
        const auto bound = !route                          ? 0
                           : request.principal.userId == 0 ? std::min<std::size_t>(4096, route->access.maxBody)
                                                           : route->access.maxBody;
        if (status < 200 || status > 599 || (status < 400 && request.body.size() > bound && route))
            violated("an answer the request does not allow", request.target);
        ++answers;
    }
    std::size_t answers = 0;
};

bool isToken(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
}

/// Takes one answer off `output`; false where it is not one.
bool takeAnswer(std::string_view &output)
{
    const auto end = output.find("\r\n\r\n");
    if (end == std::string_view::npos || !output.starts_with("HTTP/1.1 "))
        return false;
    auto head = output.substr(0, end + 2);
    output.remove_prefix(end + 4);
    const auto status = head.substr(9, 3);
    if (status.find_first_not_of("0123456789") != std::string_view::npos)
        return false;
    head.remove_prefix(head.find("\r\n") + 2);
    std::size_t length = 0;
    bool framed = status == "100" || status == "204";
    while (!head.empty()) {
        const auto line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(line.size() + 2);
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos || !isToken(line.substr(0, colon)) ||
            line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
            return false;
        if (line.starts_with("Content-Length: ")) {
            length = std::strtoull(std::string(line.substr(16)).c_str(), nullptr, 10);
            framed = true;
        }
    }
    if (!framed)
        return false;
    if (!output.starts_with("HTTP/1.1 ") && !output.empty()) { // else: an answer to HEAD
        if (output.size() < length)
            return false;
        output.remove_prefix(length);
    }
    return true;
}

constexpr Access everybody{Role::Anonymous, Category::Unlimited};

struct World
{
    World()
    {
        const auto echo = [](Request &request) -> awaitable<Response> {
            co_return text(std::string("b:") + std::string(request.param("id")) + request.body +
                           request.queryParam("q").value_or(""));
        };
        router.get("/health", everybody, echo);
        router.get("/echo/{id}", everybody, echo);
        router.get("/files/{path...}", everybody, echo);
        router.post("/p", {Role::Anonymous, Category::Api, 100}, echo);
        router.post("/u", {Role::User, Category::Upload, 1 << 16}, echo);
        router.get("/throw", everybody, [](Request &) -> awaitable<Response> {
            throw std::runtime_error("bug");
            co_return Response{};
        });
        ServerOptions options;
        options.maxHeaderBytes = 2048;
        options.allowedOrigins = {"https://a.example"};
        core = std::make_shared<ServerCore>(router, admission, observer, clock, options);
        core->proxies = *TrustedProxies::parse({"127.0.0.1", "10.0.0.0/8"});
        core->webSocketRoutes.get("/ws", everybody, nullptr);
        shard = std::make_shared<Shard>(context.get_executor(), clock);
    }

    asio::io_context context{1};
    Router router;
    FuzzAdmission admission;
    FuzzObserver observer;
    SystemClock clock;
    std::shared_ptr<ServerCore> core;
    std::shared_ptr<Shard> shard;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    static World world;
    if (size == 0)
        return 0;
    const std::size_t pieces[] = {1, 2, 3, 7, 64, 1 << 20};
    const auto piece = pieces[data[0] % std::size(pieces)];
    const std::string_view input(reinterpret_cast<const char *>(data) + 1, size - 1);
    std::string output;
    world.observer.answers = 0;
    {
        auto connection = std::make_shared<Connection>(
            world.core, world.shard, std::make_unique<MemoryTransport>(input, piece, output),
            Peer::at(asio::ip::make_address("127.0.0.1"), world.core->proxies));
        asio::co_spawn(
            world.context, [connection] { return connection->run(); },
            [](const std::exception_ptr &thrown) {
                if (thrown)
                    violated("the connection threw", {});
            });
    }
    world.context.restart();
    world.context.run();
    if (world.core->connections != 0)
        violated("the connection has not ended", output);
    std::size_t answers = 0;
    for (std::string_view left = output; !left.empty(); ++answers) {
        const bool interim = left.starts_with("HTTP/1.1 100 ");
        if (!takeAnswer(left))
            violated("the output is not HTTP", output);
        if (interim)
            --answers;
    }
    if (answers != world.observer.answers)
        violated("not as many answers as the observer was told", output);
    return 0;
}
