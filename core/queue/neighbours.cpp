// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/neighbours.h"

#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/base/trouble.h"
#include "core/queue/alarm.h"
#include "core/queue/keys.h"
#include "core/queue/log_pace.h"
#include "core/queue/message.h"
#include "core/queue/neighbour_search.h"
#include "core/queue/results.h"
#include "core/queue/worker_pool.h"
#include "core/redis/errors.h"
#include "core/redis/subscriber.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>

namespace portolan::queue {

namespace {

constexpr auto checkEvery = std::chrono::seconds(10);
constexpr auto answerCounts = std::chrono::seconds(5);
constexpr auto lookAgain = std::chrono::seconds(1);   ///< Redis is away, or somebody is silent
constexpr int quickLooks = 10;                        ///< so many, then every `checkEvery`
constexpr auto unsureMost = std::chrono::seconds(30); ///< tasks of unknown names are held for no longer
constexpr std::uint64_t watchedBytesMost = 1024 * 1024;
constexpr auto watchedPer = std::chrono::minutes(1);
constexpr auto watchAgain = std::chrono::minutes(10);

std::string joined(const std::vector<std::string> &names)
{
    std::string out;
    for (const std::string &name : names)
        out.append(out.empty() ? "" : ", ").append(name);
    return out;
}

} // namespace

struct NeighbourWatch::Impl : std::enable_shared_from_this<NeighbourWatch::Impl>
{
    Impl(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber,
         RemoteClient &remoteClient, WorkerPool &workerPool, const Clock &theClock, NeighbourOptions theOptions)
        : executor(ioExecutor),
          subscriber(redisSubscriber),
          pool(workerPool),
          clock(theClock),
          options(theOptions),
          search(redisClient, remoteClient, workerPool, theClock, theOptions.database, theOptions.patience),
          alarm(std::make_shared<Alarm>(executor))
    {}

    awaitable<void> loop();
    awaitable<std::optional<NeighbourSearch::Why>> due(bool found);
    awaitable<Result<void>> look(NeighbourSearch::Why why);
    awaitable<bool> rest(std::chrono::seconds pause);
    awaitable<bool> mayEndUnknown();
    void decide(Neighbours found, bool atStart);
    void waitForSilent(Neighbours found);
    void say(const Neighbours &found);
    void sayIncomplete();
    bool operatorDecided(); ///< locked
    bool hasLooked() const;
    void watchResults();
    void seeResult(std::string_view payload);

    const Executor executor;
    redis::Subscriber &subscriber;
    WorkerPool &pool;
    const Clock &clock;
    const NeighbourOptions options;
    NeighbourSearch search;
    const std::shared_ptr<Alarm> alarm;
    std::atomic<bool> stopping{false};
    std::optional<Neighbours> waiting; ///< what waited at the start; of loop() alone

    mutable std::mutex mutex; ///< of what follows
    std::condition_variable idle;
    unsigned running = 0;
    bool looked = false;
    bool allowed = false;
    bool held = false;       ///< holdBack() was called and nobody but an operator may end it
    bool clear = false;      ///< the pool was given its threads
    bool incomplete = false; ///< it was said that not all keys have been looked at
    Neighbours neighbours;
    std::set<std::string> nobodyBy;     ///< with these signs nobody took from our queues, and …
    std::optional<SteadyTime> othersAt; ///< when somebody else who takes tasks was there last
    SteadyTime nobodyUntil{};           ///< … so long that counts: a flood of unknown names asks once
    LogPace pace;

