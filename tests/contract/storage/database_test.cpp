// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/storage/database.h"
#include "tests/contract/storage/backends.h"

#include <atomic>
#include <latch>
#include <thread>

using namespace portolan;
using namespace portolan::storage;
using namespace std::chrono_literals;

/// The pool and its statements, and the migrations.
class DatabaseTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase_data() { addBackends(); }
    void init();
    void cleanup();

    void resumesOnTheCallersThread();
    void bindsEveryKindOfValue();
    void rollsBackWhatFails();
    void doesNotLoseConcurrentUpdates();
    void interruptsWorkAtItsDeadline();
    void answersWhatWaitsTooLong();
    void refusesMoreThanItsBound();
    void answersCancelledAtTheEnd();
    void countsWaits();
    void closesWhatNobodyNeeds();
    void turnsAnExceptionIntoAnError();

    void migratesOnce();
    void manyMigrateAtOnce();
    void refusesANewerDatabase();
    void refusesAnEditedMigration();
    void missesATableThatIsGone();
    void leavesNothingOfAFailedMigration();

private:
    std::unique_ptr<Database> open(PoolOptions options = {}) const
    {
        return std::make_unique<Database>(parsedUrl(m_place->url()), options);
    }

    ManualClock m_clock;
    Servers m_servers;
    std::unique_ptr<TestDatabase> m_place;
    std::unique_ptr<Database> m_database;
};

namespace {

Result<void> makeCounter(DatabaseConnection &connection)
{
    if (auto made = executeOnce(connection, "CREATE TABLE counter (id BIGINT PRIMARY KEY, n BIGINT)"); made.has_error())
        return made;
    return executeOnce(connection, "INSERT INTO counter VALUES (1, 0)");
}

Result<std::int64_t> readCounter(DatabaseConnection &connection)
{
    auto n =
        selectOne(connection, "SELECT n FROM counter WHERE id = 1", {}, [](const Row &row) { return row.integer(0); });
    if (n.has_error())
        return n.error();
    return n->value();
}

/// Never ends by itself, in the words of either.
Result<void> runForever(DatabaseConnection &connection)
{
    const auto sql = connection.dialect() == Dialect::Sqlite
                         ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
                         : "SELECT pg_sleep(3600)";
    auto done = select(connection, sql, {}, [](const Row &row) { return row.text(0); });
    if (done.has_error())
        return done.error();
    return {};
}

} // namespace

void DatabaseTest::init()
{
    QFETCH_GLOBAL(Backend, backend);
    m_place = std::make_unique<TestDatabase>(backend, m_servers);
    m_database = open();
    VERIFY_OK(m_database->open());
}

void DatabaseTest::cleanup()
{
    m_database.reset();
    m_place.reset();
}

void DatabaseTest::resumesOnTheCallersThread()
{
    Runtime runtime(2); // outlives the database, whose threads post to it
    const auto database = open();
    QVERIFY(runSync<bool>(runtime.at(1), [&]() -> awaitable<bool> {
        const auto before = std::this_thread::get_id();
        const auto worker = co_await database->run(
            [](DatabaseConnection &) { return Result<std::thread::id>(std::this_thread::get_id()); });
        co_return worker.value() != before &&std::this_thread::get_id() == before;
    }));
}

void DatabaseTest::bindsEveryKindOfValue()
{
    const std::string odd = "'; DROP TABLE kinds; -- \\ \" ? :x $1 \xF0\x9F\x9A\xA2 \n end";
    const auto read = m_database->runBlocking([&](DatabaseConnection &c) -> Result<std::string> {
        if (auto made = executeOnce(c, "CREATE TABLE kinds (i BIGINT, r DOUBLE PRECISION, t TEXT, n TEXT)");
            made.has_error())
            return made.error();
        auto done = execute(c, "INSERT INTO kinds VALUES (?, ?, ?, ?)",
                            valuesOf(std::numeric_limits<std::int64_t>::max(), 0.1, odd, std::optional<std::string>()));
        if (done.has_error())
            return done.error();
        auto row = selectOne(c, "SELECT i, r, t, n FROM kinds", {}, [](const Row &r) {
            return std::tuple(r.integer(0), r.real(1), r.text(2), Reader<std::optional<std::string>>::read(r, 3));
        });
        if (row.has_error())
            return row.error();
        const auto [i, r, t, n] = row->value();
        return i == std::numeric_limits<std::int64_t>::max() && r == 0.1 && !n ? t : "wrong";
    });
    VERIFY_OK(read);
    QCOMPARE(*read, odd);
}

