// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/task.h"
#include "core/console/task_line.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Pages of the list of tasks, which changes while somebody reads it.
///
/// A page has some of each place, and its cursor says of each where the page ended. What workers hold has no order of
/// its own, so it is told by a hash of the ids; what ended, as people started it, latest first: orders that others
/// coming and going do not change. What waits is told list by list, as each stands in line (task_line.h).
///
/// So a task that stays where it is is told once. One that moves on from place to place between two pages may be told
/// twice, or, from a place that was not yet reached into one that was passed, not at all; and likewise a message that
/// cannot be read, which has no id to know it by, while others in front of it are taken.
namespace portolan::console {

/// Where a page ended.
struct TaskCursor
{
    struct Started
    {
        WallTime created{}; ///< of milliseconds
        std::string id;
        bool operator==(const Started &) const = default;
    };
    std::array<std::optional<std::uint64_t>, 5> held; ///< markOf() the last one told of what workers hold, by place
    std::optional<LineMark> line;                     ///< the last one told of what waits
    std::optional<Started> ended;                     ///< the last one told, or looked at in vain
    bool operator==(const TaskCursor &) const = default;
};

std::string formatTaskCursor(const TaskCursor &cursor);
/// Of "" the beginning. Invalid: it is none.
Result<TaskCursor> parseTaskCursor(std::string_view text);

/// What there is to make a page of.
struct TasksFound
{
    struct InLine
    {
        TaskInfo task;
        LineMark mark;
        bool elsewhere = false; ///< it is told at another place
    };
    std::vector<TaskInfo> held;                    ///< all that workers hold, in any order
    std::vector<InLine> line;                      ///< the next ones
    bool moreInLine = false;                       ///< after these
    std::vector<TaskInfo> ended;                   ///< the next ones that have ended, latest started first
    std::optional<TaskCursor::Started> endedUntil; ///< where looking for them goes on; nothing: there are no more
    bool all = true;                               ///< false: workers hold more than `held`
};

/// The page after `cursor`: at most `limit` of each place, wherever they are kept. Those that ended are told last ended
/// first.
TaskList taskPage(TasksFound found, const TaskCursor &cursor, std::uint32_t limit);

} // namespace portolan::console
