// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/backup.h"
#include "tests/contract/storage/backends.h"

#include <QTemporaryDir>
#include <atomic>
#include <thread>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// Behind a pooler in transaction mode a server's session is anybody's: what is left in it meets strangers, and what
/// strangers left in it meets us.
class PoolerTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void leavesNothingForStrangers();
    void bearsWhatStrangersLeave();
    void neverAnswersWithAnothersRows();
    void refusesToBackUpThroughIt();

private:
    Database pool(unsigned connections, std::chrono::milliseconds deadline = 5000ms) const
    {
        PoolOptions options;
        options.connections = connections;
        options.deadline = deadline;
        return Database(parsedUrl(m_pooler->url("portal")), options);
    }
    /// As another client of the pooler sees the one server session there is.
    std::string stranger(const std::string &sql) { return m_server->sqlAt(m_pooler->directory(), sql, "portal"); }

    std::unique_ptr<PostgresFixture> m_server;
    std::unique_ptr<PgBouncerFixture> m_pooler;
};

namespace {

constexpr const char *settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE "
                                 "name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'bytea_output', "
                                 "'DateStyle', 'search_path', 'TimeZone', 'extra_float_digits')";

Result<std::string> textOf(DatabaseConnection &connection, std::string_view sql, const Values &values = {})
{
    auto row = selectOne(connection, sql, values, [](const Row &r) { return r.text(0); });
    if (row.has_error())
        return row.error();
    return row->value_or("no row");
}

} // namespace

void PoolerTest::initTestCase()
{
    m_server = std::make_unique<PostgresFixture>();
    m_server->createDatabase("portal");
    m_pooler = std::make_unique<PgBouncerFixture>(*m_server, 1);
}

void PoolerTest::leavesNothingForStrangers()
{
    const std::string before = stranger(settings);
    {
        Database database = pool(2);
        VERIFY_OK(database.open());
        VERIFY_OK(
            database.runBlocking([](DatabaseConnection &c) { return textOf(c, "SELECT ? || 'x'", valuesOf("a")); }));
        VERIFY_OK(database.runBlocking([](DatabaseConnection &c) { return textOf(c, "SELECT 'soon'"); }, 1700ms));
        VERIFY_OK(database.runBlocking([](DatabaseConnection &c) {
            return transaction(c, [&]() -> Result<void> {
                if (auto made = executeOnce(c, "CREATE TABLE left_behind (n BIGINT)"); made.has_error())
                    return made;
                auto done = execute(c, "INSERT INTO left_behind VALUES (?)", valuesOf(std::int64_t{7}));
                return done.has_error() ? Result<void>(done.error()) : Result<void>();
            });
        }));
        const auto failed = database.runBlocking([](DatabaseConnection &c) { return textOf(c, "SELECT 1 / 0"); });
        QVERIFY(failed.has_error());
        const auto late =
            database.runBlocking([](DatabaseConnection &c) { return textOf(c, "SELECT pg_sleep(60)"); }, 300ms);
        QCOMPARE(late.error().kind, ErrorKind::Timeout);
        QCOMPARE(QString::fromStdString(stranger(settings)), QString::fromStdString(before)); // while it is connected
    }
    QCOMPARE(QString::fromStdString(stranger(settings)), QString::fromStdString(before));
    QCOMPARE(stranger("SELECT count(*) FROM pg_prepared_statements"), std::string("0"));
    QCOMPARE(stranger("SELECT n FROM left_behind"), std::string("7"));
}

void PoolerTest::bearsWhatStrangersLeave()
{
    Database database = pool(1);
    VERIFY_OK(database.open());
    stranger("SET statement_timeout = 1");
    const auto slept =
        database.runBlocking([](DatabaseConnection &c) { return textOf(c, "SELECT 'slept' FROM pg_sleep(0.05)"); });
    VERIFY_OK(slept);
    QCOMPARE(*slept, std::string("slept"));
    const auto inside = database.runBlocking([](DatabaseConnection &c) {
        return transaction(c, [&] { return textOf(c, "SELECT 'slept' FROM pg_sleep(0.05)"); });
    });
    VERIFY_OK(inside);
    stranger("RESET statement_timeout");
}

void PoolerTest::neverAnswersWithAnothersRows()
{
    const PgBouncerFixture pooler(*m_server, 2);
    PoolOptions options;
    options.connections = 4;
    Database first(parsedUrl(pooler.url("portal")), options);
    Database second(parsedUrl(pooler.url("portal")), options);
    VERIFY_OK(first.open());
    VERIFY_OK(second.open());
    std::atomic<int> wrong{0};
    std::atomic<int> failed{0};
    const auto ask = [&](Database &database, const std::string &who) {
        for (int i = 0; i < 100; ++i) {
            const std::string number = std::to_string(i);
            const auto answer = database.runBlocking([&](DatabaseConnection &c) {
                return i % 4 == 0 ? transaction(c, [&] { return textOf(c, "SELECT ? || '!'", valuesOf(who + number)); })
                                  : textOf(c, "SELECT CAST(? AS TEXT) || '!'", valuesOf(who + number));
            });
            if (answer.has_error())
                ++failed;
            else if (*answer != who + number + '!')
                ++wrong;
        }
    };
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i)
        clients.emplace_back([&, i] { ask(i % 2 == 0 ? first : second, std::string(1, static_cast<char>('a' + i))); });
    for (auto &client : clients)
        client.join();
    QCOMPARE(wrong.load(), 0);
    QCOMPARE(failed.load(), 0);
}

void PoolerTest::refusesToBackUpThroughIt()
{
    Database database = pool(1);
    QTemporaryDir directory;
    const std::filesystem::path file = directory.filePath("portal.dump").toStdString();
    const auto refused = backup(database, file);
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Unsupported);
    QVERIFY2(refused.error().message.find("pooler") != std::string::npos, words(refused.error()));
    QVERIFY(!std::filesystem::exists(file));
    Database direct(parsedUrl(m_server->url("portal")));
    VERIFY_OK(backup(direct, file));
    QCOMPARE(restore(database, file, {true}).error().kind, ErrorKind::Unsupported);
}

QTEST_GUILESS_MAIN(PoolerTest)
#include "pooler_test.moc"
