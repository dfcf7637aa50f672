// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/task_watch.h"

#include "core/redis/client.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace portolan::monitor {

namespace {

/// A thread that took a task so lately is there. The pause between two looks of an idle worker is a second.
constexpr auto justNow = std::chrono::seconds(3);

/// Workers of this program enter what they take so far ahead (take.lua), others as it is taken, by clocks that may be a
/// little ahead.
constexpr double enteredAhead = 3600;
constexpr double clockApart = 60;

constexpr auto backlogsApart = std::chrono::seconds(5);
constexpr auto backlogsKept = std::chrono::hours(1);

/// Whether a connection may be that of another program's worker: it listens by a pattern, as for remote control, or was
/// last heard asking for a message. Redis closes it when the worker is killed; what it held stays. Who waits for
/// results listens to single channels.
bool mayHold(const redis::ClientEntry &client)
{
    constexpr std::array<std::string_view, 10> asking{"brpop", "blpop", "brpoplpush", "blmove",    "blmpop",
                                                      "rpop",  "lpop",  "lmove",      "rpoplpush", "lmpop"};
    return !client.name.starts_with(redis::commandsName) &&
           (client.patterns.value_or(0) > 0 || std::ranges::find(asking, client.command) != asking.end());
}

/// Whether others could hold tasks in this database: also another process of this program, as each has one connection
/// of this name.
bool othersAreThere(const std::vector<redis::ClientEntry> &clients, std::string_view ownName)
{
    const auto own = std::ranges::find(clients, ownName, &redis::ClientEntry::name);
    return std::ranges::any_of(clients,
                               [&](const redis::ClientEntry &client) {
                                   return mayHold(client) && (own == clients.end() || own->database == client.database);
                               }) ||
           std::ranges::count(clients, redis::commandsName, &redis::ClientEntry::name) >
               (ownName == redis::commandsName ? 1 : 0);
}

} // namespace

void TaskWatch::answered(const RoundAnswer &answer, SteadyTime now, WallTime wall)
{
    std::map<std::string, Head> heads;
    m_moved = false;
    m_oldestWaiting = std::chrono::seconds(0);
    m_waiting = 0;
    for (const ListFigures &list : answer.lists) {
        if (list.list.untaken != Untaken::No)
            continue; // others take what is there, or nobody is meant to
        m_waiting += list.length.value_or(0);
        const auto before = m_heads.find(list.list.key);
        const bool there = before != m_heads.end();
        m_moved |= there && before->second.message != list.message; // the one that was next has gone
        if (list.message.empty())
            continue;
        const bool same = there && before->second.message == list.message;
        const SteadyTime since = same ? before->second.since : now;
        heads[list.list.key] = {list.message, since};
        m_oldestWaiting = std::max(*m_oldestWaiting, std::chrono::duration_cast<std::chrono::seconds>(now - since));
    }
    m_heads = std::move(heads);
    const std::uint64_t unacked = answer.unacked.value_or(0);
    if (answer.clients)
        m_othersThere = othersAreThere(*answer.clients, m_connection);
    else if (m_moved || unacked > m_unacked)
        m_othersThere.reset(); // somebody may have come since
    m_unacked = unacked;
    m_oldestTaken.reset();
    m_oldestOfOurs = false;
    if (answer.oldestUnacked) {
        auto seconds = std::chrono::duration<double>(wall.time_since_epoch()).count() - *answer.oldestUnacked;
        m_oldestOfOurs = seconds < -clockApart;
        if (m_oldestOfOurs)
            seconds += enteredAhead;
        m_oldestTaken = std::chrono::seconds(std::llround(std::clamp(seconds, 0.0, 1e9)));
    }
    m_fresh = now;
}

void TaskWatch::remember(std::uint64_t held, SteadyTime now)
{
    // Others took some, or somebody emptied a queue: then counting ours says nothing. While ours takes some, what it
    // holds is known only before and after the round.
    const bool others = m_unacked > held + 1 + m_threads.value_or(0) || (m_moved && !m_tookSince);
    m_tookSince = false;
    const bool less =
        !m_backlogs.empty() && m_waiting + (m_ours.taken - m_backlogs.back().taken) + 2 < m_backlogs.back().waiting;
    if (others || less)
        m_backlogs.clear();
    while (!m_backlogs.empty() && now - m_backlogs.front().time > backlogsKept)
        m_backlogs.pop_front();
    if (m_backlogs.empty() || now - m_backlogs.back().time >= backlogsApart)
        m_backlogs.push_back({now, m_waiting, m_ours.taken});
    // The first of these of which one must still wait: fewer were taken since than waited.
    for (const Backlog &backlog : m_backlogs) {
        if (m_waiting == 0 || m_ours.taken - backlog.taken >= backlog.waiting)
            continue;
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - backlog.time);
        m_oldestWaiting = std::max(m_oldestWaiting.value_or(since), since);
        break;
    }
}

void TaskWatch::ours(const TaskFigures &tasks, std::optional<std::uint64_t> threads, SteadyTime now)
{
    const bool took = tasks.taken > m_ours.taken;
    if (took)
        m_ourLast = now;
    m_tookSince |= took;
    const std::uint64_t before = heldHere();
    m_ours = tasks;
    m_threads = threads;
    if (const auto round = std::exchange(m_fresh, std::nullopt))
        remember(std::max(before, heldHere()), *round);
}

std::optional<std::uint64_t> TaskWatch::untaken(SteadyTime now) const
{
    if (!m_oldestWaiting)
        return std::nullopt;
    const bool takenLately = m_moved || (m_ourLast && now - *m_ourLast < justNow);
    // All threads are at work: the next task is taken when one of them ends.
    const bool oursBusy = m_threads.value_or(0) > 0 && m_ours.running >= *m_threads;
    // What others hold and could still be at work on. What a dead process of this program held goes back by itself.
    const bool othersHold = m_unacked > heldHere() && m_oldestTaken && *m_oldestTaken < m_timeLimit &&
                            (m_oldestOfOurs || m_othersThere.value_or(true));
    return takenLately || oursBusy || othersHold ? 0 : m_waiting;
}

void TaskWatch::clear()
{
    m_heads.clear();
    m_backlogs.clear();
    m_moved = false;
}

} // namespace portolan::monitor
