#include "core/queue/keys.h"
#include "core/queue/taker.h"

#include <algorithm>

/// What a worker takes and does not run: tasks of names it does not know, which may be somebody else's, and whatever it
/// holds when it is to have no threads.
namespace portolan::queue {

namespace {

constexpr auto asideAgain = std::chrono::seconds(10); ///< what may be taken in between is run

} // namespace

bool Taker::parkUnknown(const Delivery &delivery)
{
    if (!m_mayEndUnknown)
        return false;
    m_held.unknown.push_back(delivery);
    if (!m_deciding && !m_held.stopping) {
        m_deciding = true;
        m_loops.spawn([this] { return decideUnknown(); });
    }
    return true;
}

/// An answer is one of those that were taken before it was asked for: whose they are may have come since.
awaitable<void> Taker::decideUnknown()
{
    for (;;) {
        std::string last;
        {
            const Held::Lock lock(m_held.mutex);
            if (m_held.unknown.empty() || m_held.stopping) {
                m_deciding = false;
                co_return;
            }
            last = m_held.unknown.back().id;
        }
        const bool mayEnd = co_await m_mayEndUnknown();
        std::vector<Delivery> parked;
        {
            const Held::Lock lock(m_held.mutex);
            auto end = std::ranges::find(m_held.unknown, last, &Delivery::id);
            if (end == m_held.unknown.end()) // it is no longer ours
                continue;
            ++end;
            parked.assign(std::make_move_iterator(m_held.unknown.begin()), std::make_move_iterator(end));
            m_held.unknown.erase(m_held.unknown.begin(), end);
            if (mayEnd) {
                for (const Delivery &delivery : parked)
                    if (delivery.refusal)
                        refuse(delivery, *delivery.refusal);
                    else
                        dispatchable(delivery, Unknown::End);
            }
        }
        if (mayEnd)
            continue;
        const std::size_t held = parked.size();
        if (co_await release(std::move(parked)) != held)
            m_held.unsure = true;
    }
}

/// Messages without an id are kept for people to look at, within a bound. What finds no room stays where it was, and so
/// does all behind it: a queue full of them is most likely another program's.
void Taker::seeAside(std::uint64_t putBack)
{
    if (putBack == 0) {
        m_asideTrouble.worked();
        return;
    }
    {
        const Held::Lock lock(m_held.mutex);
        m_asideFullUntil = m_worker.clock.steady() + asideAgain;
    }
    m_asideTrouble.failed(failure(
        ErrorKind::Full, "Messages that are no tasks lie in the queue, and the list " + std::string(keys::putAside) +
                             " where they are kept aside is full: nothing is taken. If they "
                             "are another program's, give one of the two a "
                             "queue of its own (tasks.queue). Otherwise look at them (LRANGE " +
                             std::string(keys::putAside) + " 0 -1) and delete that list."));
}

/// Held back: what is ours already runs to its end, then the threads go. No threads wanted: nothing held would ever
/// start, so it goes back for others, or for later.
awaitable<void> Taker::settleIdle()
{
    {
        const Held::Lock lock(m_held.mutex);
        if (m_held.heldBack && m_held.wanted != 0 && m_held.running == 0 && m_held.queue.empty() &&
            m_held.scheduled.empty()) {
            m_held.wanted = 0;
            m_held.ready.notify_all();
        }
        if (m_held.wanted != 0 || m_held.stopping || (m_held.queue.empty() && m_held.scheduled.empty()))
            co_return;
    }
    std::vector<Delivery> deliveries = m_held.takeUnstarted();
    const std::size_t held = deliveries.size();
    if (co_await release(std::move(deliveries)) != held)
        m_held.unsure = true; // noted as ours without our holding it: it is put back in a moment
}

} // namespace portolan::queue
