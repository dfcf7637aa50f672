// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/storage/result_set.h"

#include <memory>
#include <string_view>

struct sqlite3;

namespace portolan::storage {

enum class Dialect { Sqlite, PostgreSql };

struct DatabaseUrl;
struct PoolOptions;
class WriteTurn;

/// One open connection, used by the pool thread that made it and by no other. Work gets it from Database::run() and
/// talks to it through storage/query.h.
class DatabaseConnection final
{
public:
    /// `writeTurn`: shared by the connections of a pool. Not connected yet.
    DatabaseConnection(const DatabaseUrl &url, const PoolOptions &options, std::shared_ptr<WriteTurn> writeTurn);
    ~DatabaseConnection();
    DatabaseConnection(const DatabaseConnection &) = delete;
    DatabaseConnection &operator=(const DatabaseConnection &) = delete;

    Dialect dialect() const;
    sqlite3 *sqlite(); ///< for what query.h does not offer; null on PostgreSQL, or where Qt has an SQLite of its own
    int backendPid() const; ///< PostgreSQL: the server process that the connection's start named; else 0

    /// SQL has `?` for each value and comes from the program's text, never from input. Errors are typed: errors.cpp.
    Result<std::unique_ptr<ResultSet>> run(std::string_view sql, const Values &values);
    Result<void> runOnce(std::string_view sql); ///< without values; not worth preparing
    Result<void> beginTransaction();            ///< on SQLite the caller has the write turn
    Result<void> commit();
    void rollback(); ///< gives the write turn back

    bool inTransaction() const;
    bool isAborted() const; ///< PostgreSQL: a statement of the transaction failed, so COMMIT would quietly roll back
    WriteTurn &writeTurn(); ///< SQLite: one writer at a time in this process, in order, instead of polling the file
    SteadyTime deadline() const; ///< of the work that runs now
    bool expired() const;

    // For the pool.
    Result<void> open();
    void close();
    bool isOpen() const;
    bool isLost() const;             ///< an error said that the connection broke
    bool isStale();                  ///< PostgreSQL: the server has closed it while nobody looked
    void begin(SteadyTime deadline); ///< arms the deadlines for the next work
    void end();                      ///< rolls back what was left open
    void interrupt();                ///< from any thread: makes what runs fail soon

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::storage
