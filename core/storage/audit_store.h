// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/storage/database.h"

#include <cstdint>

namespace portolan::storage {

/// The audit log: only grows. Texts are cut to 1 KiB each.
class AuditStore final
{
public:
    explicit AuditStore(Database &database) : m_database(database) {}

    /// `entry.id` and `at` are the caller's; ids order the log.
    awaitable<Result<void>> append(AuditEntry entry);
    Result<void> appendBlocking(AuditEntry entry); ///< for the command line
    /// Newest first. Invalid: bad limit or cursor.
    awaitable<Result<AuditPage>> page(AuditQuery query);
    awaitable<Result<std::uint64_t>> count(); ///< all entries

private:
    Database &m_database;
};

} // namespace portolan::storage
