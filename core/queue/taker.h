// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/trouble.h"
#include "core/queue/endings.h"
#include "core/queue/held.h"
#include "core/queue/notes.h"
#include "core/queue/revoked_ids.h"
#include "core/queue/task_rate.h"
#include "core/queue/worker_common.h"
#include "core/queue/worker_loops.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace portolan::queue {

/// From Redis to what is held: takes messages while there is room, refuses those that are no tasks, ends those that are
/// revoked or expired, keeps the others until their time, and gives back what is not to run here.
///
/// Its coroutines run on the worker's executor: loop(), one for names that nobody registered, and what Keeper's loops
/// call. All else is for any thread. Under Held::mutex, which a Held::Lock argument wants locked and all else free, lie
/// the queues, revocations and rate limits, and what Held has; the rest belongs to one loop each, as noted below.
class Taker final
{
public:
    struct Counts
    {
        std::atomic<std::uint64_t> taken{0};
        std::atomic<std::uint64_t> copies{0}; ///< messages recognised as copies of what is held or has ended
        std::atomic<std::uint64_t> emptySearches{0};
    };

    Taker(WorkerCommon &worker, Held &held, Endings &endings, Notes &notes, WorkerLoops &loops);

    // Before loop().
    void takeWhile(std::function<bool()> allowed) { m_mayTake = std::move(allowed); }
    void onUnknownTask(std::function<awaitable<bool>()> mayBeEnded) { m_mayEndUnknown = std::move(mayBeEnded); }

    awaitable<void> loop(); ///< until Held::stopping

    // The loops of Keeper.
    void releaseDue();                  ///< what is held for its time and due now becomes ready
    awaitable<void> unparkDue();        ///< what is parked and due soon goes back into its lists
    awaitable<void> settleIdle();       ///< what is held while there are to be no threads
    awaitable<void> catchUpOnRevoked(); ///< the revocations of the last 3 h that this worker did not hear

    /// Puts back what was taken, oldest first, as it was; answers how many. Others are put back with the lease.
    awaitable<std::size_t> release(std::vector<Delivery> deliveries);
    /// What closes an entry of `unacked`: the exchange ("", the anonymous one) and the routing key, by which kombu too
    /// would put the message back into the right queue.
    static std::string closingOf(const std::string &queue);

    /// What has not started of these ends now. Answers those that can be ids; views of what was passed.
    std::unordered_set<std::string_view> revoke(const Held::Lock &lock, const std::vector<std::string> &ids);
    RevokedList revokedIds(std::size_t atMost) const;
    void setRate(std::string_view task, std::chrono::nanoseconds interval); ///< 0: none
    bool addQueue(std::string queue);                                       ///< false: consumed already, or not a name
    bool cancelQueue(std::string_view queue);
    bool consumes(std::string_view queue) const;
    const std::vector<std::string> &queues(const Held::Lock &) const { return m_queues; }

    /// Told after each attempt to put messages aside how many found no room (Outbox).
    void seeAside(std::uint64_t putBack);
    std::optional<Error> problem() const;
    std::optional<Error> cancelled() const; ///< which of its queues somebody has taken from it
    const Counts &counts() const { return m_counts; }

private:
    using Events = std::vector<TaskEvent>;
    enum class Unknown { AskFirst, End };

    awaitable<bool> anythingWaits();
    bool rightsDue();
    std::size_t room(); ///< how many to take now; 0: wait
    awaitable<std::optional<std::size_t>> take(std::size_t most, bool &more);
    // Locked:
    void accept(std::string delivery, std::string list, std::size_t closing, std::string raw, Events &events);
    void refuse(const Delivery &delivery, const Error &error);
    void dispatch(Delivery delivery);
    bool dispatchable(const Delivery &delivery, Unknown unknownNames = Unknown::AskFirst);

    // taker_unknown.cpp
    bool parkUnknown(const Delivery &delivery); ///< locked; false: it may be ended at once
    awaitable<void> decideUnknown();

    // taker_park.cpp
    awaitable<void> parkLatest();
    std::vector<std::pair<WallTime, Delivery>> takeLatest(); ///< what is worth parking, out of `scheduled`

    WorkerCommon &m_worker;
    Held &m_held;
    Endings &m_endings;
    Notes &m_notes;
    WorkerLoops &m_loops;
    Trouble m_takeTrouble;
    Trouble m_asideTrouble;
    Counts m_counts;
    std::function<bool()> m_mayTake;                  ///< constant from loop() on; may be empty
    std::function<awaitable<bool>()> m_mayEndUnknown; ///< likewise

    // Under Held::mutex.
    std::vector<std::string> m_queues;
    RevokedIds m_revokedIds;
    std::map<std::string, TaskRate, std::less<>> m_rates;
    bool m_deciding = false;                         ///< decideUnknown() runs
    SteadyTime m_asideFullUntil = SteadyTime::min(); ///< nothing is taken until then

    // Of loop().
    std::uint64_t m_nextDelivery = 1;
    std::optional<std::uint64_t> m_rightsAskedOn; ///< the connection, by client.counters().reconnects
    SteadyTime m_rightsAskedAt{};
    SteadyTime m_parkAgain{}; ///< not before then
    std::optional<SteadyTime> m_toldParking;

    // Of catchUpOnRevoked().
    std::optional<std::uint64_t> m_revokedReadAt; ///< subscriber.connections() then
    SteadyTime m_revokedAt{};
};

} // namespace portolan::queue
