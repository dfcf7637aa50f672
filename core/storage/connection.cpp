#include "core/storage/connection.h"

#include "core/storage/database.h"
#include "core/storage/errors.h"
#include "core/storage/write_turn.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <QCoreApplication>
#include <QSqlDatabase>
#include <QSqlDriver>
#include <QSqlError>
#include <QSqlQuery>
#include <QVariant>
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <map>

namespace portolan::storage {
namespace {

constexpr std::size_t statementBound = 128;

/// Qt gives a driver's native handle as a QVariant that holds the pointer, under a name of its type: Qt 5 says
/// "PGconn*", Qt 6 what the typedef stands for.
template <class Handle>
Handle *nativeHandle(const QSqlDatabase &database, std::initializer_list<std::string_view> types)
{
    const QVariant handle = database.driver()->handle();
    if (!handle.isValid() || std::ranges::find(types, std::string_view(handle.typeName())) == types.end())
        return nullptr;
    return *static_cast<Handle *const *>(handle.constData());
}

Error unwritable(const std::string &path, const std::string &why)
{
    Error error =
        failure(ErrorKind::Unavailable, "The database file " + path + " cannot be used: " + why + '.',
                "Give this user the right to write it, or choose another place with --data-dir or --database.");
    error.code = "database-unwritable";
    return error;
}

Error noRoom(const std::string &path)
{
    Error full = failure(ErrorKind::Full, "There is no room left for the database file " + path + '.',
                         "Free space on its disk.");
    full.code = "disk-full";
    return full;
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
        return unwritable(path, "it is a directory");
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

/// Fit for libpq's connection string without quotes.
QString plainName(std::string name)
{
    std::erase_if(name, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_' || c == '.'); });
    return QString::fromStdString(name.empty() ? "portolan" : name);
}

} // namespace

struct Connection::Impl
{
    Impl(const DatabaseUrl &u, const PoolOptions &o, std::shared_ptr<WriteTurn> t)
        : url(u), options(o), turn(std::move(t))
    {}

    Result<void> openSqlite();
    Result<void> openPostgreSql();
    Result<void> pragma(const QString &sql);
    bool connected() const { return !postgres || PQstatus(postgres) == CONNECTION_OK; }

    const DatabaseUrl url;
    const PoolOptions options;
    const std::shared_ptr<WriteTurn> turn;
    QString name;
    QSqlDatabase database;
    std::map<std::string, std::shared_ptr<QSqlQuery>, std::less<>> statements;
    sqlite3 *sqlite = nullptr; ///< null also where Qt brings an SQLite of its own
    PGconn *postgres = nullptr;
    SteadyTime deadline = SteadyTime::max();
    std::chrono::milliseconds statementTimeout{0}; ///< as the server knows it
    std::atomic<bool> interrupted{false};
    bool lost = false;
    bool inTransaction = false;
};

Connection::Connection(const DatabaseUrl &url, const PoolOptions &options, std::shared_ptr<WriteTurn> writeTurn)
    : m_impl(std::make_unique<Impl>(url, options, std::move(writeTurn)))
{
    m_impl->name = QStringLiteral("portolan-%1").arg(reinterpret_cast<quintptr>(m_impl.get()), 0, 16);
}

Connection::~Connection() { close(); }

Dialect Connection::dialect() const { return m_impl->url.dialect; }
QSqlDatabase &Connection::qt() { return m_impl->database; }
bool Connection::inTransaction() const { return m_impl->inTransaction; }
void Connection::setInTransaction(bool in) { m_impl->inTransaction = in; }
bool Connection::isAborted() const
{
    return m_impl->postgres && PQtransactionStatus(m_impl->postgres) == PQTRANS_INERROR;
}
WriteTurn &Connection::writeTurn() { return *m_impl->turn; }
SteadyTime Connection::deadline() const { return m_impl->deadline; }
bool Connection::expired() const { return std::chrono::steady_clock::now() >= m_impl->deadline; }
bool Connection::isOpen() const { return m_impl->database.isOpen(); }
bool Connection::isLost() const { return m_impl->lost; }

Result<void> Connection::open()
{
    close();
    if (!QCoreApplication::instance())
        return failure(ErrorKind::Internal, "Qt Sql needs a QCoreApplication, and this process has none.");
    const QString driver = m_impl->url.dialect == Dialect::Sqlite ? QStringLiteral("QSQLITE") : QStringLiteral("QPSQL");
    if (!QSqlDatabase::isDriverAvailable(driver))
        return failure(ErrorKind::Unsupported, "The Qt Sql driver " + driver.toStdString() + " is not installed.",
                       m_impl->url.dialect == Dialect::Sqlite ? "Install libqt6sql6-sqlite."
                                                              : "Install libqt6sql6-psql.");
    m_impl->lost = false;
    m_impl->interrupted = false;
    m_impl->database = QSqlDatabase::addDatabase(driver, m_impl->name);
    auto opened = m_impl->url.dialect == Dialect::Sqlite ? m_impl->openSqlite() : m_impl->openPostgreSql();
    if (opened.has_error())
        close();
    return opened;
}

Result<void> Connection::Impl::openSqlite()
{
    if (auto place = preparePlace(url.path); place.has_error())
        return place;
    database.setDatabaseName(QString::fromStdString(url.path));
    database.setConnectOptions(QStringLiteral("QSQLITE_BUSY_TIMEOUT=%1").arg(options.deadline.count()));
    if (!database.open())
        return classifySqlite(url, database.lastError(), "open the database");
    for (const char *sql : {"PRAGMA foreign_keys = ON", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL",
                            "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -8192",
                            "PRAGMA journal_size_limit = 67108864", "SELECT count(*) FROM sqlite_master"})
        if (auto done = pragma(QString::fromLatin1(sql)); done.has_error())
            return done;
    QSqlQuery version(database);
    // A handle is only good for the library it comes from; a Qt with an SQLite of its own has another.
    if (version.exec(QStringLiteral("SELECT sqlite_source_id()")) && version.next() &&
        version.value(0).toString() == QLatin1String(sqlite3_sourceid()))
        sqlite = nativeHandle<sqlite3>(database, {"sqlite3*"});
    if (sqlite && sqlite3_db_readonly(sqlite, "main") == 1)
        return unwritable(url.path, "it is read-only");
    if (sqlite) {
        constexpr int instructions = 4000; // some 50 µs of SQLite's virtual machine
        sqlite3_progress_handler(
            sqlite, instructions,
            [](void *self) -> int { return std::chrono::steady_clock::now() >= static_cast<Impl *>(self)->deadline; },
            this);
    }
    return {};
}

Result<void> Connection::Impl::openPostgreSql()
{
    database.setHostName(QString::fromStdString(url.host));
    database.setPort(url.port);
    database.setUserName(QString::fromStdString(url.user));
    database.setPassword(QString::fromStdString(url.password));
    database.setDatabaseName(QString::fromStdString(url.name));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options.deadline).count();
    QString connectOptions = QStringLiteral("connect_timeout=%1;application_name=%2;keepalives=1;keepalives_idle=30;"
                                            "keepalives_interval=10;keepalives_count=3;tcp_user_timeout=15000")
                                 .arg(std::clamp<long long>(seconds, 2, 5))
                                 .arg(plainName(options.applicationName));
    if (!url.sslMode.empty())
        connectOptions += QStringLiteral(";sslmode=") + QString::fromStdString(url.sslMode);
    database.setConnectOptions(connectOptions);
    if (!database.open())
        return classifyPostgreSql(url, database.lastError(), "connect", false);
    postgres = nativeHandle<PGconn>(database, {"PGconn*", "pg_conn*"});
    if (!postgres)
        return failure(ErrorKind::Unsupported, "This Qt does not give access to its PostgreSQL connection.");
    // libpq would write notices to standard error.
    PQsetNoticeProcessor(
        postgres, [](void *, const char *) {}, nullptr);
    statementTimeout = std::chrono::milliseconds(0);
    // SET and not a start-up parameter, which PgBouncer refuses.
    return pragma(QStringLiteral("SET idle_in_transaction_session_timeout = 60000"));
}

Result<void> Connection::Impl::pragma(const QString &sql)
{
    QSqlQuery query(database);
    if (query.exec(sql))
        return {};
    if (url.dialect == Dialect::Sqlite)
        return classifySqlite(url, query.lastError(), "set up the connection");
    return classifyPostgreSql(url, query.lastError(), "set up the connection", connected());
}

void Connection::close()
{
    if (dialect() == Dialect::Sqlite)
        m_impl->statements.clear();
    m_impl->sqlite = nullptr;
    m_impl->postgres = nullptr;
    m_impl->inTransaction = false;
    if (m_impl->database.isValid()) {
        m_impl->database.close();
        m_impl->database = QSqlDatabase();
        QSqlDatabase::removeDatabase(m_impl->name);
    }
    // PostgreSQL: after the driver, else each would be given back over a connection that may be dead.
    m_impl->statements.clear();
}

bool Connection::isStale()
{
    if (!m_impl->postgres)
        return false;
    // An idle connection has nothing to say: if there is something to read it is a notice or the server's last words.
    constexpr int mostReads = 8;
    for (int i = 0; i < mostReads; ++i) {
        pollfd socket{PQsocket(m_impl->postgres), POLLIN, 0};
        if (socket.fd < 0)
            return true;
        if (::poll(&socket, 1, 0) <= 0)
            return false;
        if (PQconsumeInput(m_impl->postgres) == 0 || PQstatus(m_impl->postgres) != CONNECTION_OK)
            return true;
    }
    return true;
}

void Connection::begin(SteadyTime deadline)
{
    m_impl->deadline = deadline;
    m_impl->interrupted = false;
    const auto left =
        std::max(std::chrono::milliseconds(1),
                 std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()));
    if (m_impl->sqlite) {
        sqlite3_busy_timeout(m_impl->sqlite, static_cast<int>(left.count()));
        return;
    }
    if (!m_impl->postgres)
        return;
    // The server's timeout is set anew only for work with clearly more or less time than usual: it costs a round trip.
    constexpr std::chrono::milliseconds step(100);
    const bool usual = left <= m_impl->options.deadline && left + 5 * step > m_impl->options.deadline;
    const auto wanted = usual ? m_impl->options.deadline : (left / step + 1) * step;
    if (wanted == m_impl->statementTimeout)
        return;
    if (!m_impl->pragma(QStringLiteral("SET statement_timeout = %1").arg(wanted.count())).has_error())
        m_impl->statementTimeout = wanted;
    else
        m_impl->lost = !m_impl->connected();
}

void Connection::end()
{
    if (m_impl->inTransaction) {
        QSqlQuery(m_impl->database).exec(QStringLiteral("ROLLBACK"));
        m_impl->inTransaction = false;
        if (dialect() == Dialect::Sqlite)
            writeTurn().release();
    }
    m_impl->deadline = SteadyTime::max();
    m_impl->lost = m_impl->lost || !m_impl->connected();
}

void Connection::interrupt()
{
    m_impl->interrupted = true;
    // PQcancel would connect to a server that does not answer; a shut socket ends the wait here and now.
    if (m_impl->postgres && PQsocket(m_impl->postgres) >= 0)
        ::shutdown(PQsocket(m_impl->postgres), SHUT_RDWR);
}

Result<std::shared_ptr<QSqlQuery>> Connection::prepared(std::string_view sql)
{
    if (const auto found = m_impl->statements.find(sql); found != m_impl->statements.end())
        return found->second;
    auto query = std::make_shared<QSqlQuery>(m_impl->database);
    query->setForwardOnly(dialect() == Dialect::Sqlite); // on PostgreSQL it would mean one row per round of libpq
    if (!query->prepare(QString::fromUtf8(sql.data(), static_cast<qsizetype>(sql.size()))))
        return classify(query->lastError(), "prepare a statement");
    if (m_impl->statements.size() >= statementBound)
        m_impl->statements.erase(m_impl->statements.begin());
    m_impl->statements.emplace(std::string(sql), query);
    return query;
}

void Connection::forget(std::string_view sql)
{
    if (const auto found = m_impl->statements.find(sql); found != m_impl->statements.end())
        m_impl->statements.erase(found);
}

Error Connection::classify(const QSqlError &error, std::string_view doing)
{
    const bool connected = m_impl->connected();
    Error typed = dialect() == Dialect::Sqlite ? classifySqlite(m_impl->url, error, doing)
                                               : classifyPostgreSql(m_impl->url, error, doing, connected);
    if (typed.code == codeLost)
        m_impl->lost = true;
    if ((typed.code == codeLost && m_impl->interrupted) || (typed.code == codeRetry && expired()))
        return failure(ErrorKind::Timeout, "The database did not finish in time.");
    return typed;
}

} // namespace portolan::storage
