// SPDX-License-Identifier: GPL-3.0-or-later
// How many tasks core/queue enqueues and executes a second, on a redis-server of its own: one process, one I/O thread,
// one Redis connection for commands and one for subscriptions. Prints one line of JSON.
//
//   queue_bench [--tasks 50000] [--workers 2] [--callers 256]
//
// enqueued_per_second: single calls of Broker::enqueue by `callers` coroutines at a time, no worker running.
// executed_per_second: portal.noop through a WorkerPool that finds them all waiting, until every result is stored.
// mixed_per_second: enqueued and executed at the same time, until every result is stored.

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/queue/broker.h"
#include "core/queue/worker_pool.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/redis_server_fixture.h"

#include <atomic>
#include <charconv>
#include <cstdio>
#include <future>
#include <map>
#include <stdexcept>
#include <string>

using namespace portolan;

namespace {

struct Options
{
    std::size_t tasks = 50'000;
    unsigned workers = 2;
    std::size_t callers = 256;
};

std::size_t number(const std::string &text)
{
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || *end != '\0' || value == 0)
        throw std::invalid_argument("not a number above 0: " + text);
    return value;
}

Options parse(int count, char **words)
{
    Options options;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = words[i];
        if (name == "--tasks")
            options.tasks = number(words[i + 1]);
        else if (name == "--workers")
            options.workers = static_cast<unsigned>(number(words[i + 1]));
        else if (name == "--callers")
            options.callers = number(words[i + 1]);
        else
            throw std::invalid_argument("unknown option " + name);
    }
    return options;
}

struct Enqueuing
{
    queue::Broker &broker;
    const std::size_t tasks;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> callers{0};
    std::promise<void> done{};
};

awaitable<void> enqueueSome(std::shared_ptr<Enqueuing> work)
{
    while (work->next++ < work->tasks) {
        queue::NewTask task;
        task.name = "portal.noop";
        task.args = {1, "two"};
        const Result<std::string> id = co_await work->broker.enqueue(std::move(task));
        if (!id)
            throw std::runtime_error("enqueue: " + id.error().message);
    }
    if (--work->callers == 0)
        work->done.set_value();
}

std::future<void> enqueue(Executor executor, queue::Broker &broker, const Options &options)
{
    auto work = std::make_shared<Enqueuing>(broker, options.tasks);
    work->callers = options.callers;
    std::future<void> done = work->done.get_future();
    for (std::size_t i = 0; i < options.callers; ++i)
        spawn(executor, [work] { return enqueueSome(work); });
    return done;
}

double secondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Until nothing waits and nothing is taken: then every result is stored.
void waitUntilDone(Executor executor, queue::Broker &broker, const queue::WorkerPool &pool, std::size_t tasks)
{
    for (;;) {
        if (pool.counters().succeeded >= tasks) {
            const auto backlog = runSync<Result<queue::Backlog>>(executor, [&] { return broker.backlog({"celery"}); });
            if (backlog && backlog->waiting() == 0 && backlog->unacked == 0)
                return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

void measure(const Options &options)
{
    RedisServerFixture server;
    SystemClock clock;
    Runtime runtime(1);
    const Executor executor = runtime.at(0);
    redis::Client client(executor, server.endpoint());
    redis::Subscriber subscriber(executor, server.endpoint());
    client.start();
    subscriber.start();
    while (client.state() != redis::Client::State::Ready || subscriber.state() != redis::Client::State::Ready)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));

    queue::Broker broker(client, clock);
    queue::WorkerOptions workerOptions;
    workerOptions.concurrency = options.workers;
    auto start = std::chrono::steady_clock::now();
    enqueue(executor, broker, options).get();
    const double enqueued = double(options.tasks) / secondsSince(start);

    double executed = 0;
    {
        queue::WorkerPool pool(executor, client, subscriber, clock, queue::TaskRegistry(), workerOptions);
        start = std::chrono::steady_clock::now();
        pool.start();
        waitUntilDone(executor, broker, pool, options.tasks);
        executed = double(options.tasks) / secondsSince(start);
        pool.stop(std::chrono::seconds(1));
    }
    double mixed = 0;
    {
        queue::WorkerPool pool(executor, client, subscriber, clock, queue::TaskRegistry(), workerOptions);
        pool.start();
        start = std::chrono::steady_clock::now();
        enqueue(executor, broker, options).get();
        waitUntilDone(executor, broker, pool, options.tasks);
        mixed = double(options.tasks) / secondsSince(start);
        pool.stop(std::chrono::seconds(1));
    }
    client.stop();
    subscriber.stop();
    std::printf("{\"tasks\": %zu, \"workers\": %u, \"enqueued_per_second\": %.0f, \"executed_per_second\": %.0f, "
                "\"mixed_per_second\": %.0f}\n",
                options.tasks, options.workers, enqueued, executed, mixed);
}

} // namespace

int main(int count, char **words)
{
    try {
        measure(parse(count, words));
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "queue_bench: %s\n", error.what());
        return 1;
    }
}
