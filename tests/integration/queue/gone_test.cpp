// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/queue/broker.h"
#include "core/queue/gone_tasks.h"
#include "core/redis/client.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>

using namespace portolan;
using namespace portolan::queue;

/// Which tasks are left nowhere.
class GoneTest final : public QObject
{
    Q_OBJECT
private slots:
    void findsWhatIsLeftNowhere_data();
    void findsWhatIsLeftNowhere();
    void saysNothingOfALongQueue();
};

namespace {

struct Queue
{
    explicit Queue(Executor where, const redis::Endpoint &endpoint)
        : executor(where), client(where, endpoint), broker(client, clock), gone(client)
    {
        client.start();
        QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000);
    }
    ~Queue() { client.stop(); }

    std::string enqueue(int priority = 0)
    {
        NewTask task;
        task.name = "portal.noop";
        task.priority = priority;
        return *runSync<Result<std::string>>(
            executor, [&]() -> awaitable<Result<std::string>> { co_return co_await broker.enqueue(task); });
    }
    bool isGone(const std::string &id)
    {
        const auto found =
            runSync<Result<std::vector<std::string>>>(executor, [&]() -> awaitable<Result<std::vector<std::string>>> {
                std::vector<std::string> ids{id}, queues{"celery"};
                co_return co_await gone.among(std::move(ids), std::move(queues));
            });
        return found && found->size() == 1 && found->front() == id;
    }

    ManualClock clock;
    Executor executor;
    redis::Client client;
    Broker broker;
    GoneTasks gone;
};

} // namespace

void GoneTest::findsWhatIsLeftNowhere_data()
{
    QTest::addColumn<int>("priority");
    QTest::addColumn<QString>("then"); // what happens to the task, as a script: KEYS[1] its list, ARGV[1] its id
    QTest::addColumn<bool>("gone");
    QTest::newRow("waits") << 0 << "return 1" << false;
    QTest::newRow("waits with a low priority") << 9 << "return 1" << false;
    QTest::newRow("purged") << 0 << "return redis.call('DEL', KEYS[1])" << true;
    QTest::newRow("purged beside others") << 0
                                          << "return redis.call('LPUSH', KEYS[1], 'x') and redis.call('LTRIM', "
                                             "KEYS[1], 0, 0)"
                                          << true;
    QTest::newRow("taken") << 0
                           << "return redis.call('HSET', 'unacked', 'd', '[' .. redis.call('RPOP', KEYS[1]) .. "
                              "',\"celery\",\"celery\"]')"
                           << false;
    QTest::newRow("parked") << 0 << "redis.call('DEL', KEYS[1]) return redis.call('ZADD', 'q:e', 9, ARGV[1])" << false;
    QTest::newRow("told of") << 0
                             << "redis.call('DEL', KEYS[1]) return redis.call('SET', 'celery-task-meta-' .. ARGV[1], "
                                "'{\"status\": \"STARTED\"}')"
                             << false;
    QTest::newRow("of another type") << 0 << "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], 1)" << true;
}

void GoneTest::findsWhatIsLeftNowhere()
{
    QFETCH(int, priority);
    QFETCH(QString, then);
    QFETCH(bool, gone);
    RedisServerFixture server;
    Runtime runtime(1);
    Queue queue(runtime.at(0), server.endpoint());
    const std::string id = queue.enqueue(priority);
    const auto done = runSync<Result<redis::Reply>>(queue.executor, [&]() -> awaitable<Result<redis::Reply>> {
        redis::Command script("EVAL", then.toStdString(), 1, "celery", id);
        co_return co_await queue.client.run(std::move(script));
    });
    QVERIFY(done);
    QCOMPARE(queue.isGone(id), gone);
}

void GoneTest::saysNothingOfALongQueue()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Queue queue(runtime.at(0), server.endpoint());
    const auto fill = [&](std::size_t count, std::size_t bytes) {
        const std::string script = "redis.call('DEL', KEYS[1]) for i = 1, " + std::to_string(count) +
                                   " do redis.call('LPUSH', KEYS[1], string.rep('x', " + std::to_string(bytes) +
                                   ")) end return 1";
        QVERIFY(runSync<Result<redis::Reply>>(queue.executor, [&]() -> awaitable<Result<redis::Reply>> {
            redis::Command command("EVAL", script, 1, "celery");
            co_return co_await queue.client.run(std::move(command));
        }));
    };
    fill(GoneTasks::messagesMost, 10);
    QVERIFY(queue.isGone("a"));
    fill(GoneTasks::messagesMost + 1, 10);
    QVERIFY(!queue.isGone("a"));
    fill(5, GoneTasks::bytesMost / 4);
    QVERIFY(!queue.isGone("a"));
}

QTEST_GUILESS_MAIN(GoneTest)
#include "gone_test.moc"
