// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/seen_sessions.h"

#include <utility>
#include <vector>

namespace portolan::portal {

namespace {
constexpr std::size_t batchSize = 1000;
}

void SeenSessions::note(std::string_view session, WallTime at)
{
    const std::lock_guard lock(m_mutex);
    if (m_seen.size() < most)
        m_seen.insert_or_assign(std::string(session), at);
}

awaitable<void> SeenSessions::write()
{
    std::unordered_map<std::string, WallTime> seen;
    {
        const std::lock_guard lock(m_mutex);
        seen.swap(m_seen);
    }
    std::vector<storage::SessionListStore::Seen> batch;
    for (auto entry = seen.begin(); entry != seen.end();) {
        batch.push_back({entry->first, entry->second});
        ++entry;
        if (batch.size() < batchSize && entry != seen.end())
            continue;
        const auto written = co_await m_list.seen(std::exchange(batch, {}));
        if (!written)
            co_return;
    }
}

} // namespace portolan::portal
