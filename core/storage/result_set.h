// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace portolan::storage {

/// What is bound to a statement. Nothing: NULL.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Values = std::vector<Value>;

/// The rows of one statement, before the first of them. Columns are named by their place in the select list; NULL reads
/// as zero or empty. Ends, and frees what it holds of its connection, when it goes.
class ResultSet
{
public:
    virtual ~ResultSet() = default;
    virtual bool next() = 0;
    /// After next() said false: whether it was the end or a failure in the middle.
    virtual Result<void> ended() const = 0;
    virtual std::uint64_t affected() const = 0; ///< rows that a statement which writes has touched

    virtual bool isNull(int column) const = 0;
    virtual std::int64_t integer(int column) const = 0;
    virtual double real(int column) const = 0;
    virtual std::string text(int column) const = 0;
};

} // namespace portolan::storage
