#pragma once

#include "core/queue/alarm.h"
#include "core/queue/endings.h"
#include "core/queue/held.h"
#include "core/queue/notes.h"
#include "core/queue/records.h"
#include "core/queue/runner.h"
#include "core/queue/taker.h"
#include "core/queue/worker_common.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace portolan::queue {

/// Keeps what is held within its limits and ours in Redis: time limits, times that have come and how much is held in
/// keepLoop(); the lease, strays and notes in leaseLoop(). keeper.cpp says why nothing is lost.
///
/// Both loops run on the worker's executor, side by side: what one waits for does not hold up the other. The members of
/// each are its own. What the lease asks (LeaseHolder) comes from within leaseLoop(). Everything held is read under
/// Held::mutex, which Keeper takes itself; a Held::Lock argument wants it locked.
class Keeper final
{
public:
    Keeper(WorkerCommon &worker, Held &held, Endings &endings, Notes &notes, Taker &taker, Runner &runner);

    awaitable<void> keepLoop();           ///< until close()
    awaitable<void> leaseLoop();          ///< until close()
    void lookNow() { m_timer->notify(); } ///< wakes keepLoop()
    void close(const Held::Lock &lock);   ///< nothing is held any more: the loops end

    // LeaseHolder.
    std::size_t heldCount() const;
    std::vector<Record> heldRecords() const;
    void dropLapsed(const std::unordered_set<std::string> &lost);

private:
    // keepLoop()
    void enforceLimits();
    void endGivenUp(const Runner::Running &task);
    void adaptPrefetch(std::chrono::nanoseconds elapsed);

    // leaseLoop()
    awaitable<void> touchHeld();
    awaitable<void> giveBackStrays();

    template <class F> void forEachHeld(const Held::Lock &lock, F visit) const; ///< delivery
    std::vector<std::string> heldDeliveries() const;
    bool holdsAnything() const;

    WorkerCommon &m_worker;
    Held &m_held;
    Endings &m_endings;
    Notes &m_notes;
    Taker &m_taker;
    Runner &m_runner;
    const std::shared_ptr<Alarm> m_timer; ///< wakes keepLoop()

    bool m_closing = false; ///< under Held::mutex

    // Of keepLoop().
    std::uint64_t m_endedBefore = 0;
    double m_rate = 0; ///< tasks ended a second, smoothed

    // Of leaseLoop().
    std::uint64_t m_failuresSeen = 0;
    SteadyTime m_straysSince{};
    std::unordered_set<std::string> m_strays; ///< noted as ours and not held, when last looked
};

} // namespace portolan::queue
