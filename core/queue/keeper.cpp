// How a worker keeps what it holds within its limits and ours. Why nothing is lost with a worker that dies is told in
// lease.cpp, and with an answer to an end in outbox.cpp.
//
// What a worker has taken is known in three places: here (Held, the threads of Runner, and Outbox for what has ended),
// in `unacked` with its message, and in q:o:<instance> with the list it came from. The scripts change the two in Redis
// in one step, so they agree with each other; here and there may differ, and each difference is found from here.
//
// Strays: Redis has it as ours, and we do not hold it. The answer to a taking, to putting back or to parking was lost,
// a Redis that crashed has forgotten the last second's ends, or the lease had ended for a while. As long as we live
// nobody else would care for it. So whatever may have that outcome sets Held::unsure, and while it is set the lease
// loop asks for all of q:o:<instance>. What is in there and neither held nor on its way to Redis in the outbox is a
// stray once it was seen so twice, two seconds apart: what is held is listed before Redis is asked, and a call lasts a
// second at most (parking two), so what was on its way at the first look has come or is lost at the second. A stray
// goes back into its list as it was, about three seconds after Redis answers again, and the looks end with one that
// finds none. An end that Redis forgot makes the task run again; an answer that comes too late is never read, so
// nothing runs twice by this.
//
// Notes that were deleted: we hold it, and Redis does not say so any more. Each renewal of the lease counts what is
// noted in q:o:<instance>; with fewer than are held the missing ones are written again, from what is held, as far as
// `unacked` still has them (Lease, Records), and with them q:h:<instance>, which most likely was deleted too. What has
// left `unacked` cannot be noted again: somebody has put it back, or deleted it. It runs all the same, and of its end
// only a success counts (outbox.cpp); only after the lease had ended is it not started any more (dropLapsed()).
//
// Copies: we hold it, and another program puts the message back into its queue. kombu does so with all whose time in
// unacked_index is further back than its visibility timeout. Against that take.lua writes that time an hour ahead, and
// every 30 s what is held and nearer than half an hour is moved on (touch.lua). Behind it is a second line, for a
// program whose clock is wrong or whose timeout is shorter than our tasks: what is held for its time, or has run for a
// second, is noted in q:h:<instance> by task id (Notes). By that take.lua recognises a message marked as redelivered
// that a living instance holds, and puts it back to where it was held; finish.lua sees that a noted task's message has
// left `unacked` and leaves a mark, q:x:<task id>, by which the copy is dropped when it comes. Notes and marks live
// for an hour, notes as long as something is held. A copy that neither recognises runs as well, and the first success
// that is stored stays.
//
// Time limits are looked at every 50 ms. A task over its hard limit ends as FAILURE at once and its thread is
// replaced; what it still does nobody sees: its end was taken from it under Held::mutex, the same by which the thread
// would end it, so one of the two counts. Such threads remain until their handler returns.

#include "core/queue/keeper.h"

#include "core/base/logging.h"
#include "core/base/units.h"
#include "core/queue/keys.h"
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

Keeper::Keeper(WorkerCommon &worker, Held &held, Endings &endings, Notes &notes, Taker &taker, Runner &runner)
    : m_worker(worker),
      m_held(held),
      m_endings(endings),
      m_notes(notes),
      m_taker(taker),
      m_runner(runner),
      m_timer(std::make_shared<Alarm>(worker.executor))
{}

void Keeper::close(const Held::Lock &)
{
    m_closing = true;
    m_timer->notify();
    m_held.leaseTimer->notify();
}

awaitable<void> Keeper::keepLoop()
{
    SteadyTime before = m_worker.clock.steady();
    for (;;) {
        {
            const Held::Lock lock(m_held.mutex);
            if (m_closing)
                co_return;
        }
        enforceLimits();
        m_taker.releaseDue();
        m_worker.refusals.tick();
        co_await m_taker.settleIdle();
        const SteadyTime now = m_worker.clock.steady();
        if (now - before >= tick) {
            adaptPrefetch(now - before);
            before = now;
        }
        m_runner.reap();
        co_await m_timer->wait(tick);
    }
}

