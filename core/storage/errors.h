// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/storage/database.h"

#include <QSqlError>

namespace portolan::storage {

/// `code` of an error after which the same transaction may be run again: nothing of it has happened.
inline constexpr std::string_view codeRetry = "database-busy";
/// `code` of an error that says the connection is gone.
inline constexpr std::string_view codeLost = "database-lost";
/// `code` of an error about a table that is not there.
inline constexpr std::string_view codeNoTable = "database-schema";
/// `code` of the violation of a unique index, and of a reference to a row that is not there (both Conflict).
inline constexpr std::string_view codeUnique = "exists";
inline constexpr std::string_view codeReference = "missing-reference";

/// Types what the driver of `url` reports. `doing`: for the message, "run a statement".
Error classifySqlite(const DatabaseUrl &url, const QSqlError &error, std::string_view doing);
/// `state`: the SQLSTATE, empty where libpq alone speaks. `connected`: whether libpq still takes the connection for
/// good.
Error classifyPostgreSql(const DatabaseUrl &url, std::string_view state, std::string_view words, std::string_view doing,
                         bool connected);
/// What kept libpq from connecting.
Error classifyPostgreSqlConnect(const DatabaseUrl &url, std::string_view words);

} // namespace portolan::storage
