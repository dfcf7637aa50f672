// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/storage/database_connection.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace portolan::storage {

/// Where the data is: `sqlite:/path/to/file` or `postgresql://[user[:pass]@]host[:port]/name` (host may be a directory
/// with a socket, percent-encoded). Other programs' spellings are taken where they mean the same: `postgres://`,
/// `postgresql+psycopg2://`, `sqlite+pysqlite://`, `file:/path`. SQLite's slashes mean what SQLAlchemy, Flask and
/// Django take them for: `sqlite:///name.db` is in the working folder, `sqlite:////folder/name.db` is not. What is said
/// in two places (`…@host/name?host=other`) must be the same, as programs differ in which they take.
struct DatabaseUrl
{
    Dialect dialect = Dialect::Sqlite;
    std::string path; ///< SQLite only; absolute
    std::string host; ///< PostgreSQL only, as everything below
    std::uint16_t port = 5432;
    std::string user;     ///< empty: libpq's default, the name of the system's user
    std::string password; ///< never logged
    std::string name;
    std::string sslMode;        ///< of `?sslmode=`; empty: libpq's default
    std::string channelBinding; ///< of `?channel_binding=`; empty: libpq's default
    /// ErrorKind::Invalid, in words that do not repeat the password.
    static Result<DatabaseUrl> parse(std::string_view url);
    std::string display() const; ///< without user information
};

/// What one piece of work cost, for telemetry.
struct WorkReport
{
    std::chrono::nanoseconds waited{0}; ///< for a connection
    std::chrono::nanoseconds ran{0};
};

struct PoolOptions
{
    unsigned connections = 4; ///< at most
    unsigned least = 1;       ///< kept while nobody uses them; more than these are closed after `idle`
    std::chrono::milliseconds idle{60'000};
    std::size_t queued = 10'000;                          ///< waiting work; over it run() answers Unavailable at once
    std::chrono::milliseconds deadline{5000};             ///< of waiting and running together
    std::string applicationName = "portolan";             ///< as pg_stat_activity shows it
    std::function<void(const WorkReport &)> observe = {}; ///< called on the pool's threads; must be quick
};

/// What the pool does now, and what it has done since the start: as counts, so that a burst between two looks shows.
struct PoolUse
{
    unsigned connections = 0; ///< most there can be
    unsigned open = 0;        ///< connected now
    unsigned busy = 0;
    std::size_t waiting = 0;
    std::uint64_t waits = 0;            ///< work that found every connection busy
    std::chrono::nanoseconds waited{0}; ///< by all that ran: from being asked for to having a connection
    std::uint64_t timedOut = 0;         ///< work whose deadline passed while it waited
    std::uint64_t refused = 0;          ///< work that found the queue full
};

/// A pool of threads that own one Qt Sql connection each, since Qt Sql blocks and binds a connection to its thread.
/// Connections are made on first use, and closed again when nobody needs them. A PostgreSQL connection found dead is
/// opened again before work starts on it; one lost during work answers Unavailable (what was sent may or may not have
/// happened) and the next work opens it again, with a backoff of at most one second, during which work is refused at
/// once instead of queueing behind it.
///
/// A SQLite file that is deleted, moved or replaced while it is open takes no work until it is back (Unavailable
/// "database-moved"): writing to what no path leads to any more would succeed and be lost.
///
/// The threads post answers to the callers' executors, so those (the Runtime) outlive the Database.
///
/// Deadlines: work that still waits for a connection at its deadline is answered Timeout and never runs. Work that runs
/// is interrupted (SQLite: progress handler and busy timeout; PostgreSQL: statement_timeout, and a second later by
/// shutting the socket) and then answers Timeout; only
/// making a connection may take longer, two to five seconds, which is how fine libpq counts. Work is thus over when
/// run() returns, unless the caller's coroutine was destroyed meanwhile: let `work` own what it uses where that can
/// happen.
class Database final
{
public:
    explicit Database(DatabaseUrl url, PoolOptions options = {});
    ~Database(); ///< finishes what runs, answers what waits with Cancelled
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;

    /// Connects once and checks the file or server. Blocks; before anything else. Errors name the thing and the mend
    /// (unwritable directory, corrupt file, refused password). Needs a QCoreApplication in the process, as Qt Sql does.
    Result<void> open();
    Dialect dialect() const;
    const DatabaseUrl &url() const;
    PoolUse use() const; ///< from any thread
    /// The process stops: what waits or comes from now on has at most this time, whatever deadline it was given. From
    /// any thread.
    void hurry(std::chrono::milliseconds most);
    /// The file at the path now, which may be none, is this database's from here on, in place of the one before. Only
    /// from work of a pool of one connection, and of a SQLite database.
    void adoptFile();

    /// Runs `work` with a connection on a pool thread and resumes on the caller's executor. `work` is called with
    /// `DatabaseConnection &` and returns Result<T>; storage/query.h has what it uses. An exception that leaves it
    /// becomes ErrorKind::Internal. `deadline` zero: the pool's.
    template <class F, class T = std::invoke_result_t<F, DatabaseConnection &>>
    awaitable<T> run(F work, std::chrono::milliseconds deadline = {})
    {
        co_return co_await asio::async_initiate<decltype(use_awaitable), void(T)>(
            [this, deadline](auto handler, F job) {
                auto executor = asio::get_associated_executor(handler);
                using State = Waiting<std::decay_t<decltype(handler)>, F, decltype(executor)>;
                auto state =
                    std::make_shared<State>(State{std::move(handler), std::move(job), asio::make_work_guard(executor)});
                post(
                    [state = std::move(state)](DatabaseConnection *connection, const Error *refused) mutable {
                        T result = attempt(state->work, connection, refused);
                        // This thread lets go of the caller's executor here: it may be gone once the caller goes on.
                        auto answered = std::move(state);
                        const auto executor = answered->guard.get_executor();
                        asio::post(executor, [answered = std::move(answered), result = std::move(result)]() mutable {
                            std::move(answered->handler)(std::move(result));
                        });
                    },
                    deadline);
            },
            use_awaitable, std::move(work));
    }

    /// The same from a thread that may block (command line, task threads); never from an I/O thread.
    template <class F> auto runBlocking(F work, std::chrono::milliseconds deadline = {})
    {
        using T = std::invoke_result_t<F, DatabaseConnection &>;
        auto promise = std::make_shared<std::promise<T>>();
        auto future = promise->get_future();
        post([promise, &work](DatabaseConnection *connection,
                              const Error *refused) { promise->set_value(attempt(work, connection, refused)); },
             deadline);
        return future.get();
    }

    /// Called once, on a pool thread with a connection, or anywhere with the reason why there is none. Must not throw.
    using Job = std::function<void(DatabaseConnection *connection, const Error *refused)>;
    /// What run() and runBlocking() are made of.
    void post(Job job, std::chrono::milliseconds deadline = {});

private:
    template <class Handler, class F, class E> struct Waiting
    {
        Handler handler;
        F work;
        asio::executor_work_guard<E> guard;
    };

    template <class F>
    static auto attempt(F &work, DatabaseConnection *connection, const Error *refused)
        -> std::invoke_result_t<F, DatabaseConnection &>
    {
        if (refused)
            return *refused;
        try {
            return work(*connection);
        } catch (const BadResult &bug) {
            return bug.error();
        } catch (const std::exception &bug) {
            return failure(ErrorKind::Internal, std::string("Work on the database failed: ") + bug.what());
        }
    }

    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::storage