void DatabaseTest::rollsBackWhatFails()
{
    VERIFY_OK(m_database->runBlocking(makeCounter));
    const auto failed = m_database->runBlocking([](DatabaseConnection &c) {
        return transaction(c, [&]() -> Result<void> {
            if (auto done = execute(c, "UPDATE counter SET n = 5"); done.has_error())
                return done.error();
            return failure(ErrorKind::Conflict, "changed my mind");
        });
    });
    QCOMPARE(failed.error().kind, ErrorKind::Conflict);
    const auto ignored = m_database->runBlocking([](DatabaseConnection &c) {
        return transaction(c, [&]() -> Result<void> {
            (void)execute(c, "UPDATE counter SET n = 6");
            (void)execute(c, "INSERT INTO counter VALUES (1, 0)"); // fails, and nobody looks
            return {};
        });
    });
    QCOMPARE(ignored.has_error(), m_database->dialect() == Dialect::PostgreSql);
    const auto thrown = m_database->runBlocking([](DatabaseConnection &c) {
        return transaction(c, [&]() -> Result<void> {
            (void)execute(c, "UPDATE counter SET n = 7");
            throw std::runtime_error("bug");
        });
    });
    QCOMPARE(thrown.error().kind, ErrorKind::Internal);
    const auto n = m_database->runBlocking(readCounter).value();
    QCOMPARE(n, std::int64_t{m_database->dialect() == Dialect::PostgreSql ? 0 : 6});
}

void DatabaseTest::doesNotLoseConcurrentUpdates()
{
    VERIFY_OK(m_database->runBlocking(makeCounter));
    const auto other = open(); // as another process would
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                auto &database = (t + i) % 2 ? *m_database : *other;
                const auto done = database.runBlocking([](DatabaseConnection &c) {
                    return transaction(c, [&]() -> Result<void> {
                        auto done = execute(c, "UPDATE counter SET n = n + 1");
                        if (done.has_error())
                            return done.error();
                        return {};
                    });
                });
                failed += done.has_error();
            }
        });
    }
    for (auto &thread : threads)
        thread.join();
    QCOMPARE(failed.load(), 0);
    QCOMPARE(m_database->runBlocking(readCounter).value(), std::int64_t{200});
}

void DatabaseTest::interruptsWorkAtItsDeadline()
{
    const auto start = std::chrono::steady_clock::now();
    const auto late = m_database->runBlocking(runForever, 300ms);
    const auto took = std::chrono::steady_clock::now() - start;
    QVERIFY(late.has_error());
    QCOMPARE(late.error().kind, ErrorKind::Timeout);
    QVERIFY(took >= 290ms);
    QVERIFY(took < 2500ms);
    VERIFY_OK(m_database->runBlocking(makeCounter)); // the connection is good again
}

void DatabaseTest::answersWhatWaitsTooLong()
{
    PoolOptions options;
    options.connections = 1;
    options.deadline = 200ms;
    Runtime runtime(1);
    const auto database = open(options);
    std::latch running(1);
    std::latch release(1);
    auto first = asio::co_spawn(runtime.at(0), database->run([&](DatabaseConnection &) -> Result<int> {
        running.count_down();
        release.wait();
        return 1;
    }),
                                asio::use_future);
    running.wait();
    bool ran = false;
    const auto second = database->runBlocking([&](DatabaseConnection &) -> Result<int> {
        ran = true;
        return 2;
    });
    QCOMPARE(second.error().kind, ErrorKind::Timeout);
    release.count_down();
    QCOMPARE(first.get().value(), 1);
    QVERIFY(!ran);
    QCOMPARE(database->use().waiting, std::size_t{0});
}

