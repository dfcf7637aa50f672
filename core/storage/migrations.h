// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/embedded_file.h"
#include "core/storage/database.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// The schema, as numbered SQL files of resources/migrations ("0001_users.sql") built into the program. They are SQL
/// common to SQLite and PostgreSQL, statements end with ';', and one placeholder is replaced: `{{bytewise}}` after a
/// text column's type makes it compare byte by byte on both (PostgreSQL: COLLATE "C"), which keyset pages and prefix
/// ranges need.
namespace portolan::storage {

struct MigrationReport
{
    std::uint32_t from = 0;           ///< version found; 0: an empty database
    std::uint32_t to = 0;             ///< version now
    std::vector<std::string> applied; ///< names of the files
};

/// The files of resources/migrations, in order.
std::span<const EmbeddedFile> builtInMigrations();

/// Brings the schema up to date: all that is missing in one transaction, recorded with its SHA-256 in
/// `schema_migrations`. Several processes may do it at once: they take turns. Blocks; up to `deadline`.
/// `database-schema`: as checkTables(). Conflict: code `database-newer` (made by a newer program; nothing is touched)
/// or `migration-changed` (a file was edited after it had been applied).
Result<MigrationReport> migrate(Database &database, const Clock &clock,
                                std::span<const EmbeddedFile> files = builtInMigrations(),
                                std::chrono::milliseconds deadline = std::chrono::minutes(10));

/// Whether migrate() would take the schema that is there; changes nothing. Blocks. Errors as there.
Result<void> checkMigrations(Database &database, std::span<const EmbeddedFile> files = builtInMigrations());

/// Whether every table that the migrations make is there: `schema_migrations` says what was made once, not what is
/// left. Internal "database-schema", which names the first that is missing; else the errors of the database.
Result<void> checkTables(DatabaseConnection &connection, std::span<const EmbeddedFile> files = builtInMigrations());

/// The version the program brings the schema to.
std::uint32_t schemaVersion(std::span<const EmbeddedFile> files = builtInMigrations());

} // namespace portolan::storage
