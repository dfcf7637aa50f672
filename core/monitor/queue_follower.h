// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/monitor/redis_round.h"
#include "core/queue/queue_directory.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace portolan::monitor {

/// What waits, from round to round: which lists to ask, and the figures of all that are known. The sum is that of the
/// lines, so that no page shows one without the other. No I/O; one caller at a time.
class QueueFollower final
{
public:
    explicit QueueFollower(const Clock &clock) : m_clock(clock) {}

    /// Those of ours, and of the others all, or (`bounded`) as many as one round may cost, in turn.
    std::vector<queue::WaitingList> ask(const queue::QueueDirectory &queues, bool bounded);

    /// Tells the directory what was measured, and answers waiting, unacked and the lines.
    QueueFigures read(const RoundAnswer &answer, queue::QueueDirectory &queues);

    /// Names of the queues there are.
    std::vector<std::string> names() const;

    void clear();

private:
    struct Length
    {
        std::uint64_t length;
        SteadyTime measured;
    };
    void addLines(QueueFigures &figures, SteadyTime now) const;

    const Clock &m_clock;
    std::map<std::string, Length, std::less<>> m_lengths; ///< by list
    std::vector<queue::WaitingList> m_lists;              ///< that are known now
    std::size_t m_next = 0; ///< of those that are not ours, where not all are asked at once
};

} // namespace portolan::monitor
