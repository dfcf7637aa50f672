// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/worker_pool.h"

#include "core/queue/endings.h"
#include "core/queue/held.h"
#include "core/queue/keeper.h"
#include "core/queue/keys.h"
#include "core/queue/notes.h"
#include "core/queue/runner.h"
#include "core/queue/taker.h"
#include "core/queue/worker_common.h"
#include "core/queue/worker_loops.h"
#include "core/redis/subscriber.h"

#include <algorithm>

namespace portolan::queue {

namespace {

constexpr unsigned concurrencyMost = 1024;
constexpr std::size_t listMost = 1000;

HeldTask heldTask(const Message &message)
{
    HeldTask task;
    task.id = message.id;
    task.name = message.task;
    task.argsRepr = message.argsRepr;
    task.kwargsRepr = message.kwargsRepr;
    task.routingKey = message.routingKey;
    task.priority = message.priority;
    task.retries = message.retries;
    task.redelivered = message.redelivered;
    task.eta = message.eta;
    return task;
}

} // namespace

/// The parts of a worker, from the ground up: each uses those before it.
struct WorkerPool::Impl
{
    Impl(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
         TaskRegistry registry, WorkerOptions options);

    LeaseHolder leaseHolder();

    WorkerCommon common;
    Held held;
    WorkerLoops taking; ///< the taker's, which ends first
    WorkerLoops loops;  ///< the others
    Endings endings;
    Notes notes;
    Runner runner;
    Taker taker;
    Keeper keeper;
    const SteadyTime startedAt;
    bool started = false; ///< under Held::mutex
    std::vector<std::shared_ptr<void>> subscriptions;
};

WorkerPool::Impl::Impl(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
                       TaskRegistry registry, WorkerOptions options)
    : common(executor, client, subscriber, clock, std::move(registry), std::move(options), leaseHolder()),
      held(executor),
      taking(executor),
      loops(executor),
      endings(common),
      notes(common, held),
      runner(common, held, endings),
      taker(common, held, endings, notes, loops),
      keeper(common, held, endings, notes, taker, runner),
      startedAt(clock.steady())
{
    common.outbox.onAside([this](std::uint64_t putBack) { taker.seeAside(putBack); });
    held.wanted = std::min(common.options.concurrency, concurrencyMost);
    held.prefetch = std::size_t(held.wanted) * common.options.prefetchMultiplier;
}

/// For the lease, which is made before who answers it; it asks from start() on.
LeaseHolder WorkerPool::Impl::leaseHolder()
{
    return {.count = [this] { return keeper.heldCount(); },
            .held = [this] { return keeper.heldRecords(); },
            .onLapsed = [this](const std::unordered_set<std::string> &lost) { keeper.dropLapsed(lost); },
            .onMended = [this] { notes.again(); }};
}

WorkerPool::WorkerPool(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
                       TaskRegistry registry, WorkerOptions options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, std::move(registry), std::move(options)))
{
    m_impl->runner.keepAlive(m_impl);
    m_impl->taking.keepAlive(m_impl);
    m_impl->loops.keepAlive(m_impl);
}

WorkerPool::~WorkerPool() { stop(std::chrono::seconds(1)); }

void WorkerPool::start()
{
    Impl &impl = *m_impl;
    const std::weak_ptr<Impl> weak = m_impl;
    auto waking =
        impl.common.subscriber.subscribe(std::string(keys::wake), [weak](std::string_view, std::string_view queue) {
            const std::shared_ptr<Impl> self = weak.lock();
            if (self && (queue == "*" || self->taker.consumes(queue)))
                self->held.hungry->notify();
        });
    const Held::Lock lock(impl.held.mutex);
    if (impl.started || impl.held.stopping)
        return;
    impl.started = true;
    impl.subscriptions.push_back(std::move(waking));
    impl.runner.grow(lock);
    impl.loops.spawn([&impl] { return impl.keeper.leaseLoop(); });
    impl.loops.spawn([&impl] { return impl.common.outbox.loop(); });
    impl.loops.spawn([&impl] { return impl.keeper.keepLoop(); });
    impl.taking.spawn([&impl] { return impl.taker.loop(); });
}

