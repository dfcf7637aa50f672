// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/storage/database_connection.h"
#include "core/storage/result_set.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Statements on a DatabaseConnection, inside work given to Database::run(). Values are always bound, never pasted;
/// times are stored as milliseconds since 1970 (BIGINT), ids as BIGINT, truth as 0 and 1 (SMALLINT), enumerations as
/// their number.
namespace portolan::storage {

/// The current row of a result. A column is named by its place in the select list; NULL reads as zero or empty unless
/// read as an optional.
class Row final
{
public:
    explicit Row(const ResultSet &result) : m_result(result) {}
    bool isNull(int column) const { return m_result.isNull(column); }
    std::int64_t integer(int column) const { return m_result.integer(column); }
    double real(int column) const { return m_result.real(column); }
    std::string text(int column) const { return m_result.text(column); }

private:
    const ResultSet &m_result;
};

WallTime fromMilliseconds(std::int64_t milliseconds);
std::int64_t toMilliseconds(WallTime time);

/// How a member's type is stored and read.
template <class T> Value toValue(const T &value)
{
    if constexpr (std::is_same_v<T, bool>)
        return std::int64_t{value};
    else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
        return static_cast<std::int64_t>(value);
    else if constexpr (std::is_floating_point_v<T>)
        return static_cast<double>(value);
    else if constexpr (std::is_same_v<T, WallTime>)
        return toMilliseconds(value);
    else
        return std::string(value);
}
template <class T> Value toValue(const std::optional<T> &value) { return value ? toValue(*value) : Value{}; }

template <class T> struct Reader
{
    static T read(const Row &row, int column)
    {
        if constexpr (std::is_same_v<T, bool>)
            return row.integer(column) != 0;
        else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
            return static_cast<T>(row.integer(column));
        else if constexpr (std::is_floating_point_v<T>)
            return static_cast<T>(row.real(column));
        else if constexpr (std::is_same_v<T, WallTime>)
            return fromMilliseconds(row.integer(column));
        else
            return T(row.text(column));
    }
};
template <class T> struct Reader<std::optional<T>>
{
    static std::optional<T> read(const Row &row, int column)
    {
        if (row.isNull(column))
            return std::nullopt;
        return Reader<T>::read(row, column);
    }
};

/// Values of these, in order: valuesOf(id, email, std::optional{time}).
template <class... T> Values valuesOf(const T &...values)
{
    Values bound;
    bound.reserve(sizeof...(values));
    (bound.push_back(toValue(values)), ...);
    return bound;
}

/// Runs a statement that reads. Errors: see errors.cpp.
Result<std::unique_ptr<ResultSet>> query(DatabaseConnection &connection, std::string_view sql,
                                         const Values &values = {});

/// Runs a statement that writes (outside a transaction: as one of its own). Returns how many rows it touched.
Result<std::uint64_t> execute(DatabaseConnection &connection, std::string_view sql, const Values &values = {});
/// Runs SQL that is not worth preparing: pragmas, definitions. One statement.
Result<void> executeOnce(DatabaseConnection &connection, std::string_view sql);

/// All rows, each read by `read(const Row &)`. The SQL carries its own LIMIT.
template <class F, class T = std::invoke_result_t<F, const Row &>>
Result<std::vector<T>> select(DatabaseConnection &connection, std::string_view sql, const Values &values, F read)
{
    std::vector<T> all;
    auto rows = query(connection, sql, values);
    if (rows.has_error())
        return rows.error();
    while ((*rows)->next())
        all.push_back(read(Row(**rows)));
    if (auto end = (*rows)->ended(); end.has_error())
        return end.error();
    return all;
}

/// The first row, or nothing.
template <class F, class T = std::invoke_result_t<F, const Row &>>
Result<std::optional<T>> selectOne(DatabaseConnection &connection, std::string_view sql, const Values &values, F read)
{
    auto rows = query(connection, sql, values);
    if (rows.has_error())
        return rows.error();
    if ((*rows)->next())
        return std::optional<T>(read(Row(**rows)));
    if (auto end = (*rows)->ended(); end.has_error())
        return end.error();
    return std::optional<T>();
}

namespace detail {
Result<void> begin(DatabaseConnection &connection);
Result<void> commit(DatabaseConnection &connection);
void rollback(DatabaseConnection &connection);
/// Whether the failed transaction may simply be run again (busy, deadlock, serialization failure); waits a little.
bool retryable(DatabaseConnection &connection, const Error &error, int attempt);
} // namespace detail

/// Runs `work` (no arguments, returns Result<T>) in a transaction: committed when it returns a value, rolled back when
/// it returns an error or throws. It is run again, up to five times and within the deadline, when the database asks for
/// that, so it must not change anything but the database. Inside another transaction it simply joins it.
/// SQLite: BEGIN IMMEDIATE, one writer at a time. PostgreSQL: READ COMMITTED.
template <class F> auto transaction(DatabaseConnection &connection, F work) -> std::invoke_result_t<F>
{
    if (connection.inTransaction())
        return work();
    struct Rollback
    {
        DatabaseConnection &connection;
        ~Rollback()
        {
            if (connection.inTransaction())
                detail::rollback(connection);
        }
    };
    for (int attempt = 1;; ++attempt) {
        Error error;
        {
            if (auto begun = detail::begin(connection); begun.has_error()) {
                error = begun.error();
            } else {
                const Rollback unlessCommitted{connection};
                auto result = work();
                if (result.has_error()) {
                    error = result.error();
                } else {
                    auto committed = detail::commit(connection);
                    if (!committed.has_error())
                        return result;
                    error = committed.error();
                }
            }
        }
        if (!detail::retryable(connection, error, attempt))
            return error;
    }
}

} // namespace portolan::storage
