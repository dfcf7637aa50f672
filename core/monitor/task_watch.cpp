#include "core/monitor/task_watch.h"

#include <algorithm>
#include <cmath>

namespace portolan::monitor {

namespace {

/// Somebody who took a task so lately is there, whether one sees him now or not. The pause between two looks of an idle
/// worker is a second.
constexpr auto justNow = std::chrono::seconds(3);

} // namespace

void TaskWatch::answered(const RoundAnswer &answer, SteadyTime now, WallTime wall)
{
    std::map<std::string, Head> heads;
    for (const ListHead &head : answer.heads) {
        const auto before = m_heads.find(head.list);
        const bool moved = before != m_heads.end() && before->second.message != head.message;
        if (moved)
            m_lastTaken = now; // the one that was next has gone
        if (head.message.empty())
            continue;
        const bool same = before != m_heads.end() && !moved;
        heads[head.list] = {head.message, same ? before->second.since : now};
    }
    m_heads = std::move(heads);
    m_waiting = 0;
    for (const QueueLine &line : answer.queues)
        m_waiting += line.waiting;
    m_unacked = answer.unacked.value_or(0);
    m_oldestTaken.reset();
    if (answer.oldestUnacked) {
        const auto seconds = std::chrono::duration<double>(wall.time_since_epoch()).count() - *answer.oldestUnacked;
        m_oldestTaken = std::chrono::seconds(std::llround(std::clamp(seconds, 0.0, 1e9)));
    }
    m_known = true;
}

void TaskWatch::ours(const TaskFigures &tasks, std::optional<std::uint64_t> threads, SteadyTime now)
{
    if (tasks.taken > m_ourTaken)
        m_lastTaken = now;
    m_ourTaken = tasks.taken;
    m_ours = tasks;
    m_threads = threads;
}

std::optional<std::chrono::seconds> TaskWatch::oldestWaiting(SteadyTime now) const
{
    if (!m_known)
        return std::nullopt;
    std::chrono::seconds oldest{0};
    for (const auto &[list, head] : m_heads)
        oldest = std::max(oldest, std::chrono::duration_cast<std::chrono::seconds>(now - head.since));
    return oldest;
}

std::optional<std::uint64_t> TaskWatch::untaken(SteadyTime now) const
{
    if (!m_known)
        return std::nullopt;
    const bool takenLately = m_lastTaken && now - *m_lastTaken < justNow;
    // All threads are at work: the next task is taken when one of them ends.
    const bool oursBusy = m_threads.value_or(0) > 0 && m_ours.running >= *m_threads;
    // What others hold and could still be at work on.
    const std::uint64_t own = m_ours.running + m_ours.reserved + m_ours.scheduled;
    const bool othersHold = m_unacked > own && m_oldestTaken && *m_oldestTaken < m_timeLimit;
    return takenLately || oursBusy || othersHold ? 0 : m_waiting;
}

void TaskWatch::clear()
{
    m_heads.clear();
    m_lastTaken.reset();
}

} // namespace portolan::monitor
