// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/limits_store.h"

#include "core/storage/errors.h"
#include "core/storage/table.h"

#include <utility>

namespace portolan::storage {
namespace {

struct LimitRow
{
    Id user = 0;
    Category category = Category::Api;
    std::string windows;
    WallTime changed{};
};

constexpr auto userLimits = makeTable<LimitRow>("user_limits", {
                                                                   column<&LimitRow::user>("user_id"),
                                                                   column<&LimitRow::category>("category"),
                                                                   column<&LimitRow::windows>("windows"),
                                                                   column<&LimitRow::changed>("changed"),
                                                               });

Result<std::vector<LimitOverride>> listOf(DatabaseConnection &connection, Id user)
{
    return select(connection, userLimits.select("WHERE user_id = ? ORDER BY category"), valuesOf(user),
                  [](const Row &row) {
                      auto limit = userLimits.read(row);
                      return LimitOverride{limit.category, std::move(limit.windows)};
                  });
}

Result<std::vector<LimitOverride>> replaceAll(DatabaseConnection &connection, Id user,
                                              const std::vector<LimitRow> &rows)
{
    return transaction(connection, [&]() -> Result<std::vector<LimitOverride>> {
        // The user's row is the lock, so that two writers do not mix their sets.
        const bool postgres = connection.dialect() == Dialect::PostgreSql;
        auto exists = selectOne(
            connection, postgres ? "SELECT id FROM users WHERE id = ? FOR UPDATE" : "SELECT id FROM users WHERE id = ?",
            valuesOf(user), [](const Row &row) { return row.integer(0); });
        if (exists.has_error())
            return exists.error();
        if (!*exists)
            return failure(ErrorKind::NotFound, "There is no such user.");
        auto before = listOf(connection, user);
        if (before.has_error())
            return before;
        if (auto done = execute(connection, "DELETE FROM user_limits WHERE user_id = ?", valuesOf(user));
            done.has_error())
            return done.error();
        if (auto done = userLimits.insert(connection, std::span<const LimitRow>(rows)); done.has_error())
            return done.error();
        return before;
    });
}

} // namespace

awaitable<Result<std::vector<LimitOverride>>> LimitsStore::list(Id user)
{
    return m_database.run([user](DatabaseConnection &connection) { return listOf(connection, user); });
}

awaitable<Result<std::vector<LimitOverride>>> LimitsStore::replace(Id user, std::vector<LimitOverride> overrides,
                                                                   WallTime when)
{
    std::vector<LimitRow> rows;
    rows.reserve(overrides.size());
    for (auto &limit : overrides)
        rows.push_back({user, limit.category, std::move(limit.windows), when});
    return m_database.run(
        [user, rows = std::move(rows)](DatabaseConnection &connection) { return replaceAll(connection, user, rows); });
}

} // namespace portolan::storage
