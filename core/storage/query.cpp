// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/query.h"

#include "core/storage/errors.h"
#include "core/storage/write_turn.h"

#include <chrono>
#include <thread>

namespace portolan::storage {
namespace {

/// PostgreSQL has no NUL in text, and libpq and Qt would end the value there.
Result<std::unique_ptr<ResultSet>> run(DatabaseConnection &connection, std::string_view sql, const Values &values)
{
    for (const auto &value : values)
        if (const auto *string = std::get_if<std::string>(&value); string && string->find('\0') != std::string::npos)
            return failure(ErrorKind::Invalid, "A text holds a NUL character.");
    if (connection.expired())
        return failure(ErrorKind::Timeout, "The database did not finish in time.");
    return connection.run(sql, values);
}

/// SQLite: a statement that writes on its own takes its turn like a transaction does.
class Turn final
{
public:
    static Result<void> take(DatabaseConnection &connection, std::optional<Turn> &turn)
    {
        if (connection.dialect() != Dialect::Sqlite || connection.inTransaction())
            return {};
        if (!connection.writeTurn().acquire(connection.deadline()))
            return failure(ErrorKind::Timeout, "The database did not come round to writing in time.");
        turn.emplace(connection);
        return {};
    }
    explicit Turn(DatabaseConnection &connection) : m_connection(connection) {}
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;
    ~Turn() { m_connection.writeTurn().release(); }

private:
    DatabaseConnection &m_connection;
};

} // namespace

WallTime fromMilliseconds(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }
std::int64_t toMilliseconds(WallTime time)
{
    return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<std::unique_ptr<ResultSet>> query(DatabaseConnection &connection, std::string_view sql, const Values &values)
{
    return run(connection, sql, values);
}

Result<std::uint64_t> execute(DatabaseConnection &connection, std::string_view sql, const Values &values)
{
    std::optional<Turn> turn;
    if (auto taken = Turn::take(connection, turn); taken.has_error())
        return taken.error();
    const auto result = run(connection, sql, values);
    if (result.has_error())
        return result.error();
    return (*result)->affected();
}

Result<void> executeOnce(DatabaseConnection &connection, std::string_view sql) { return connection.runOnce(sql); }

namespace detail {

Result<void> begin(DatabaseConnection &connection)
{
    const bool sqlite = connection.dialect() == Dialect::Sqlite;
    if (connection.expired() || (sqlite && !connection.writeTurn().acquire(connection.deadline())))
        return failure(ErrorKind::Timeout, "The database did not come round to writing in time.");
    auto begun = connection.beginTransaction();
    if (begun.has_error() && sqlite)
        connection.writeTurn().release();
    return begun;
}

Result<void> commit(DatabaseConnection &connection)
{
    if (connection.isAborted())
        return failure(ErrorKind::Internal, "A failed statement of a transaction was ignored; nothing was written.");
    return connection.commit(); // when it fails the caller rolls back
}

void rollback(DatabaseConnection &connection) { connection.rollback(); }

bool retryable(DatabaseConnection &connection, const Error &error, int attempt)
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
