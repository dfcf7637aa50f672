// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/queue/broker.h"
#include "core/queue/remote_control.h"
#include "core/queue/worker_pool.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/leaping_clock.h"

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace portolan {

/// True as soon as `condition` is; false when it is not within `most`.
inline bool within(std::chrono::milliseconds most, const std::function<bool()> &condition)
{
    const auto deadline = std::chrono::steady_clock::now() + most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

/// One process's end of the queue, as the server composes it: an I/O thread, two connections, a broker, workers.
class QueueInstance final
{
public:
    explicit QueueInstance(const redis::Endpoint &endpoint)
        : client(runtime.at(0), endpoint), subscriber(runtime.at(0), endpoint), broker(client, clock)
    {
        client.start();
        subscriber.start();
        const auto ready = [this] {
            return client.state() == redis::Client::State::Ready && subscriber.state() == redis::Client::State::Ready;
        };
        if (!within(std::chrono::seconds(10), ready))
            throw std::runtime_error("no connection to Redis");
    }

    ~QueueInstance()
    {
        stopWorkers();
        client.stop();
        subscriber.stop();
    }

    QueueInstance(const QueueInstance &) = delete;
    QueueInstance &operator=(const QueueInstance &) = delete;

    void startWorkers(queue::TaskRegistry registry = {}, queue::WorkerOptions options = {},
                      queue::RemoteControlOptions remote = {})
    {
        pool = std::make_unique<queue::WorkerPool>(runtime.at(0), client, subscriber, clock, std::move(registry),
                                                   std::move(options));
        control =
            std::make_unique<queue::RemoteControl>(runtime.at(0), client, subscriber, clock, *pool, std::move(remote));
        pool->start();
        control->start();
    }

    std::size_t stopWorkers(std::chrono::milliseconds deadline = std::chrono::seconds(2))
    {
        if (control)
            control->stop();
        const std::size_t stuck = pool ? pool->stop(deadline) : 0;
        control.reset();
        pool.reset();
        return stuck;
    }

    /// What `work` uses is best its own: the sanitizer of threads knows what was on the caller's stack before.
    template <class T> T run(std::function<awaitable<T>()> work) { return runSync<T>(runtime.at(0), std::move(work)); }

    std::string enqueue(queue::NewTask task)
    {
        const auto id = run<Result<std::string>>([&] { return broker.enqueue(task); });
        if (!id)
            throw std::runtime_error("enqueue: " + id.error().message);
        return *id;
    }

    std::string enqueue(std::string name, boost::json::array args = {})
    {
        queue::NewTask task;
        task.name = std::move(name);
        task.args = std::move(args);
        return enqueue(std::move(task));
    }

    queue::TaskResult result(const std::string &id)
    {
        const auto result = run<Result<queue::TaskResult>>([this, id] { return broker.result(id); });
        return result ? *result : queue::TaskResult{};
    }

    /// The task's result once it has ended; PENDING or what it is by then when it does not within `most`.
    queue::TaskResult ended(const std::string &id, std::chrono::milliseconds most = std::chrono::seconds(20))
    {
        queue::TaskResult last;
        within(most, [&] { return (last = result(id)).ended(); });
        return last;
    }

    queue::Backlog backlog(std::vector<std::string> queues = {"celery"})
    {
        const auto backlog =
            run<Result<queue::Backlog>>([this, queues = std::move(queues)] { return broker.backlog(queues); });
        return backlog ? *backlog : queue::Backlog{};
    }

    redis::Reply redis(redis::Command command)
    {
        const auto sent = std::make_shared<redis::Command>(std::move(command));
        const auto reply = run<Result<redis::Reply>>([this, sent] { return client.run(std::move(*sent)); });
        if (!reply)
            throw std::runtime_error("redis: " + reply.error().message);
        return *reply;
    }

    LeapingClock clock;
    Runtime runtime{1};
    redis::Client client;
    redis::Subscriber subscriber;
    queue::Broker broker;
    std::unique_ptr<queue::WorkerPool> pool;
    std::unique_ptr<queue::RemoteControl> control;
};

} // namespace portolan
