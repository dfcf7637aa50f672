#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <memory>
#include <string>
#include <string_view>

class QSqlDatabase;
class QSqlError;
class QSqlQuery;

namespace portolan::storage {

enum class Dialect { Sqlite, PostgreSql };

struct DatabaseUrl;
struct PoolOptions;
class WriteTurn;

/// One open connection, used by the pool thread that made it and by no other. Work gets it from Database::run() and
/// talks to it through storage/query.h.
class Connection final
{
public:
    /// `writeTurn`: shared by the connections of a pool. Not connected yet.
    Connection(const DatabaseUrl &url, const PoolOptions &options, std::shared_ptr<WriteTurn> writeTurn);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    Dialect dialect() const;
    QSqlDatabase &qt(); ///< for what query.h does not offer

    /// A prepared statement; the connection keeps up to 128 of them. SQL has `?` for each value and comes from the
    /// program's text, never from input.
    Result<std::shared_ptr<QSqlQuery>> prepared(std::string_view sql);
    void forget(std::string_view sql); ///< drops a prepared statement that failed

    /// Turns what a driver says into a typed error: see errors.cpp. Notices that the connection is lost.
    Error classify(const QSqlError &error, std::string_view doing);

    bool inTransaction() const;
    void setInTransaction(bool in);
    bool isAborted() const; ///< PostgreSQL: a statement of the transaction failed, so COMMIT would quietly roll back
    WriteTurn &writeTurn(); ///< SQLite: one writer at a time in this process, in order, instead of polling the file
    SteadyTime deadline() const; ///< of the work that runs now
    bool expired() const;

    // For the pool.
    Result<void> open();
    void close();
    bool isOpen() const;
    bool isLost() const;             ///< classify() saw the connection break
    bool isStale();                  ///< PostgreSQL: the server has closed it while nobody looked
    void begin(SteadyTime deadline); ///< arms the deadlines for the next work
    void end();                      ///< rolls back what was left open
    void interrupt();                ///< from any thread: makes what runs fail soon

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::storage
