// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/write_check.h"

#include "core/storage/database.h"
#include "core/storage/migrations.h"
#include "core/storage/query.h"

namespace portolan::storage {

namespace {

constexpr std::string_view touch = "UPDATE schema_migrations SET applied = applied + 1 - 2 * (applied % 2) "
                                   "WHERE version = 1";

Result<void> checkPages(DatabaseConnection &connection, const std::string &path)
{
    const auto rows = select(connection, "PRAGMA quick_check(1)", {}, [](const Row &row) { return row.text(0); });
    if (!rows)
        return rows.error().kind == ErrorKind::Timeout ? Result<void>() : rows.error();
    const std::string found = rows->empty() ? "ok" : rows->front();
    if (found == "ok")
        return {};
    Error error =
        failure(ErrorKind::Internal, "The database file " + path + " is damaged (" + found.substr(0, 200) + ").",
                "Keep a copy of it, then put a backup back with 'portoland restore FILE'.");
    error.code = "database-corrupt";
    return aboutThat(std::move(error), path, found.substr(0, 200));
}

} // namespace

awaitable<Result<void>> checkWrites(Database &database, bool thoroughly)
{
    const bool pages = thoroughly && database.dialect() == Dialect::Sqlite;
    const std::string path = database.url().path;
    return database.run([pages, path](DatabaseConnection &connection) -> Result<void> {
        const auto written = execute(connection, touch);
        if (!written)
            return written.error();
        if (auto whole = checkTables(connection); whole.has_error())
            return whole;
        return pages ? checkPages(connection, path) : Result<void>();
    });
}

} // namespace portolan::storage
