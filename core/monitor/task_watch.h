// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/monitor/redis_round.h"
#include "core/monitor/sources.h"
#include "core/redis/client.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::monitor {

/// Whether somebody takes the tasks that wait, and for how long the next ones have. Judged by what happens in Redis, so
/// that workers of other processes and other programs count as one's own do. One caller at a time.
class TaskWatch final
{
public:
    /// `connection`: the name of our own at that Redis; who only watches takes no tasks, and a portal there is another.
    explicit TaskWatch(std::chrono::seconds timeLimit, std::string_view connection = redis::commandsName)
        : m_timeLimit(timeLimit), m_connection(connection)
    {}

    /// A round of Redis was answered. `wall` is now, as the times of unacknowledged tasks are.
    void answered(const RoundAnswer &answer, SteadyTime now, WallTime wall);
    /// What the workers of this process do; `threads`: how many of them there are.
    void ours(const TaskFigures &tasks, std::optional<std::uint64_t> threads, SteadyTime now);

    /// At least, for messages carry no time of their own: the longest time from when a message that is still next in
    /// its list was first seen there to the last round; and where nobody but this process takes tasks, the time since
    /// more waited than were taken since, so that a list which moves but is long is not taken for a young one. 0 where
    /// none waits, nothing before the first round.
    std::optional<std::chrono::seconds> oldestWaiting() const { return m_oldestWaiting; }
    /// For how long the oldest one that a worker has taken is unacknowledged.
    std::optional<std::chrono::seconds> oldestTaken() const { return m_oldestTaken; }

    /// Tasks that wait in queues that are ours to take, while none was taken though it could have been: nobody holds
    /// one who may come back for the next, and not all threads of ours are at work. 0 while some are taken; nothing
    /// before the first round. Another program's worker that was killed holds nothing any more, where Redis tells who
    /// is connected. A single round may say so by chance.
    std::optional<std::uint64_t> untaken(SteadyTime now) const;

    /// Redis started anew: nothing of before counts.
    void clear();

private:
    struct Head
    {
        std::string message;
        SteadyTime since;
    };

    const std::chrono::seconds m_timeLimit; ///< nobody works on a task for longer
    const std::string_view m_connection;
    std::map<std::string, Head> m_heads;
    std::uint64_t m_waiting = 0;
    std::uint64_t m_unacked = 0;
    std::optional<std::chrono::seconds> m_oldestTaken;
    bool m_oldestOfOurs = false;       ///< a worker of this program holds that
    std::optional<bool> m_othersThere; ///< who could hold tasks besides this process, as the connections tell
    /// What waited at some time, and how many this process had taken by then.
    struct Backlog
    {
        SteadyTime time;
        std::uint64_t waiting;
        std::uint64_t taken;
    };
    std::uint64_t heldHere() const { return m_ours.running + m_ours.reserved + m_ours.scheduled; }
    void remember(std::uint64_t held, SteadyTime now);

    std::deque<Backlog> m_backlogs;    ///< oldest first, at most an hour; only while nobody else takes tasks
    std::optional<SteadyTime> m_fresh; ///< when the round was that ours() has not been told of yet
    std::optional<std::chrono::seconds> m_oldestWaiting;
    bool m_moved = false;                ///< since the round before the last, the next task of a list is another
    bool m_tookSince = false;            ///< ours took one since the round before the last
    std::optional<SteadyTime> m_ourLast; ///< when one of ours last took one
    TaskFigures m_ours;
    std::optional<std::uint64_t> m_threads;
};

} // namespace portolan::monitor
