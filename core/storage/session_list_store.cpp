// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/session_list_store.h"

#include "core/storage/errors.h"
#include "core/storage/table.h"
#include "core/storage/text.h"

#include <algorithm>
#include <utility>

namespace portolan::storage {
namespace {

constexpr auto sessions = makeTable<SessionEntry>("user_sessions", {
                                                                       column<&SessionEntry::id>("session"),
                                                                       column<&SessionEntry::userId>("user_id"),
                                                                       column<&SessionEntry::created>("created"),
                                                                       column<&SessionEntry::lastSeen>("last_seen"),
                                                                       column<&SessionEntry::address>("address"),
                                                                       column<&SessionEntry::agent>("agent"),
                                                                   });

constexpr std::string_view renew = "ON CONFLICT (session) DO UPDATE SET last_seen = excluded.last_seen, "
                                   "address = excluded.address, agent = excluded.agent "
                                   "WHERE user_sessions.user_id = excluded.user_id";

Result<std::vector<SessionEntry>> removeEach(DatabaseConnection &connection, std::vector<SessionEntry> entries)
{
    for (const auto &entry : entries)
        if (auto done = execute(connection, "DELETE FROM user_sessions WHERE session = ?", valuesOf(entry.id));
            done.has_error())
            return done.error();
    return entries;
}

Result<std::vector<SessionEntry>> addEntry(DatabaseConnection &connection, const SessionEntry &entry)
{
    return transaction(connection, [&]() -> Result<std::vector<SessionEntry>> {
        auto done = sessions.insert(connection, std::span<const SessionEntry>(&entry, 1), renew);
        if (done.has_error() && done.error().code == codeReference)
            return failure(ErrorKind::NotFound, "There is no such user.");
        if (done.has_error())
            return done.error();
        // LIMIT in PostgreSQL asks for no upper bound by ALL and in SQLite by -1; a large number suits both.
        auto surplus = select(connection,
                              sessions.select("WHERE user_id = ? ORDER BY last_seen DESC, session LIMIT 1000 OFFSET ?"),
                              valuesOf(entry.userId, SessionListStore::perUser), sessions.reader());
        if (surplus.has_error())
            return surplus;
        return removeEach(connection, std::move(*surplus));
    });
}

} // namespace

awaitable<Result<std::vector<SessionEntry>>> SessionListStore::add(SessionEntry entry)
{
    constexpr std::size_t longestAddress = 64;
    constexpr std::size_t longestAgent = 256;
    entry.address = fitText(entry.address, longestAddress);
    entry.agent = fitText(entry.agent, longestAgent);
    return m_database.run(
        [entry = std::move(entry)](DatabaseConnection &connection) { return addEntry(connection, entry); });
}

awaitable<Result<void>> SessionListStore::seen(std::vector<Seen> entries)
{
    if (entries.empty())
        return []() -> awaitable<Result<void>> { co_return Result<void>(); }();
    // In one order, so that two instances do not wait for each other's rows in a circle.
    std::ranges::sort(entries, {}, &Seen::id);
    return m_database.run([entries = std::move(entries)](DatabaseConnection &connection) {
        return transaction(connection, [&]() -> Result<void> {
            for (const auto &entry : entries) {
                auto done =
                    execute(connection, "UPDATE user_sessions SET last_seen = ? WHERE session = ? AND last_seen < ?",
                            valuesOf(entry.at, entry.id, entry.at));
                if (done.has_error())
                    return done.error();
            }
            return {};
        });
    });
}

awaitable<Result<std::vector<SessionEntry>>> SessionListStore::list(Id user)
{
    return m_database.run([user](DatabaseConnection &connection) {
        return select(connection, sessions.select("WHERE user_id = ? ORDER BY last_seen DESC, session LIMIT ?"),
                      valuesOf(user, perUser), sessions.reader());
    });
}

awaitable<Result<void>> SessionListStore::remove(std::string id)
{
    return m_database.run([id = std::move(id)](DatabaseConnection &connection) -> Result<void> {
        auto done = execute(connection, "DELETE FROM user_sessions WHERE session = ?", valuesOf(id));
        if (done.has_error())
            return done.error();
        return {};
    });
}

awaitable<Result<std::vector<SessionEntry>>> SessionListStore::removeAll(Id user)
{
    return m_database.run([user](DatabaseConnection &connection) {
        return transaction(connection, [&]() -> Result<std::vector<SessionEntry>> {
            auto all =
                select(connection, sessions.select("WHERE user_id = ? ORDER BY last_seen DESC, session LIMIT 1000"),
                       valuesOf(user), sessions.reader());
            if (all.has_error())
                return all;
            return removeEach(connection, std::move(*all));
        });
    });
}

awaitable<Result<std::uint64_t>> SessionListStore::count(WallTime seenSince)
{
    return m_database.run([seenSince](DatabaseConnection &connection) -> Result<std::uint64_t> {
        const auto found =
            selectOne(connection, "SELECT count(*) FROM user_sessions WHERE last_seen >= ?", valuesOf(seenSince),
                      [](const Row &row) { return static_cast<std::uint64_t>(row.integer(0)); });
        if (!found)
            return found.error();
        return found->value_or(0);
    });
}

awaitable<Result<std::uint64_t>> SessionListStore::trim(WallTime before, WallTime now)
{
    return m_database.run([before, now](DatabaseConnection &connection) -> Result<std::uint64_t> {
        const auto mended = execute(connection, "UPDATE user_sessions SET last_seen = ? WHERE last_seen > ?",
                                    valuesOf(now, now + std::chrono::minutes(5)));
        if (mended.has_error())
            return mended.error();
        return execute(connection,
                       "DELETE FROM user_sessions WHERE session IN (SELECT session FROM user_sessions "
                       "WHERE last_seen < ? ORDER BY last_seen LIMIT 10000)",
                       valuesOf(before));
    });
}

} // namespace portolan::storage
