// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/limits/ceilings.h"
#include "core/redis/client.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <atomic>
#include <future>
#include <set>

using namespace portolan;
using namespace portolan::limits;
using namespace std::chrono_literals;

namespace {

struct Instance
{
    ManualClock clock;
    std::set<std::string> gone; ///< holders that are left nowhere
    redis::Client client;
    Ceilings ceilings;
    Executor executor;

    Instance(Executor where, const redis::Endpoint &endpoint, std::chrono::milliseconds lease)
        : client(where, endpoint),
          ceilings(client, clock,
                   {.lease = lease,
                    .startLease = lease,
                    .resultPrefix = "celery-task-meta-",
                    .gone = [this](std::vector<std::string> holders) -> awaitable<Result<std::vector<std::string>>> {
                        std::erase_if(holders, [this](const std::string &holder) { return !gone.contains(holder); });
                        co_return holders;
                    }}),
          executor(where)
    {
        client.preload(ceilings.script());
        client.start();
        QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000);
    }
    ~Instance() { client.stop(); }

    /// Empty, or the code of the error.
    QString acquire(const std::string &holder, std::uint32_t most = 2, const std::string &name = "analysis")
    {
        const auto taken = runSync<Result<void>>(
            executor, [&]() -> awaitable<Result<void>> { co_return co_await ceilings.acquire(name, holder, most); });
        return taken ? QString() : QString::fromStdString(taken.error().code);
    }
    void release(const std::string &holder, const std::string &name = "analysis")
    {
        QVERIFY(runSync<Result<void>>(
            executor, [&]() -> awaitable<Result<void>> { co_return co_await ceilings.release(name, holder); }));
    }
    std::uint32_t taken(const std::string &name = "analysis")
    {
        return *runSync<Result<std::uint32_t>>(
            executor, [&]() -> awaitable<Result<std::uint32_t>> { co_return co_await ceilings.taken(name); });
    }
};

} // namespace

class CeilingsTest final : public QObject
{
    Q_OBJECT
private slots:
    void givesOutSoManyPlaces();
    void freesTheirPlacesWhenLeasesRunOut();
    void givesExactlySoManyUnderConcurrency();
    void countsHereWhileRedisIsAway();
    void holdsAPlaceForSecondsUntilTheWorkBegins();
    void freesThePlacesOfTasksThatHaveEnded_data();
    void freesThePlacesOfTasksThatHaveEnded();
    void freesNoPlaceOfATaskItMayNotLookAt();
    void extendsOnceWhatSaysThatItRuns();
    void freesThePlacesOfTasksThatAreLeftNowhere();
    void givesBackUntilRedisKnows();
    void trustsNoLeaseOfAClockThatWasAhead();
};

void CeilingsTest::givesOutSoManyPlaces()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), 1min), there(runtime.at(1), server.endpoint(), 1min);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(there.acquire("b"), "");
    QCOMPARE(here.acquire("c"), "concurrency");
    QCOMPARE(there.acquire("a"), ""); // has a place already
    QCOMPARE(here.acquire("c", 2, "upload"), "");
    QCOMPARE(here.taken(), 2u);
    there.release("a");
    QCOMPARE(here.acquire("c"), "");
    QCOMPARE(here.acquire("d", 0), ""); // no ceiling
    QCOMPARE(here.taken(), 2u);
    here.release("nobody");
}

void CeilingsTest::freesTheirPlacesWhenLeasesRunOut()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 300ms);
    QCOMPARE(here.acquire("crashes", 1), "");
    QCOMPARE(here.acquire("waits", 1), "concurrency");
    QTRY_COMPARE_WITH_TIMEOUT(here.acquire("waits", 1), "", 5000);
    QTRY_COMPARE_WITH_TIMEOUT(QString::fromStdString(server.command("EXISTS l:canalysis")), ":0\r\n", 5000);
}

