// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/task.h"

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
/// coming and going do not change. What waits is told as it stands in line, where all move up whenever a worker takes a
/// task: so the cursor has the position, and the hash of the last task told, which is looked for further ahead. Where
/// it has gone, all that stood before it has gone too, and the next to tell is the first in line.
///
/// So a task that stays where it is is told once. One that moves on from place to place between two pages may be told
/// twice, or, from a place that was not yet reached into one that was passed, not at all.
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
    std::uint64_t waitingAt = 0;                      ///< how many stood in line up to the last one told
    std::optional<std::uint64_t> waiting;             ///< markOf() it
    std::optional<Started> ended;                     ///< the last one told, or looked at in vain
    bool operator==(const TaskCursor &) const = default;
};

/// Of an id, the same in every process and version (64-bit FNV-1a).
std::uint64_t markOf(std::string_view id);

std::string formatTaskCursor(const TaskCursor &cursor);
/// Of "" the beginning. Invalid: it is none.
Result<TaskCursor> parseTaskCursor(std::string_view text);

/// Which part of the line is read, to go on after a cursor.
struct Window
{
    std::uint64_t from = 0; ///< so many stand before it
    std::size_t count = 0;
    bool operator==(const Window &) const = default;
};
Window firstWindow(const TaskCursor &cursor, std::uint32_t limit);
/// The one further ahead, where the task told last is not in this one.
Window windowAhead(const Window &window);

/// Where the line goes on, given the ids in a window, of which those at its end may have been `cut` off; nothing: not
/// in this window.
std::optional<std::uint64_t> nextInLine(const TaskCursor &cursor, const Window &window,
                                        const std::vector<std::string> &ids, bool cut);

/// Where the line is read from when nothing after the one told last was in the window: it was the last one (`next`),
/// or it was not found. Then what was told is told again, rather than anything left out; where windows are `cut`, that
/// would never end, and the position is trusted.
void goOnWithout(TaskCursor &cursor, const std::optional<std::uint64_t> &next, bool cut);

/// What there is to make a page of.
struct TasksFound
{
    struct InLine
    {
        TaskInfo task;
        std::uint64_t position = 0; ///< how many stand before it
        bool elsewhere = false;     ///< it is told where a worker holds it
    };
    std::vector<TaskInfo> held;                    ///< all that workers hold, in any order
    std::vector<InLine> line;                      ///< the next ones
    bool moreInLine = false;                       ///< after these
    std::vector<TaskInfo> ended;                   ///< the next ones that have ended, latest started first
    std::optional<TaskCursor::Started> endedUntil; ///< where looking for them goes on; nothing: there are no more
    bool all = true;                               ///< false: workers hold more than `held`
};

/// The page after `cursor`: at most `limit` of each place. Those that ended are told last ended first.
TaskList taskPage(TasksFound found, const TaskCursor &cursor, std::uint32_t limit);

} // namespace portolan::console
