#pragma once

#include "core/queue/outbox.h"
#include "core/queue/results.h"
#include "core/queue/task_registry.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace portolan::queue {

/// A task that runs, seen from the worker. Shared by its thread and the worker's housekeeping.
struct TaskContext::State
{
    State(Executor ioExecutor, const Clock &theClock, std::shared_ptr<const Message> theMessage)
        : executor(ioExecutor), clock(theClock), message(std::move(theMessage))
    {}

    /// Hands on a progress that came too early after the one before, when its time has come.
    void flushProgress();
    void close(); ///< it has ended or was given up

    const Executor executor;
    const Clock &clock;
    const std::shared_ptr<const Message> message;
    std::string delivery;
    Payload payload;
    SteadyTime deadline{};
    std::stop_source stop;
    std::atomic<bool> revoked{false}; ///< while it ran
    std::function<void(const Progress &)> report;

    // The task's thread only.
    std::optional<std::chrono::milliseconds> retryAfter;

    std::mutex mutex;    ///< of what follows
    bool closed = false; ///< ended or given up: nothing more is reported
    SteadyTime reported{};
    std::optional<Progress> pending;
};

/// Code of the Error by which a task asks for a retry.
inline constexpr std::string_view retryCode = "task-retry";

} // namespace portolan::queue
