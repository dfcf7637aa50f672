// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"
#include "core/storage/query.h"
#include "core/storage/users_table.h"

#include <chrono>
#include <span>

namespace portolan::storage {

/// Adds them in one transaction, their addresses as they are: for tests that need thousands.
inline Result<void> addUsers(Database &database, std::span<const UserRecord> records)
{
    constexpr auto patience = std::chrono::minutes(5);
    return database.runBlocking(
        [&](DatabaseConnection &connection) {
            return transaction(connection, [&] { return users.insert(connection, records); });
        },
        patience);
}

} // namespace portolan::storage
