// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/results.h"
#include "core/storage/task_owner_store.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portolan::limits {
class Ceilings;
}
namespace portolan::queue {
class Broker;
struct TaskEvent;
} // namespace portolan::queue

namespace portolan::portal {

/// A task as its owner sees it: `GET /api/tasks/{id}`, and each event of the topic `tasks`.
struct Task
{
    std::string id;
    std::string name;
    std::optional<std::string> subject; ///< what it is about: an analysis's symbol
    std::string state; ///< Celery's names, PROGRESS, and EXPIRED for an end whose result is no longer kept
    std::optional<queue::Progress> progress;
    boost::json::value result; ///< of a SUCCESS, as the task returned it
    std::optional<queue::TaskFailure> error;
    WallTime created{};
    std::optional<WallTime> started;
    std::optional<WallTime> ended;
};
BOOST_DESCRIBE_STRUCT(Task, (), (id, name, subject, state, progress, result, error, created, started, ended))

struct TaskPage
{
    std::vector<Task> items;
    std::optional<std::string> nextCursor;
};
BOOST_DESCRIBE_STRUCT(TaskPage, (), (items, nextCursor))

/// The tasks users start: who owns which (database), what becomes of them (queue). Coroutines resume on the caller's
/// executor; any thread.
class TaskService final
{
public:
    struct Options
    {
        std::chrono::seconds resultsExpiry{900};
        std::chrono::seconds timeLimit{900};
        /// Task name → how many may be under way at once, and under which name they are counted. Absent: any number.
        struct Ceiling
        {
            std::string name;
            std::uint32_t most = 0;
        };
        std::map<std::string, Ceiling, std::less<>> ceilings;
        std::map<std::string, std::string, std::less<>> queues; ///< task name → queue; absent: `queue`
        std::string queue = "celery";
    };
    /// All references must outlive it.
    TaskService(storage::TaskOwnerStore &owners, queue::Broker &broker, limits::Ceilings &ceilings, const Clock &clock,
                Options options);
    ~TaskService();

    /// Takes a place under the ceiling, notes the owner, then enqueues; answers the id. RateLimited (code
    /// `concurrency`) at the ceiling, Full (`redis-full`), Unavailable while Redis or the database is away: then
    /// nothing was started.
    awaitable<Result<std::string>> start(Id owner, std::string name, boost::json::object kwargs);

    /// NotFound for an unknown or foreign id.
    awaitable<Result<Task>> find(Id owner, std::string id);
    /// Newest first; `limit` 1–100.
    awaitable<Result<TaskPage>> list(Id owner, std::uint32_t limit, std::string cursor);
    /// Revokes it, also while it runs. NotFound as find(); nothing happens to one that has ended.
    awaitable<Result<void>> revoke(Id owner, std::string id);

    /// What an event of the queue means for its owner. Nothing when the task is not `owner`'s.
    awaitable<Result<Task>> describe(Id owner, queue::TaskResult result);

    /// What one of our workers does with a task; for WorkerPool::observe(), does not block. Keeps its place under the
    /// ceiling when it starts, however long it waited, gives it back when it ends, and notes the end. Of tasks that
    /// other workers ran, the places are free by their results (limits::Ceilings), and noteEnds() notes the ends.
    void observe(const queue::TaskEvent &event, Executor executor);
    /// Notes the ends of the latest tasks that have a result, whoever ran them; oftener than results expire.
    awaitable<void> noteEnds();

    /// The channel topic (NewTask::notify) of a user's tasks.
    static std::string topicOf(Id owner);

private:
    awaitable<Result<storage::TaskOwner>> owned(Id owner, std::string id);
    awaitable<Result<storage::TaskOwner>> stored(Id owner, std::string id); ///< owned() without what is remembered
    awaitable<void> started(std::string name, std::string id);
    awaitable<void> forget(std::string id);
    awaitable<void> ended(std::string name, std::string id, WallTime at, bool ours);
    Task merge(const storage::TaskOwner &owner, queue::TaskResult result) const;

    storage::TaskOwnerStore &m_owners;
    queue::Broker &m_broker;
    limits::Ceilings &m_ceilings;
    const Clock &m_clock;
    const Options m_options;

    // Rows read lately: progress comes ten times a second, its owner never changes.
    static constexpr std::size_t maxCached = 10'000;
    std::mutex m_mutex;
    std::list<storage::TaskOwner> m_recent;
    std::unordered_map<std::string_view, std::list<storage::TaskOwner>::iterator> m_index;
};

} // namespace portolan::portal
