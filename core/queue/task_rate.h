// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <chrono>
#include <optional>
#include <string_view>

namespace portolan::queue {

/// Celery's rate limit of a task: a token bucket that holds one. "10/s", "10/m", "10/h", "10" (a second), "0" (none).
class TaskRate final
{
public:
    /// Empty when the text is no rate; an interval of zero when it means "none".
    static std::optional<std::chrono::nanoseconds> parse(std::string_view text);

    explicit TaskRate(std::chrono::nanoseconds interval) : m_interval(interval) {}

    /// Takes the next free token and says when it is there: `now` or later.
    WallTime take(WallTime now)
    {
        const WallTime at = m_next > now ? m_next : now;
        m_next = at + std::chrono::duration_cast<WallTime::duration>(m_interval);
        return at;
    }

private:
    std::chrono::nanoseconds m_interval;
    WallTime m_next{};
};

} // namespace portolan::queue
