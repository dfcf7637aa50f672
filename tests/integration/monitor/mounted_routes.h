// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/router.h"
#include "core/monitor/cleanup.h"
#include "core/monitor/monitor_routes.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/sampler.h"
#include "core/redis/client.h"
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/portal_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/redis_server_fixture.h"

#include <boost/json/parse.hpp>

#include <map>
#include <mutex>

namespace portolan::monitor {

inline Sources sourcesOf()
{
    Sources sources;
    sources.pingDatabase = []() -> awaitable<Result<void>> { co_return Result<void>(); };
    sources.tasks = [] { return TaskFigures{10, 8, 0, 1, 1, 0}; };
    sources.workers = [] {
        WorkerFigures workers;
        workers.threads = 2;
        workers.busy = 1;
        return workers;
    };
    sources.connections = [] { return ConnectionFigures{3, 1, 0, 0}; };
    sources.dbPools = [] { return std::vector<DbPoolFigures>{{"primary", 4, 1, 0}}; };
    sources.users = [] {
        UserFigures users;
        users.concurrent = 2;
        users.sessions = 5;
        return users;
    };
    return sources;
}

/// The routes on a real Redis, without the HTTP server around them.
struct Mounted
{
    explicit Mounted(MetricsAccess access = {})
        : client(runtime.at(0), server.endpoint()),
          metrics(registry),
          admin(&client,
                [this](AuditNote note) -> awaitable<void> {
                    const std::lock_guard lock(mutex);
                    audit.push_back(std::move(note));
                    co_return;
                }),
          routes(registry, admin, clock, "0.1.0", std::move(access))
    {
        tier.name = "small";
        tier.zones = {{Resource::RedisMemory, {20e6, 25e6}}, {Resource::Users, {10, 12}}};
        routes.mount(router);
        std::vector<telemetry::RouteName> names;
        for (const auto &route : router.routes())
            names.push_back({"GET", route->path, false});
        http.emplace(registry, std::move(names));
        SamplerOptions options{"0.1.0", "test", std::chrono::milliseconds(100), std::chrono::milliseconds(80)};
        sampler.emplace(runtime.at(0), &client, *http, tier, clock, sourcesOf(), options);
        cleanup.emplace(runtime.at(0), client, sampler->families(), clock);
        admin.connect(*sampler, &*cleanup);
        routes.connect(*sampler);
        client.start();
    }
    ~Mounted()
    {
        sampler->stop();
        cleanup->stop();
        client.stop();
        runtime.stop();
    }

    http::Response ask(http::verb method, const std::string &target, std::string body = {},
                       const std::map<std::string, std::string> &headers = {})
    {
        return runSync<http::Response>(runtime.at(0), [&]() -> awaitable<http::Response> {
            http::Request request;
            request.address = address;
            for (const auto &[name, value] : headers)
                request.headers.set(name, value);
            request.method = method;
            request.target = target;
            const std::size_t mark = target.find('?');
            request.path = std::string_view(request.target).substr(0, mark);
            if (mark != std::string::npos)
                request.query = std::string_view(request.target).substr(mark + 1);
            request.body = std::move(body);
            request.principal = {7, Role::Operator};
            const auto match = router.match(request);
            if (!match.route)
                throw std::runtime_error("no route for " + request.target);
            co_return co_await match.route->handler(request);
        });
    }
    boost::json::value get(const std::string &target) { return boost::json::parse(ask(http::verb::get, target).body); }
    std::vector<AuditNote> audited()
    {
        const std::lock_guard lock(mutex);
        return audit;
    }

    std::string address = "127.0.0.1"; ///< of who asks
    SystemClock clock;
    RedisServerFixture server;
    Tier tier;
    Runtime runtime{2};
    redis::Client client;
    telemetry::Registry registry;
    telemetry::PortalMetrics metrics;
    std::mutex mutex;
    std::vector<AuditNote> audit;
    RedisAdmin admin;
    MonitorRoutes routes;
    http::Router router;
    std::optional<telemetry::HttpMetrics> http;
    std::optional<Sampler> sampler;
    std::optional<Cleanup> cleanup;
};

inline bool healthy(Mounted &mounted) { return mounted.get("/health").at("status") == "healthy"; }

} // namespace portolan::monitor
