#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/asio/async_result.hpp>

#include <QSqlDatabase>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace portolan::storage {

enum class Dialect { Sqlite, PostgreSql };

/// Where the data is: `sqlite:/path/to/file` or `postgresql://[user:pass@]host[:port]/name` (host may be a directory
/// with a socket, percent-encoded).
struct DatabaseUrl
{
    Dialect dialect = Dialect::Sqlite;
    std::string path;
    std::string host;
    std::uint16_t port = 5432;
    std::string user;
    std::string password; ///< never logged
    std::string name;
    static Result<DatabaseUrl> parse(std::string_view url);
    std::string display() const; ///< without user information
};

struct PoolOptions
{
    unsigned connections = 4;
    std::size_t queued = 10'000;             ///< waiting work; over it run() answers Unavailable at once
    std::chrono::milliseconds deadline{5000}; ///< of waiting and running; statement_timeout / busy_timeout follow it
};

struct PoolUse
{
    unsigned connections = 0;
    unsigned busy = 0;
    std::size_t waiting = 0;
};

/// A pool of threads that own one Qt Sql connection each, since Qt Sql blocks and binds a connection to its thread.
/// A lost PostgreSQL connection is opened again, with backoff, on the next use.
class Database final
{
public:
    Database(DatabaseUrl url, PoolOptions options = {});
    ~Database(); ///< finishes what runs, answers what waits with Cancelled
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;

    /// Connects once and checks the file or server. Blocks; before anything else. Errors name the thing and the mend
    /// (unwritable directory, corrupt file, refused password).
    Result<void> open();
    Dialect dialect() const;
    PoolUse use() const; ///< from any thread

    /// Runs `work` with a connection on a pool thread and resumes on the caller's executor. `work` returns Result<T>;
    /// it may run inside a transaction through transaction() (storage/query.h).
    template <class F> auto run(F work) -> awaitable<std::invoke_result_t<F, QSqlDatabase &>>;

    /// The same from a thread that may block (command line, task threads).
    template <class F> auto runBlocking(F work) -> std::invoke_result_t<F, QSqlDatabase &>;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::storage
