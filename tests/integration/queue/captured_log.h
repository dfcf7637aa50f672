// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/logging.h"

#include <algorithm>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace portolan {

/// A logger whose lines a test can count.
class CapturedLog final
{
public:
    explicit CapturedLog(const Clock &clock) : logger(clock, options()) {}

    /// Lines that hold all of these.
    std::size_t count(std::initializer_list<std::string_view> parts)
    {
        logger.flush();
        const std::lock_guard lock(m_mutex);
        return std::size_t(std::ranges::count_if(m_lines, [&](const std::string &line) {
            return std::ranges::all_of(parts, [&](std::string_view part) { return line.find(part) != line.npos; });
        }));
    }

private:
    LogOptions options()
    {
        LogOptions options;
        options.level = LogLevel::Debug;
        options.write = [this](std::string_view line) {
            const std::lock_guard lock(m_mutex);
            m_lines.emplace_back(line);
        };
        return options;
    }

    std::mutex m_mutex;
    std::vector<std::string> m_lines;

public:
    Logger logger; ///< last: its thread ends before what it writes to
};

} // namespace portolan
