#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/refusals.h"
#include "core/queue/revoked_ids.h"
#include "core/queue/task_registry.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan {
class Logger;
}

namespace portolan::queue {

struct WorkerOptions
{
    unsigned concurrency = 2; ///< threads that run tasks; 0: takes nothing
    std::vector<std::string> queues{"celery"};
    unsigned database = 0;  ///< number of the Redis database
    std::string nodeName{}; ///< empty: portolan-<instance>@<host>
    std::chrono::seconds resultExpiry{900};
    std::chrono::milliseconds hardLimit{900'000};
    std::optional<std::chrono::milliseconds> softLimit{}; ///< none: a tenth, at most 30 s, before the hard one
    unsigned prefetchMultiplier = 4;                      ///< tasks held per thread; more only while tasks end quickly
    std::size_t prefetchMost = 1024;                      ///< … up to this, so that no thread waits for a round trip
    std::chrono::milliseconds pollMost{250};              ///< longest pause between looks for tasks of foreign clients
    std::size_t scheduledMost = 20'000; ///< tasks held for their ETA; beyond that the latest stay in Redis …
    std::size_t scheduledBytes = 32 * 1024 * 1024; ///< … and beyond so many bytes of messages
    Logger *logger = nullptr;                      ///< may be null; must outlive the pool
    unsigned startsMost = 10;                      ///< starts without an end until FAILURE WorkerLostError
};

/// A task as remote control and admin pages show it.
struct HeldTask
{
    std::string id;
    std::string name;
    std::string argsRepr;
    std::string kwargsRepr;
    std::string routingKey;
    int priority = 0;
    int retries = 0;
    bool redelivered = false;
    std::optional<WallTime> started{}; ///< active ones
    std::optional<WallTime> eta{};     ///< scheduled ones
    int thread = 0;                    ///< active ones: the thread's id
    bool operator==(const HeldTask &) const = default;
};

struct WorkerStatus
{
    std::string node;
    std::string instance;
    unsigned concurrency = 0; ///< wanted
    std::vector<int> threads; ///< thread ids that are there now
    unsigned abandoned = 0;   ///< threads whose task passed its hard limit and has not returned
    std::size_t prefetch = 0; ///< tasks it may hold now, without scheduled ones
    std::vector<std::string> queues;
    std::vector<HeldTask> active;
    std::vector<HeldTask> reserved;              ///< taken, waiting for a thread
    std::vector<HeldTask> scheduled;             ///< held for their ETA
    std::map<std::string, std::uint64_t> totals; ///< tasks ended, by name
    std::chrono::seconds uptime{0};
};

/// Monotonic counts since the start; cheap.
struct WorkerCounters
{
    std::uint64_t taken = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t retried = 0;
    std::uint64_t revoked = 0;
    std::uint64_t rejected = 0;       ///< messages that were not run: all of `refused`
    RefusedCounts refused{};          ///< by reason
    std::uint64_t restored = 0;       ///< tasks of dead workers put back
    std::uint64_t lost = 0;           ///< ended here, but no longer ours: somebody else runs them again
    std::uint64_t droppedResults = 0; ///< Redis had no room, or another program's value lies under the key
    std::uint64_t emptySearches = 0;  ///< for tasks, that found none
    std::uint64_t ownCommands = 0;    ///< of Redis, for these and for keeping the lease; scripts' inner ones too
    std::uint64_t ownHits = 0;        ///< look-ups among these that found something …
    std::uint64_t ownMisses = 0;      ///< … and that did not
    std::uint64_t ownBytes = 0;       ///< about what Redis answered to these
    std::uint64_t active = 0;         ///< now
    std::uint64_t reserved = 0;       ///< now
    std::uint64_t scheduled = 0;      ///< now
    std::uint64_t abandoned = 0;      ///< now
    std::uint64_t copies = 0;         ///< put back by another program while held here: recognised, not run twice
    std::uint64_t parked = 0;         ///< now, of all workers together: kept in Redis until they are due soon
};

/// One step of a task's life, for Celery's events and for metrics.
struct TaskEvent
{
    enum class Type : std::uint8_t { Received, Started, Succeeded, Failed, Retried, Revoked, Rejected };
    Type type = Type::Received;
    std::shared_ptr<const Message> message; ///< never null
    WallTime time{};
    std::chrono::microseconds runtime{0};       ///< Succeeded, Failed
    const boost::json::value *result = nullptr; ///< Succeeded; only during the call
    std::string text{};                         ///< Failed, Retried: the exception
    std::string traceback{};
    bool terminated = false; ///< Revoked
    bool expired = false;    ///< Revoked
};

/// The consuming end of the queue: takes tasks from Redis, runs them on threads of its own, writes results.
///
/// Taking is one script that moves messages from the queues' lists into `unacked` and notes them as ours
/// (`q:o:<instance>`); the end of a task is one script that writes the result and takes the note away. In between lies
/// a lease of 5 s on the instance, renewed every second; when it ends, any other living instance puts the tasks back.
/// So a worker may die at any instant: its tasks run again within 10 s. A task runs at least once; twice only when its
/// worker died or lost Redis for longer than the lease.
///
/// Thread-safe. Handlers run on the pool's threads, everything else on `executor`.
class WorkerPool final
{
public:
    /// All that is passed by reference must outlive it, and abandoned tasks (see stop()).
    WorkerPool(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
               TaskRegistry registry, WorkerOptions options = {});
    ~WorkerPool(); ///< stop() with a deadline of 1 s, unless stopped already
    WorkerPool(const WorkerPool &) = delete;
    WorkerPool &operator=(const WorkerPool &) = delete;

