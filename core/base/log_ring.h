// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/log.h"
#include "core/api/result.h"

#include <cstdint>
#include <deque>
#include <mutex>

namespace portolan {

/// The last lines of a log, for whoever asks later: at most 2,000, each cut to 2,048 bytes. Any thread.
class LogRing final
{
public:
    static constexpr std::size_t most = 2000;
    static constexpr std::size_t longest = 2048;

    void add(LogLine line);
    /// Takes its time from `clock`, in the order in which lines are kept, and answers it.
    WallTime add(LogLine line, const Clock &clock);

    /// A page of them, newest first. A cursor names the line its page ended with, so pages fit together while lines
    /// come; where that line is gone, there is nothing older. Invalid: bad limit or cursor.
    Result<LogPage> page(const LogQuery &query) const;

private:
    void push(LogLine line);

    mutable std::mutex m_mutex;
    std::deque<LogLine> m_lines;
    std::uint64_t m_first = 1; ///< the number of the oldest; they are counted from 1
};

} // namespace portolan