void DatabaseTest::refusesMoreThanItsBound()
{
    PoolOptions options;
    options.connections = 1;
    options.queued = 1;
    Runtime runtime(1);
    const auto database = open(options);
    std::latch running(1);
    std::latch release(1);
    const auto blocking = [&](DatabaseConnection &) -> Result<int> {
        running.count_down();
        release.wait();
        return 1;
    };
    const auto quick = [](DatabaseConnection &) -> Result<int> { return 2; };
    auto first = asio::co_spawn(runtime.at(0), database->run(blocking), asio::use_future);
    running.wait();
    auto second = asio::co_spawn(runtime.at(0), database->run(quick), asio::use_future);
    runSync<void>(runtime.at(0), []() -> awaitable<void> { co_return; }); // the second is queued by now
    const auto third = database->runBlocking(quick);
    QCOMPARE(third.error().kind, ErrorKind::Unavailable);
    const auto use = database->use();
    QCOMPARE(use.busy, 1u);
    QCOMPARE(use.waiting, std::size_t{1});
    release.count_down();
    QCOMPARE(first.get().value(), 1);
    QCOMPARE(second.get().value(), 2);
}

void DatabaseTest::answersCancelledAtTheEnd()
{
    PoolOptions options;
    options.connections = 1;
    Runtime runtime(1);
    auto database = open(options);
    std::latch running(1);
    std::latch release(1);
    auto first = asio::co_spawn(runtime.at(0), database->run([&](DatabaseConnection &) -> Result<int> {
        running.count_down();
        release.wait();
        return 1;
    }),
                                asio::use_future);
    running.wait();
    auto second = asio::co_spawn(runtime.at(0), database->run([](DatabaseConnection &) -> Result<int> { return 2; }),
                                 asio::use_future);
    runSync<void>(runtime.at(0), []() -> awaitable<void> { co_return; });
    std::thread end([&] { database.reset(); });
    QCOMPARE(second.get().error().kind, ErrorKind::Cancelled);
    release.count_down();
    end.join();
    QCOMPARE(first.get().value(), 1);
}

void DatabaseTest::countsWaits()
{
    PoolOptions options;
    options.connections = 1;
    const auto database = open(options);
    VERIFY_OK(database->open());
    std::latch inside(1);
    std::latch leave(1);
    std::latch answered(3);
    database->post([&](DatabaseConnection *, const Error *) {
        inside.count_down();
        leave.wait();
        answered.count_down();
    });
    inside.wait(); // from here on the one connection is busy for certain
    const std::uint64_t before = database->use().waits;
    database->post([&](DatabaseConnection *, const Error *) { answered.count_down(); });
    database->post([&](DatabaseConnection *, const Error *) { answered.count_down(); }, 20ms);
    while (database->use().timedOut == 0)
        std::this_thread::yield();
    leave.count_down();
    answered.wait();
    const PoolUse use = database->use();
    QCOMPARE(use.waits - before, std::uint64_t{2});
    QCOMPARE(use.timedOut, std::uint64_t{1});
    QVERIFY(use.waited > 20ms);
    QCOMPARE(use.refused, std::uint64_t{0});
}

