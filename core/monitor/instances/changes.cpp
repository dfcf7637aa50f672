// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/changes.h"

#include <algorithm>
#include <utility>

namespace portolan::monitor::instances {

void ChangeQueue::add(const std::vector<Change> &changes)
{
    for (const Change &change : changes) {
        m_newcomer |= change.kind == Change::Kind::Joined || change.kind == Change::Kind::Restarted;
        if (m_waiting.size() < saved && std::ranges::find(m_waiting, change) == m_waiting.end())
            m_waiting.push_back(change);
    }
}

std::vector<Change> ChangeQueue::take(SteadyTime now)
{
    const double passed = std::chrono::duration<double>(now - m_taken.value_or(now)).count();
    m_taken = now;
    m_left = std::min(m_left + passed, double(saved));
    std::vector<Change> changes = std::exchange(m_waiting, {});
    changes.resize(std::min(changes.size(), std::size_t(m_left)));
    m_left -= double(changes.size());
    return changes;
}

bool ChangeQueue::answers(SteadyTime now)
{
    if (!m_newcomer || (m_answered && now - *m_answered < answerEvery))
        return false;
    m_newcomer = false;
    m_answered = now;
    return true;
}

} // namespace portolan::monitor::instances
