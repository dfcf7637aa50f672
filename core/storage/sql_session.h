// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/storage/result_set.h"

#include <memory>
#include <string_view>

struct sqlite3;

namespace portolan::storage {

/// One open connection in the words of its database: what a DatabaseConnection is made of. sqlite_session.h and
/// postgres_session.h implement it. Used by one thread, but for interrupt().
class SqlSession
{
public:
    virtual ~SqlSession() = default;

    virtual Result<void> open() = 0; ///< anew, if it was open
    virtual void close() = 0;
    virtual bool isOpen() const = 0;
    virtual bool isLost() const = 0;    ///< an error said that the connection broke
    virtual bool isStale() = 0;         ///< the server has closed it while nobody looked
    virtual bool isAborted() const = 0; ///< a statement of the transaction failed, so COMMIT would quietly roll back

    /// Arms the deadline for the next work.
    virtual void begin(SteadyTime deadline) = 0;
    virtual void end() = 0;
    virtual void interrupt() = 0; ///< from any thread: makes what runs fail soon

    /// SQL with a `?` for each value, from the program's text, never from input.
    virtual Result<std::unique_ptr<ResultSet>> run(std::string_view sql, const Values &values) = 0;
    /// One statement without values, that is not run often: pragmas, definitions.
    virtual Result<void> runOnce(std::string_view sql) = 0;

    virtual Result<void> beginTransaction() = 0;
    virtual Result<void> commit() = 0;
    virtual void rollback() = 0; ///< may fail: a lost connection has nothing to roll back
};

} // namespace portolan::storage
