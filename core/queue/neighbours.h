// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::queue {

class RemoteClient;
class WorkerPool;

/// Other programs at the queues of one of our workers.
struct Neighbours
{
    std::vector<std::string> workers; ///< nodes that take from one of these queues and are no workers of ours
    std::vector<std::string> silent;  ///< nodes that listen, but did not say in time what they take from
    std::vector<std::string> tasks;   ///< names of waiting tasks that nobody has registered here
    std::size_t unreadable = 0;       ///< waiting messages that name no task at all
    /// Whether what waits is most likely no queue of tasks but another program's list. A few are somebody's mistake.
    bool areForeign() const { return unreadable >= 16; }
    bool operator==(const Neighbours &) const = default;
};

struct NeighbourOptions
{
    unsigned concurrency = 2;                 ///< of the pool, once it is known that nobody else is there
    bool share = false;                       ///< take tasks all the same (tasks.share_queue)
    Logger *logger = nullptr;                 ///< may be null; must outlive it
    std::chrono::milliseconds patience{2000}; ///< for workers to answer
    unsigned database = 0;                    ///< number of the Redis database
};

/// Keeps a worker from taking what is not ours. Redis and its queue `celery` are easily shared by mistake, and a worker
/// that takes a task of a name it does not know can only end it.
///
/// The pool starts with no threads. A look decides whether it gets some: who answers Celery's remote control
/// `active_queues`, under any control exchange, and takes from one of our queues (workers of this program are told by
/// `stats`), and what waits there: names nobody has registered here, or 16 messages and more that name no task. Up to
/// 10,000 messages all are looked at, beyond that 200 places. Clients that enqueue are no neighbours. Found any, the
/// pool stays without threads until `tasks.share_queue` is set, or an operator gives it threads (WorkerPool::resize):
/// both mean "these tasks may be taken, and ended as NotRegistered where their name is unknown"; the second until the
/// process ends. Neighbours that leave again change nothing: they may only be restarting.
///
/// Later it looks again when a new worker has announced itself (one cheap command every 10 s), and before a task of an
/// unknown name, or a message that cannot be read, is ended: is another program's worker there, it goes back as it was,
/// and the pool holds back. Then whoever pops lists in this database and has not said from which counts as such a
/// worker (those without remote control, or of other languages), and so does one that holds messages of our queues. So
/// it does when somebody there is silent for 30 s, until a look is sure that nobody else takes from our queues. While
/// such a worker is there, results are watched for tasks of ours it threw away (Celery ends what it does not know as
/// NotRegistered): counted and logged, as long as all results stay under 1 MiB a minute.
///
/// Thread-safe; works on `executor`.
class NeighbourWatch final
{
public:
    /// Before the pool starts, which must have been given no threads unless `share`; all references must outlive it.
    NeighbourWatch(Executor executor, redis::Client &client, redis::Subscriber &subscriber, RemoteClient &remote,
                   WorkerPool &pool, const Clock &clock, NeighbourOptions options);
    ~NeighbourWatch();
    NeighbourWatch(const NeighbourWatch &) = delete;
    NeighbourWatch &operator=(const NeighbourWatch &) = delete;

    void start(); ///< after the pool
    void stop();  ///< before the pool; blocks until nothing runs, not on an I/O thread

    /// Whether a task of our queues that is nowhere may be in somebody else's hands: another program's worker is there,
    /// or was within `lately`. Costs two cheap commands.
    awaitable<bool> othersMayHold(std::chrono::nanoseconds lately);

    struct Status
    {
        bool holdingBack = false; ///< the pool takes nothing because of neighbours, or before the first look
        bool looked = false;
        bool allowed = false; ///< by `share` or an operator
        Neighbours neighbours;
        std::optional<std::uint64_t>
            discarded;                  ///< our tasks thrown away by others, since the start; nothing: not counted
        std::optional<Error> problem{}; ///< why the last look failed
    };
    Status status() const;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::queue
