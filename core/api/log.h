// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan {

/// A line of the portal's log.
struct LogLine
{
    enum class Level : std::uint8_t { Debug, Info, Warning, Error };
    BOOST_DESCRIBE_NESTED_ENUM(Level, Debug, Info, Warning, Error)
    WallTime time{};
    Level level = Level::Info;
    std::string message = {}; ///< with its fields, "key=value …"
    bool operator==(const LogLine &) const = default;
};
BOOST_DESCRIBE_STRUCT(LogLine, (), (time, level, message))

struct LogQuery
{
    LogLine::Level level = LogLine::Level::Debug; ///< of this, and what is worse
    std::uint32_t limit = 100;                    ///< 1–500
    std::string cursor = {};   ///< LogPage::nextCursor of the page before; empty: the first page, which has the newest
    std::string instance = {}; ///< whose log; empty: that of the one which is asked
    bool operator==(const LogQuery &) const = default;
    static constexpr std::pair<std::string_view, std::uint32_t> queryMost[] = {{"limit", 500}};
};
BOOST_DESCRIBE_STRUCT(LogQuery, (), (level, limit, cursor, instance))

/// Newest first. Of a log the last 2,000 lines are kept.
struct LogPage
{
    std::vector<LogLine> items;
    std::optional<std::string> nextCursor; ///< nothing: this was the last page
    bool operator==(const LogPage &) const = default;
};
BOOST_DESCRIBE_STRUCT(LogPage, (), (items, nextCursor))

} // namespace portolan
