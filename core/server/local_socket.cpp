// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/local_socket.h"

#include "core/http/problem.h"

namespace portolan::server {

namespace {

http::ServerOptions optionsFor(std::string path)
{
    http::ServerOptions options;
    options.socket = std::move(path);
    options.maxConnections = 16;
    options.maxConnectionsPerAddress = options.maxConnections; // all of them are one
    options.requestTimeout = std::chrono::seconds(10);
    options.drainTimeout = std::chrono::seconds(1);
    return options;
}

/// Whoever could open the socket is an operator.
class OperatorAdmission final : public http::Admission
{
public:
    awaitable<http::Admitted> admit(http::Request &request, const http::Route &route) override
    {
        request.principal = Principal{0, Role::Operator};
        http::Admitted admitted;
        if (route.access.role > Role::Operator)
            admitted.refusal =
                http::problem(request, failure(ErrorKind::Forbidden, "The control socket has an operator's rights."));
        co_return admitted;
    }
};

/// Passes on what fails, and leaves the answers out of the portal's figures.
class Uncounted final : public http::ServerObserver
{
public:
    explicit Uncounted(http::ServerObserver &log) : m_log(log) {}

    void answered(const http::Request &, const http::Route *, unsigned, std::chrono::nanoseconds, std::size_t) override
    {}
    void failed(const http::Request &request, const http::Route *route, std::string_view what) override
    {
        m_log.failed(request, route, what);
    }

private:
    http::ServerObserver &m_log;
};

} // namespace

struct LocalSocket::Impl
{
    Impl(Runtime &runtime, const http::Router &router, http::ServerObserver &log, const Clock &clock, std::string path)
        : observer(log), server(runtime, router, admission, observer, clock, optionsFor(std::move(path)))
    {}

    OperatorAdmission admission;
    Uncounted observer;
    http::Server server;
};

LocalSocket::LocalSocket(Runtime &runtime, const http::Router &router, http::ServerObserver &log, const Clock &clock,
                         std::string path)
    : m_impl(std::make_unique<Impl>(runtime, router, log, clock, std::move(path)))
{}

LocalSocket::~LocalSocket() = default;

Result<void> LocalSocket::start() { return m_impl->server.start(); }

void LocalSocket::stop() { m_impl->server.stop(); }

} // namespace portolan::server