std::size_t WorkerPool::stop(std::chrono::milliseconds deadline)
{
    Impl &impl = *m_impl;
    Held &held = impl.held;
    {
        const Held::Lock lock(held.mutex);
        if (!impl.started || held.stopping)
            return impl.runner.leftBehind(lock);
        held.stopping = true;
        held.ready.notify_all();
        held.hungry->notify();
    }
    impl.taking.wait();
    const auto giveBack = [&](std::vector<Delivery> deliveries) {
        if (!deliveries.empty())
            runSync<std::size_t>(impl.common.executor, [&] { return impl.taker.release(std::move(deliveries)); });
    };
    giveBack(held.takeUnstarted());
    {
        Held::Lock lock(held.mutex);
        held.idle.wait_for(lock, deadline, [&] { return held.running == 0; });
    }
    giveBack(impl.runner.giveUpAll());
    impl.runner.join();
    impl.common.outbox.finish();
    {
        const Held::Lock lock(held.mutex);
        impl.keeper.close(lock);
    }
    impl.loops.wait();
    {
        const Held::Lock lock(held.mutex);
        impl.subscriptions.clear();
    }
    runSync<void>(impl.common.executor, [&] { return impl.common.lease.giveUp(); });
    const Held::Lock lock(held.mutex);
    return impl.runner.leftBehind(lock);
}

void WorkerPool::resize(unsigned concurrency)
{
    Held &held = m_impl->held;
    const Held::Lock lock(held.mutex);
    held.wanted = std::min(concurrency, concurrencyMost);
    held.heldBack = false;
    held.prefetch = std::max(held.prefetch, std::size_t(held.wanted) * m_impl->common.options.prefetchMultiplier);
    if (m_impl->started && !held.stopping)
        m_impl->runner.grow(lock);
    held.ready.notify_all();
    held.hungry->notify();
}

void WorkerPool::holdBack()
{
    const Held::Lock lock(m_impl->held.mutex);
    m_impl->held.heldBack = true;
    m_impl->keeper.lookNow();
}

bool WorkerPool::heldBack() const
{
    const Held::Lock lock(m_impl->held.mutex);
    return m_impl->held.heldBack;
}

void WorkerPool::takeWhile(std::function<bool()> allowed) { m_impl->taker.takeWhile(std::move(allowed)); }

void WorkerPool::onUnknownTask(std::function<awaitable<bool>()> mayBeEnded)
{
    m_impl->taker.onUnknownTask(std::move(mayBeEnded));
}

void WorkerPool::revoke(const std::vector<std::string> &ids, bool terminate)
{
    std::vector<std::shared_ptr<TaskContext::State>> stop;
    {
        const Held::Lock lock(m_impl->held.mutex);
        const std::unordered_set<std::string_view> revoked = m_impl->taker.revoke(lock, ids);
        m_impl->runner.forEachRunning(lock, [&](const Runner::Running &running) {
            if (terminate && revoked.contains(running.state->message->id))
                stop.push_back(running.state);
        });
    }
    for (const std::shared_ptr<TaskContext::State> &state : stop) {
        state->revoked = true;
        state->stop.request_stop();
    }
}

RevokedList WorkerPool::revokedIds(std::size_t atMost) const { return m_impl->taker.revokedIds(atMost); }

Result<void> WorkerPool::rateLimit(std::string_view task, std::string_view limit)
{
    const std::optional<std::chrono::nanoseconds> interval = TaskRate::parse(limit);
    if (!interval)
        return failure(ErrorKind::Invalid, std::string(limit.substr(0, 64)).append(" is no rate limit"),
                       "write it as 10/s, 10/m or 10/h; 0 is none");
    if (!registry().find(task))
        return failure(ErrorKind::NotFound, "unknown task");
    m_impl->taker.setRate(task, *interval);
    return {};
}

