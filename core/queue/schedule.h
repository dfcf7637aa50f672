// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// Periodic jobs, each run once per interval over all instances that share a Redis. Intervals are aligned to the Unix
/// epoch; the first instance to claim one (SET NX with a TTL of `q:j:<name>`) runs it. What falls into a time without
/// Redis is skipped, not made up for.
class Schedule final
{
public:
    using Job = std::function<awaitable<void>()>;

    /// `logger` may be null; all outlive it. That nothing can be claimed is logged once.
    Schedule(Executor executor, redis::Client &client, const Clock &clock, Logger *logger = nullptr);
    ~Schedule();
    Schedule(const Schedule &) = delete;
    Schedule &operator=(const Schedule &) = delete;

    /// `interval` ≥ 1 s. A job that still runs when its next turn comes misses that turn. Before start().
    void add(std::string name, std::chrono::seconds interval, Job job);

    void start();
    void stop(); ///< blocks until no job runs any more; not on an I/O thread

    /// Claims and runs what is due now; start() does this every 250 ms. For tests.
    awaitable<void> tick();

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::queue
