#pragma once

#include "core/queue/endings.h"
#include "core/queue/held.h"
#include "core/queue/task_context.h"
#include "core/queue/worker_common.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace portolan::queue {

/// The threads of a worker: each takes the next task that is ready (Held::queue), runs its handler and ends it, with
/// what is to follow it. Which of them pass their time limit Keeper finds out; a thread whose task was given up is
/// replaced, and what its task still returns counts for nothing.
///
/// Handlers run on these threads, with no lock. Everything public may be called from any thread; what takes a lock as
/// an argument wants Held::mutex, all else wants it free. Under it lie the threads and all that is known of the tasks
/// on them. Of a Running only `delivery` and `warned` change, under Held::mutex; `state` says itself whose its members
/// are.
class Runner final
{
public:
    struct Running
    {
        Delivery delivery;
        const TaskRegistry::Entry *entry = nullptr;
        std::shared_ptr<TaskContext::State> state;
        WallTime started{};
        SteadyTime since{};
        SteadyTime softAt{};
        SteadyTime hardAt{};
        std::chrono::milliseconds hardLimit{0};
        bool warned = false; ///< the soft limit has passed
        int thread = 0;      ///< its id
    };
    using Task = std::shared_ptr<Running>;

    Runner(WorkerCommon &worker, Held &held, Endings &endings) : m_worker(worker), m_held(held), m_endings(endings) {}

    /// What threads keep alive, those too that are left behind in a task that does not return. Once, before grow().
    void keepAlive(std::weak_ptr<void> owner) { m_owner = std::move(owner); }
    void grow(const Held::Lock &lock); ///< up to Held::wanted threads

    /// Of tasks started from now on; none: what the task or the worker says.
    void setLimits(std::string_view task, std::optional<std::chrono::milliseconds> soft,
                   std::optional<std::chrono::milliseconds> hard);

    struct PastLimits
    {
        std::vector<Task> soft;    ///< its soft limit, since the last call
        std::vector<Task> hard;    ///< given up: no thread has it any more, and the caller ends it
        std::vector<Task> running; ///< all that threads still have, those of `soft` too
    };
    PastLimits takePastLimits();
    /// The end of a task that ran and did not succeed.
    Outcome failed(const Running &running, std::string_view state, const TaskFailure &failure);

    std::vector<Delivery> giveUpAll(); ///< asks every task to stop, and forgets it: answers what the caller puts back
    void reap();                       ///< joins threads that have ended
    void join();                       ///< all of them; those still inside a task after a second are left behind

    template <class F> void forEachRunning(const Held::Lock &, F visit) const
    {
        for (const std::shared_ptr<Slot> &slot : m_slots)
            if (slot->running)
                visit(*slot->running);
    }
    std::vector<int> threads(const Held::Lock &lock) const; ///< ids of those that take tasks
    std::size_t abandoned(const Held::Lock &lock) const;    ///< threads whose task was given up and has not returned
    std::size_t leftBehind(const Held::Lock &) const { return m_leaving.size(); } ///< after join()
    std::uint64_t ended(const Held::Lock &) const { return m_ended; }             ///< tasks, since the start
    const std::map<std::string, std::uint64_t, std::less<>> &totals(const Held::Lock &) const { return m_totals; }

private:
    struct Slot
    {
        std::thread thread;
        int tid = 0;
        bool done = false;      ///< has nothing more to do than to return
        bool abandoned = false; ///< its task was given up: what it returns counts for nothing
        Task running;
    };
    struct Limits
    {
        std::optional<std::chrono::milliseconds> soft;
        std::optional<std::chrono::milliseconds> hard;
    };

    // runner_threads.cpp
    void threadMain(const std::shared_ptr<Slot> &slot);
    Task next(Held::Lock &lock, Slot &slot);
    Task started(Delivery delivery, int thread) const;
    bool settle(Slot &slot, const std::string &name, Outcome outcome); ///< false: it was given up meanwhile

    // runner.cpp
    void execute(Slot &slot, Running &running);
    bool startAllowed(Running &running); ///< false: started too often
    Outcome concluded(Running &running, const Result<boost::json::value> &result, TaskEvent &event);
    ResultOrigin originOf(const Running &running) const;
    Outcome stateOf(const Running &running, std::string_view state, std::string_view result);
    bool mayBeNoted(const Running &running) const;
    Outcome succeeded(const Running &running, const boost::json::value &value, FollowUps next);
    std::optional<Outcome> retried(Running &running, const Error &error, TaskEvent &event);
    void tellEnd(Outcome &outcome, TaskEvent event, Result<boost::json::value> value, SteadyTime since);

    WorkerCommon &m_worker;
    Held &m_held;
    Endings &m_endings;
    std::weak_ptr<void> m_owner;

    // Under Held::mutex.
    std::vector<std::shared_ptr<Slot>> m_slots;   ///< threads that take tasks
    std::vector<std::shared_ptr<Slot>> m_leaving; ///< threads that are to be joined
    std::map<std::string, Limits, std::less<>> m_limits;
    std::map<std::string, std::uint64_t, std::less<>> m_totals; ///< tasks ended, by name
    std::uint64_t m_ended = 0;
};

} // namespace portolan::queue