void DatabaseTest::closesWhatNobodyNeeds()
{
    QFETCH_GLOBAL(Backend, backend);
    if (backend == Backend::Sqlite)
        return; // a file that is open costs nothing
    PoolOptions options;
    options.connections = 4;
    options.least = 1;
    options.idle = 30ms;
    const auto database = open(options);
    std::latch together(4);
    std::latch answered(4);
    for (int i = 0; i < 4; ++i)
        database->post([&](DatabaseConnection *, const Error *) {
            together.arrive_and_wait();
            answered.count_down();
        });
    answered.wait();
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (database->use().open > 1 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    QCOMPARE(database->use().open, 1u);
    VERIFY_OK(database->open()); // and opens them again
}

void DatabaseTest::turnsAnExceptionIntoAnError()
{
    const auto thrown =
        m_database->runBlocking([](DatabaseConnection &) -> Result<int> { throw std::runtime_error("bug"); });
    QCOMPARE(thrown.error().kind, ErrorKind::Internal);
    const auto wrong =
        m_database->runBlocking([](DatabaseConnection &c) { return execute(c, "UPDATE nothing SET x = 1"); });
    QCOMPARE(wrong.error().kind, ErrorKind::Internal);
    QVERIFY(wrong.error().message.find("nothing") != std::string::npos);
}

void DatabaseTest::migratesOnce()
{
    const auto first = migrate(*m_database, m_clock);
    VERIFY_OK(first);
    QCOMPARE(first->from, 0u);
    QCOMPARE(first->to, schemaVersion());
    QCOMPARE(first->applied.size(), builtInMigrations().size());
    const auto second = migrate(*m_database, m_clock);
    VERIFY_OK(second);
    QCOMPARE(second->from, schemaVersion());
    QVERIFY(second->applied.empty());
}

void DatabaseTest::manyMigrateAtOnce()
{
    constexpr int processes = 5;
    std::vector<std::unique_ptr<Database>> databases;
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    std::atomic<int> applied{0};
    for (int i = 0; i < processes; ++i)
        databases.push_back(open());
    for (auto &database : databases) {
        threads.emplace_back([&] {
            const auto report = migrate(*database, m_clock);
            failed += report.has_error();
            applied += !report.has_error() && !report->applied.empty();
        });
    }
    for (auto &thread : threads)
        thread.join();
    QCOMPARE(failed.load(), 0);
    QCOMPARE(applied.load(), 1);
}

void DatabaseTest::refusesANewerDatabase()
{
    const std::vector<EmbeddedFile> newer{{"0001_a.sql", "CREATE TABLE a (x BIGINT);"},
                                          {"0002_b.sql", "CREATE TABLE b (x BIGINT);"}};
    VERIFY_OK(migrate(*m_database, m_clock, newer));
    const auto refused = migrate(*m_database, m_clock, std::span(newer).first(1));
    QCOMPARE(refused.error().kind, ErrorKind::Conflict);
    QCOMPARE(refused.error().code, std::string("database-newer"));
    QVERIFY(!refused.error().hint.empty());
}

void DatabaseTest::refusesAnEditedMigration()
{
    VERIFY_OK(migrate(*m_database, m_clock, std::vector<EmbeddedFile>{{"0001_a.sql", "CREATE TABLE a (x BIGINT);"}}));
    const auto refused =
        migrate(*m_database, m_clock, std::vector<EmbeddedFile>{{"0001_a.sql", "CREATE TABLE a (y BIGINT);"}});
    QCOMPARE(refused.error().code, std::string("migration-changed"));
    const char *licensed = "-- SPDX-License-Identifier: GPL-3.0-or-later\nCREATE TABLE a (x BIGINT);";
    VERIFY_OK(migrate(*m_database, m_clock, std::vector<EmbeddedFile>{{"0001_a.sql", licensed}}));
}

void DatabaseTest::missesATableThatIsGone()
{
    VERIFY_OK(migrate(*m_database, m_clock));
    const auto checked = [&] {
        return m_database->runBlocking([](DatabaseConnection &connection) { return checkTables(connection); });
    };
    VERIFY_OK(checked());
    QVERIFY(
        !m_database->runBlocking([](DatabaseConnection &c) { return executeOnce(c, "DROP TABLE audit"); }).has_error());
    for (const auto &error : {checked().error(), migrate(*m_database, m_clock).error()}) {
        QCOMPARE(error.code, std::string("database-schema"));
        QVERIFY2(error.message.find("audit") != std::string::npos, words(error));
        QVERIFY(!error.hint.empty());
    }
}

void DatabaseTest::leavesNothingOfAFailedMigration()
{
    const std::vector<EmbeddedFile> bad{{"0001_a.sql",
                                         "CREATE TABLE a (x TEXT {{bytewise}}); -- a comment; with a semicolon\n"
                                         "INSERT INTO a VALUES ('a;b');"},
                                        {"0002_b.sql", "CREATE TABLE b (x BIGINT); CREATE TABEL c (x BIGINT);"}};
    const auto failed = migrate(*m_database, m_clock, bad);
    QVERIFY(failed.has_error());
    QVERIFY(failed.error().message.find("0002_b.sql") != std::string::npos);
    const auto good = migrate(*m_database, m_clock, std::span(bad).first(1));
    VERIFY_OK(good);
    QCOMPARE(good->from, 0u);
}

QTEST_GUILESS_MAIN(DatabaseTest)
#include "database_test.moc"
