#pragma once

#include "core/base/trouble.h"
#include "core/queue/lease.h"
#include "core/queue/outbox.h"
#include "core/queue/refusals.h"
#include "core/queue/scripts.h"
#include "core/queue/task_registry.h"
#include "core/queue/worker_pool.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace portolan::queue {

/// Messages up to this size are kept for running them again.
inline constexpr std::size_t keepBytes = 64 * 1024;

/// From then on a running task is noted in keys::held.
inline constexpr std::chrono::milliseconds longRun{1000};

/// What looking for tasks that were not there, and keeping the lease, have cost Redis.
struct SearchCost
{
    void add(std::uint64_t moreCommands, std::uint64_t moreHits, std::uint64_t moreMisses, std::uint64_t moreBytes)
    {
        commands += moreCommands;
        hits += moreHits;
        misses += moreMisses;
        bytes += moreBytes;
    }
    std::atomic<std::uint64_t> commands{0}, hits{0}, misses{0}, bytes{0};
};

/// What all parts of a worker use: who it is, what it was given, and the way to Redis. Every member is either constant
/// once the pool is built or locks for itself, so any thread may use it, and none of them needs another's lock.
struct WorkerCommon
{
    WorkerCommon(Executor ioExecutor, redis::Client &redisClient, redis::Subscriber &redisSubscriber,
                 const Clock &theClock, TaskRegistry theRegistry, WorkerOptions theOptions, LeaseHolder leaseHolder);

    const Executor executor;
    redis::Client &client;
    redis::Subscriber &subscriber;
    const Clock &clock;
    const TaskRegistry registry;
    const WorkerOptions options;
    const std::string instance;
    const std::string node;
    const Scripts scripts;
    Trouble endTrouble; ///< the outbox's
    Lease lease;        ///< renewed by Keeper; the others only ask whether it holds
    Outbox outbox;
    Refusals refusals;
    SearchCost search;
};

} // namespace portolan::queue
