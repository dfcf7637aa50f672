// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace portolan::http {

/// How many WebSockets each caller and each address has open, over all threads.
class SocketCounts final
{
public:
    explicit SocketCounts(std::size_t most) : m_most(most) {}

    /// A place, given back when the token is dropped; null where `who` has all there are for one.
    std::shared_ptr<void> enter(const std::string &who) { return enter(who, m_most); }
    std::shared_ptr<void> enter(const std::string &who, std::size_t most)
    {
        const std::lock_guard lock(m_mutex);
        auto &open = m_open[who];
        if (open >= most) // so it is not empty
            return nullptr;
        ++open;
        return std::shared_ptr<void>(this, [this, who](void *) { leave(who); });
    }
    std::size_t most() const { return m_most; }

private:
    void leave(const std::string &who)
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_open.find(who);
        if (found != m_open.end() && --found->second == 0)
            m_open.erase(found);
    }

    const std::size_t m_most; ///< at least 1
    std::mutex m_mutex;
    std::unordered_map<std::string, std::size_t> m_open;
};

} // namespace portolan::http
