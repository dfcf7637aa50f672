// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"

#include <functional>
#include <memory>
#include <string>

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::queue {

class WorkerPool;

struct RemoteControlOptions
{
    std::function<void()> shutdown{};     ///< what `celery control shutdown` does; empty: refused with an error
    std::string brokerHost = "127.0.0.1"; ///< as `celery inspect stats` shows it; no secrets
    unsigned brokerPort = 6379;
};

/// Makes a WorkerPool look like a Celery worker from outside: answers `celery inspect` and `celery control` (kombu's
/// pidbox on `/<db>.celery.pidbox`) and sends Celery's events on `/<db>.celeryev/…`: worker-online, worker-heartbeat
/// every 2 s, worker-offline always; task events while somebody has enabled them, batched as `task.multi`.
///
/// Commands: ping stats active reserved scheduled registered revoked active_queues conf query_task clock report, revoke
/// terminate rate_limit time_limit pool_grow pool_shrink autoscale (refused) add_consumer cancel_consumer
/// enable_events disable_events heartbeat shutdown; everything else answers Celery's error for an unknown command.
/// Requests over 64 KiB are dropped, and answered one after the other; of lists as much is told as fits a reply of
/// 1 MiB, of revoked ids the latest 5,000.
class RemoteControl final
{
public:
    /// Before the pool starts. All references must outlive it.
    RemoteControl(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
                  WorkerPool &pool, RemoteControlOptions options = {});
    ~RemoteControl();
    RemoteControl(const RemoteControl &) = delete;
    RemoteControl &operator=(const RemoteControl &) = delete;

    void start();
    void stop(); ///< says worker-offline; blocks, not on an I/O thread

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::queue
