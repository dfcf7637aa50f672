// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/storage/backup.h"
#include "core/storage/users_store.h"
#include "tests/contract/storage/backends.h"

#include <QTemporaryDir>
#include <thread>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// PostgreSQL going away, getting stuck and coming back under a pool.
class PostgresFaultsTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void init();
    void cleanup();

    void opensAConnectionItsServerClosed();
    void saysThatAConnectionWasLostDuringWork();
    void failsAtOnceWhileTheServerIsDownAndRecovers();
    void answersInTimeWhenTheServerIsStuck();
    void refusesAWrongDatabase();
    void refusesAServerThatIsNotThere();
    void backsUpAndRestores();
    void restoresNothingFromADamagedFile();

private:
    Result<std::int64_t> one(std::chrono::milliseconds deadline = {})
    {
        return m_database->runBlocking(
            [](DatabaseConnection &c) -> Result<std::int64_t> {
                auto row = selectOne(c, "SELECT 1", {}, [](const Row &r) { return r.integer(0); });
                if (row.has_error())
                    return row.error();
                return row->value();
            },
            deadline);
    }
    /// Milliseconds until one() works again, or -1 after ten seconds.
    int recovery();

    ManualClock m_clock;
    std::unique_ptr<PostgresFixture> m_server;
    std::unique_ptr<Database> m_database;
};

void PostgresFaultsTest::initTestCase()
{
    m_server = std::make_unique<PostgresFixture>();
    m_server->createDatabase("portal");
}

void PostgresFaultsTest::init()
{
    PoolOptions options;
    options.deadline = 2000ms;
    m_database = std::make_unique<Database>(parsedUrl(m_server->url("portal")), options);
    VERIFY_OK(m_database->open());
}

void PostgresFaultsTest::cleanup() { m_database.reset(); }

int PostgresFaultsTest::recovery()
{
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 10s) {
        if (!one().has_error())
            return static_cast<int>((std::chrono::steady_clock::now() - start) / 1ms);
        std::this_thread::sleep_for(10ms);
    }
    return -1;
}

void PostgresFaultsTest::opensAConnectionItsServerClosed()
{
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 20; ++i)
            VERIFY_OK(one());
        m_server->sql("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = 'portal'");
        for (int i = 0; i < 20; ++i)
            VERIFY_OK(one()); // nobody notices
    }
}

void PostgresFaultsTest::saysThatAConnectionWasLostDuringWork()
{
    const auto lost = m_database->runBlocking([&](DatabaseConnection &c) -> Result<void> {
        auto pid = selectOne(c, "SELECT pg_backend_pid()", {}, [](const Row &r) { return r.integer(0); });
        m_server->sql("SELECT pg_terminate_backend(" + std::to_string(pid->value()) + ", 5000)");
        return transaction(c, [&]() -> Result<void> {
            auto done = execute(c, "CREATE TABLE never (x BIGINT)");
            if (done.has_error())
                return done.error();
            return {};
        });
    });
    QVERIFY(lost.has_error());
    QCOMPARE(lost.error().kind, ErrorKind::Unavailable);
    QCOMPARE(lost.error().code, std::string("database-lost"));
    VERIFY_OK(one());
}

void PostgresFaultsTest::failsAtOnceWhileTheServerIsDownAndRecovers()
{
    m_server->stop();
    QVERIFY(one().has_error());
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) {
        const auto refused = one();
        QVERIFY(refused.has_error());
        QCOMPARE(refused.error().kind, ErrorKind::Unavailable);
    }
    QVERIFY(std::chrono::steady_clock::now() - start < 1s);
    QCOMPARE(m_database->use().open, 0u);
    m_server->start();
    const int took = recovery();
    QVERIFY(took >= 0);
    QVERIFY2(took < 2000, QByteArray::number(took));
}

void PostgresFaultsTest::answersInTimeWhenTheServerIsStuck()
{
    PoolOptions options;
    options.connections = 1; // the one that is connected
    m_database = std::make_unique<Database>(parsedUrl(m_server->url("portal")), options);
    VERIFY_OK(one());
    m_server->pause();
    const auto start = std::chrono::steady_clock::now();
    const auto late = one(500ms);
    const auto took = std::chrono::steady_clock::now() - start;
    m_server->resume();
    QVERIFY(late.has_error());
    QCOMPARE(late.error().kind, ErrorKind::Timeout);
    QVERIFY2(took < 3s, QByteArray::number(qlonglong(took / 1ms)));
    QVERIFY(recovery() >= 0);
}

void PostgresFaultsTest::refusesAWrongDatabase()
{
    Database wrong(parsedUrl(m_server->url("nothing")));
    const auto refused = wrong.open();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Invalid);
    QVERIFY2(refused.error().message.find("nothing") != std::string::npos, words(refused.error()));
    QVERIFY(!refused.error().hint.empty());
}

void PostgresFaultsTest::refusesAServerThatIsNotThere()
{
    Database absent(parsedUrl("postgresql://ann:very-secret@%2Ftmp%2Fnowhere-at-all/portal"));
    const auto refused = absent.open();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Unavailable);
    QVERIFY2(refused.error().message.find("/tmp/nowhere-at-all") != std::string::npos, words(refused.error()));
    QVERIFY(!words(refused.error()).contains("very-secret"));
}

void PostgresFaultsTest::backsUpAndRestores()
{
    VERIFY_OK(migrate(*m_database, m_clock));
    UsersStore users(*m_database);
    UserRecord ann;
    ann.id = 1;
    ann.email = "ann@example.com";
    VERIFY_OK(users.addBlocking(ann));
    QTemporaryDir directory;
    const std::filesystem::path file = directory.filePath("portal.dump").toStdString();
    VERIFY_OK(backup(*m_database, file));
    QCOMPARE(backup(*m_database, file).error().kind, ErrorKind::Conflict);
    VERIFY_OK(backup(*m_database, file, {true}));
    QCOMPARE(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));

    ann.id = 2;
    ann.email = "later@example.com";
    VERIFY_OK(users.addBlocking(ann));
    QCOMPARE(restore(*m_database, file).error().kind, ErrorKind::Conflict);
    VERIFY_OK(restore(*m_database, file, {true}));
    QCOMPARE(users.pageBlocking({})->items.size(), std::size_t{1});

    m_server->createDatabase("empty");
    Database empty(parsedUrl(m_server->url("empty")));
    VERIFY_OK(restore(empty, file));
    QCOMPARE(UsersStore(empty).pageBlocking({})->items.size(), std::size_t{1});
    QCOMPARE(migrate(empty, m_clock)->from, schemaVersion());
}

void PostgresFaultsTest::restoresNothingFromADamagedFile()
{
    VERIFY_OK(migrate(*m_database, m_clock));
    QTemporaryDir directory;
    const std::filesystem::path file = directory.filePath("portal.dump").toStdString();
    std::ofstream(file) << "this is no dump";
    QCOMPARE(restore(*m_database, file, {true}).error().kind, ErrorKind::Invalid);
    std::filesystem::remove(file);
    VERIFY_OK(backup(*m_database, file));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) * 2 / 3);
    QVERIFY(restore(*m_database, file, {true}).has_error());
    QCOMPARE(migrate(*m_database, m_clock)->from, schemaVersion()); // all still there
}

QTEST_GUILESS_MAIN(PostgresFaultsTest)
#include "postgres_faults_test.moc"