void CeilingsTest::givesExactlySoManyUnderConcurrency()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), 1min), there(runtime.at(1), server.endpoint(), 1min);
    std::atomic<int> got{0};
    std::vector<std::future<void>> all;
    for (int i = 0; i < 64; ++i) {
        auto &instance = i % 2 ? here : there;
        all.push_back(asio::co_spawn(
            instance.executor,
            [](Ceilings &ceilings, std::string holder, std::atomic<int> &count) -> awaitable<void> {
                const auto taken = co_await ceilings.acquire("upload", std::move(holder), 17);
                count += taken.has_value();
            }(instance.ceilings, std::to_string(i), got),
            asio::use_future));
    }
    for (auto &one : all)
        one.get();
    QCOMPARE(got.load(), 17);
}

void CeilingsTest::countsHereWhileRedisIsAway()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 1min);
    server.kill();
    QTRY_VERIFY(here.client.state() != redis::Client::State::Ready);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.acquire("b"), "");
    QCOMPARE(here.acquire("c"), "concurrency");
    here.release("a");
    QCOMPARE(here.acquire("c"), "");
    here.clock.advance(1min);
    QCOMPARE(here.acquire("d"), "");
}

void CeilingsTest::holdsAPlaceForSecondsUntilTheWorkBegins()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 1min);
    Ceilings ceilings(here.client, here.clock, {.lease = 20min});
    runSync<void>(runtime.at(0), [&]() -> awaitable<void> {
        (void)co_await ceilings.acquire("analysis", "starts", 1);
        co_await ceilings.renew("analysis", "nobody"); // takes no place
    });
    QCOMPARE(here.taken(), 1u);
    QString ttl = QString::fromStdString(server.command("EVAL \"return redis.call('ZSCORE', 'l:canalysis', 'starts') - "
                                                        "redis.call('TIME')[1] * 1000\" 0"));
    QVERIFY2(ttl.mid(1).toLongLong() <= 16'000, qPrintable(ttl));
    runSync<void>(runtime.at(0), [&]() -> awaitable<void> { co_await ceilings.renew("analysis", "starts"); });
    ttl = QString::fromStdString(server.command("EVAL \"return redis.call('ZSCORE', 'l:canalysis', 'starts') - "
                                                "redis.call('TIME')[1] * 1000\" 0"));
    QVERIFY2(ttl.mid(1).toLongLong() > 1'100'000, qPrintable(ttl));
}

void CeilingsTest::freesThePlacesOfTasksThatHaveEnded_data()
{
    QTest::addColumn<QString>("result");
    QTest::addColumn<bool>("frees");
    // As Celery's workers and ours write them.
    QTest::newRow("success") << R"({"status": "SUCCESS", "result": 1})" << true;
    QTest::newRow("failure, compact") << R"({"status":"FAILURE","result":{}})" << true;
    QTest::newRow("other order") << R"({"task_id": "a", "status": "REVOKED"})" << true;
    QTest::newRow("running") << R"({"status": "STARTED", "result": null})" << false;
    QTest::newRow("own state") << R"({"status": "PROGRESS", "result": {"done": 1}})" << false;
    QTest::newRow("again") << R"({"status": "RETRY", "result": null})" << false;
    // What others write, and what cannot be read: nobody goes on writing there.
    QTest::newRow("state last") << QString(R"({"result": "%1", "status": "SUCCESS"})").arg(QString(200, 'x')) << true;
    QTest::newRow("state last, running") << R"({"result": {"status": "SUCCESS"}, "status": "STARTED"})" << false;
    QTest::newRow("indented") << "{\n  \"status\": \"SUCCESS\"\n}" << true;
    QTest::newRow("small letters") << R"({"status": "success"})" << true;
    QTest::newRow("no state") << R"({"result": 1})" << true;
    QTest::newRow("another serializer") << "status: SUCCESS" << true;
    QTest::newRow("empty") << "" << true;
}

