// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/user.h"
#include "core/storage/database.h"

#include <chrono>
#include <string>
#include <vector>

namespace portolan::storage {

/// The list of a user's sign-ins, for people to look at and to end. Redis decides which of them are alive.
class SessionListStore final
{
public:
    explicit SessionListStore(Database &database) : m_database(database) {}

    /// Adds or renews an entry; beyond `perUser` the user's longest unseen ones are dropped and returned, so that the
    /// caller can end them. Address and agent are cut to 64 and 256 bytes.
    awaitable<Result<std::vector<SessionEntry>>> add(SessionEntry entry);
    static constexpr std::uint32_t perUser = 100;

    /// Many at once, as seen lately; unknown ones are ignored.
    struct Seen
    {
        std::string id;
        WallTime at{};
    };
    awaitable<Result<void>> seen(std::vector<Seen> sessions);

    awaitable<Result<std::vector<SessionEntry>>> list(Id user);      ///< last seen first; at most `perUser`
    awaitable<Result<void>> remove(std::string id);                  ///< fine if it is not there
    awaitable<Result<std::vector<SessionEntry>>> removeAll(Id user); ///< returns what it removed
    awaitable<Result<std::uint64_t>> count(WallTime seenSince);      ///< entries of all users seen since then
    /// Removes entries not seen since `before`, at most 10,000 a call; returns how many. Those of a clock that was
    /// ahead by more than five minutes count as seen `now`, or they would stay until it is then.
    awaitable<Result<std::uint64_t>> trim(WallTime before, WallTime now);

private:
    Database &m_database;
};

} // namespace portolan::storage
