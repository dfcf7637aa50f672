#pragma once

#include "core/api/clock.h"

#include <chrono>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace portolan::queue {

/// Revoked task ids: the latest 50,000, for 3 h, as Celery keeps them. Not thread-safe.
class RevokedIds final
{
public:
    static constexpr std::size_t most = 50'000;
    static constexpr std::chrono::hours kept{3};

    void add(const std::string &id, SteadyTime now)
    {
        forget(now);
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

    std::vector<std::string> all() const { return {m_order.begin(), m_order.end()}; }

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