    void start();

    /// Takes nothing more, puts back what has not started, lets running tasks finish until `deadline`, then cancels
    /// them, puts them back too and waits one second more. Blocks; not on an I/O thread. Answers how many threads are
    /// still inside a task that does not return: what they use must stay until the process ends (or end it at once).
    std::size_t stop(std::chrono::milliseconds deadline);

    /// From the next free moment on; a thread too many finishes its task first. At most 1024. With 0 what has not
    /// started goes back into its queue. Ends holdBack().
    void resize(unsigned concurrency);

    /// Takes nothing from now on, because the queue may be somebody else's: what is held already is run to its end,
    /// then no thread is left. Until resize().
    void holdBack();
    bool heldBack() const;

    /// Asked on the executor before each taking: with false nothing is taken, and it is asked again soon. What is held
    /// is run to its end. Before start().
    void takeWhile(std::function<bool()> allowed);

    /// Asked on the executor before tasks of a name nobody has registered here are ended as FAILURE NotRegistered; with
    /// false they go back into their queue as they were. Until it answers they are held. Before start(). Without it
    /// they are ended at once, as Celery does.
    void onUnknownTask(std::function<awaitable<bool>()> mayBeEnded);

    /// Ends the task as REVOKED when it is held here or comes here within 3 h; with `terminate` also when it runs.
    void revoke(const std::vector<std::string> &ids, bool terminate);
    RevokedList revokedIds(std::size_t atMost) const;

    /// Celery's rate limit ("10/s", "10/m", "10/h", "10", "0" = none) of one task, for this worker.
    Result<void> rateLimit(std::string_view task, std::string_view limit);
    /// Of tasks started from now on.
    Result<void> timeLimit(std::string_view task, std::optional<std::chrono::milliseconds> soft,
                           std::optional<std::chrono::milliseconds> hard);
    bool addQueue(std::string queue);         ///< false: consumed already, or not a name
    bool cancelQueue(std::string_view queue); ///< false: was not consumed

    WorkerStatus status() const; ///< lists are cut at 1,000 each
    WorkerCounters counters() const;
    /// Why tasks can presently not be taken, held or ended; nothing while they can. The log has it too, once.
    std::optional<Error> problem() const;
    const TaskRegistry &registry() const;
    const WorkerOptions &options() const;
    const std::string &node() const;

    /// Called for every step of a task (its end: once stored), on any thread; must be quick. Before start(). Several.
    void observe(std::function<void(const TaskEvent &)> observer);

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::queue