    Trouble looking{options.logger, clock, "it cannot be found out whether others take from these queues",
                    redis::lacksNamedCommand};
    std::shared_ptr<void> results; ///< the subscription, while one is wanted
    SteadyTime resultsSince{}, resultsOffUntil{};
    std::atomic<std::uint64_t> resultBytes{0}, discarded{0};
};

/// Whoever gave the pool threads while it was held back has said what to do.
bool NeighbourWatch::Impl::operatorDecided()
{
    if (!allowed && !clear && !pool.heldBack() && pool.status().concurrency > 0)
        allowed = true;
    return allowed;
}

bool NeighbourWatch::Impl::hasLooked() const
{
    const std::lock_guard lock(mutex);
    return looked;
}

void NeighbourWatch::Impl::say(const Neighbours &found)
{
    if (!options.logger)
        return;
    const std::string queues = joined(pool.status().queues);
    const std::string workers = joined(found.workers);
    const std::string silent = joined(found.silent);
    const std::string tasks = joined(found.tasks);
    if (allowed)
        options.logger->info("other programs use the queues of this worker, which takes tasks all the same",
                             {{"queues", queues}, {"workers", workers}, {"unknown_tasks", tasks}});
    else if (found.workers.empty() && found.tasks.empty())
        options.logger->warn("this worker waits: another one does not say which queues it takes tasks from",
                             {{"queues", queues}, {"silent", silent}});
    else
        options.logger->warn("this worker takes no tasks: other programs use its queues. Set tasks.queue to a name of "
                             "its own, or tasks.share_queue = true to take tasks all the same",
                             {{"queues", queues}, {"workers", workers}, {"silent", silent}, {"unknown_tasks", tasks}});
}

/// Once, and once more when it is over.
void NeighbourWatch::Impl::sayIncomplete()
{
    const std::lock_guard lock(mutex);
    if (!options.logger || !looked || incomplete == !search.complete())
        return;
    incomplete = !incomplete;
    options.logger->info(incomplete ? "the search for other programs' workers is incomplete: one with a "
                                      "control_exchange of its own is found by its key, and not all keys have been "
                                      "looked at yet"
                                    : "the search for other programs' workers is complete: all keys were looked at",
                         {{"queues", joined(pool.status().queues)}});
}

/// At the start waiting tasks of unknown names are a sign too; later only workers are, since a task of an unknown name
/// with nobody else to take it is an error of whoever sent it.
void NeighbourWatch::Impl::decide(Neighbours found, bool atStart)
{
    const std::lock_guard lock(mutex);
    const bool shared = !found.workers.empty() || found.areForeign() || (atStart && !found.tasks.empty());
    const bool unsure = !found.silent.empty();
    const bool news = found.workers != neighbours.workers || found.silent != neighbours.silent;
    if (held && !shared)
        return; // who has left may come back: only restarted, perhaps
    if (!found.workers.empty() && neighbours.workers.empty())
        alarm->notify(); // their results are to be watched
    neighbours = shared || unsure ? std::move(found) : Neighbours();
    if (operatorDecided()) {
        looked = true;
        if (news && shared)
            say(neighbours);
    } else if (shared) {
        looked = true;
        if (!held) {
            held = true;
            clear = false;
            pool.holdBack();
            say(neighbours);
        }
    } else if (unsure && !clear) {
        if (news)
            say(neighbours);
    } else if (!clear) {
        looked = true;
        clear = true;
        pool.resize(options.concurrency);
    }
}

/// Somebody stays silent while tasks of unknown names are held, which would soon be all that is: nothing is taken until
/// a look is sure.
void NeighbourWatch::Impl::waitForSilent(Neighbours found)
{
    const std::lock_guard lock(mutex);
    if (operatorDecided() || pool.heldBack())
        return;
    pool.holdBack();
    clear = false;
    neighbours = std::move(found);
    if (options.logger)
        options.logger->warn("this worker takes no tasks for now: it was sent some of names it does not know, and "
                             "another one does not say which queues it takes tasks from",
                             {{"queues", joined(pool.status().queues)}, {"silent", joined(neighbours.silent)}});
}

awaitable<bool> NeighbourWatch::Impl::mayEndUnknown()
{
    std::optional<SteadyTime> unsureSince;
    const Result<std::set<std::string>> signs = co_await search.signs();
    for (;;) {
        {
            const std::lock_guard lock(mutex);
            if (stopping)
                co_return false;
            if (operatorDecided())
                co_return true;
            if (signs && *signs == nobodyBy && clock.steady() < nobodyUntil)
                co_return true;
        }
        if (Result<Neighbours> found = co_await search.look(NeighbourSearch::Why::UnknownTask)) {
            const bool others = !found->workers.empty() || found->areForeign();
            const bool unsure = !others && !found->silent.empty();
            if (!unsure) {
                decide(std::move(*found), false);
                const std::lock_guard lock(mutex);
                if (signs && !others) {
                    nobodyBy = *signs;
                    nobodyUntil = clock.steady() + answerCounts;
                }
                co_return !others;
            }
            const SteadyTime now = clock.steady();
            unsureSince = unsureSince.value_or(now);
            if (pool.heldBack() || now - *unsureSince >= unsureMost) {
                waitForSilent(std::move(*found));
                co_return false;
            }
        } else {
            unsureSince.reset();
        }
        Timer timer(executor, lookAgain);
        co_await timer.async_wait(asio::as_tuple(use_awaitable));
    }
}

/// What is worth a look now; nothing while all is as it was.
awaitable<std::optional<NeighbourSearch::Why>> NeighbourWatch::Impl::due(bool found)
{
    using Why = NeighbourSearch::Why;
    {
        const std::lock_guard lock(mutex);
        operatorDecided();
        if (!looked) // what waits is read once: who is silent may stay so for hours
            co_return waiting ? Why::Check : Why::Start;
    }
    if (found)
        co_return Why::News;
    const Result<std::set<std::string>> nodes = co_await search.announced();
    if (nodes && *nodes != search.known())
        co_return Why::News;
    // Who was there before may have been told to take from our queues since (add_consumer).
    const bool others = nodes && std::ranges::any_of(*nodes, std::not_fn(&NeighbourSearch::isOurNode));
    co_return others || search.soon() ? std::optional(Why::Check) : std::nullopt;
}

awaitable<Result<void>> NeighbourWatch::Impl::look(NeighbourSearch::Why why)
{
    const bool atStart = !hasLooked();
    Result<Neighbours> found = co_await search.look(why);
    if (!found)
        co_return found.error();
    if (stopping)
        co_return Result<void>();
    if (why == NeighbourSearch::Why::Start)
        waiting = {{}, {}, found->tasks, found->unreadable};
    if (atStart && waiting) {
        found->tasks = waiting->tasks;
        found->unreadable = waiting->unreadable;
    }
    decide(std::move(*found), atStart);
    co_return Result<void>();
}

awaitable<void> NeighbourWatch::Impl::loop()
{
    bool found = false;
    for (int quick = 0; !stopping;) {
        bool away = false;
        if (const auto why = co_await due(found)) {
            const Result<void> seen = co_await look(*why);
            away = !seen;
            seen ? looking.worked() : looking.failed(seen.error());
        }
        watchResults();
        bool soon = false;
        {
            const std::lock_guard lock(mutex);
            soon = !looked || search.soon();
        }
        quick = soon ? quick + 1 : 0;
        const auto pause = away || (soon && quick < quickLooks) ? lookAgain : checkEvery;
        found = co_await rest(pause);
    }
}

/// Until the next look, whatever wakes it: the results to be watched may have changed. What is left of the search
/// through the keys goes on meanwhile. True: that has found something.
awaitable<bool> NeighbourWatch::Impl::rest(std::chrono::seconds pause)
{
    using Real = Timer::clock_type;
    const Real::time_point until = Real::now() + pause;
    for (auto left = until - Real::now(); left > left.zero(); left = until - Real::now()) {
        sayIncomplete();
        const bool searches = !search.complete() && left > lookAgain;
        const std::chrono::nanoseconds most = searches ? lookAgain : left;
        co_await alarm->wait(most);
        if (stopping)
            co_return false;
        watchResults();
        if (!searches)
            continue;
        const bool found = co_await search.findExchanges();
        if (found)
            co_return true;
    }
    co_return false;
}

/// Results are published by whoever writes them. Watching all of them costs traffic, so only while others' workers take
/// from our queues, and no more than a bounded amount.
void NeighbourWatch::Impl::watchResults()
{
    std::shared_ptr<void> dropped; // outside of the lock: its handler takes none, but may be running
    const std::lock_guard lock(mutex);
    const SteadyTime now = clock.steady();
    if (results && resultBytes > watchedBytesMost) {
        dropped = std::move(results);
        results.reset();
        resultsOffUntil = now + watchAgain;
        if (options.logger)
            options.logger->warn("results of other programs are too many to be watched for tasks thrown away; "
                                 "counting goes on in 10 minutes",
                                 {{"bytes", resultBytes.load()}});
    }
    if (results && now - resultsSince >= watchedPer) {
        resultsSince = now;
        resultBytes = 0;
    }
    const bool wanted = !neighbours.workers.empty() && now >= resultsOffUntil;
    if (wanted && !results) {
        resultsSince = now;
        resultBytes = 0;
        results = subscriber.subscribePattern(keys::result("*"),
                                              [weak = weak_from_this()](std::string_view, std::string_view payload) {
                                                  if (const std::shared_ptr<Impl> self = weak.lock())
                                                      self->seeResult(payload);
                                              });
    } else if (neighbours.workers.empty() && results) {
        dropped = std::move(results);
        results.reset();
    }
}

void NeighbourWatch::Impl::seeResult(std::string_view payload)
{
    if ((resultBytes += payload.size()) > watchedBytesMost)
        alarm->notify();
    if (payload.size() > maxMessageBytes || payload.find("NotRegistered") == std::string_view::npos)
        return;
    const Result<TaskResult> result = parseResult(payload);
    if (!result || !result->failure || result->failure->type != "NotRegistered")
        return;
    std::string_view name = result->failure->message;
    while (name.size() > 1 && name.front() == '\'' && name.back() == '\'')
        name = name.substr(1, name.size() - 2);
    if (!pool.registry().find(name)) // then it was none of ours
        return;
    ++discarded;
    std::uint64_t unsaid = 0;
    bool may = false;
    {
        const std::lock_guard lock(mutex);
        may = pace.mayBeSaid(clock.steady(), unsaid);
    }
    if (options.logger && unsaid != 0)
        options.logger->warn("more tasks of this portal were thrown away by other workers in the last minute",
                             {{"tasks", unsaid}});
    if (options.logger && may)
        options.logger->warn(
            "another program's worker took a task of this portal and threw it away. Give one of them a "
            "queue of its own (tasks.queue)",
            {{"task", name}, {"task_id", result->id}});
}

NeighbourWatch::NeighbourWatch(Executor executor, redis::Client &client, redis::Subscriber &subscriber,
                               RemoteClient &remote, WorkerPool &pool, const Clock &clock, NeighbourOptions options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, remote, pool, clock, options))
{
    m_impl->allowed = options.share;
    if (!options.share)
        pool.holdBack();
    pool.onUnknownTask([weak = std::weak_ptr(m_impl)]() -> awaitable<bool> {
        const std::shared_ptr<Impl> self = weak.lock();
        if (!self)
            co_return true;
        const bool mayEnd = co_await self->mayEndUnknown();
        co_return mayEnd;
    });
}

