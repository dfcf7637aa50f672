// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace portolan {

/// For the time in which a program stops: whatever hangs then, the program ends. Make one when stopping begins, and let
/// it go when it is over. `expired` is called once, on a thread of the watchdog's own, when that takes longer than
/// `within`; it should end the process (std::_Exit) and rely on no thread that may hang.
class StopWatchdog final
{
public:
    /// After the time that running tasks and requests are given: for answers of Redis and the database, and for threads
    /// to end. All of these have deadlines of their own.
    static constexpr std::chrono::seconds margin{10};

    StopWatchdog(std::chrono::milliseconds within, std::function<void()> expired)
        : m_thread([this, within, expired = std::move(expired)] {
              std::unique_lock lock(m_mutex);
              if (!m_changed.wait_for(lock, within, [this] { return m_over; }))
                  expired();
          })
    {}
    ~StopWatchdog()
    {
        {
            const std::lock_guard lock(m_mutex);
            m_over = true;
        }
        m_changed.notify_all();
        m_thread.join();
    }
    StopWatchdog(const StopWatchdog &) = delete;
    StopWatchdog &operator=(const StopWatchdog &) = delete;

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    bool m_over = false;
    std::thread m_thread; ///< last: it uses what is above
};

} // namespace portolan
