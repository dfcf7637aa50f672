#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"

#include <boost/asio/post.hpp>

#include <algorithm>

/// What a worker takes and does not run: tasks of names it does not know, which may be somebody else's, and whatever it
/// holds when it is to have no threads.
namespace portolan::queue {

namespace {

constexpr auto asideAgain = std::chrono::seconds(10); ///< what may be taken in between is run

} // namespace

bool WorkerPool::Impl::parkUnknown(const Delivery &delivery)
{
    if (!mayEndUnknown)
        return false;
    unknown.push_back(delivery);
    if (!deciding && !stopping) {
        deciding = true;
        ++loops;
        // Not from here: it may begin at once, and the mutex is held.
        asio::post(executor, [self = shared_from_this()] { self->spawnLoop(&Impl::decideUnknown); });
    }
    return true;
}

/// An answer is one of those that were taken before it was asked for: whose they are may have come since.
awaitable<void> WorkerPool::Impl::decideUnknown()
{
    for (;;) {
        std::string last;
        {
            const Lock lock(mutex);
            if (unknown.empty() || stopping) {
                deciding = false;
                co_return;
            }
            last = unknown.back().id;
        }
        const bool mayEnd = co_await mayEndUnknown();
        std::vector<Delivery> parked;
        {
            const Lock lock(mutex);
            auto end = std::ranges::find(unknown, last, &Delivery::id);
            if (end == unknown.end()) // it is no longer ours
                continue;
            ++end;
            parked.assign(std::make_move_iterator(unknown.begin()), std::make_move_iterator(end));
            unknown.erase(unknown.begin(), end);
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
            unsure = true;
    }
}

/// Messages without an id are kept for people to look at, within a bound. What finds no room stays where it was, and so
/// does all behind it: a queue full of them is most likely another program's.
void WorkerPool::Impl::seeAside(std::uint64_t putBack)
{
    if (putBack == 0) {
        asideTrouble.worked();
        return;
    }
    {
        const Lock lock(mutex);
        asideFullUntil = clock.steady() + asideAgain;
    }
    asideTrouble.failed(failure(ErrorKind::Full, "Messages that are no tasks lie in the queue, and the list " +
                                                     std::string(keys::putAside) +
                                                     " where they are kept aside is full: nothing is taken. If they "
                                                     "are another program's, give one of the two a "
                                                     "queue of its own (tasks.queue). Otherwise look at them (LRANGE " +
                                                     std::string(keys::putAside) + " 0 -1) and delete that list."));
}

/// Held back: what is ours already runs to its end, then the threads go. No threads wanted: nothing held would ever
/// start, so it goes back for others, or for later.
awaitable<void> WorkerPool::Impl::settleIdle()
{
    {
        const Lock lock(mutex);
        if (heldBack && wanted != 0 && running == 0 && queue.empty() && scheduled.empty()) {
            wanted = 0;
            ready.notify_all();
        }
        if (wanted != 0 || stopping || (queue.empty() && scheduled.empty()))
            co_return;
    }
    std::vector<Delivery> deliveries = takeBackUnstarted();
    const std::size_t held = deliveries.size();
    if (co_await release(std::move(deliveries)) != held)
        unsure = true; // noted as ours without our holding it: it is put back in a moment
}

} // namespace portolan::queue
