#include "core/queue/worker_pool.h"

#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace portolan::queue {

namespace {

constexpr unsigned concurrencyMost = 1024;
constexpr std::size_t listMost = 1000;
constexpr std::size_t queuesMost = 64;
constexpr std::size_t releaseBatch = 500;
constexpr unsigned keptMost = 60; ///< messages of failed tasks a minute: they cost memory until their results expire
constexpr auto joinWithin = std::chrono::seconds(1);

std::string nodeName(const WorkerOptions &options, const std::string &instance)
{
    if (!options.nodeName.empty())
        return options.nodeName;
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return "portolan-" + instance + "@" + host.data();
}

bool isQueueName(std::string_view name)
{
    return !name.empty() && name.size() <= maxIdBytes &&
           std::ranges::all_of(name, [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

} // namespace

WorkerPool::Impl::Impl(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber,
                       const Clock &theClock, TaskRegistry theRegistry, WorkerOptions theOptions)
    : executor(ioExecutor),
      client(redisClient),
      subscriber(redisSubscriber),
      clock(theClock),
      registry(std::move(theRegistry)),
      options(std::move(theOptions)),
      instance(uuid4().substr(0, 8)),
      node(nodeName(options, instance)),
      startedAt(clock.steady()),
      hungry(std::make_shared<Alarm>(executor)),
      timer(std::make_shared<Alarm>(executor)),
      leaseTimer(std::make_shared<Alarm>(executor)),
      takeTrouble(options.logger, clock, "tasks cannot be taken from the queue"),
      endTrouble(options.logger, clock, "tasks that ended cannot be acknowledged; tried again"),
      asideTrouble(options.logger, clock, "messages that are no tasks cannot be kept aside; nothing is taken"),
      lease(client, scripts, clock, instance, options.logger, leaseHolder()),
      outbox(executor, client, scripts, instance, options.resultExpiry, options.logger, &endTrouble),
      refusals(clock, options.logger, node)
{
    outbox.onAside([this](std::uint64_t putBack) { seeAside(putBack); });
    wanted = std::min(options.concurrency, concurrencyMost);
    prefetch = std::size_t(wanted) * options.prefetchMultiplier;
    options.prefetchMultiplier = std::max(1u, options.prefetchMultiplier);
    for (const std::string &name : options.queues)
        if (isQueueName(name) && std::ranges::find(queues, name) == queues.end() && queues.size() < queuesMost)
            queues.push_back(name);
    for (const std::string &name : registry.names())
        if (const auto interval = TaskRate::parse(registry.find(name)->options.rateLimit);
            interval && interval->count() > 0)
            rates.emplace(name, TaskRate(*interval));
}

void WorkerPool::Impl::spawnLoop(awaitable<void> (Impl::*loop)())
{
    spawn(executor, [self = shared_from_this(), loop]() -> awaitable<void> {
        co_await (self.get()->*loop)();
        const std::lock_guard lock(self->mutex);
        if (loop == &Impl::takeLoop)
            self->taking = false;
        else
            --self->loops;
        self->idle.notify_all();
    });
}

TaskInfo WorkerPool::Impl::infoOf(const Message &message) const
{
    TaskInfo info;
    info.id = message.id;
    info.name = message.task;
    info.argsRepr = message.argsRepr;
    info.kwargsRepr = message.kwargsRepr;
    info.routingKey = message.routingKey;
    info.priority = message.priority;
    info.retries = message.retries;
    info.redelivered = message.redelivered;
    info.eta = message.eta;
    return info;
}

void WorkerPool::Impl::emit(const TaskEvent &event) const
{
    for (const auto &observer : observers)
        observer(event);
}

void WorkerPool::Impl::emitWhenStored(Outcome &outcome, TaskEvent event) const
{
    if (!observers.empty())
        outcome.stored = [this, event = std::move(event)] { emit(event); };
}

void WorkerPool::Impl::emit(const Events &events) const
{
    for (const TaskEvent &event : events)
        emit(event);
}

bool WorkerPool::Impl::keepAllowed()
{
    const std::lock_guard lock(keepMutex);
    const SteadyTime now = clock.steady();
    if (now - keepWindow >= std::chrono::minutes(1)) {
        keepWindow = now;
        keptInWindow = 0;
    }
    return keptInWindow++ < keptMost;
}

awaitable<std::size_t> WorkerPool::Impl::release(std::vector<Delivery> deliveries)
{
    // The last one taken first, so that the first one is the next again.
    std::ranges::reverse(deliveries);
    const std::string owned = keys::owned(instance);
    const std::array<std::string_view, 3> scriptKeys{keys::unacked, keys::unackedIndex, owned};
    std::size_t released = 0;
    for (std::size_t i = 0; i < deliveries.size(); i += releaseBatch) {
        const std::size_t end = std::min(deliveries.size(), i + releaseBatch);
        std::vector<std::string> lengths;
        for (std::size_t n = i; n < end; ++n)
            lengths.push_back(std::to_string(deliveries[n].closing));
        std::vector<std::string_view> arguments{keys::wake};
        for (std::size_t n = i; n < end; ++n)
            arguments.insert(arguments.end(), {deliveries[n].id, deliveries[n].list, lengths[n - i]});
        const Result<redis::Reply> reply = co_await client.eval(scripts.release, scriptKeys, arguments);
        if (!reply)
            break; // the lease ends soon, and somebody else puts them back
        released += static_cast<std::size_t>(std::max<std::int64_t>(reply->integer, 0));
    }
    co_return released;
}

std::vector<Delivery> WorkerPool::Impl::takeBackUnstarted()
{
    const Lock lock(mutex);
    std::vector<Delivery> deliveries(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
    std::ranges::move(scheduled.takeAll(), std::back_inserter(deliveries));
    std::ranges::move(unknown, std::back_inserter(deliveries));
    unknown.clear();
    queue.clear();
    return deliveries;
}

std::vector<Delivery> WorkerPool::Impl::giveUpRunning()
{
    std::vector<std::shared_ptr<Running>> tasks;
    {
        const Lock lock(mutex);
        for (const std::shared_ptr<Slot> &slot : slots) {
            if (slot->running) {
                slot->abandoned = true;
                tasks.push_back(std::move(slot->running));
                --running;
            }
            leaving.push_back(slot);
        }
        slots.clear();
    }
    std::vector<Delivery> deliveries;
    for (const std::shared_ptr<Running> &task : tasks) {
        {
            const std::lock_guard lock(task->state->mutex);
            task->state->closed = true;
        }
        task->state->stop.request_stop();
        deliveries.push_back(task->delivery);
    }
    return deliveries;
}

void WorkerPool::Impl::joinThreads()
{
    std::vector<std::shared_ptr<Slot>> threads;
    {
        Lock lock(mutex);
        idle.wait_for(lock, joinWithin, [this] {
            return slots.empty() && std::ranges::all_of(leaving, [](const auto &slot) { return slot->done; });
        });
        for (const std::shared_ptr<Slot> &slot : leaving)
            if (slot->done)
                threads.push_back(slot);
        std::erase_if(leaving, [](const auto &slot) { return slot->done; });
        for (const std::shared_ptr<Slot> &slot : leaving)
            slot->thread.detach(); // inside a task that does not return; it keeps this object alive
    }
    for (const std::shared_ptr<Slot> &slot : threads)
        slot->thread.join();
}

WorkerPool::WorkerPool(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
                       TaskRegistry registry, WorkerOptions options)
    : m_impl(std::make_shared<Impl>(executor, client, subscriber, clock, std::move(registry), std::move(options)))
{}

WorkerPool::~WorkerPool() { stop(std::chrono::seconds(1)); }

void WorkerPool::start()
{
    Impl &impl = *m_impl;
    {
        const Impl::Lock lock(impl.mutex);
        if (impl.started || impl.stopping)
            return;
        impl.started = true;
        impl.taking = true;
        impl.loops = 3;
        impl.grow(lock);
    }
    const std::weak_ptr<Impl> weak = m_impl;
    impl.subscriptions.push_back(
        impl.subscriber.subscribe(std::string(keys::wake), [weak](std::string_view, std::string_view queue) {
            const std::shared_ptr<Impl> self = weak.lock();
            if (!self)
                return;
            bool ours = queue == "*";
            if (!ours) {
                const std::lock_guard lock(self->mutex);
                ours = std::ranges::find(self->queues, queue) != self->queues.end();
            }
            if (ours)
                self->hungry->notify();
        }));
    impl.spawnLoop(&Impl::leaseLoop);
    impl.spawnLoop(&Impl::sendLoop);
    impl.spawnLoop(&Impl::keepLoop);
    impl.spawnLoop(&Impl::takeLoop);
}

std::size_t WorkerPool::stop(std::chrono::milliseconds deadline)
{
    Impl &impl = *m_impl;
    {
        Impl::Lock lock(impl.mutex);
        if (!impl.started || impl.stopping)
            return impl.leaving.size();
        impl.stopping = true;
        impl.ready.notify_all();
        impl.hungry->notify();
        impl.idle.wait(lock, [&] { return !impl.taking; });
    }
    const auto giveBack = [&](std::vector<Delivery> deliveries) {
        if (!deliveries.empty())
            runSync<std::size_t>(impl.executor, [&] { return impl.release(std::move(deliveries)); });
    };
    giveBack(impl.takeBackUnstarted());
    {
        Impl::Lock lock(impl.mutex);
        impl.idle.wait_for(lock, deadline, [&] { return impl.running == 0; });
    }
    giveBack(impl.giveUpRunning());
    impl.joinThreads();
    impl.outbox.finish();
    {
        Impl::Lock lock(impl.mutex);
        impl.closing = true;
        impl.timer->notify();
        impl.leaseTimer->notify();
        impl.idle.wait(lock, [&] { return impl.loops == 0; });
        impl.subscriptions.clear();
    }
    runSync<void>(impl.executor, [&] { return impl.lease.giveUp(); });
    const Impl::Lock lock(impl.mutex);
    return impl.leaving.size();
}

void WorkerPool::resize(unsigned concurrency)
{
    const Impl::Lock lock(m_impl->mutex);
    m_impl->wanted = std::min(concurrency, concurrencyMost);
    m_impl->heldBack = false;
    m_impl->prefetch = std::max(m_impl->prefetch, std::size_t(m_impl->wanted) * m_impl->options.prefetchMultiplier);
    if (m_impl->started && !m_impl->stopping)
        m_impl->grow(lock);
    m_impl->ready.notify_all();
    m_impl->hungry->notify();
}

void WorkerPool::holdBack()
{
    const Impl::Lock lock(m_impl->mutex);
    m_impl->heldBack = true;
    m_impl->timer->notify();
}

bool WorkerPool::heldBack() const
{
    const Impl::Lock lock(m_impl->mutex);
    return m_impl->heldBack;
}

void WorkerPool::onUnknownTask(std::function<awaitable<bool>()> mayBeEnded)
{
    m_impl->mayEndUnknown = std::move(mayBeEnded);
}

void WorkerPool::revoke(const std::vector<std::string> &ids, bool terminate)
{
    std::unordered_set<std::string_view> wanted; // thousands may be named, thousands be held
    std::vector<std::shared_ptr<TaskContext::State>> stop;
    {
        const Impl::Lock lock(m_impl->mutex);
        for (const std::string &id : ids)
            if (!id.empty() && id.size() <= maxIdBytes) {
                m_impl->revokedIds.add(id, m_impl->clock.steady());
                wanted.insert(id);
            }
        // Those held end now; dispatchable() ends them and says false.
        const auto ended = [&](const Delivery &delivery) {
            return wanted.contains(delivery.message->id) && !m_impl->dispatchable(delivery);
        };
        std::erase_if(m_impl->queue, ended);
        m_impl->scheduled.dropIf(ended);
        for (const std::shared_ptr<Impl::Slot> &slot : m_impl->slots)
            if (terminate && slot->running && wanted.contains(slot->running->state->message->id))
                stop.push_back(slot->running->state);
    }
    for (const std::shared_ptr<TaskContext::State> &state : stop) {
        state->revoked = true;
        state->stop.request_stop();
    }
}

RevokedList WorkerPool::revokedIds(std::size_t atMost) const
{
    const Impl::Lock lock(m_impl->mutex);
    return m_impl->revokedIds.list(atMost);
}

Result<void> WorkerPool::rateLimit(std::string_view task, std::string_view limit)
{
    const std::optional<std::chrono::nanoseconds> interval = TaskRate::parse(limit);
    if (!interval)
        return failure(ErrorKind::Invalid, std::string(limit.substr(0, 64)).append(" is no rate limit"),
                       "write it as 10/s, 10/m or 10/h; 0 is none");
    if (!m_impl->registry.find(task))
        return failure(ErrorKind::NotFound, "unknown task");
    const Impl::Lock lock(m_impl->mutex);
    m_impl->rates.erase(std::string(task));
    if (interval->count() > 0)
        m_impl->rates.emplace(task, TaskRate(*interval));
    return {};
}

Result<void> WorkerPool::timeLimit(std::string_view task, std::optional<std::chrono::milliseconds> soft,
                                   std::optional<std::chrono::milliseconds> hard)
{
    if (!m_impl->registry.find(task))
        return failure(ErrorKind::NotFound, "unknown task");
    const Impl::Lock lock(m_impl->mutex);
    m_impl->limits.insert_or_assign(std::string(task), Impl::Limits{soft, hard});
    return {};
}

bool WorkerPool::addQueue(std::string queue)
{
    const Impl::Lock lock(m_impl->mutex);
    const auto found = std::ranges::find(m_impl->queues, queue);
    if (!isQueueName(queue) || found != m_impl->queues.end() || m_impl->queues.size() >= queuesMost)
        return false;
    m_impl->queues.push_back(std::move(queue));
    m_impl->hungry->notify();
    return true;
}

bool WorkerPool::cancelQueue(std::string_view queue)
{
    const Impl::Lock lock(m_impl->mutex);
    return std::erase(m_impl->queues, queue) != 0;
}

WorkerStatus WorkerPool::status() const
{
    const Impl &impl = *m_impl;
    WorkerStatus status;
    status.node = impl.node;
    status.instance = impl.instance;
    const Impl::Lock lock(impl.mutex);
    status.concurrency = impl.wanted;
    status.prefetch = impl.prefetch;
    status.queues = impl.queues;
    status.totals.insert(impl.totals.begin(), impl.totals.end());
    status.uptime = std::chrono::duration_cast<std::chrono::seconds>(impl.clock.steady() - impl.startedAt);
    for (const std::shared_ptr<Impl::Slot> &slot : impl.slots) {
        status.threads.push_back(slot->tid);
        if (!slot->running || status.active.size() >= listMost)
            continue;
        TaskInfo info = impl.infoOf(*slot->running->delivery.message);
        info.started = slot->running->started;
        info.thread = slot->tid;
        status.active.push_back(std::move(info));
    }
    status.abandoned = static_cast<unsigned>(
        std::ranges::count_if(impl.leaving, [](const auto &slot) { return slot->abandoned && !slot->done; }));
    for (std::size_t i = 0; i < impl.queue.size() && i < listMost; ++i)
        status.reserved.push_back(impl.infoOf(*impl.queue[i].message));
    for (const auto &entry : impl.scheduled) {
        if (status.scheduled.size() >= listMost)
            break;
        status.scheduled.push_back(impl.infoOf(*entry.second.message));
        status.scheduled.back().eta = entry.first;
    }
    return status;
}

WorkerCounters WorkerPool::counters() const
{
    const Impl &impl = *m_impl;
    WorkerCounters counters;
    counters.taken = impl.taken;
    counters.succeeded = impl.succeededCount;
    counters.failed = impl.failedCount;
    counters.retried = impl.retriedCount;
    counters.revoked = impl.revokedCount;
    counters.rejected = impl.refusals.total();
    counters.refused = impl.refusals.counts();
    counters.rejected += impl.outbox.unsent();
    counters.refused[std::size_t(Refused::FollowUp)] += impl.outbox.unsent();
    counters.restored = impl.lease.restored();
    counters.lost = impl.outbox.lost();
    counters.droppedResults = impl.outbox.dropped();
    counters.parked = impl.lease.parked();
    counters.copies = impl.copies + impl.outbox.copies();
    counters.emptySearches = impl.emptySearches;
    counters.ownCommands = impl.search.commands;
    counters.ownHits = impl.search.hits;
    counters.ownMisses = impl.search.misses;
    counters.ownBytes = impl.search.bytes;
    const Impl::Lock lock(impl.mutex);
    counters.active = impl.running;
    counters.reserved = impl.queue.size();
    counters.scheduled = impl.scheduled.size();
    counters.abandoned = static_cast<std::uint64_t>(
        std::ranges::count_if(impl.leaving, [](const auto &slot) { return slot->abandoned && !slot->done; }));
    return counters;
}

const TaskRegistry &WorkerPool::registry() const { return m_impl->registry; }

const WorkerOptions &WorkerPool::options() const { return m_impl->options; }

std::optional<Error> WorkerPool::problem() const
{
    for (auto problem : {m_impl->endTrouble.current(), m_impl->takeTrouble.current(), m_impl->asideTrouble.current(),
                         m_impl->lease.problem()})
        if (problem)
            return problem;
    const Impl::Lock lock(m_impl->mutex);
    std::string names; // of its queues, those that somebody has taken from it
    for (const std::string &queue : m_impl->options.queues)
        if (std::ranges::find(m_impl->queues, queue) == m_impl->queues.end())
            names.append(names.empty() ? "" : ", ").append(queue);
    if (names.empty() || m_impl->wanted == 0 || m_impl->heldBack)
        return std::nullopt;
    Error error =
        failure(ErrorKind::Unavailable,
                "This worker takes no tasks from " + names + ": it was told so by a control message (cancel_consumer).",
                "`celery control add_consumer` with the queue's name, or a restart, takes that back.");
    error.code = "queue-cancelled";
    return error;
}

const std::string &WorkerPool::node() const { return m_impl->node; }

void WorkerPool::observe(std::function<void(const TaskEvent &)> observer)
{
    m_impl->observers.push_back(std::move(observer));
}

} // namespace portolan::queue
