// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/query.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>
#include <string_view>

namespace portolan::storage {

/// One column and the member it is kept in: the one place where a column is listed (besides the migration that makes
/// it).
template <class T> struct Column
{
    std::string_view name;
    Value (*get)(const T &);
    void (*set)(T &, const Row &, int);
};

namespace detail {
template <class> struct MemberOf;
template <class T, class M> struct MemberOf<M T::*>
{
    using Struct = T;
    using Type = M;
};
} // namespace detail

/// column<&User::email>("email")
template <auto Member> constexpr auto column(std::string_view name)
{
    using Struct = typename detail::MemberOf<decltype(Member)>::Struct;
    using Type = typename detail::MemberOf<decltype(Member)>::Type;
    return Column<Struct>{name, [](const Struct &object) { return toValue(object.*Member); },
                          [](Struct &object, const Row &row, int at) { object.*Member = Reader<Type>::read(row, at); }};
}

/// A table whose columns are data: makes the select list, reads a row, inserts a value.
template <class T, std::size_t N> struct Table
{
    std::string_view name;
    std::array<Column<T>, N> columns;

    std::string list() const ///< "id, email, …"
    {
        std::string text;
        for (const auto &column : columns)
            text.append(text.empty() ? "" : ", ").append(column.name);
        return text;
    }
    /// "SELECT id, email, … FROM users " + `rest`
    std::string select(std::string_view rest) const
    {
        return "SELECT " + list() + " FROM " + std::string(name) + ' ' + std::string(rest);
    }
    T read(const Row &row) const
    {
        T object;
        for (std::size_t i = 0; i < N; ++i)
            columns[i].set(object, row, static_cast<int>(i));
        return object;
    }
    auto reader() const
    {
        return [this](const Row &row) { return read(row); };
    }
    Result<void> insert(DatabaseConnection &connection, const T &object) const
    {
        return insert(connection, std::span<const T>(&object, 1));
    }
    /// Several rows in one statement, `rowsAtOnce` at a time; inside transaction() if all or none is wanted.
    Result<void> insert(DatabaseConnection &connection, std::span<const T> objects,
                        std::string_view onConflict = {}) const
    {
        while (!objects.empty()) {
            // Powers of two, so that few different statements serve every number of rows.
            const auto part = objects.first(std::min(std::bit_floor(objects.size()), rowsAtOnce));
            objects = objects.subspan(part.size());
            std::string sql = "INSERT INTO " + std::string(name) + " (" + list() + ") VALUES ";
            Values values;
            values.reserve(part.size() * N);
            for (std::size_t row = 0; row < part.size(); ++row) {
                sql += row ? ", (" : "(";
                for (std::size_t i = 0; i < N; ++i) {
                    sql += i ? ", ?" : "?";
                    values.push_back(columns[i].get(part[row]));
                }
                sql += ')';
            }
            sql.append(onConflict.empty() ? "" : " ").append(onConflict);
            if (auto done = execute(connection, sql, values); done.has_error())
                return done.error();
        }
        return {};
    }

    static constexpr std::size_t rowsAtOnce = 64;
};
template <class T, std::size_t N> constexpr Table<T, N> makeTable(std::string_view name, const Column<T> (&columns)[N])
{
    return {name, std::to_array(columns)};
}

} // namespace portolan::storage
