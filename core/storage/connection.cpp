#include "core/storage/connection.h"

#include "core/storage/database.h"
#include "core/storage/postgres_session.h"
#include "core/storage/sqlite_session.h"
#include "core/storage/write_turn.h"

namespace portolan::storage {

struct Connection::Impl
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
    std::unique_ptr<Session> session;
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

Connection::Connection(const DatabaseUrl &url, const PoolOptions &options, std::shared_ptr<WriteTurn> writeTurn)
    : m_impl(std::make_unique<Impl>(url, options, std::move(writeTurn)))
{}

Connection::~Connection() = default;

Dialect Connection::dialect() const { return m_impl->dialect; }
sqlite3 *Connection::sqlite() { return m_impl->sqlite ? m_impl->sqlite->handle() : nullptr; }
int Connection::backendPid() const { return m_impl->postgres ? m_impl->postgres->backendPid() : 0; }

bool Connection::inTransaction() const { return m_impl->inTransaction; }
bool Connection::isAborted() const { return m_impl->session->isAborted(); }
WriteTurn &Connection::writeTurn() { return *m_impl->turn; }
SteadyTime Connection::deadline() const { return m_impl->deadline; }
bool Connection::expired() const { return std::chrono::steady_clock::now() >= m_impl->deadline; }

Result<std::unique_ptr<ResultSet>> Connection::run(std::string_view sql, const Values &values)
{
    return m_impl->session->run(sql, values);
}

Result<void> Connection::runOnce(std::string_view sql) { return m_impl->session->runOnce(sql); }

Result<void> Connection::beginTransaction()
{
    auto begun = m_impl->session->beginTransaction();
    m_impl->inTransaction = !begun.has_error();
    return begun;
}

Result<void> Connection::commit()
{
    auto committed = m_impl->session->commit();
    if (!committed.has_error())
        m_impl->leaveTransaction();
    return committed;
}

void Connection::rollback()
{
    // May fail: SQLite rolls back by itself when the disk is full, and a lost connection has nothing to roll back.
    m_impl->session->rollback();
    m_impl->leaveTransaction();
}

Result<void> Connection::open()
{
    m_impl->inTransaction = false;
    return m_impl->session->open();
}

void Connection::close()
{
    m_impl->inTransaction = false;
    m_impl->session->close();
}

bool Connection::isOpen() const { return m_impl->session->isOpen(); }
bool Connection::isLost() const { return m_impl->session->isLost(); }
bool Connection::isStale() { return m_impl->session->isStale(); }

void Connection::begin(SteadyTime deadline)
{
    m_impl->deadline = deadline;
    m_impl->session->begin(deadline);
}

void Connection::end()
{
    if (m_impl->inTransaction)
        rollback();
    m_impl->deadline = SteadyTime::max();
    m_impl->session->end();
}

void Connection::interrupt() { m_impl->session->interrupt(); }

} // namespace portolan::storage
