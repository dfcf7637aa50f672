// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/sampler.h"

#include "core/base/runtime.h"
#include "core/monitor/instances/together.h"
#include "core/monitor/loop_life.h"
#include "core/redis/client.h"
#include "core/redis/keys.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

namespace portolan::monitor {

struct Sampler::Impl : std::enable_shared_from_this<Impl>
{
    Impl(Executor on, redis::Client *client, telemetry::HttpMetrics *metrics, const Tier &tier, const Clock &time,
         Sources from, SamplerOptions with)
        : executor(on),
          redis(client),
          http(metrics),
          clock(time),
          sources(std::move(from)),
          options(std::move(with)),
          families(tier, options.watch),
          builder(tier,
                  {options.version, options.instance, options.details, options.planned, options.limits,
                   options.interval, options.watch},
                  families, time),
          queues(time, options.watch.value_or(queue::KeyLayout{})),
          script(samplingScript(options.watch.value_or(queue::KeyLayout{}))),
          timer(on),
          pingTimer(on)
    {}

    awaitable<void> run();
    awaitable<void> watchDatabase();
    awaitable<void> askRedis();
    void publish();
    instances::Share share(instances::Identity who, const Snapshot &measured) const;
    instances::Together together(const Snapshot &measured) const;
    void ended();
    std::shared_ptr<const Snapshot> lastSnapshot() const
    {
        const std::lock_guard lock(mutex);
        return latest;
    }

    const Executor executor;
    redis::Client *const redis;
    telemetry::HttpMetrics *const http; ///< null: nobody counts answers here
    const Clock &clock;
    const Sources sources;
    const SamplerOptions options;
    const KeyFamilies families;
    SnapshotBuilder builder;
    queue::QueueDirectory queues;
    const redis::Script script;
    std::vector<std::function<void(std::shared_ptr<const Snapshot>)>> handlers;

    Timer timer;
    Timer pingTimer;
    bool stopping = false; ///< on the executor, as the timers
    bool again = false;    ///< a round is wanted before the next is due
    int running = 0;
    LoopLife life;

