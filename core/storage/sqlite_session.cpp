// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/sqlite_session.h"

#include "core/storage/errors.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <QCoreApplication>
#include <QSqlDatabase>
#include <QSqlDriver>
#include <QSqlError>
#include <QSqlQuery>
#include <QVariant>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>

namespace portolan::storage {
namespace {

constexpr std::size_t statementBound = 128;

/// Qt gives the driver's native handle as a QVariant that holds the pointer, under the name of its type.
sqlite3 *nativeHandle(const QSqlDatabase &database)
{
    const QVariant handle = database.driver()->handle();
    if (!handle.isValid() || std::strcmp(handle.typeName(), "sqlite3*") != 0)
        return nullptr;
    return *static_cast<sqlite3 *const *>(handle.constData());
}

Error unwritable(const std::string &path, const std::string &why,
                 const char *hint = "Give this user the right to write it, or choose another place.")
{
    Error error = failure(ErrorKind::Unavailable, "The database file " + path + " cannot be used: " + why + '.', hint);
    error.code = "database-unwritable";
    return ofSettings(aboutThat(std::move(error), path, why), {"data_dir", "database.url"});
}

Error noRoom(const std::string &path)
{
    Error full = failure(ErrorKind::Full, "There is no room left for the database file " + path + '.',
                         "Free space on its disk.");
    full.code = "disk-full";
    return aboutThat(std::move(full), path);
}

/// Says what is wrong with the place before SQLite says "unable to open database file". Makes the file with mode 0600,
/// since it holds password hashes; SQLite gives the files beside it the same mode.
///
/// A file that is there is never opened here: closing any descriptor of it would drop every lock this process has on it
/// (https://www.sqlite.org/howtocorrupt.html, 2.2), and another process would take the write-ahead log away.
Result<void> preparePlace(const std::string &path)
{
    const std::filesystem::path file(path);
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    std::error_code ignored;
    if (!std::filesystem::exists(folder, ignored))
        return unwritable(path, "there is no folder " + folder.string());
    if (!std::filesystem::is_directory(folder, ignored))
        return unwritable(path, folder.string() + " is not a directory");
    if (std::filesystem::is_directory(file, ignored))
        return unwritable(path, "it is a directory", "Name a file in it, or another place.");
    if (::access(folder.c_str(), W_OK) != 0)
        return unwritable(path, folder.string() + ": " + std::strerror(errno));
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made >= 0) {
        ::close(made); // new, so nobody has a lock on it
        return {};
    }
    const int reason = errno;
    if (reason == ENOSPC || reason == EDQUOT)
        return noRoom(path);
    if (reason != EEXIST)
        return unwritable(path, std::strerror(reason));
    if (::access(path.c_str(), R_OK | W_OK) != 0)
        return unwritable(path, std::strerror(errno));
    return {};
}

QString toQt(std::string_view text) { return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())); }

QVariant variant(const Value &value)
{
    struct
    {
        QVariant operator()(std::monostate) const { return QVariant(QMetaType::fromType<QString>()); }
        QVariant operator()(std::int64_t number) const { return QVariant(static_cast<qlonglong>(number)); }
        QVariant operator()(double number) const { return QVariant(number); }
        QVariant operator()(const std::string &text) const { return QVariant(QString::fromStdString(text)); }
    } convert;
    return std::visit(convert, value);
}

class QtSqliteSession final : public SqliteSession
{
public:
    QtSqliteSession(const DatabaseUrl &url, const PoolOptions &options)
        : m_url(url),
          m_options(options),
          m_name(QStringLiteral("portolan-%1").arg(reinterpret_cast<quintptr>(this), 0, 16))
    {}
    ~QtSqliteSession() override { QtSqliteSession::close(); }

    Result<void> open() override;
    void close() override;
    bool isOpen() const override { return m_database.isOpen(); }
    bool isLost() const override { return false; }
    bool isStale() override { return false; }
    bool isAborted() const override { return false; }
    void begin(SteadyTime deadline) override;
    void end() override { m_deadline = SteadyTime::max(); }
    void interrupt() override {} // the progress handler looks at the deadline itself
    Result<std::unique_ptr<ResultSet>> run(std::string_view sql, const Values &values) override;
    Result<void> runOnce(std::string_view sql) override { return exec(sql, "run a statement"); }
    Result<void> beginTransaction() override { return runOnce("BEGIN IMMEDIATE"); }
    Result<void> commit() override { return runOnce("COMMIT"); }
    void rollback() override { QSqlQuery(m_database).exec(QStringLiteral("ROLLBACK")); }
    sqlite3 *handle() override { return m_sqlite; }

    Error classify(const QSqlError &error, std::string_view doing) const;

private:
    Result<void> connect();
    Result<void> exec(std::string_view sql, std::string_view doing);
    Result<std::shared_ptr<QSqlQuery>> prepared(std::string_view sql);

    const DatabaseUrl m_url;
    const PoolOptions m_options;
    const QString m_name;
    QSqlDatabase m_database;
    std::map<std::string, std::shared_ptr<QSqlQuery>, std::less<>> m_statements;
    sqlite3 *m_sqlite = nullptr;
    SteadyTime m_deadline = SteadyTime::max();
};

