// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/message.h"
#include "core/queue/queue_directory.h"
#include "core/queue/results.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

struct BrokerOptions
{
    unsigned database = 0; ///< number of the Redis database: part of kombu's channel names
    std::chrono::seconds resultExpiry{900};
    std::string queue = "celery"; ///< of a task that is run again and names none
};

/// What waits in one queue.
struct QueueDepth
{
    std::string queue;
    std::uint64_t waiting = 0; ///< in all four priority lists
    bool operator==(const QueueDepth &) const = default;
};

struct Backlog
{
    std::vector<QueueDepth> queues;
    std::uint64_t unacked = 0; ///< taken and not ended, of all queues: prefetched, held for their time, running
    std::uint64_t waiting() const;
    bool operator==(const Backlog &) const = default;
};

/// A waiting or taken task as an admin page shows it.
struct TaskSummary
{
    std::string id;
    std::string name;
    std::string queue;
    std::string argsRepr;
    std::string kwargsRepr;
    std::optional<WallTime> eta;
    int priority = 0;
    int retries = 0;
    bool taken = false; ///< in `unacked`
    bool operator==(const TaskSummary &) const = default;
};
BOOST_DESCRIBE_STRUCT(TaskSummary, (), (id, name, queue, argsRepr, kwargsRepr, eta, priority, retries, taken))

/// Some of what waits, next to run first.
struct WaitingTasks
{
    std::vector<TaskSummary> items;
    std::vector<std::size_t> lists; ///< of each, in which of the lists it is
    bool more = false;              ///< there may be others after these
};

/// Some of what is taken and not ended.
struct TakenTasks
{
    std::vector<TaskSummary> items;
    bool more = false; ///< there may be others
};

/// The producing end of the queue, and its administration. Works with our own workers and with Celery's.
///
/// Calls come from coroutines on any thread. Errors: those of redis::Client (Unavailable while Redis is away, Timeout,
/// Full when it has no room), Invalid for a bad task. A Timeout of enqueue() means that the task may have been
/// enqueued. Nothing here is retried.
class Broker final
{
public:
    /// `client` and `clock` must outlive it.
    Broker(redis::Client &client, const Clock &clock, BrokerOptions options = {});
    ~Broker();
    Broker(const Broker &) = delete;
    Broker &operator=(const Broker &) = delete;

    /// Puts one task into its queue and wakes the workers; answers its id.
    awaitable<Result<std::string>> enqueue(NewTask task);
    /// The same, and in one step with it the lease of a place the task holds begins anew.
    awaitable<Result<std::string>> enqueue(NewTask task, Place place);

    /// Depth of the named queues, and what is taken; one round trip.
    awaitable<Result<Backlog>> backlog(std::vector<std::string> queues);

    /// Takes a task back: workers that hold or meet it end it as REVOKED; with `terminate` also while it runs (ours: by
    /// its stop token). A task that is not known to be running shows REVOKED at once. Kept for 3 h, the latest 50,000.
    /// Where Redis refuses the message to the workers, it fails only for a task that runs and was to be terminated.
    /// `topic`: the task's NewTask::notify where it is known; those who watch it hear of one that shows REVOKED at
    /// once.
    awaitable<Result<void>> revoke(std::string id, bool terminate = false, std::string topic = {});

    /// What waits in a queue, next to run first, highest priority first; `limit` ≤ 500. Messages that cannot be read
    /// are shown with an empty name.
    /// At most 4 MiB of messages in one answer; of one over 1 MiB only that it is there.
    awaitable<Result<WaitingTasks>> peek(std::string queue, std::size_t offset, std::size_t limit);
    /// The same of several lists, one after the other, in one round trip.
    awaitable<Result<WaitingTasks>> peek(std::vector<WaitingList> lists, std::size_t offset, std::size_t limit);
    /// What is taken and not ended, by whichever worker; `limit` ≤ 500, in no order, and fewer where they are large:
    /// nothing is read after 4 MiB.
    awaitable<Result<TakenTasks>> taken(std::size_t limit);

    /// The stored state of a task; PENDING when nothing is stored.
    awaitable<Result<TaskResult>> result(std::string id);
    awaitable<Result<std::vector<TaskResult>>> results(std::vector<std::string> ids); ///< at most 500, in order

    /// What is kept of tasks that ended, as it was enqueued, for those that can be run again (see rerun); the others
    /// are left out. At most 500.
    awaitable<Result<std::vector<TaskSummary>>> kept(std::vector<std::string> ids);
    /// Enqueues a task again with the body it had, under a new id, which it answers. Works for tasks that failed or
    /// were revoked in one of our workers (kept as long as their result), and for those registered as rerunnable;
    /// NotFound otherwise.
    awaitable<Result<std::string>> rerun(std::string id);

    const BrokerOptions &options() const;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::queue
