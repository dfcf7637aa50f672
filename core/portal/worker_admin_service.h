// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/base/kept_answer.h"
#include "core/portal/audit_log.h"
#include "core/queue/broker.h"
#include "core/queue/queue_directory.h"
#include "core/storage/task_owner_store.h"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace portolan::queue {
class RemoteClient;
class WorkerPool;
} // namespace portolan::queue

namespace portolan::portal {

/// What operators do with workers and tasks; each change writes one audit entry. Coroutines resume on the caller's
/// executor; any thread.
class WorkerAdminService final
{
public:
    /// All references outlive it. `remote` reaches the workers of other instances, and Celery's.
    WorkerAdminService(queue::Broker &broker, queue::WorkerPool &pool, queue::RemoteClient &remote,
                       storage::TaskOwnerStore &owners, AuditLog &audit, const Clock &clock,
                       std::vector<std::string> queues);

    /// Where else something waits than in our own queues, and how long an answer that costs Redis something is kept (0:
    /// not at all; any change made here makes it anew). Before the first call.
    void connect(const queue::QueueDirectory &queues, std::chrono::milliseconds answersKept);
    /// Tells which of these tasks are known to be nowhere, neither in these queues nor elsewhere. Before the first
    /// call; without it every task may be somewhere.
    using Gone = std::function<awaitable<Result<std::vector<std::string>>>(std::vector<std::string> ids,
                                                                           std::vector<std::string> queues)>;
    void tellGoneBy(Gone gone) { m_gone = std::move(gone); }
    std::uint64_t changes() const { return m_changes; } ///< made here so far

    struct Worker
    {
        std::string node;
        bool here = false;                           ///< this process's pool
        std::uint64_t concurrency = 0;               ///< threads or processes that run tasks
        std::uint64_t active = 0;                    ///< tasks running
        std::map<std::string, std::uint64_t> totals; ///< tasks ended, by name
        std::vector<std::string> queues;             ///< only of this process's pool
    };
    /// Every worker that answers within a second, this process's first.
    awaitable<Result<std::vector<Worker>>> workers();

    /// Sets how many tasks run at once: of this process's pool, or of the `node` named (by growing or shrinking it from
    /// its present size). 0–1024; Invalid otherwise. NotFound: no such node answers. Shrinking ends no running task.
    /// A worker that holds back because others use its queues takes tasks from then on, until its process ends.
    awaitable<Result<void>> resize(Actor actor, std::uint32_t concurrency, std::string node = {});

    /// The lists in which tasks of one queue wait, or of all that are known (queue::QueueDirectory): our own, and of
    /// those nobody here takes the ones that are not empty.
    std::vector<queue::WaitingList> listsOf(const std::string &queue) const;
    /// At most `most` (1–500) of those that wait in these lists, after so many.
    awaitable<Result<queue::WaitingTasks>> waiting(std::vector<queue::WaitingList> lists, std::size_t over,
                                                   std::size_t most);
    /// At most 500 of what is prefetched, scheduled or running, of any worker.
    awaitable<Result<queue::TakenTasks>> taken();

    /// NotFound: nothing is known of it, and nobody can have it in hand.
    awaitable<Result<void>> revoke(Actor actor, std::string id, bool terminate);
    /// Answers the new task's id. It belongs to whom the old one belonged to.
    awaitable<Result<std::string>> rerun(Actor actor, std::string id);

private:
    awaitable<bool> isNowhere(std::string id);
    awaitable<Result<void>> resizeRemote(std::uint32_t concurrency, std::string node);
    awaitable<std::vector<Worker>> askWorkers();

    queue::Broker &m_broker;
    queue::WorkerPool &m_pool;
    queue::RemoteClient &m_remote;
    storage::TaskOwnerStore &m_owners;
    AuditLog &m_audit;
    const Clock &m_clock;
    const std::vector<std::string> m_queues;
    const queue::QueueDirectory *m_directory = nullptr;
    Gone m_gone;
    std::atomic<std::uint64_t> m_changes{0};
    KeptAnswer<bool, std::vector<Worker>> m_keptWorkers;
};
BOOST_DESCRIBE_STRUCT(WorkerAdminService::Worker, (), (node, here, concurrency, active, totals, queues))

} // namespace portolan::portal
