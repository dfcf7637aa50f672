// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <mutex>

namespace portolan {

/// A clock that moves only when told. Starts at 2026-01-01T00:00:00Z.
class ManualClock final : public Clock
{
public:
    WallTime wall() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_wall;
    }
    SteadyTime steady() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_steady;
    }
    void advance(std::chrono::nanoseconds by)
    {
        const std::lock_guard lock(m_mutex);
        m_wall += std::chrono::duration_cast<WallTime::duration>(by);
        m_steady += std::chrono::duration_cast<SteadyTime::duration>(by);
    }
    /// Somebody sets the wall clock, or the machine was suspended meanwhile: the steady one does not count that.
    void jump(std::chrono::nanoseconds by)
    {
        const std::lock_guard lock(m_mutex);
        m_wall += std::chrono::duration_cast<WallTime::duration>(by);
    }

private:
    mutable std::mutex m_mutex;
    WallTime m_wall{std::chrono::seconds{1767225600}};
    SteadyTime m_steady{std::chrono::hours{1}};
};

} // namespace portolan
