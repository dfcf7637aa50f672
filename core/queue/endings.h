#pragma once

#include "core/queue/canvas.h"
#include "core/queue/held.h"
#include "core/queue/results.h"
#include "core/queue/worker_common.h"

#include <boost/json/object.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

namespace portolan::queue {

/// What every end of a task has in common, whether it ran (Runner), was given up (Keeper) or never started (Taker):
/// what is kept for running it again, what a client wants to happen after it (Celery's canvas), who is told, and the
/// counts.
///
/// Any thread, with Held::mutex locked or not; its own mutex asks for no other. The observers are constant from
/// WorkerPool::start() on.
class Endings final
{
public:
    struct Counts
    {
        std::atomic<std::uint64_t> succeeded{0}, failed{0}, retried{0}, revoked{0};
    };

    explicit Endings(WorkerCommon &worker) : m_worker(worker) {}

    void observe(std::function<void(const TaskEvent &)> observer) { m_observers.push_back(std::move(observer)); }
    bool observed() const { return !m_observers.empty(); }
    void emit(const TaskEvent &event) const;
    void emit(const std::vector<TaskEvent> &events) const;
    /// An end is told of once its result is stored: who hears of it may look.
    void emitWhenStored(Outcome &outcome, TaskEvent event) const;

    void count(TaskEvent::Type type);
    const Counts &counts() const { return m_counts; }

    bool keepAllowed(); ///< whether another failed message may be kept

    /// What follows a task that returned `value`; `embed` is Payload::embed of its message.
    Result<FollowUps> following(const Delivery &delivery, const boost::json::object &embed,
                                const boost::json::value &value);
    /// Adds what follows one that did not succeed.
    void followFailure(Outcome &outcome, const Delivery &delivery, std::string_view state, const TaskFailure &failure);
    void setFollowing(Outcome &outcome, const Delivery &delivery, FollowUps next) const;

    /// Ends a task that never started here.
    void endUnrun(const Delivery &delivery, std::string_view state, const TaskFailure &failure, TaskEvent event);

private:
    CanvasSender canvasSender() const;
    void noteFollowing(const Delivery &delivery, const Error &error);

    WorkerCommon &m_worker;
    std::vector<std::function<void(const TaskEvent &)>> m_observers;
    Counts m_counts;
    std::mutex m_mutex; ///< of what follows
    SteadyTime m_keepWindow{};
    unsigned m_keptInWindow = 0;
};

} // namespace portolan::queue
