// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"

#include <chrono>
#include <filesystem>

namespace portolan::storage {

struct BackupOptions
{
    bool force = false; ///< backup: replace the file. restore: replace what is in the database
    std::chrono::milliseconds deadline{std::chrono::minutes(30)};
};

/// A consistent copy of the whole database in one file (mode 0600), while it is in use: SQLite by VACUUM INTO,
/// PostgreSQL by `pg_dump -Fc`. The file appears under its name only when it is complete and synced. Blocks. Conflict:
/// the file exists. Unavailable: no pg_dump. Full, Timeout, Invalid (directory).
Result<void> backup(Database &database, const std::filesystem::path &file, BackupOptions options = {});

/// Puts a backup back, all of it or nothing, in one transaction: whoever else has the database open sees the old or the
/// new content. Other processes should be stopped all the same. Blocks.
/// Conflict: there are users in the database. Invalid: not a backup of this kind, or damaged.
Result<void> restore(Database &database, const std::filesystem::path &file, BackupOptions options = {});

} // namespace portolan::storage
