// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/monitor/instances/share.h"
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/registry.h"

#include <string>
#include <utility>
#include <vector>

/// Processes as tests play them: what they answer is counted and cut as a portal does it.
namespace portolan::monitor::instances {

inline std::vector<telemetry::RouteName> someRoutes()
{
    return {{"GET", "/api/quotes/{symbol}"}, {"POST", "/api/tasks"}, {"GET", "/api/tasks"}, {"GET", "/ws", true}};
}

class Process final
{
public:
    explicit Process(std::string name, std::uint64_t started = 1) : m_http(m_registry, someRoutes())
    {
        m_who.name = std::move(name);
        m_who.version = "1.2.0";
        m_who.started = started;
    }

    void answer(std::size_t route, unsigned status, std::chrono::nanoseconds took)
    {
        m_http.answered(route, "GET", status, took);
    }
    void advance(SteadyTime now) { m_http.advance(now); }
    Share share(SteadyTime now)
    {
        Share share;
        ++m_who.sequence;
        share.who = m_who;
        share.traffic = m_http.slices(now);
        return share;
    }
    telemetry::HttpMetrics::Window window(SteadyTime now) const { return m_http.window(now); }

private:
    telemetry::Registry m_registry;
    telemetry::HttpMetrics m_http;
    Identity m_who;
};

inline std::uint64_t answersIn(const telemetry::TrafficSlices &traffic)
{
    std::uint64_t count = 0;
    for (const auto &slice : traffic.slices)
        for (const auto &part : slice.parts)
            for (const auto &hit : part.hits)
                count += hit.count;
    return count;
}

inline telemetry::Unanswered unansweredIn(const telemetry::TrafficSlices &traffic)
{
    telemetry::Unanswered sum;
    for (const auto &slice : traffic.slices)
        for (const auto &part : slice.parts)
            sum += part.unanswered;
    return sum;
}

/// One in which every member says something.
inline Share fullShare()
{
    using namespace std::chrono_literals;
    Share share;
    share.who = {"shop-1a2b", "1.2.0", 1'780'000'000'000'000, 42, 1000ms};
    share.uptime = 3h;
    share.traffic.covered = 60s;
    share.traffic.answered = 123'456'789;
    share.traffic.unanswered = {7, 8, 9};
    share.traffic.routes = {{"GET", "/api/tasks", false}, {"GET", "/ws", true}, {"POST", "/api/tasks", false}};
    share.traffic.slices = {{200ms, {{0, {1, 0, 2}, {{0, 1}, {40, 3}, {735, 70'000}}}, {2, {}, {{300, 2}}}}},
                            {1200ms, {{1, {}, {{500, 1}}}}},
                            {59'999ms, {{0, {0, 5, 0}, {}}}}};
    share.connections = {12, 3, 1, std::nullopt};
    share.tasks = TaskShare{100, 90, 4, 3, 2, 1, 30, 2, 0.5, 0.25, 120s};
    share.workers = WorkerShare{4, 4, 3, 1, 80, 4, 2, 1, 1, {{"bad-body", 2}, {"not-registered", 1}}, true};
    share.dbPools = {{"primary", 4, 3, 2, 17, 1.75, 1}};
    share.disk = {1'000'000'000'000, 250'000'000'000};
    share.failedSignIns = 5;
    share.zones = {{Resource::RedisMemory, Zone::Green, 1e6},
                   {Resource::DbPool, Zone::Red, 0.75},
                   {Resource::Disk, Zone::Unknown, std::nullopt}};
    return share;
}

} // namespace portolan::monitor::instances
