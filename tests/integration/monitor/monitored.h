// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/monitor/sampler.h"
#include "core/redis/client.h"
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

/// A sampler on a real Redis, and its snapshots as they come.
namespace portolan::monitor {

using namespace std::chrono_literals;

/// Snapshots as they come, to wait for one that shows something.
class Inbox final
{
public:
    void put(std::shared_ptr<const Snapshot> snapshot)
    {
        const std::lock_guard lock(m_mutex);
        m_latest = std::move(snapshot);
        m_arrived.notify_all();
    }
    std::shared_ptr<const Snapshot> wait(const std::function<bool(const Snapshot &)> &wanted,
                                         std::chrono::seconds deadline = 30s)
    {
        std::unique_lock lock(m_mutex);
        const bool came = m_arrived.wait_for(lock, deadline, [&] { return m_latest && wanted(*m_latest); });
        return came ? m_latest : nullptr;
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_arrived;
    std::shared_ptr<const Snapshot> m_latest;
};

inline Tier smallTier()
{
    constexpr double MiB = 1024.0 * 1024;
    Tier tier;
    tier.name = "small";
    tier.zones = {{Resource::RedisMemory, {20 * MiB, 25 * MiB}},
                  {Resource::RedisConnections, {20, 25}},
                  {Resource::ErrorRate, {0.01, 0.05}},
                  {Resource::Queue, {1000, 5000}},
                  {Resource::RedisOverhead, {100 * MiB, 200 * MiB}},
                  {Resource::RedisCommands, {100'000, 200'000}},
                  {Resource::RedisTraffic, {1e15, 2e15}}};
    return tier;
}

/// The time of a machine so busy that 2 ms go by between any two things.
class BusyClock final : public Clock
{
public:
    WallTime wall() const override { return m_clock.wall(); }
    SteadyTime steady() const override { return m_clock.steady() + 2ms * ++m_looks; }

private:
    SystemClock m_clock;
    mutable std::atomic<int> m_looks{0};
};

/// A monitor of a real Redis; samples ten times a second so that tests are quick.
struct Monitored
{
    explicit Monitored(RedisServerFixture &server, Sources sources = {}, bool details = true,
                       std::unique_ptr<Clock> time = std::make_unique<SystemClock>(), PlanLimits limits = {})
        : clock(std::move(time)),
          tier(smallTier()),
          client(runtime.at(0), server.endpoint()),
          http(registry, {{"GET", "/x", false}}),
          sampler(runtime.at(0), &client, http, tier, *clock, std::move(sources),
                  {"0.1", "test", 100ms, 80ms, true, details, limits})
    {
        client.start();
        sampler.onSnapshot([this](std::shared_ptr<const Snapshot> snapshot) { inbox.put(std::move(snapshot)); });
    }
    ~Monitored()
    {
        sampler.stop();
        client.stop();
        runtime.stop();
    }
    void run(redis::Command command)
    {
        const auto replies = runSync<Result<std::vector<redis::Reply>>>(
            runtime.at(0), [&]() -> awaitable<Result<std::vector<redis::Reply>>> {
                co_return co_await client.pipeline(std::move(command), 10s);
            });
        if (replies.has_error())
            qFatal("%s", replies.error().message.c_str());
    }

    std::unique_ptr<Clock> clock;
    Tier tier;
    Inbox inbox;
    Runtime runtime{1};
    redis::Client client;
    telemetry::Registry registry;
    telemetry::HttpMetrics http;
    Sampler sampler;
};

/// As kombu writes one.
inline std::string message(const std::string &id)
{
    return R"({"body": "W10=", "headers": {"task": "shop.mail", "id": ")" + id + R"("}, "properties": {}})";
}

inline const QueueLine *lineOf(const Snapshot &snapshot, const std::string &queue)
{
    const auto line = std::ranges::find(snapshot.queue.queues, queue, &QueueLine::queue);
    return line == snapshot.queue.queues.end() ? nullptr : &*line;
}

inline bool linkUp(const Snapshot &snapshot, bool up) { return !snapshot.links.empty() && snapshot.links[0].up == up; }

inline void waitReady(Monitored &monitored)
{
    QTRY_VERIFY_WITH_TIMEOUT(monitored.client.state() == redis::Client::State::Ready, 10'000);
}

} // namespace portolan::monitor
