// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/storage/session_list_store.h"

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace portolan::portal {

/// Gathers when sessions were last used and writes it to the list of sessions in batches, so that a request costs no
/// query. Any thread. Bounded: above `most` between two writes further ones are left out until the next.
class SeenSessions final
{
public:
    explicit SeenSessions(storage::SessionListStore &list) : m_list(list) {}

    void note(std::string_view session, WallTime at);
    /// Writes what was gathered; call it every few seconds. What cannot be written is dropped: the next use brings it
    /// again.
    awaitable<void> write();

    static constexpr std::size_t most = 50'000;

private:
    storage::SessionListStore &m_list;
    std::mutex m_mutex;
    std::unordered_map<std::string, WallTime> m_seen;
};

} // namespace portolan::portal
