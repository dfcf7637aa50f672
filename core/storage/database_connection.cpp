// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/database_connection.h"

#include "core/storage/database.h"
#include "core/storage/postgres_session.h"
#include "core/storage/sqlite_session.h"
#include "core/storage/write_turn.h"

namespace portolan::storage {

struct DatabaseConnection::Impl
{
    Impl(const DatabaseUrl &url, const PoolOptions &options, std::shared_ptr<WriteTurn> writeTurn)
        : dialect(url.dialect), turn(std::move(writeTurn))
    {
        if (dialect == Dialect::Sqlite) {
            auto made = makeSqliteSession(url, options);
            sqlite = made.get();
            session = std::move(made);
        } else {
            auto made = makePostgresSession(url, options);
            postgres = made.get();
            session = std::move(made);
        }
    }

    const Dialect dialect;
    const std::shared_ptr<WriteTurn> turn;
    std::unique_ptr<SqlSession> session;
    SqliteSession *sqlite = nullptr;
    PostgresSession *postgres = nullptr;
    SteadyTime deadline = SteadyTime::max();
    bool inTransaction = false;

    void leaveTransaction()
    {
        inTransaction = false;
        if (dialect == Dialect::Sqlite)
            turn->release();
    }
};

DatabaseConnection::DatabaseConnection(const DatabaseUrl &url, const PoolOptions &options,
                                       std::shared_ptr<WriteTurn> writeTurn)
    : m_impl(std::make_unique<Impl>(url, options, std::move(writeTurn)))
{}

DatabaseConnection::~DatabaseConnection() = default;

Dialect DatabaseConnection::dialect() const { return m_impl->dialect; }
sqlite3 *DatabaseConnection::sqlite() { return m_impl->sqlite ? m_impl->sqlite->handle() : nullptr; }
int DatabaseConnection::backendPid() const { return m_impl->postgres ? m_impl->postgres->backendPid() : 0; }

bool DatabaseConnection::inTransaction() const { return m_impl->inTransaction; }
bool DatabaseConnection::isAborted() const { return m_impl->session->isAborted(); }
WriteTurn &DatabaseConnection::writeTurn() { return *m_impl->turn; }
SteadyTime DatabaseConnection::deadline() const { return m_impl->deadline; }
bool DatabaseConnection::expired() const { return std::chrono::steady_clock::now() >= m_impl->deadline; }

Result<std::unique_ptr<ResultSet>> DatabaseConnection::run(std::string_view sql, const Values &values)
{
    return m_impl->session->run(sql, values);
}

Result<void> DatabaseConnection::runOnce(std::string_view sql) { return m_impl->session->runOnce(sql); }

Result<void> DatabaseConnection::beginTransaction()
{
    auto begun = m_impl->session->beginTransaction();
    m_impl->inTransaction = !begun.has_error();
    return begun;
}

Result<void> DatabaseConnection::commit()
{
    auto committed = m_impl->session->commit();
    if (!committed.has_error())
        m_impl->leaveTransaction();
    return committed;
}

void DatabaseConnection::rollback()
{
    // May fail: SQLite rolls back by itself when the disk is full, and a lost connection has nothing to roll back.
    m_impl->session->rollback();
    m_impl->leaveTransaction();
}

Result<void> DatabaseConnection::open()
{
    m_impl->inTransaction = false;
    return m_impl->session->open();
}

void DatabaseConnection::close()
{
    m_impl->inTransaction = false;
    m_impl->session->close();
}

bool DatabaseConnection::isOpen() const { return m_impl->session->isOpen(); }
bool DatabaseConnection::isLost() const { return m_impl->session->isLost(); }
bool DatabaseConnection::isStale() { return m_impl->session->isStale(); }

void DatabaseConnection::begin(SteadyTime deadline)
{
    m_impl->deadline = deadline;
    m_impl->session->begin(deadline);
}

void DatabaseConnection::end()
{
    if (m_impl->inTransaction)
        rollback();
    m_impl->deadline = SteadyTime::max();
    m_impl->session->end();
}

void DatabaseConnection::interrupt() { m_impl->session->interrupt(); }

} // namespace portolan::storage
