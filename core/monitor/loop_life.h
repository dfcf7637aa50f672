// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"

#include <boost/asio/post.hpp>

#include <future>
#include <mutex>
#include <utility>

namespace portolan::monitor {

/// The life of what runs on an executor until it is told to stop: begins once at most, and whoever stops it waits for
/// its end. Thread-safe.
class LoopLife final
{
public:
    /// `begin` spawns the loop. Nothing, where it has begun or was stopped before.
    template <class Begin> void start(Begin begin)
    {
        const std::lock_guard lock(m_mutex);
        if (m_started || m_stopped)
            return;
        m_started = true;
        begin();
    }

    /// Runs `askToEnd` on `executor` and waits for ended(); at once where nothing runs. Not on that executor's thread.
    template <class Ask> void stop(const Executor &executor, Ask askToEnd)
    {
        const std::lock_guard lock(m_mutex);
        const bool running = m_started && !m_stopped;
        m_stopped = true;
        if (!running)
            return;
        asio::post(executor, std::move(askToEnd));
        m_ended.get_future().wait();
    }

    void ended() { m_ended.set_value(); } ///< the last thing that what was begun does

private:
    std::mutex m_mutex;
    bool m_started = false;
    bool m_stopped = false;
    std::promise<void> m_ended;
};

} // namespace portolan::monitor
