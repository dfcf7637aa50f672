// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"
#include "core/storage/sql_session.h"

namespace portolan::storage {

/// PostgreSQL by libpq. Between two of our transactions the server's session may be anybody's: poolers such as
/// PgBouncer (pool_mode = transaction) hand it on. So nothing is left in it: values go with the statement by the
/// protocol (https://www.postgresql.org/docs/current/protocol-flow.html, extended query, unnamed statement), never by
/// PREPARE, and settings are those of one transaction (SET LOCAL). Qt's driver does neither, and sets bytea_output and
/// DateStyle for the session when it connects.
class PostgresSession : public SqlSession
{
public:
    virtual int backendPid() const = 0; ///< as the connection's start told; a pooler tells one of its own
};

/// `url`, `options`: copied.
std::unique_ptr<PostgresSession> makePostgresSession(const DatabaseUrl &url, const PoolOptions &options);

} // namespace portolan::storage