NeighbourWatch::~NeighbourWatch() { stop(); }

void NeighbourWatch::start()
{
    {
        const std::lock_guard lock(m_impl->mutex);
        ++m_impl->running;
    }
    spawn(m_impl->executor, [self = m_impl]() -> awaitable<void> {
        co_await self->loop();
        const std::lock_guard lock(self->mutex);
        --self->running;
        self->idle.notify_all();
    });
}

void NeighbourWatch::stop()
{
    m_impl->stopping = true;
    m_impl->search.stop();
    m_impl->alarm->notify();
    std::shared_ptr<void> results;
    std::unique_lock lock(m_impl->mutex);
    m_impl->idle.wait(lock, [this] { return m_impl->running == 0; });
    results = std::move(m_impl->results);
    lock.unlock();
}

awaitable<bool> NeighbourWatch::othersMayHold(std::chrono::nanoseconds lately)
{
    const std::shared_ptr<Impl> self = m_impl;
    const bool there = co_await self->search.othersMayTake();
    const std::lock_guard lock(self->mutex);
    const SteadyTime now = self->clock.steady();
    if (there)
        self->othersAt = now;
    co_return self->othersAt &&now - *self->othersAt < lately;
}

NeighbourWatch::Status NeighbourWatch::status() const
{
    const std::lock_guard lock(m_impl->mutex);
    Status status;
    status.allowed = m_impl->operatorDecided();
    status.holdingBack = !status.allowed && m_impl->options.concurrency > 0 && m_impl->pool.heldBack();
    status.looked = m_impl->looked;
    status.problem = m_impl->looking.current();
    status.neighbours = m_impl->neighbours;
    if (m_impl->results)
        status.discarded = m_impl->discarded;
    return status;
}

} // namespace portolan::queue
