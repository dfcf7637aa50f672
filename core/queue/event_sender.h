// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/queue/alarm.h"
#include "core/queue/worker_pool.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// Lamport's clock, as Celery orders events and control messages by. Any thread.
class LamportClock final
{
public:
    std::uint64_t forward() { return ++m_value; }
    void adjust(std::uint64_t other)
    {
        std::uint64_t mine = m_value;
        while (other > mine && !m_value.compare_exchange_weak(mine, other)) {
        }
    }
    std::uint64_t value() const { return m_value; }

private:
    std::atomic<std::uint64_t> m_value{0};
};

/// Celery's events: worker-online, worker-heartbeat and worker-offline always, those of tasks while enabled, gathered
/// for a moment and sent as lists. Sent and forgotten; what gathers over 10,000 is dropped.
/// https://docs.celeryq.dev/en/stable/userguide/monitoring.html#event-reference
class EventSender final
{
public:
    EventSender(Executor executor, redis::Client &client, const Clock &clock, LamportClock &lamport, std::string node,
                unsigned database);

    void task(const TaskEvent &event); ///< any thread; cheap while not enabled
    void worker(std::string_view type, const WorkerCounters &counters);
    /// Sends worker-heartbeat and answers whether anybody listened; also where Redis did not say.
    awaitable<bool> heartbeat(const WorkerCounters &counters);

    bool enable(bool on); ///< answers whether that changed anything
    bool enabled() const { return m_enabled; }

    void flush(); ///< on the executor
    awaitable<void> loop();
    void finish();

private:
    std::string begin(std::string_view type, WallTime time);
    std::string workerEvent(std::string_view type, const WorkerCounters &counters);
    void publish(std::string_view type, std::string_view body);

    redis::Client &m_client;
    const Clock &m_clock;
    LamportClock &m_lamport;
    const std::string m_node;
    const unsigned m_database;
    const std::shared_ptr<Alarm> m_alarm;
    std::atomic<bool> m_enabled{false};
    std::atomic<bool> m_finishing{false};
    std::mutex m_mutex;
    std::vector<std::string> m_gathered;
};

} // namespace portolan::queue
