#include "core/storage/query.h"

#include "core/storage/errors.h"
#include "core/storage/write_turn.h"

#include <QSqlDatabase>
#include <QSqlError>
#include <QSqlQuery>
#include <QString>
#include <QVariant>
#include <chrono>
#include <thread>

namespace portolan::storage {
namespace {

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

QString text(std::string_view sql) { return QString::fromUtf8(sql.data(), static_cast<qsizetype>(sql.size())); }

/// Prepares, binds and runs. PostgreSQL has no NUL in text, and Qt would end the statement there.
Result<std::shared_ptr<QSqlQuery>> run(Connection &connection, std::string_view sql, const Values &values)
{
    for (const auto &value : values)
        if (const auto *string = std::get_if<std::string>(&value); string && string->find('\0') != std::string::npos)
            return failure(ErrorKind::Invalid, "A text holds a NUL character.");
    if (connection.expired())
        return failure(ErrorKind::Timeout, "The database did not finish in time.");
    auto statement = connection.prepared(sql);
    if (statement.has_error())
        return statement.error();
    QSqlQuery &query = **statement;
    for (std::size_t i = 0; i < values.size(); ++i)
        query.bindValue(static_cast<int>(i), variant(values[i]));
    if (query.exec())
        return *statement;
    Error error = connection.classify(query.lastError(), "run a statement");
    query.finish();
    if (!connection.inTransaction()) // in a failed transaction PostgreSQL takes no statement back
        connection.forget(sql);
    return error;
}

/// SQLite: a statement that writes on its own takes its turn like a transaction does.
class Turn final
{
public:
    static Result<void> take(Connection &connection, std::optional<Turn> &turn)
    {
        if (connection.dialect() != Dialect::Sqlite || connection.inTransaction())
            return {};
        if (!connection.writeTurn().acquire(connection.deadline()))
            return failure(ErrorKind::Timeout, "The database did not come round to writing in time.");
        turn.emplace(connection);
        return {};
    }
    explicit Turn(Connection &connection) : m_connection(connection) {}
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;
    ~Turn() { m_connection.writeTurn().release(); }

private:
    Connection &m_connection;
};

} // namespace

bool Row::isNull(int column) const { return m_query.isNull(column); }
std::int64_t Row::integer(int column) const { return m_query.value(column).toLongLong(); }
double Row::real(int column) const { return m_query.value(column).toDouble(); }
std::string Row::text(int column) const { return m_query.value(column).toString().toStdString(); }

WallTime fromMilliseconds(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }
std::int64_t toMilliseconds(WallTime time)
{
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Rows::~Rows()
{
    if (m_query)
        m_query->finish(); // lets go of SQLite's read lock
}

bool Rows::next() { return m_query->next(); }

Result<void> Rows::ended(Connection &connection) const
{
    if (m_query->lastError().isValid())
        return connection.classify(m_query->lastError(), "read a result");
    return {};
}

Result<Rows> query(Connection &connection, std::string_view sql, const Values &values)
{
    auto statement = run(connection, sql, values);
    if (statement.has_error())
        return statement.error();
    return Rows(std::move(*statement));
}

Result<std::uint64_t> execute(Connection &connection, std::string_view sql, const Values &values)
{
    std::optional<Turn> turn;
    if (auto taken = Turn::take(connection, turn); taken.has_error())
        return taken.error();
    auto statement = run(connection, sql, values);
    if (statement.has_error())
        return statement.error();
    const Rows finishing(*statement);
    return static_cast<std::uint64_t>(std::max(0, (*statement)->numRowsAffected()));
}

Result<void> executeOnce(Connection &connection, std::string_view sql)
{
    QSqlQuery query(connection.qt());
    if (query.exec(text(sql)))
        return {};
    return connection.classify(query.lastError(), "run a statement");
}

namespace detail {

Result<void> begin(Connection &connection)
{
    const bool sqlite = connection.dialect() == Dialect::Sqlite;
    if (connection.expired() || (sqlite && !connection.writeTurn().acquire(connection.deadline())))
        return failure(ErrorKind::Timeout, "The database did not come round to writing in time.");
    auto begun = executeOnce(connection, sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
    if (!begun.has_error())
        connection.setInTransaction(true);
    else if (sqlite)
        connection.writeTurn().release();
    return begun;
}

Result<void> commit(Connection &connection)
{
    if (connection.isAborted())
        return failure(ErrorKind::Internal, "A failed statement of a transaction was ignored; nothing was written.");
    auto committed = executeOnce(connection, "COMMIT");
    if (committed.has_error())
        return committed; // the caller rolls back
    connection.setInTransaction(false);
    if (connection.dialect() == Dialect::Sqlite)
        connection.writeTurn().release();
    return committed;
}

void rollback(Connection &connection)
{
    // May fail: SQLite rolls back by itself when the disk is full, and a lost connection has nothing to roll back.
    QSqlQuery(connection.qt()).exec(QStringLiteral("ROLLBACK"));
    connection.setInTransaction(false);
    if (connection.dialect() == Dialect::Sqlite)
        connection.writeTurn().release();
}

bool retryable(Connection &connection, const Error &error, int attempt)
{
    constexpr int attempts = 5;
    if (error.code != codeRetry || attempt >= attempts || connection.isLost())
        return false;
    const auto pause = std::chrono::milliseconds(5 << attempt); // this thread is the pool's, it may wait
    if (std::chrono::steady_clock::now() + pause >= connection.deadline())
        return false;
    std::this_thread::sleep_for(pause);
    return true;
}

} // namespace detail
} // namespace portolan::storage
