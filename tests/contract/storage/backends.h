#pragma once

#include "core/base/ids.h"
#include "core/storage/migrations.h"
#include "core/storage/query.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/postgres_fixture.h"

#include <QTemporaryDir>
#include <QTest>
#include <memory>
#include <string>

namespace portolan {

/// What a suite runs over: initTestCase_data() adds these rows, and each test function makes a TestDatabase of the
/// row's.
inline void addBackends()
{
    QTest::addColumn<bool>("postgres");
    QTest::newRow("sqlite") << false;
    QTest::newRow("postgresql") << true;
}

/// An empty database of a test function's own. `server`: started once per program, on first use.
class TestDatabase final
{
public:
    TestDatabase(bool postgres, std::unique_ptr<PostgresFixture> &server)
    {
        if (postgres) {
            if (!server)
                server = std::make_unique<PostgresFixture>();
            m_name = "t" + randomToken(9);
            m_server = server.get();
            server->createDatabase(m_name);
        }
    }
    ~TestDatabase()
    {
        if (m_server)
            m_server->dropDatabase(m_name);
    }
    TestDatabase(const TestDatabase &) = delete;
    TestDatabase &operator=(const TestDatabase &) = delete;

    std::string url() const { return m_server ? m_server->url(m_name) : "sqlite:" + file(); }
    std::string file() const { return m_directory.filePath("portal.db").toStdString(); }

private:
    PostgresFixture *m_server = nullptr;
    std::string m_name;
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
