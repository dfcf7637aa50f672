// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/logging.h"
#include "core/queue/runner.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace portolan::queue {

namespace {

constexpr auto joinWithin = std::chrono::seconds(1);

} // namespace

void Runner::grow(const Held::Lock &)
{
    while (m_slots.size() < m_held.wanted) {
        auto slot = std::make_shared<Slot>();
        try {
            slot->thread = std::thread([this, self = m_owner.lock(), slot] { threadMain(slot); });
        } catch (const std::system_error &error) {
            if (m_worker.options.logger)
                m_worker.options.logger->error("no further thread for tasks", {{"error", error.what()}});
            m_held.wanted = static_cast<unsigned>(m_slots.size());
            return;
        }
        m_slots.push_back(std::move(slot));
    }
}

void Runner::threadMain(const std::shared_ptr<Slot> &slot)
{
    pthread_setname_np(pthread_self(), "task");
    Held::Lock lock(m_held.mutex);
    slot->tid = gettid();
    while (const Task running = next(lock, *slot)) {
        lock.unlock();
        execute(*slot, *running);
        lock.lock();
        if (slot->abandoned)
            break;
    }
    slot->done = true;
    if (const auto mine = std::ranges::find(m_slots, slot); mine != m_slots.end()) {
        m_leaving.push_back(slot);
        m_slots.erase(mine);
    }
    m_held.idle.notify_all();
}

/// The next task for this thread; null when the thread is to end.
Runner::Task Runner::next(Held::Lock &lock, Slot &slot)
{
    for (;;) {
        if (m_held.stopping || m_slots.size() > m_held.wanted)
            return nullptr;
        if (!m_held.queue.empty()) {
            if (m_worker.lease.holds())
                break;
            m_held.ready.wait_for(lock, std::chrono::milliseconds(50)); // Redis is away: others may be given our tasks
        } else {
            m_held.ready.wait(lock);
        }
    }
    slot.running = started(std::move(m_held.queue.front()), slot.tid);
    m_held.queue.pop_front();
    ++m_held.running;
    m_held.askForMore();
    return slot.running;
}

Runner::Task Runner::started(Delivery delivery, int thread) const
{
    auto running = std::make_shared<Running>();
    running->delivery = std::move(delivery);
    running->thread = thread;
    const Message &message = *running->delivery.message;
    running->entry = m_worker.registry.find(message.task);
    running->started = m_worker.clock.wall();
    running->since = m_worker.clock.steady();
    const auto changed = m_limits.find(message.task);
    const Limits known = changed == m_limits.end() ? Limits{} : changed->second;
    const auto first = [](auto a, auto b, auto c, auto d) { return a ? a : b ? b : c ? c : d; };
    const std::optional<std::chrono::milliseconds> worker = m_worker.options.hardLimit;
    running->hardLimit = *first(message.hardLimit, known.hard, running->entry->options.hardLimit, worker);
    const std::chrono::milliseconds soft =
        first(message.softLimit, known.soft, running->entry->options.softLimit, m_worker.options.softLimit)
            .value_or(running->hardLimit -
                      std::min<std::chrono::milliseconds>(running->hardLimit / 10, std::chrono::seconds(30)));
    running->hardAt = running->since + running->hardLimit;
    running->softAt = running->since + soft;
    running->state = std::make_shared<TaskContext::State>(m_worker.executor, m_worker.clock, running->delivery.message);
    running->state->delivery = running->delivery.id;
    running->state->deadline = running->hardAt;
    return running;
}

/// Takes the task off the thread and counts it, unless it was given up: then nothing more may be written for it.
bool Runner::settle(Slot &slot, const std::string &name, Outcome outcome)
{
    const std::lock_guard lock(m_held.mutex);
    if (slot.abandoned)
        return false;
    m_worker.outbox.push(std::move(outcome));
    slot.running.reset();
    --m_held.running;
    ++m_ended;
    if (const auto total = m_totals.find(name); total != m_totals.end())
        ++total->second;
    else
        m_totals.emplace(name, 1);
    m_held.askForMore();
    if (m_held.stopping)
        m_held.idle.notify_all();
    return true;
}

