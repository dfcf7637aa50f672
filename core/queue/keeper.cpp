#include "core/base/logging.h"
#include "core/base/units.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>

namespace portolan::queue {

namespace {

constexpr auto tick = std::chrono::milliseconds(50);
constexpr auto straysApart = std::chrono::seconds(2);
constexpr auto touchEvery = std::chrono::seconds(30);
constexpr auto prefetchTime = std::chrono::milliseconds(50); ///< of work held when tasks end quickly
constexpr std::size_t touchBatch = 500;

std::string secondsText(std::chrono::milliseconds limit)
{
    std::string text = fixedText(double(limit.count()) / 1000, 6);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.'))
        text.pop_back();
    return text;
}

} // namespace

awaitable<void> WorkerPool::Impl::keepLoop()
{
    SteadyTime before = clock.steady();
    for (;;) {
        {
            const Lock lock(mutex);
            if (closing)
                co_return;
        }
        enforceLimits();
        releaseDue();
        refusals.tick();
        co_await settleIdle();
        const SteadyTime now = clock.steady();
        if (now - before >= tick) {
            adaptPrefetch(now - before);
            before = now;
        }
        reap();
        co_await timer->wait(tick);
    }
}

awaitable<void> WorkerPool::Impl::leaseLoop()
{
    SteadyTime touched = clock.steady();
    for (bool first = true;; first = false) {
        co_await lease.renew();
        co_await catchUpOnRevoked();
        if (first)
            hungry->notify();
        co_await giveBackStrays();
        co_await unparkDue();
        noteRunning();
        co_await noteHeld();
        tellCopies();
        tellForeign();
        if (clock.steady() - touched >= touchEvery) {
            touched = clock.steady();
            co_await touchHeld();
            redis::Command keep("EXPIRE", keys::held(instance), 3600);
            client.post(std::move(keep));
        }
        search.add(Lease::renewCommands, Lease::renewHits, 0, Lease::renewBytes);
        co_await leaseTimer->wait(lease.pause(holdsAnything()));
        const Lock lock(mutex);
        if (closing)
            co_return;
    }
}

/// Soft limits ask a task to stop, hard ones give it up: its result is FAILURE at once, its thread is replaced.
void WorkerPool::Impl::enforceLimits()
{
    std::vector<std::shared_ptr<Running>> toWarn;
    std::vector<std::shared_ptr<Running>> givenUp;
    std::vector<std::shared_ptr<TaskContext::State>> states;
    {
        const Lock lock(mutex);
        const SteadyTime now = clock.steady();
        for (std::size_t i = 0; i < slots.size();) {
            const std::shared_ptr<Slot> slot = slots[i];
            const std::shared_ptr<Running> task = slot->running;
            if (task && now >= task->hardAt) {
                slot->abandoned = true;
                slot->running.reset();
                --running;
                ++ended;
                ++totals[task->delivery.message->task];
                leaving.push_back(slot);
                slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(i));
                givenUp.push_back(task);
                continue;
            }
            if (task && !task->warned && now >= task->softAt) {
                task->warned = true;
                toWarn.push_back(task);
            }
            if (task)
                states.push_back(task->state);
            ++i;
        }
        if (!givenUp.empty() && !stopping)
            grow(lock);
    }
    for (const std::shared_ptr<TaskContext::State> &state : states)
        state->flushProgress();
    for (const std::shared_ptr<Running> &task : toWarn)
        task->state->stop.request_stop();
    for (const std::shared_ptr<Running> &task : givenUp) {
        {
            const std::lock_guard lock(task->state->mutex);
            task->state->closed = true;
        }
        task->state->stop.request_stop();
        const bool revoked = task->state->revoked;
        const TaskFailure why =
            revoked ? TaskFailure{"TaskRevokedError", "terminated", "celery.exceptions", {}}
                    : TaskFailure{"TimeLimitExceeded", secondsText(task->hardLimit), "billiard.exceptions", {}};
        Outcome outcome = failed(*task, revoked ? state::revoked : state::failure, why);
        ++(revoked ? revokedCount : failedCount);
        TaskEvent event{revoked ? TaskEvent::Type::Revoked : TaskEvent::Type::Failed, task->delivery.message,
                        clock.wall()};
        event.text = "TimeLimitExceeded(" + why.message + ")";
        event.terminated = revoked;
        event.runtime = std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - task->since);
        emitWhenStored(outcome, std::move(event));
        outbox.push(std::move(outcome));
    }
}

void WorkerPool::Impl::releaseDue()
{
    const Lock lock(mutex);
    const WallTime now = clock.wall();
    bool any = false;
    while (!scheduled.empty() && scheduled.begin()->first <= now) {
        dispatch(scheduled.take(scheduled.begin()));
        any = true;
    }
    if (any)
        ready.notify_all();
}

/// Celery's concurrency × multiplier, and more only while tasks end so quickly that a thread would wait for Redis.
void WorkerPool::Impl::adaptPrefetch(std::chrono::nanoseconds elapsed)
{
    const Lock lock(mutex);
    const double seconds = std::chrono::duration<double>(elapsed).count();
    rate += 0.5 * (double(ended - endedBefore) / seconds - rate);
    endedBefore = ended;
    const std::size_t least = std::size_t(wanted) * options.prefetchMultiplier;
    const auto quick = static_cast<std::size_t>(rate * std::chrono::duration<double>(prefetchTime).count());
    prefetch = std::clamp(quick, least, std::max(least, options.prefetchMost));
    if (lowWater != 0 && queue.size() + running < lowWater) {
        lowWater = 0;
        hungry->notify();
    }
}

