// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/storage/database_connection.h"

#include <filesystem>
#include <string>

/// What the history file is, and how one of an earlier version becomes one of this. On the store's thread.
namespace portolan::storage {

/// Why it cannot be our history, as far as its first bytes tell; empty: it may be. What is still in the write-ahead log
/// shows zeros there.
std::string wrongHeader(const std::filesystem::path &file);

/// Makes the tables of a new file, and steps one of an earlier version up. Answers what is wrong with an old one;
/// empty: nothing.
Result<std::string> prepareHistory(DatabaseConnection &connection);

} // namespace portolan::storage
