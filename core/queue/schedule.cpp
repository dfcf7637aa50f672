// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/schedule.h"

#include "core/base/ids.h"
#include "core/base/runtime.h"
#include "core/base/trouble.h"
#include "core/queue/alarm.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace portolan::queue {

namespace {

constexpr auto tickEvery = std::chrono::milliseconds(250);

} // namespace

struct Schedule::Impl : std::enable_shared_from_this<Schedule::Impl>
{
    struct Entry
    {
        std::string name;
        std::chrono::seconds interval{1};
        Job job;
        std::int64_t seen = -1;   ///< number of the last interval this instance has tried to claim
        std::int64_t unsure = -1; ///< of one whose claim was sent, and the answer lost
        bool running = false;
    };

    Impl(Executor ioExecutor, redis::Client &redisClient, const Clock &theClock, Logger *logger)
        : executor(ioExecutor),
          client(redisClient),
          clock(theClock),
          claiming(logger, theClock, "periodic jobs do not run, for none can be claimed in Redis",
                   redis::lacksNamedCommand),
          pause(std::make_shared<Alarm>(executor))
    {}

    /// Jobs run one beside another; the loop goes on meanwhile.
    awaitable<void> claimDue()
    {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch());
        for (const std::shared_ptr<Entry> &entry : entries) {
            const std::int64_t number = now / entry->interval;
            if (number == entry->seen || entry->running)
                continue;
            // The turn during which an instance starts belongs to it as to any other: the claim decides.
            const bool claimed = co_await claim(*entry, number);
            if (!claimed || !enter())
                continue;
            entry->running = true;
            spawn(executor, [self = shared_from_this(), entry] { return self->runJob(entry); });
        }
    }

    awaitable<bool> claim(Entry &entry, std::int64_t number)
    {
        // Kept for two intervals, so that an instance with a slow clock does not run a turn again.
        redis::Command command("SET", keys::job(entry.name + ':' + std::to_string(number)), claimant, "NX", "EX",
                               2 * entry.interval.count());
        const Result<redis::Reply> reply = co_await client.run(std::move(command));
        if (!reply) { // Redis is away or full: tried again while the interval lasts
            entry.unsure = number;
            claiming.failed(reply.error());
            co_return false;
        }
        claiming.worked();
        bool claimed = !reply->isNil();
        if (!claimed && entry.unsure == number) {
            redis::Command whose("GET", keys::job(entry.name + ':' + std::to_string(number)));
            const Result<redis::Reply> holder = co_await client.run(std::move(whose));
            if (!holder)
                co_return false;
            claimed = holder->text == claimant;
        }
        entry.seen = number;
        co_return claimed;
    }

    awaitable<void> runJob(std::shared_ptr<Entry> entry)
    {
        co_await entry->job();
        entry->running = false;
        leave();
    }

    awaitable<void> loop()
    {
        while (!isStopping()) {
            co_await claimDue();
            co_await pause->wait(tickEvery);
        }
        leave();
    }

    bool isStopping()
    {
        const std::lock_guard lock(mutex);
        return stopping;
    }

    bool enter()
    {
        const std::lock_guard lock(mutex);
        if (stopping)
            return false;
        ++inside;
        return true;
    }

    void leave()
    {
        const std::lock_guard lock(mutex);
        --inside;
        empty.notify_all();
    }

    const Executor executor;
    redis::Client &client;
    const Clock &clock;
    Trouble claiming;
    const std::string claimant = uuid4();
    const std::shared_ptr<Alarm> pause;
    std::vector<std::shared_ptr<Entry>> entries; ///< constant from start() on; what they hold is the executor's
    std::mutex mutex;
    std::condition_variable empty;
    bool started = false;
    bool stopping = false;
    unsigned inside = 0;
};

Schedule::Schedule(Executor executor, redis::Client &client, const Clock &clock, Logger *logger)
    : m_impl(std::make_shared<Impl>(executor, client, clock, logger))
{}

Schedule::~Schedule() { stop(); }

void Schedule::add(std::string name, std::chrono::seconds interval, Job job)
{
    auto entry = std::make_shared<Impl::Entry>();
    entry->name = std::move(name);
    entry->interval = std::max(interval, std::chrono::seconds(1));
    entry->job = std::move(job);
    m_impl->entries.push_back(std::move(entry));
}

void Schedule::start()
{
    if (m_impl->started || !m_impl->enter())
        return;
    m_impl->started = true;
    spawn(m_impl->executor, [impl = m_impl] { return impl->loop(); });
}

void Schedule::stop()
{
    std::unique_lock lock(m_impl->mutex);
    m_impl->stopping = true;
    m_impl->pause->notify();
    m_impl->empty.wait(lock, [this] { return m_impl->inside == 0; });
}

awaitable<void> Schedule::tick() { return m_impl->claimDue(); }

} // namespace portolan::queue
