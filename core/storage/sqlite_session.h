// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"
#include "core/storage/sql_session.h"

namespace portolan::storage {

/// SQLite by Qt's driver, with prepared statements that are kept (up to 128), deadlines by the progress handler, the
/// write-ahead log, and files of mode 0600.
class SqliteSession : public SqlSession
{
public:
    virtual sqlite3 *handle() = 0; ///< null where Qt brings an SQLite of its own, whose handle is of no use here
};

/// `url`, `options`: copied.
std::unique_ptr<SqliteSession> makeSqliteSession(const DatabaseUrl &url, const PoolOptions &options);

} // namespace portolan::storage
