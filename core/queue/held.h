#pragma once

#include "core/base/asio.h"
#include "core/queue/alarm.h"
#include "core/queue/message.h"
#include "core/queue/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace portolan::queue {

/// A message taken from Redis and not yet ended.
struct Delivery
{
    std::string id;                         ///< its name in `unacked`
    std::string list;                       ///< where it came from
    std::size_t closing = 0;                ///< bytes after the message in its entry of `unacked`
    std::shared_ptr<const Message> message; ///< null only where nothing but `id` matters
    bool counted = false;                   ///< its starts are counted in Redis
    bool rateTaken = false;                 ///< has its token of a rate limit
    std::optional<Error> refusal{};         ///< what is wrong with the message
};

/// Deliveries held until a time, and what their messages weigh.
class HeldDeliveries final
{
public:
    using Map = std::multimap<WallTime, Delivery>;

    void add(WallTime at, Delivery delivery)
    {
        m_bytes += weightOf(delivery);
        m_held.emplace(at, std::move(delivery));
    }
    Delivery take(Map::const_iterator which)
    {
        Map::node_type node = m_held.extract(which);
        m_bytes -= weightOf(node.mapped());
        return std::move(node.mapped());
    }
    std::vector<Delivery> takeAll()
    {
        std::vector<Delivery> all;
        while (!m_held.empty())
            all.push_back(take(m_held.begin()));
        return all;
    }
    template <class F> void dropIf(F isOut)
    {
        for (auto at = m_held.begin(); at != m_held.end();) {
            const auto next = std::next(at);
            if (isOut(at->second))
                (void)take(at);
            at = next;
        }
    }
    /// Over `times` times what the options allow.
    bool over(const WorkerOptions &options, std::size_t times) const
    {
        return m_held.size() > times * options.scheduledMost || m_bytes > times * options.scheduledBytes;
    }

    Map::const_iterator begin() const { return m_held.begin(); }
    Map::const_iterator end() const { return m_held.end(); }
    bool empty() const { return m_held.empty(); }
    std::size_t size() const { return m_held.size(); }

private:
    static std::size_t weightOf(const Delivery &delivery)
    {
        return delivery.message ? delivery.message->raw.size() : 0;
    }

    Map m_held;
    std::size_t m_bytes = 0;
};

/// What a worker holds, but for what its threads run (Runner), and how much that may be. Taker fills it, Runner empties
/// it, Keeper keeps it ours.
///
/// One mutex for all three, so that a task on its way from one to the other is seen in exactly one place: the lease
/// compares how many are held with how many are noted in Redis, and takes one too few for a note that was deleted. Each
/// part's own members that must agree with these lie under it too; its header says which.
///
/// Order of locks: this mutex first, then that of Outbox, Refusals, Endings, WorkerLoops, the subscriber or the logger:
/// none of these calls back while its own is locked. Likewise the mutex of a running task (TaskContext::State) comes
/// before Outbox's; it is never taken together with this one.
struct Held
{
    using Lock = std::unique_lock<std::mutex>;

    explicit Held(Executor executor)
        : hungry(std::make_shared<Alarm>(executor)), leaseTimer(std::make_shared<Alarm>(executor))
    {}

    /// Everything that has not started; it is not held any more.
    std::vector<Delivery> takeUnstarted()
    {
        const Lock lock(mutex);
        std::vector<Delivery> deliveries(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
        std::ranges::move(scheduled.takeAll(), std::back_inserter(deliveries));
        std::ranges::move(unknown, std::back_inserter(deliveries));
        unknown.clear();
        queue.clear();
        return deliveries;
    }

    void askForMore() ///< wakes Taker where it waits for room and there is some now; locked
    {
        if (lowWater == 0 || queue.size() + running >= lowWater)
            return;
        lowWater = 0;
        hungry->notify();
    }

    const std::shared_ptr<Alarm> hungry;     ///< wakes Taker
    const std::shared_ptr<Alarm> leaseTimer; ///< wakes Keeper to look at the lease
    /// An answer of Redis was lost: something may be ours without our knowing. Keeper looks for it.
    std::atomic<bool> unsure{false};

    mutable std::mutex mutex;      ///< of everything below
    std::condition_variable ready; ///< there is work, or less to do
    std::condition_variable idle;  ///< a thread has ended its task
    std::deque<Delivery> queue;    ///< ready to run
    HeldDeliveries scheduled;      ///< for their time
    std::vector<Delivery> unknown; ///< of names nobody registered, until it is known what may be done with them
    std::size_t running = 0;       ///< tasks on threads; Runner counts them
    bool stopping = false;         ///< nothing is taken or started any more
    bool heldBack = false;         ///< WorkerPool::holdBack()
    unsigned wanted = 0;           ///< threads
    std::size_t prefetch = 0;      ///< tasks that may be held, without scheduled ones
    std::size_t lowWater = 0;      ///< held tasks below which `hungry` is rung; 0: nobody waits for it
    /// Task id and delivery of what is held for long and is to be noted (Notes).
    std::vector<std::pair<std::string, std::string>> toNote;
};

} // namespace portolan::queue