awaitable<void> Keeper::leaseLoop()
{
    SteadyTime touched = m_worker.clock.steady();
    for (bool first = true;; first = false) {
        co_await m_worker.lease.renew();
        co_await m_taker.catchUpOnRevoked();
        if (first)
            m_held.hungry->notify();
        co_await giveBackStrays();
        co_await m_taker.unparkDue();
        m_notes.addRunning(m_runner);
        co_await m_notes.send();
        m_notes.tellCopies(m_taker.counts().copies + m_worker.outbox.copies());
        m_notes.tellForeign();
        if (m_worker.clock.steady() - touched >= touchEvery) {
            touched = m_worker.clock.steady();
            co_await touchHeld();
            redis::Command keep("EXPIRE", keys::held(m_worker.instance), 3600);
            m_worker.client.post(std::move(keep));
        }
        m_worker.search.add(Lease::renewCommands, Lease::renewHits, 0, Lease::renewBytes);
        co_await m_held.leaseTimer->wait(m_worker.lease.pause(holdsAnything()));
        const Held::Lock lock(m_held.mutex);
        if (m_closing)
            co_return;
    }
}

/// Soft limits ask a task to stop, hard ones give it up: its result is FAILURE at once, its thread is replaced.
void Keeper::enforceLimits()
{
    const Runner::PastLimits past = m_runner.takePastLimits();
    for (const Runner::Task &task : past.running)
        task->state->flushProgress();
    for (const Runner::Task &task : past.soft)
        task->state->stop.request_stop();
    for (const Runner::Task &task : past.hard)
        endGivenUp(*task);
}

void Keeper::endGivenUp(const Runner::Running &task)
{
    task.state->close();
    task.state->stop.request_stop();
    const bool revoked = task.state->revoked;
    const TaskFailure why =
        revoked ? TaskFailure{"TaskRevokedError", "terminated", "celery.exceptions", {}}
                : TaskFailure{"TimeLimitExceeded", secondsText(task.hardLimit), "billiard.exceptions", {}};
    Outcome outcome = m_runner.failed(task, revoked ? state::revoked : state::failure, why);
    const TaskEvent::Type type = revoked ? TaskEvent::Type::Revoked : TaskEvent::Type::Failed;
    m_endings.count(type);
    TaskEvent event{type, task.delivery.message, m_worker.clock.wall()};
    event.text = "TimeLimitExceeded(" + why.message + ")";
    event.terminated = revoked;
    event.runtime = std::chrono::duration_cast<std::chrono::microseconds>(m_worker.clock.steady() - task.since);
    m_endings.emitWhenStored(outcome, std::move(event));
    m_worker.outbox.push(std::move(outcome));
}

/// Celery's concurrency × multiplier, and more only while tasks end so quickly that a thread would wait for Redis.
void Keeper::adaptPrefetch(std::chrono::nanoseconds elapsed)
{
    const Held::Lock lock(m_held.mutex);
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const std::uint64_t ended = m_runner.ended(lock);
    m_rate += 0.5 * (double(ended - m_endedBefore) / seconds - m_rate);
    m_endedBefore = ended;
    const std::size_t least = std::size_t(m_held.wanted) * m_worker.options.prefetchMultiplier;
    const auto quick = static_cast<std::size_t>(m_rate * std::chrono::duration<double>(prefetchTime).count());
    m_held.prefetch = std::clamp(quick, least, std::max(least, m_worker.options.prefetchMost));
    m_held.askForMore();
}

template <class F> void Keeper::forEachHeld(const Held::Lock &lock, F visit) const
{
    for (const Delivery &delivery : m_held.queue)
        visit(delivery);
    for (const auto &entry : m_held.scheduled)
        visit(entry.second);
    for (const Delivery &delivery : m_held.unknown)
        visit(delivery);
    m_runner.forEachRunning(lock, [&](const Runner::Running &running) { visit(running.delivery); });
}