Result<void> WorkerPool::timeLimit(std::string_view task, std::optional<std::chrono::milliseconds> soft,
                                   std::optional<std::chrono::milliseconds> hard)
{
    if (!registry().find(task))
        return failure(ErrorKind::NotFound, "unknown task");
    m_impl->runner.setLimits(task, soft, hard);
    return {};
}

bool WorkerPool::addQueue(std::string queue) { return m_impl->taker.addQueue(std::move(queue)); }

bool WorkerPool::cancelQueue(std::string_view queue) { return m_impl->taker.cancelQueue(queue); }

WorkerStatus WorkerPool::status() const
{
    const Impl &impl = *m_impl;
    WorkerStatus status;
    status.node = impl.common.node;
    status.instance = impl.common.instance;
    const Held::Lock lock(impl.held.mutex);
    status.concurrency = impl.held.wanted;
    status.threads = impl.runner.threads(lock);
    status.abandoned = static_cast<unsigned>(impl.runner.abandoned(lock));
    status.prefetch = impl.held.prefetch;
    status.queues = impl.taker.queues(lock);
    status.totals.insert(impl.runner.totals(lock).begin(), impl.runner.totals(lock).end());
    status.uptime = std::chrono::duration_cast<std::chrono::seconds>(impl.common.clock.steady() - impl.startedAt);
    impl.runner.forEachRunning(lock, [&](const Runner::Running &running) {
        if (status.active.size() >= listMost)
            return;
        HeldTask task = heldTask(*running.delivery.message);
        task.started = running.started;
        task.thread = running.thread;
        status.active.push_back(std::move(task));
    });
    for (std::size_t i = 0; i < impl.held.queue.size() && i < listMost; ++i)
        status.reserved.push_back(heldTask(*impl.held.queue[i].message));
    for (const auto &[at, delivery] : impl.held.scheduled) {
        if (status.scheduled.size() >= listMost)
            break;
        status.scheduled.push_back(heldTask(*delivery.message));
        status.scheduled.back().eta = at;
    }
    return status;
}

WorkerCounters WorkerPool::counters() const
{
    const Impl &impl = *m_impl;
    const Outbox &outbox = impl.common.outbox;
    WorkerCounters counters;
    counters.taken = impl.taker.counts().taken;
    counters.succeeded = impl.endings.counts().succeeded;
    counters.failed = impl.endings.counts().failed;
    counters.retried = impl.endings.counts().retried;
    counters.revoked = impl.endings.counts().revoked;
    counters.rejected = impl.common.refusals.total();
    counters.refused = impl.common.refusals.counts();
    counters.rejected += outbox.unsent();
    counters.refused[std::size_t(Refused::FollowUp)] += outbox.unsent();
    counters.restored = impl.common.lease.restored();
    counters.lost = outbox.lost();
    counters.droppedResults = outbox.dropped();
    counters.parked = impl.common.lease.parked();
    counters.copies = impl.taker.counts().copies + outbox.copies();
    counters.emptySearches = impl.taker.counts().emptySearches;
    counters.ownCommands = impl.common.search.commands;
    counters.ownHits = impl.common.search.hits;
    counters.ownMisses = impl.common.search.misses;
    counters.ownBytes = impl.common.search.bytes;
    const Held::Lock lock(impl.held.mutex);
    counters.active = impl.held.running;
    counters.reserved = impl.held.queue.size();
    counters.scheduled = impl.held.scheduled.size();
    counters.abandoned = impl.runner.abandoned(lock);
    return counters;
}

const TaskRegistry &WorkerPool::registry() const { return m_impl->common.registry; }

const WorkerOptions &WorkerPool::options() const { return m_impl->common.options; }

std::optional<Error> WorkerPool::problem() const
{
    for (const std::optional<Error> &problem :
         {m_impl->common.endTrouble.current(), m_impl->taker.problem(), m_impl->common.lease.problem()})
        if (problem)
            return problem;
    return m_impl->taker.cancelled();
}

const std::string &WorkerPool::node() const { return m_impl->common.node; }

void WorkerPool::observe(std::function<void(const TaskEvent &)> observer)
{
    m_impl->endings.observe(std::move(observer));
}

} // namespace portolan::queue