void Runner::setLimits(std::string_view task, std::optional<std::chrono::milliseconds> soft,
                       std::optional<std::chrono::milliseconds> hard)
{
    const Held::Lock lock(m_held.mutex);
    m_limits.insert_or_assign(std::string(task), Limits{soft, hard});
}

Runner::PastLimits Runner::takePastLimits()
{
    PastLimits past;
    const Held::Lock lock(m_held.mutex);
    const SteadyTime now = m_worker.clock.steady();
    for (std::size_t i = 0; i < m_slots.size();) {
        const std::shared_ptr<Slot> slot = m_slots[i];
        const Task task = slot->running;
        if (task && now >= task->hardAt) {
            slot->abandoned = true;
            slot->running.reset();
            --m_held.running;
            m_held.idle.notify_all(); // a stop waits for none to run
            ++m_ended;
            ++m_totals[task->delivery.message->task];
            m_leaving.push_back(slot);
            m_slots.erase(m_slots.begin() + static_cast<std::ptrdiff_t>(i));
            past.hard.push_back(task);
            continue;
        }
        if (task && !task->warned && now >= task->softAt) {
            task->warned = true;
            past.soft.push_back(task);
        }
        if (task)
            past.running.push_back(task);
        ++i;
    }
    if (!past.hard.empty() && !m_held.stopping)
        grow(lock);
    return past;
}

std::vector<Delivery> Runner::giveUpAll()
{
    std::vector<Task> tasks;
    std::vector<Delivery> deliveries;
    {
        const Held::Lock lock(m_held.mutex);
        for (const std::shared_ptr<Slot> &slot : m_slots) {
            if (slot->running) {
                slot->abandoned = true;
                deliveries.push_back(slot->running->delivery);
                tasks.push_back(std::move(slot->running));
                --m_held.running;
            }
            m_leaving.push_back(slot);
        }
        m_slots.clear();
    }
    for (const Task &task : tasks) {
        task->state->close();
        task->state->stop.request_stop();
    }
    return deliveries;
}

void Runner::reap()
{
    std::vector<std::shared_ptr<Slot>> done;
    {
        const Held::Lock lock(m_held.mutex);
        const auto rest =
            std::partition(m_leaving.begin(), m_leaving.end(), [](const auto &slot) { return !slot->done; });
        done.assign(rest, m_leaving.end());
        m_leaving.erase(rest, m_leaving.end());
    }
    for (const std::shared_ptr<Slot> &slot : done)
        slot->thread.join(); // it is about to return
}

void Runner::join()
{
    std::vector<std::shared_ptr<Slot>> threads;
    {
        Held::Lock lock(m_held.mutex);
        m_held.idle.wait_for(lock, joinWithin, [this] {
            return m_slots.empty() && std::ranges::all_of(m_leaving, [](const auto &slot) { return slot->done; });
        });
        for (const std::shared_ptr<Slot> &slot : m_leaving)
            if (slot->done)
                threads.push_back(slot);
        std::erase_if(m_leaving, [](const auto &slot) { return slot->done; });
        for (const std::shared_ptr<Slot> &slot : m_leaving)
            slot->thread.detach(); // inside a task that does not return; it keeps what it uses alive
    }
    for (const std::shared_ptr<Slot> &slot : threads)
        slot->thread.join();
}

std::vector<int> Runner::threads(const Held::Lock &) const
{
    std::vector<int> ids;
    for (const std::shared_ptr<Slot> &slot : m_slots)
        ids.push_back(slot->tid);
    return ids;
}

std::size_t Runner::abandoned(const Held::Lock &) const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(m_leaving, [](const auto &slot) { return slot->abandoned && !slot->done; }));
}

} // namespace portolan::queue