void CeilingsTest::freesThePlacesOfTasksThatHaveEnded()
{
    QFETCH(QString, result);
    QFETCH(bool, frees);
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), 20min), there(runtime.at(1), server.endpoint(), 20min);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.acquire("b"), "");
    runSync<void>(here.executor, [&]() -> awaitable<void> {
        redis::Command ended("SET", "celery-task-meta-a", result.toStdString());
        (void)co_await here.client.run(std::move(ended));
    });
    QCOMPARE(there.acquire("c"), frees ? "" : "concurrency");
    QCOMPARE(there.taken(), 2u);
    // Also where nobody asks for a place before the result is no longer kept.
    runSync<void>(here.executor, [&]() -> awaitable<void> {
        redis::Command ended("SET", "celery-task-meta-b", R"({"status": "SUCCESS"})");
        (void)co_await here.client.run(std::move(ended));
        co_await here.ceilings.settle();
    });
    QCOMPARE(QString::fromStdString(server.command("ZCARD l:canalysis")), ":1\r\n");
}

void CeilingsTest::freesNoPlaceOfATaskItMayNotLookAt()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), 20min);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.acquire("b"), "");
    server.command("ACL SETUSER default -getrange");
    here.acquire("c");
    QCOMPARE(QString::fromStdString(server.command("ZCARD l:canalysis")), ":2\r\n");
    server.command("ACL SETUSER default +getrange");
    QCOMPARE(here.acquire("c"), "concurrency");
}

void CeilingsTest::extendsOnceWhatSaysThatItRuns()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 5s);
    QCOMPARE(here.acquire("killed"), "");
    runSync<void>(here.executor, [&]() -> awaitable<void> {
        redis::Command runs("SET", "celery-task-meta-killed", R"({"status": "STARTED", "result": null})");
        (void)co_await here.client.run(std::move(runs));
    });
    QTest::qWait(100);
    const std::string before = server.command("ZSCORE l:canalysis killed");
    QCOMPARE(here.taken(), 1u);
    const std::string extended = server.command("ZSCORE l:canalysis killed");
    QVERIFY(extended != before);
    // And the key lives as long as what it holds.
    QVERIFY(QString::fromStdString(server.command("PTTL l:canalysis")).mid(1).toLongLong() > 5'000);
    QTest::qWait(100);
    QCOMPARE(here.taken(), 1u);
    QCOMPARE(server.command("ZSCORE l:canalysis killed"), extended);
    QTRY_COMPARE_WITH_TIMEOUT(here.taken(), 0u, 15'000);
}

void CeilingsTest::freesThePlacesOfTasksThatAreLeftNowhere()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 20min);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.acquire("b"), "");
    const auto held = [&](std::chrono::seconds later) {
        here.clock.advance(later);
        runSync<void>(here.executor, [&]() -> awaitable<void> { co_await here.ceilings.settle(); });
        return QString::fromStdString(server.command("ZCARD l:canalysis"));
    };
    here.gone = {"a", "b"};
    QCOMPARE(held(0s), ":2\r\n");
    QCOMPARE(held(40s), ":2\r\n");
    here.gone = {"a"}; // the other was only on its way
    QCOMPARE(held(40s), ":1\r\n");
    here.gone = {"b"};
    QCOMPARE(held(40s), ":1\r\n"); // from its beginning
    QCOMPARE(held(70s), ":0\r\n");
}

void CeilingsTest::givesBackUntilRedisKnows()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), 20min), there(runtime.at(1), server.endpoint(), 20min);
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.acquire("b"), "");
    server.pause();
    here.release("a"); // nobody answers
    server.resume();
    QTRY_VERIFY_WITH_TIMEOUT(here.client.state() == redis::Client::State::Ready, 10'000);
    runSync<void>(here.executor, [&]() -> awaitable<void> { co_await here.ceilings.settle(); });
    QCOMPARE(there.acquire("c"), "");
    QCOMPARE(there.taken(), 2u);
}

void CeilingsTest::trustsNoLeaseOfAClockThatWasAhead()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), 20min);
    server.command("EVAL \"local now = redis.call('TIME')[1] * 1000 return redis.call('ZADD', 'l:canalysis', "
                   "now + 864000000, 'x', now + 864000000, 'y')\" 0");
    QCOMPARE(here.acquire("a"), "");
    QCOMPARE(here.taken(), 1u);
}

QTEST_GUILESS_MAIN(CeilingsTest)
#include "ceilings_test.moc"