std::vector<std::string> Keeper::heldDeliveries() const
{
    const Held::Lock lock(m_held.mutex);
    std::vector<std::string> held;
    forEachHeld(lock, [&](const Delivery &delivery) { held.push_back(delivery.id); });
    return held;
}

std::vector<Record> Keeper::heldRecords() const
{
    const Held::Lock lock(m_held.mutex);
    std::vector<Record> held;
    forEachHeld(lock, [&](const Delivery &delivery) { held.push_back({delivery.id, delivery.list}); });
    return held;
}

std::size_t Keeper::heldCount() const
{
    const Held::Lock lock(m_held.mutex);
    return m_held.queue.size() + m_held.scheduled.size() + m_held.unknown.size() + m_held.running;
}

bool Keeper::holdsAnything() const
{
    const Held::Lock lock(m_held.mutex);
    return m_held.running != 0 || !m_held.queue.empty() || !m_held.scheduled.empty() || m_worker.outbox.size() != 0;
}

awaitable<void> Keeper::touchHeld()
{
    const std::vector<std::string> held = heldDeliveries();
    for (std::size_t i = 0; i < held.size(); i += touchBatch) {
        const std::vector<std::string_view> arguments(
            held.begin() + static_cast<std::ptrdiff_t>(i),
            held.begin() + static_cast<std::ptrdiff_t>(std::min(held.size(), i + touchBatch)));
        const std::array<std::string_view, 2> scriptKeys{keys::unackedIndex, keys::unacked};
        co_await m_worker.client.eval(m_worker.scripts.touch, scriptKeys, arguments);
    }
}

awaitable<void> Keeper::giveBackStrays()
{
    const std::uint64_t failures = m_worker.outbox.failures();
    if (failures != m_failuresSeen)
        m_held.unsure = true;
    m_failuresSeen = failures;
    const SteadyTime now = m_worker.clock.steady();
    if (!m_held.unsure || !m_worker.lease.holds() || now - m_straysSince < straysApart)
        co_return;
    std::unordered_set<std::string> held;
    for (std::string &delivery : heldDeliveries())
        held.insert(std::move(delivery));
    m_worker.outbox.addDeliveries(held);
    redis::Command command("HGETALL", keys::owned(m_worker.instance));
    const Result<redis::Reply> owned = co_await m_worker.client.run(std::move(command));
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
        if (m_strays.contains(delivery))
            confirmed.push_back(
                {delivery, list, Taker::closingOf(list.substr(0, list.find(keys::separator))).size(), nullptr});
    }
    const bool first = m_straysSince == SteadyTime{};
    m_strays = std::move(seen);
    m_straysSince = now;
    if (m_strays.empty() && !first) {
        m_held.unsure = false;
        m_straysSince = {};
    }
    if (confirmed.empty())
        co_return;
    const std::size_t released = co_await m_taker.release(std::move(confirmed));
    if (m_worker.options.logger)
        m_worker.options.logger->warn("tasks taken in an answer that was lost were put back", {{"tasks", released}});
}

/// After the lease had ended: what others have put back is not ours to start any more.
void Keeper::dropLapsed(const std::unordered_set<std::string> &lost)
{
    const std::size_t held = heldCount() + m_worker.outbox.size();
    // After each short outage, so only where it matters.
    if (m_worker.options.logger && held != 0)
        m_worker.options.logger->warn(
            "the lease on taken tasks had ended",
            {{"instance", m_worker.instance}, {"held", held}, {"kept", held - std::min(held, lost.size())}});
    const Held::Lock lock(m_held.mutex);
    const auto foreign = [&](const Delivery &delivery) { return lost.contains(delivery.id); };
    std::erase_if(m_held.queue, foreign);
    std::erase_if(m_held.unknown, foreign);
    m_held.scheduled.dropIf(foreign);
    m_held.unsure = true;
    m_held.hungry->notify();
}

} // namespace portolan::queue
