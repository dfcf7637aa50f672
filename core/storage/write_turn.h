// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <condition_variable>
#include <mutex>

namespace portolan::storage {

/// SQLite has one writer at a time. Connections of one process take turns here, woken at once when it is theirs, rather
/// than polling the file's lock with sleeps; the file's lock is left for other processes.
class WriteTurn final
{
public:
    bool acquire(SteadyTime until) ///< false: not before `until`
    {
        std::unique_lock lock(m_mutex);
        if (!m_free.wait_until(lock, until, [this] { return !m_taken; }))
            return false;
        m_taken = true;
        return true;
    }
    void release()
    {
        {
            const std::lock_guard lock(m_mutex);
            m_taken = false;
        }
        m_free.notify_one();
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_free;
    bool m_taken = false;
};

} // namespace portolan::storage