/// A prepared statement being read.
class SqliteResult final : public ResultSet
{
public:
    SqliteResult(const QtSqliteSession &session, std::shared_ptr<QSqlQuery> query)
        : m_session(session), m_query(std::move(query))
    {}
    ~SqliteResult() override { m_query->finish(); } // lets go of SQLite's read lock
    bool next() override { return m_query->next(); }
    Result<void> ended() const override
    {
        if (m_query->lastError().isValid())
            return m_session.classify(m_query->lastError(), "read a result");
        return {};
    }
    std::uint64_t affected() const override
    {
        return static_cast<std::uint64_t>(std::max(0, m_query->numRowsAffected()));
    }
    bool isNull(int column) const override { return m_query->isNull(column); }
    std::int64_t integer(int column) const override { return m_query->value(column).toLongLong(); }
    double real(int column) const override { return m_query->value(column).toDouble(); }
    std::string text(int column) const override { return m_query->value(column).toString().toStdString(); }

private:
    const QtSqliteSession &m_session;
    const std::shared_ptr<QSqlQuery> m_query;
};

Result<void> QtSqliteSession::open()
{
    close();
    if (!QCoreApplication::instance())
        return failure(ErrorKind::Internal, "Qt Sql needs a QCoreApplication, and this process has none.");
    const QString driver = QStringLiteral("QSQLITE");
    if (!QSqlDatabase::isDriverAvailable(driver))
        return failure(ErrorKind::Unsupported, "The Qt Sql driver QSQLITE is not installed.",
                       "Install libqt6sql6-sqlite.");
    m_database = QSqlDatabase::addDatabase(driver, m_name);
    auto opened = connect();
    if (opened.has_error())
        close();
    return opened;
}

Result<void> QtSqliteSession::connect()
{
    if (auto place = preparePlace(m_url.path); place.has_error())
        return place;
    m_database.setDatabaseName(QString::fromStdString(m_url.path));
    m_database.setConnectOptions(QStringLiteral("QSQLITE_BUSY_TIMEOUT=%1").arg(m_options.deadline.count()));
    if (!m_database.open())
        return classify(m_database.lastError(), "open the database");
    for (const char *sql : {"PRAGMA foreign_keys = ON", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
                            "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -8192",
                            "PRAGMA journal_size_limit = 67108864", "SELECT count(*) FROM sqlite_master"})
        if (auto done = exec(sql, "set up the connection"); done.has_error())
            return done;
    QSqlQuery version(m_database);
    // A handle is only good for the library it comes from; a Qt with an SQLite of its own has another.
    if (version.exec(QStringLiteral("SELECT sqlite_source_id()")) && version.next() &&
        version.value(0).toString() == QLatin1String(sqlite3_sourceid()))
        m_sqlite = nativeHandle(m_database);
    if (m_sqlite && sqlite3_db_readonly(m_sqlite, "main") == 1)
        return unwritable(m_url.path, "it is read-only");
    if (m_sqlite) {
        constexpr int instructions = 4000; // some 50 µs of SQLite's virtual machine
        sqlite3_progress_handler(
            m_sqlite, instructions,
            [](void *self) -> int {
                return std::chrono::steady_clock::now() >= static_cast<QtSqliteSession *>(self)->m_deadline;
            },
            this);
    }
    return {};
}

void QtSqliteSession::close()
{
    m_statements.clear();
    m_sqlite = nullptr;
    if (m_database.isValid()) {
        m_database.close();
        m_database = QSqlDatabase();
        QSqlDatabase::removeDatabase(m_name);
    }
}

void QtSqliteSession::begin(SteadyTime deadline)
{
    m_deadline = deadline;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (m_sqlite)
        sqlite3_busy_timeout(m_sqlite, static_cast<int>(std::max<std::int64_t>(1, left.count())));
}

Result<void> QtSqliteSession::exec(std::string_view sql, std::string_view doing)
{
    QSqlQuery query(m_database);
    if (query.exec(toQt(sql)))
        return {};
    return classify(query.lastError(), doing);
}

Result<std::shared_ptr<QSqlQuery>> QtSqliteSession::prepared(std::string_view sql)
{
    if (const auto found = m_statements.find(sql); found != m_statements.end())
        return found->second;
    auto query = std::make_shared<QSqlQuery>(m_database);
    query->setForwardOnly(true);
    if (!query->prepare(toQt(sql)))
        return classify(query->lastError(), "prepare a statement");
    if (m_statements.size() >= statementBound)
        m_statements.erase(m_statements.begin());
    m_statements.emplace(std::string(sql), query);
    return query;
}

Result<std::unique_ptr<ResultSet>> QtSqliteSession::run(std::string_view sql, const Values &values)
{
    auto statement = prepared(sql);
    if (statement.has_error())
        return statement.error();
    QSqlQuery &query = **statement;
    for (std::size_t i = 0; i < values.size(); ++i)
        query.bindValue(static_cast<int>(i), variant(values[i]));
    if (query.exec())
        return std::make_unique<SqliteResult>(*this, std::move(*statement));
    Error error = classify(query.lastError(), "run a statement");
    query.finish();
    if (const auto failed = m_statements.find(sql); failed != m_statements.end())
        m_statements.erase(failed);
    return error;
}

Error QtSqliteSession::classify(const QSqlError &error, std::string_view doing) const
{
    Error typed = classifySqlite(m_url, error, doing);
    if (typed.code == codeRetry && std::chrono::steady_clock::now() >= m_deadline)
        return failure(ErrorKind::Timeout, "The database did not finish in time.");
    return typed;
}

} // namespace

std::unique_ptr<SqliteSession> makeSqliteSession(const DatabaseUrl &url, const PoolOptions &options)
{
    return std::make_unique<QtSqliteSession>(url, options);
}

} // namespace portolan::storage
