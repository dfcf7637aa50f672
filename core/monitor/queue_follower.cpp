// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/queue_follower.h"

#include "core/monitor/printable.h"

#include <algorithm>
#include <set>
#include <utility>

namespace portolan::monitor {

namespace {

/// Lists of others that are asked in one round.
constexpr std::size_t freeLists = 1024;
constexpr std::size_t boundedLists = 32;

} // namespace

std::vector<queue::WaitingList> QueueFollower::ask(const queue::QueueDirectory &queues, bool bounded)
{
    m_lists = queues.lists();
    const auto others = std::ranges::find_if(m_lists, [](const auto &list) { return list.untaken != Untaken::No; });
    const auto ours = static_cast<std::size_t>(others - m_lists.begin());
    const std::size_t foreign = m_lists.size() - ours;
    const std::size_t atOnce = bounded ? boundedLists : freeLists;
    std::vector<queue::WaitingList> asked(m_lists.begin(), others);
    for (std::size_t i = 0; i < std::min(foreign, atOnce); ++i)
        asked.push_back(m_lists[ours + (m_next + i) % foreign]);
    m_next = foreign > atOnce ? (m_next + atOnce) % foreign : 0;
    return asked;
}

QueueFigures QueueFollower::read(const RoundAnswer &answer, queue::QueueDirectory &queues)
{
    const SteadyTime now = m_clock.steady();
    for (const ListFigures &list : answer.lists) {
        if (list.length)
            m_lengths[list.list.key] = {*list.length, now};
        else
            m_lengths.erase(list.list.key);
        queues.measured(list.list.key, list.length.value_or(0), list.task);
    }
    m_lists = queues.lists();
    std::set<std::string_view> known;
    for (const queue::WaitingList &list : m_lists)
        known.insert(list.key);
    std::erase_if(m_lengths, [&](const auto &length) { return !known.contains(length.first); });
    QueueFigures figures;
    figures.complete =
        queues.complete() && std::ranges::find(answer.notTold, "lists", &NotTold::part) == answer.notTold.end();
    addLines(figures, now);
    figures.unacked = answer.unacked;
    return figures;
}

/// One line for each queue, and the sum of them. A queue of which a list could not be read (something else has its key)
/// is left out, and the sum is unknown: unknown is not empty. One that was just met is left out until its turn has
/// come.
void QueueFollower::addLines(QueueFigures &figures, SteadyTime now) const
{
    struct Line
    {
        QueueLine line;
        bool known = true;
        SteadyTime measured = SteadyTime::max(); ///< the earliest of its lists
    };
    std::vector<Line> lines;
    std::map<std::string_view, std::size_t> at;
    bool allOurs = true;
    for (const queue::WaitingList &list : m_lists) {
        if (!list.certain)
            continue;
        const auto [index, isNew] = at.try_emplace(list.queue, lines.size());
        if (isNew)
            lines.push_back({{printable(list.queue), 0, list.untaken, std::nullopt}});
        Line &line = lines[index->second];
        const auto length = m_lengths.find(list.key);
        if (length == m_lengths.end()) {
            line.known = false;
            allOurs = allOurs && list.untaken != Untaken::No;
            continue;
        }
        line.line.waiting += length->second.length;
        line.measured = std::min(line.measured, length->second.measured);
    }
    std::uint64_t waiting = 0;
    for (Line &line : lines) {
        if (!line.known)
            continue;
        if (line.measured < now)
            line.line.age = std::chrono::duration_cast<Age>(now - line.measured);
        waiting += line.line.waiting;
        figures.queues.push_back(std::move(line.line));
    }
    if (allOurs)
        figures.waiting = waiting;
}

std::vector<std::string> QueueFollower::names() const
{
    std::vector<std::string> names;
    for (const queue::WaitingList &list : m_lists)
        if (list.certain && std::ranges::find(names, list.queue) == names.end())
            names.push_back(list.queue);
    return names;
}

void QueueFollower::clear()
{
    m_lengths.clear();
    m_lists.clear();
    m_next = 0;
}

} // namespace portolan::monitor
