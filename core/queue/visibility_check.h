// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/queue/remote_client.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// Tells the operator whose visibility timeout is shorter than the tasks here. A Celery worker on the same Redis puts
/// back whatever was taken longer ago than its `visibility_timeout`, by any worker: tasks that take longer, or wait
/// longer for their time, run again and again. The shortest timeout on a database wins for all of it.
class VisibilityCheck final
{
public:
    /// `longest`: how long a task may take. All must outlive it.
    VisibilityCheck(redis::Client &client, RemoteClient &remote, Logger &logger, std::chrono::milliseconds longest);

    /// Asks all workers for their `stats` when others than ours have come or gone, else costs Redis one command; says
    /// it once for each worker and timeout.
    awaitable<void> run();

private:
    redis::Client &m_client;
    RemoteClient &m_remote;
    Logger &m_logger;
    const std::chrono::milliseconds m_longest;
    std::int64_t m_workers = 0;                        ///< of kombu, when they were asked last
    std::map<std::string, double, std::less<>> m_told; ///< node → seconds
};

/// Seconds, as a reply to `stats` has it in broker.transport_options; kombu's default of an hour where it says nothing.
[[nodiscard]] double visibilityTimeoutOf(const boost::json::value &stats);

} // namespace portolan::queue
