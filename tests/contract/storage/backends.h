// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/ids.h"
#include "core/storage/migrations.h"
#include "core/storage/query.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/pgbouncer_fixture.h"

#include <QTemporaryDir>
#include <QTest>
#include <memory>
#include <string>

namespace portolan {

enum class Backend { Sqlite, PostgreSql, PgBouncer };

/// What a suite runs over: initTestCase_data() adds these rows, and each test function makes a TestDatabase of the
/// row's.
inline void addBackends()
{
    QTest::addColumn<Backend>("backend");
    QTest::newRow("sqlite") << Backend::Sqlite;
    QTest::newRow("postgresql") << Backend::PostgreSql;
    QTest::newRow("pgbouncer") << Backend::PgBouncer;
}

/// Servers of a test program, each started on first use.
struct Servers
{
    std::unique_ptr<PostgresFixture> postgres;
    std::unique_ptr<PgBouncerFixture> pooler;

    PostgresFixture &started()
    {
        if (!postgres)
            postgres = std::make_unique<PostgresFixture>();
        return *postgres;
    }
};

/// An empty database of a test function's own.
class TestDatabase final
{
public:
    TestDatabase(Backend backend, Servers &servers)
    {
        if (backend == Backend::Sqlite)
            return;
        m_name = "t" + randomToken(9);
        m_server = &servers.started();
        m_server->createDatabase(m_name);
        if (backend == Backend::PgBouncer && !servers.pooler)
            servers.pooler = std::make_unique<PgBouncerFixture>(*m_server);
        m_url = backend == Backend::PgBouncer ? servers.pooler->url(m_name) : m_server->url(m_name);
    }
    ~TestDatabase()
    {
        if (m_server)
            m_server->dropDatabase(m_name);
    }
    TestDatabase(const TestDatabase &) = delete;
    TestDatabase &operator=(const TestDatabase &) = delete;

    std::string url() const { return m_server ? m_url : "sqlite:" + file(); }
    std::string file() const { return m_directory.filePath("portal.db").toStdString(); }

private:
    PostgresFixture *m_server = nullptr;
    std::string m_name;
    std::string m_url;
    QTemporaryDir m_directory;
};

inline storage::DatabaseUrl parsedUrl(const std::string &url) { return storage::DatabaseUrl::parse(url).value(); }

/// The text of an error, for messages of a failed test.
inline QByteArray words(const Error &error)
{
    return QByteArray::fromStdString(error.code + ": " + error.message + " / " + error.hint);
}

} // namespace portolan

/// Verifies that a Result has a value, and says the error if it has not. Evaluates its argument once.
#define VERIFY_OK(result)                                                                                              \
    do {                                                                                                               \
        const auto &verified = (result);                                                                               \
        QVERIFY2(!verified.has_error(), portolan::words(verified.error()).constData());                                \
    } while (false)
