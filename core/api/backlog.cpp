// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/backlog.h"

#include <algorithm>

namespace portolan {

std::optional<std::uint64_t> waitingForOurs(const QueueFigures &queue)
{
    if (!queue.waiting)
        return std::nullopt;
    std::uint64_t ours = *queue.waiting;
    for (const QueueLine &line : queue.queues)
        if (line.untaken != Untaken::No)
            ours -= std::min(ours, line.waiting);
    return ours;
}

} // namespace portolan
