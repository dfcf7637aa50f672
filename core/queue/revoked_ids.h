// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/queue/message.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace portolan::queue {

/// Revoked task ids, as they are listed.
struct RevokedList
{
    std::vector<std::string> latest; ///< oldest of them first
    std::size_t count = 0;           ///< of all
};

/// Revoked task ids: the latest 50,000, for 3 h, as Celery keeps them. One that is longer than a task's can be is none.
/// Not thread-safe.
class RevokedIds final
{
public:
    static constexpr std::size_t most = 50'000;
    static constexpr std::chrono::hours kept{3};

    void add(const std::string &id, SteadyTime now)
    {
        forget(now);
        if (id.size() > maxIdBytes)
            return;
        if (!m_until.insert_or_assign(id, now + kept).second)
            return; // it keeps its place in the order; contains() goes by the time
        m_order.push_back(id);
        while (m_order.size() > most)
            drop();
    }

    bool contains(const std::string &id, SteadyTime now) const
    {
        if (m_until.empty())
            return false;
        const auto found = m_until.find(id);
        return found != m_until.end() && found->second > now;
    }

    RevokedList list(std::size_t atMost) const
    {
        const auto count = static_cast<std::ptrdiff_t>(std::min(atMost, m_order.size()));
        return {{m_order.end() - count, m_order.end()}, m_order.size()};
    }

private:
    void forget(SteadyTime now)
    {
        while (!m_order.empty() && m_until.at(m_order.front()) <= now)
            drop();
    }
    void drop()
    {
        m_until.erase(m_order.front());
        m_order.pop_front();
    }

    std::unordered_map<std::string, SteadyTime> m_until;
    std::deque<std::string> m_order;
};

} // namespace portolan::queue
