// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

namespace portolan::storage {

class Database;

/// Whether the database takes what users write, and not only answers: changes the last bit of a time in
/// its own table of migrations, to and fro (SQLite writes no page that stays the same). So a full disk, a read-only
/// file or standby, a lost right, another program's lock, a table that is gone are found although nobody is writing.
/// `thoroughly`: of a SQLite file also whether its pages are sound, which reads all of it, at most as long as work on
/// the pool may take; longer counts as sound. Errors: those of Database::run.
awaitable<Result<void>> checkWrites(Database &database, bool thoroughly);

} // namespace portolan::storage
