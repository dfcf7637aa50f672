// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/broker.h"
#include "core/queue/queue_directory.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

/// What waits, read on from where somebody has stopped while workers take tasks and others come.
///
/// It stands in several lists of Redis, of which each moves up by itself. So they are read one after the other in an
/// order that nothing changes, and where reading stopped is a place in one of them: the position of the last task, and
/// a hash of its id. All in front of it move up whenever one is taken, so it is looked for further ahead. Where it has
/// gone, all that stood before it in this list has gone too, and reading goes on with the first one there.
namespace portolan::console {

/// Of an id, the same in every process and version (64-bit FNV-1a).
std::uint64_t markOf(std::string_view id);

/// Where a list is read: those our workers take first, then by queue, then by priority. The same in every process that
/// takes the same queues.
std::uint64_t orderOf(const queue::WaitingList &list);

/// Where reading stopped.
struct LineMark
{
    std::uint64_t list = 0;            ///< orderOf() it
    std::uint64_t at = 0;              ///< how many stood in it up to the last one read
    std::optional<std::uint64_t> last; ///< markOf() it; nothing: it has no id, so only the position is known
    bool operator==(const LineMark &) const = default;
};

/// A part of the line.
struct Line
{
    struct Task
    {
        queue::TaskSummary task;
        LineMark mark; ///< to go on after it
    };
    std::vector<Task> tasks;
    bool more = false; ///< there may be others after these
};

/// Reads at most `most` of what waits in lists, one after the other, after so many (Broker::peek).
using LineReader = std::function<awaitable<Result<queue::WaitingTasks>>(std::vector<queue::WaitingList> lists,
                                                                        std::size_t over, std::size_t most)>;

/// The next ones, at most `most`, of these lists; fewer where messages are large. As a rule one or two reads; where
/// more than a few were taken since, up to `mostLooks` more. A mark that is not found with them is gone on after as if
/// its task were gone, so that tasks are read again rather than left out; where messages are so large that a read
/// answers only a part, its position is trusted, or that would never end. Errors: those of the reader.
constexpr int mostLooks = 8;
awaitable<Result<Line>> readLine(LineReader read, std::vector<queue::WaitingList> lists, std::optional<LineMark> after,
                                 std::size_t most);

} // namespace portolan::console
