// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/backup.h"

#include "core/storage/postgres_tool.h"
#include "core/storage/query.h"
#include "core/storage/write_turn.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace portolan::storage {
namespace {

namespace fs = std::filesystem;

Error fileError(const fs::path &file, int reason)
{
    const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
    return failure(full ? ErrorKind::Full : ErrorKind::Invalid,
                   "Cannot write " + file.string() + ": " + std::strerror(reason) + '.',
                   full ? "Free space there or choose another place." : "Choose a directory this user may write.");
}

Error existsAlready(const fs::path &file)
{
    return failure(ErrorKind::Conflict, file.string() + " exists already.",
                   "Choose another name, or overwrite it with --force.");
}

/// A name beside `file`, gone with this unless it was published under the real name.
class Draft final
{
public:
    explicit Draft(const fs::path &file) : m_file(file), m_draft(file.string() + ".part-" + std::to_string(::getpid()))
    {}
    Draft(const Draft &) = delete;
    Draft &operator=(const Draft &) = delete;
    ~Draft() { ::unlink(m_draft.c_str()); }
    const fs::path &path() const { return m_draft; }

    /// Makes it, empty and private. Errors: Invalid, Full.
    Result<void> make() const
    {
        const int made = ::open(m_draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (made < 0)
            return fileError(m_file, errno);
        ::close(made);
        return {};
    }

    /// Synced, then under its real name; without `force` only where nothing has it.
    Result<void> publish(bool force) const
    {
        const int file = ::open(m_draft.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0 || ::fsync(file) != 0) {
            const int reason = errno;
            if (file >= 0)
                ::close(file);
            return fileError(m_file, reason);
        }
        ::close(file);
        if (force ? ::rename(m_draft.c_str(), m_file.c_str()) != 0 : ::link(m_draft.c_str(), m_file.c_str()) != 0)
            return errno == EEXIST ? existsAlready(m_file) : fileError(m_file, errno);
        const auto folder = m_file.has_parent_path() ? m_file.parent_path() : fs::path(".");
        if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
            ::fsync(directory);
            ::close(directory);
        }
        return {};
    }

private:
    fs::path m_file;
    fs::path m_draft;
};

Result<bool> hasUsers(DatabaseConnection &connection)
{
    const std::string_view sql =
        connection.dialect() == Dialect::Sqlite
            ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'users'"
            : "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'users'";
    const auto number = [](const Row &row) { return row.integer(0); };
    auto table = selectOne(connection, sql, {}, number);
    if (table.has_error())
        return table.error();
    if (!*table)
        return false;
    auto user = selectOne(connection, "SELECT id FROM users LIMIT 1", {}, number);
    if (user.has_error())
        return user.error();
    return user->has_value();
}

// --- SQLite ----------------------------------------------------------------------------------------------------------

Result<void> backupSqlite(Database &database, const fs::path &draft, std::chrono::milliseconds deadline)
{
    return database.runBlocking(
        [&](DatabaseConnection &connection) -> Result<void> {
            // Reads as far as others are concerned, so it takes no turn at writing.
            auto done = query(connection, "VACUUM INTO ?", valuesOf(draft.string()));
            if (done.has_error())
                return done.error();
            return {};
        },
        deadline);
}

struct CloseSqlite
{
    void operator()(sqlite3 *handle) const { sqlite3_close_v2(handle); }
};
using SqliteFile = std::unique_ptr<sqlite3, CloseSqlite>;

Error notABackup(const fs::path &file, const std::string &why)
{
    return failure(ErrorKind::Invalid, file.string() + " is not a backup that can be put back: " + why + '.',
                   "Choose another backup.");
}

/// Opens a backup for reading, and checks every page of it before anything is replaced.
Result<SqliteFile> openBackup(const fs::path &file)
{
    sqlite3 *raw = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    SqliteFile handle(raw);
    if (opened != SQLITE_OK)
        return notABackup(file, sqlite3_errstr(opened));
    std::string verdict = "it cannot be read";
    const auto keep = [](void *out, int, char **values, char **) -> int {
        *static_cast<std::string *>(out) = values[0] ? values[0] : "";
        return 0;
    };
    char *said = nullptr;
    if (sqlite3_exec(handle.get(), "PRAGMA quick_check(1)", keep, &verdict, &said) != SQLITE_OK && said)
        verdict = said;
    sqlite3_free(said);
    if (verdict != "ok")
        return notABackup(file, verdict);
    std::string found;
    sqlite3_exec(handle.get(), "SELECT name FROM sqlite_master WHERE name = 'schema_migrations'", keep, &found,
                 nullptr);
    if (found.empty())
        return notABackup(file, "it holds no Portolan database");
    return handle;
}

/// sqlite3_backup writes the destination in one transaction: readers see the old content until it commits.
Result<void> copyInto(DatabaseConnection &connection, sqlite3 *from, const fs::path &file)
{
    sqlite3 *const to = connection.sqlite();
    if (!to)
        return failure(ErrorKind::Unsupported, "This Qt does not give access to its SQLite.");
    if (!connection.writeTurn().acquire(connection.deadline()))
        return failure(ErrorKind::Timeout, "The database did not come round to writing in time.");
    int step = SQLITE_NOMEM;
    if (sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main")) {
        constexpr int pages = 1024;
        do {
            step = sqlite3_backup_step(copy, pages);
            if ((step & 0xff) == SQLITE_BUSY || (step & 0xff) == SQLITE_LOCKED)
                sqlite3_sleep(20);
        } while ((step == SQLITE_OK || (step & 0xff) == SQLITE_BUSY || (step & 0xff) == SQLITE_LOCKED) &&
                 !connection.expired());
        const int finished = sqlite3_backup_finish(copy);
        if (step == SQLITE_DONE)
            step = finished == SQLITE_OK ? SQLITE_DONE : finished;
    }
    connection.writeTurn().release();
    if (step == SQLITE_DONE)
        return executeOnce(connection, "PRAGMA journal_mode = WAL"); // the copy brought the backup's own mode
    if ((step & 0xff) == SQLITE_FULL)
        return failure(ErrorKind::Full, "There is no room to put " + file.string() + " back.",
                       "Free space on the disk.");
    if (step == SQLITE_OK || (step & 0xff) == SQLITE_BUSY || (step & 0xff) == SQLITE_LOCKED)
        return failure(ErrorKind::Timeout,
                       "Putting " + file.string() + " back did not finish in time; nothing was changed.",
                       "Stop every other process that has the database open.");
    return failure(ErrorKind::Internal,
                   "Putting " + file.string() + " back failed: " + sqlite3_errstr(step) + "; nothing was changed.");
}

Result<void> restoreSqlite(Database &database, const fs::path &file, std::chrono::milliseconds deadline)
{
    auto source = openBackup(file);
    if (source.has_error())
        return source.error();
    return database.runBlocking(
        [&](DatabaseConnection &connection) { return copyInto(connection, source->get(), file); }, deadline);
}

// --- PostgreSQL ------------------------------------------------------------------------------------------------------

/// pg_dump and pg_restore set the search path and the timeouts of their session, and leave them so: behind a pooler the
/// next client would find no table.
Result<void> refusePooler(Database &database)
{
    return database.runBlocking([&](DatabaseConnection &connection) -> Result<void> {
        const auto pid =
            selectOne(connection, "SELECT pg_backend_pid()", {}, [](const Row &row) { return row.integer(0); });
        if (pid.has_error())
            return pid.error();
        if (*pid == connection.backendPid())
            return {};
        return ofSettings(
            failure(ErrorKind::Unsupported,
                    "At " + database.url().display() +
                        " a connection pooler answers, whose other clients a backup or restore would disturb.",
                    "Name the server itself, postgresql://USER@HOST:PORT/NAME (its own port is 5432 unless it was "
                    "changed)."),
            {"database.url"});
    });
}

Result<void> backupPostgreSql(Database &database, const fs::path &draft, std::chrono::milliseconds deadline)
{
    if (auto direct = refusePooler(database); direct.has_error())
        return direct;
    const auto &url = database.url();
    return runPostgresTool(
        "pg_dump",
        {"--format=custom", "--no-owner", "--no-privileges", "--file=" + draft.string(), "--dbname=" + url.name}, url,
        deadline);
}

Result<void> restorePostgreSql(Database &database, const fs::path &file, std::chrono::milliseconds deadline)
{
    if (auto direct = refusePooler(database); direct.has_error())
        return direct;
    const auto &url = database.url();
    // Reads the table of contents first: a file that is no dump is found before anything is dropped.
    if (auto listed = runPostgresTool("pg_restore", {"--list", file.string()}, {}, deadline); listed.has_error())
        return listed.error().kind == ErrorKind::Internal ? notABackup(file, listed.error().message) : listed.error();
    return runPostgresTool("pg_restore",
                           {"--single-transaction", "--exit-on-error", "--clean", "--if-exists", "--no-owner",
                            "--no-privileges", "--dbname=" + url.name, file.string()},
                           url, deadline);
}

} // namespace

Result<void> backup(Database &database, const fs::path &file, BackupOptions options)
{
    std::error_code ignored;
    if (!options.force && fs::exists(file, ignored))
        return existsAlready(file);
    const Draft draft(file);
    if (auto made = draft.make(); made.has_error())
        return made;
    auto written = database.dialect() == Dialect::Sqlite ? backupSqlite(database, draft.path(), options.deadline)
                                                         : backupPostgreSql(database, draft.path(), options.deadline);
    if (written.has_error())
        return written;
    return draft.publish(options.force);
}

Result<void> restore(Database &database, const fs::path &file, BackupOptions options)
{
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored))
        return failure(ErrorKind::NotFound, "There is no backup " + file.string() + '.');
    if (!options.force) {
        auto inhabited = database.runBlocking(hasUsers);
        if (inhabited.has_error())
            return inhabited.error();
        if (*inhabited)
            return failure(ErrorKind::Conflict, "There are users in " + database.url().display() + '.',
                           "Replace them with --force.");
    }
    return database.dialect() == Dialect::Sqlite ? restoreSqlite(database, file, options.deadline)
                                                 : restorePostgreSql(database, file, options.deadline);
}

} // namespace portolan::storage