    mutable std::mutex mutex; ///< of what follows
    std::shared_ptr<const Snapshot> latest;
    std::shared_ptr<const Snapshot> own;
    std::shared_ptr<const std::vector<ClientInfo>> clients;
};

awaitable<void> Sampler::Impl::run()
{
    const auto self = shared_from_this();
    auto due = std::chrono::steady_clock::now();
    while (!stopping) {
        if (redis)
            co_await askRedis();
        if (stopping)
            break;
        publish();
        // Late rounds are skipped, not made up for.
        const auto now = std::chrono::steady_clock::now();
        while (due <= now)
            due += options.interval;
        if (std::exchange(again, false))
            continue;
        timer.expires_at(due);
        error_code cancelled;
        co_await timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        again = false;
    }
    ended();
}

awaitable<void> Sampler::Impl::askRedis()
{
    std::vector<std::string> taken = sources.queues ? sources.queues() : std::vector<std::string>();
    if (taken.empty() && options.watch)
        taken = queues.bound();
    else if (taken.empty())
        taken.emplace_back(redis::keys::defaultQueue);
    queues.setTaken(std::move(taken));
    const std::optional<RoundPlan> due = builder.plan(queues, sources.watched && sources.watched());
    // One that is away is asked all the same: that costs nothing, and is told at once.
    if (!due && redis->state() == redis::Client::State::Ready)
        co_return;
    const RoundPlan plan = due.value_or(RoundPlan{});
    if (sources.redisLimits)
        builder.setRedisLimits(sources.redisLimits());
    const SteadyTime begin = clock.steady();
    Result<std::vector<redis::Reply>> replies =
        co_await redis->pipeline(roundCommand(plan, script), options.redisDeadline);
    if (replies.has_error()) {
        builder.redisFailed(replies.error());
        if (plan.recounts)
            builder.recount();
        co_return;
    }
    Result<RoundAnswer> answer = readRound(plan, std::move(*replies));
    if (answer.has_error())
        builder.redisFailed(answer.error());
    else
        builder.redisAnswered(plan, std::move(*answer), clock.steady() - begin, queues);
}

awaitable<void> Sampler::Impl::watchDatabase()
{
    const auto self = shared_from_this();
    while (!stopping) {
        const SteadyTime begin = clock.steady();
        const Result<void> answered = co_await sources.pingDatabase();
        const bool changed = builder.databaseAnswered(answered, clock.steady() - begin);
        if (stopping)
            break;
        // /health must not say a second long what is no longer so.
        if (changed && lastSnapshot())
            publish();
        pingTimer.expires_after(std::chrono::seconds(answered.has_error() ? 1 : 5));
        error_code cancelled;
        co_await pingTimer.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    ended();
}

void Sampler::Impl::publish()
{
    const SteadyTime now = clock.steady();
    std::shared_ptr<const Snapshot> snapshot;
    if (http) {
        http->advance(now);
        snapshot =
            builder.build(http->window(now), sources, [this](const Snapshot &measured) { return together(measured); });
    } else {
        snapshot = builder.build(sources);
    }
    {
        const std::lock_guard lock(mutex);
        latest = snapshot;
        own = builder.own();
        clients = builder.clients();
    }
    for (const auto &handler : handlers)
        handler(snapshot);
}

instances::Share Sampler::Impl::share(instances::Identity who, const Snapshot &measured) const
{
    instances::Share share =
        instances::shareOf(std::move(who), http ? http->slices(clock.steady()) : telemetry::TrafficSlices{}, measured,
                           sources.tasks ? std::optional(sources.tasks()) : std::nullopt);
    // Of the others' lights each measures its own.
    std::erase_if(share.zones, [](const instances::ZoneShare &light) {
        return std::ranges::find(instances::ownLights, light.resource) == std::end(instances::ownLights);
    });
    return share;
}

instances::Together Sampler::Impl::together(const Snapshot &measured) const
{
    const instances::Share mine = share({options.instance, options.version}, measured);
    return sources.together ? sources.together(mine) : instances::Together{instances::merged(mine, {})};
}

void Sampler::Impl::ended()
{
    if (--running == 0)
        life.ended();
}

Sampler::Sampler(Executor executor, redis::Client *redis, telemetry::HttpMetrics &http, const Tier &tier,
                 const Clock &clock, Sources sources, SamplerOptions options)
    : m_impl(std::make_shared<Impl>(executor, redis, &http, tier, clock, std::move(sources), std::move(options)))
{}

Sampler::Sampler(Executor executor, redis::Client *redis, const Tier &tier, const Clock &clock, Sources sources,
                 SamplerOptions options)
    : m_impl(std::make_shared<Impl>(executor, redis, nullptr, tier, clock, std::move(sources), std::move(options)))
{}

Sampler::~Sampler() { stop(); }

void Sampler::onSnapshot(std::function<void(std::shared_ptr<const Snapshot>)> handler)
{
    m_impl->handlers.push_back(std::move(handler));
}

void Sampler::start()
{
    m_impl->life.start([this] {
        m_impl->running = m_impl->sources.pingDatabase ? 2 : 1;
        auto impl = m_impl;
        spawn(impl->executor, [impl] { return impl->run(); });
        if (impl->sources.pingDatabase)
            spawn(impl->executor, [impl] { return impl->watchDatabase(); });
    });
}

void Sampler::stop()
{
    m_impl->life.stop(m_impl->executor, [impl = m_impl] {
        impl->stopping = true;
        impl->timer.cancel();
        impl->pingTimer.cancel();
    });
}

std::shared_ptr<const Snapshot> Sampler::latest() const { return m_impl->lastSnapshot(); }

std::shared_ptr<const Snapshot> Sampler::own() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->own;
}

instances::Share Sampler::share(instances::Identity who) const
{
    const auto measured = own();
    return m_impl->share(std::move(who), measured ? *measured : Snapshot{});
}

std::chrono::milliseconds Sampler::exchanged(std::uint64_t commands, std::uint64_t bytes)
{
    return m_impl->builder.exchanged(commands, bytes);
}

void Sampler::paid(std::uint64_t commands, std::uint64_t bytes) { m_impl->builder.paid(commands, bytes); }

std::shared_ptr<const std::vector<ClientInfo>> Sampler::clients() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->clients;
}

void Sampler::recount() const
{
    asio::post(m_impl->executor, [impl = m_impl] {
        impl->builder.recount();
        impl->timer.cancel(); // a round under way is followed by another at once
        impl->again = true;
    });
}

const queue::QueueDirectory &Sampler::queues() const { return m_impl->queues; }

const KeyFamilies &Sampler::families() const { return m_impl->families; }

} // namespace portolan::monitor