void WorkerPool::Impl::reap()
{
    std::vector<std::shared_ptr<Slot>> done;
    {
        const Lock lock(mutex);
        const auto rest = std::partition(leaving.begin(), leaving.end(), [](const auto &slot) { return !slot->done; });
        done.assign(rest, leaving.end());
        leaving.erase(rest, leaving.end());
    }
    for (const std::shared_ptr<Slot> &slot : done)
        slot->thread.join(); // it is about to return
}

template <class F> void WorkerPool::Impl::forEachHeld(F visit) const
{
    for (const Delivery &delivery : queue)
        visit(delivery);
    for (const auto &entry : scheduled)
        visit(entry.second);
    for (const Delivery &delivery : unknown)
        visit(delivery);
    for (const std::shared_ptr<Slot> &slot : slots)
        if (slot->running)
            visit(slot->running->delivery);
}

std::vector<std::string> WorkerPool::Impl::heldDeliveries() const
{
    const Lock lock(mutex);
    std::vector<std::string> held;
    forEachHeld([&](const Delivery &delivery) { held.push_back(delivery.id); });
    return held;
}

std::vector<Record> WorkerPool::Impl::heldRecords() const
{
    const Lock lock(mutex);
    std::vector<Record> held;
    forEachHeld([&](const Delivery &delivery) { held.push_back({delivery.id, delivery.list}); });
    return held;
}

std::size_t WorkerPool::Impl::heldCount() const
{
    const Lock lock(mutex);
    return queue.size() + scheduled.size() + unknown.size() + running;
}

bool WorkerPool::Impl::holdsAnything() const
{
    const Lock lock(mutex);
    return running != 0 || !queue.empty() || !scheduled.empty() || outbox.size() != 0;
}

awaitable<void> WorkerPool::Impl::touchHeld()
{
    const std::vector<std::string> held = heldDeliveries();
    for (std::size_t i = 0; i < held.size(); i += touchBatch) {
        const std::vector<std::string_view> arguments(
            held.begin() + static_cast<std::ptrdiff_t>(i),
            held.begin() + static_cast<std::ptrdiff_t>(std::min(held.size(), i + touchBatch)));
        const std::array<std::string_view, 2> scriptKeys{keys::unackedIndex, keys::unacked};
        co_await client.eval(scripts.touch, scriptKeys, arguments);
    }
}

/// The answer to a taking may be lost, and a Redis that crashed may have forgotten the last second's endings: then
/// something is noted as ours that we do not hold, and as long as we live nobody else would care for it. What looks so
/// twice, two seconds apart (a call lasts one at most, so it is none that is on its way), goes back into its queue.
awaitable<void> WorkerPool::Impl::giveBackStrays()
{
    const std::uint64_t failures = outbox.failures();
    if (failures != failuresSeen)
        unsure = true;
    failuresSeen = failures;
    const SteadyTime now = clock.steady();
    if (!unsure || !lease.holds() || now - straysSince < straysApart)
        co_return;
    std::unordered_set<std::string> held;
    for (std::string &delivery : heldDeliveries())
        held.insert(std::move(delivery));
    outbox.addDeliveries(held);
    redis::Command command("HGETALL", keys::owned(instance));
    const Result<redis::Reply> owned = co_await client.run(std::move(command));
    if (!owned)
        co_return;
    std::unordered_set<std::string> seen;
    std::vector<Delivery> confirmed;
    for (std::size_t i = 0; i + 1 < owned->elements.size(); i += 2) {
        const std::string &delivery = owned->elements[i].text;
        const std::string &list = owned->elements[i + 1].text;
        if (held.contains(delivery))
            continue;
        seen.insert(delivery);
        if (strays.contains(delivery))
            confirmed.push_back(
                {delivery, list, closingOf(list.substr(0, list.find(keys::separator))).size(), nullptr});
    }
    const bool first = straysSince == SteadyTime{};
    strays = std::move(seen);
    straysSince = now;
    if (strays.empty() && !first) {
        unsure = false;
        straysSince = {};
    }
    if (confirmed.empty())
        co_return;
    const std::size_t released = co_await release(std::move(confirmed));
    if (options.logger)
        options.logger->warn("tasks taken in an answer that was lost were put back", {{"tasks", released}});
}

LeaseHolder WorkerPool::Impl::leaseHolder()
{
    return {.count = [this] { return heldCount(); },
            .held = [this] { return heldRecords(); },
            .onLapsed = [this](const std::unordered_set<std::string> &lost) { dropLapsed(lost); },
            .onMended = [this] { noteAgain(); }};
}

/// After the lease had ended: what others have put back is not ours to start any more.
void WorkerPool::Impl::dropLapsed(const std::unordered_set<std::string> &lost)
{
    const std::size_t held = heldCount() + outbox.size();
    // After each short outage, so only where it matters.
    if (options.logger && held != 0)
        options.logger->warn("the lease on taken tasks had ended",
                             {{"instance", instance}, {"held", held}, {"kept", held - std::min(held, lost.size())}});
    const Lock lock(mutex);
    const auto foreign = [&](const Delivery &delivery) { return lost.contains(delivery.id); };
    std::erase_if(queue, foreign);
    std::erase_if(unknown, foreign);
    scheduled.dropIf(foreign);
    unsure = true;
    hungry->notify();
}

} // namespace portolan::queue
