// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"

#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <vector>

namespace portolan::embedded {

/// Gathers log lines for somebody who takes them now and then, in bounded memory: over `most` the oldest go, and one
/// line says how many. Any thread.
class LogCollector final
{
public:
    static constexpr std::size_t most = 2000;

    /// `waiting` is called, under a lock and on the logger's thread, when the first line waits.
    explicit LogCollector(std::function<void()> waiting) : m_waiting(std::move(waiting)) {}

    /// A line as Logger writes it in LogFormat::Json; what is none becomes the message of an Info line.
    void add(std::string_view line);
    std::vector<LogLine> take();
    void close(); ///< `waiting` is not called any more

private:
    std::mutex m_mutex;
    std::function<void()> m_waiting;
    std::deque<LogLine> m_lines;
    std::size_t m_dropped = 0;
};

/// "time level message" of a JSON line; its other members follow the message as key=value.
LogLine parseLogLine(std::string_view json);

} // namespace portolan::embedded
