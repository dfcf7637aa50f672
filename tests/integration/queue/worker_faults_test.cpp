// What becomes of tasks when Redis is full, away, slow, or holds what it should not.

#include "core/queue/keys.h"
#include "core/queue/schedule.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <atomic>
#include <cstdlib>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

NewTask named(std::string name, boost::json::array args = {})
{
    NewTask task;
    task.name = std::move(name);
    task.args = std::move(args);
    return task;
}

} // namespace

class WorkerFaultsTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_server = std::make_unique<RedisServerFixture>();
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
    }
    void cleanup()
    {
        m_instance.reset();
        m_server.reset();
    }

    void dropsResultsWhileRedisIsFull()
    {
        const std::string small = m_instance->enqueue("portal.noop");
        const std::string large = m_instance->enqueue("portal.noop", {std::string(2000, 'x')});
        const std::string failing = m_instance->enqueue("no.such");
        // As it looks while the task runs.
        m_instance->redis(redis::Command("SET", keys::result(large), R"({"status": "STARTED", "result": null})"));
        m_server->command("CONFIG SET maxmemory 1mb");
        const auto refused =
            m_instance->run<Result<std::string>>([&] { return m_instance->broker.enqueue(named("portal.noop")); });
        QVERIFY(!refused);
        QCOMPARE(refused.error().kind, ErrorKind::Full);
        m_instance->startWorkers();
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().droppedResults == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->result(small).state, std::string(state::success));
        QCOMPARE(m_instance->result(failing).failure->type, std::string("NotRegistered"));
        const TaskResult dropped = m_instance->result(large);
        QCOMPARE(dropped.state, std::string(state::failure));
        QCOMPARE(dropped.failure->type, std::string("ResultDropped"));
        QCOMPARE(dropped.id, large);
        QVERIFY(dropped.dateDone);
        m_server->command("CONFIG SET maxmemory 0");
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
    }

    void catchesUpOnRevocationsItDidNotHear()
    {
        m_instance->startWorkers();
        NewTask task = named("portal.noop");
        task.eta = m_instance->clock.wall() + 1h;
        const std::string id = m_instance->enqueue(task);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().scheduled == 1; }));
        // Noted by another instance while this one's subscriber was not connected.
        m_instance->redis(redis::Command("ZADD", keys::revoked, "99999999999999", id));
        m_server->command("CLIENT KILL TYPE pubsub");
        QCOMPARE(m_instance->ended(id).state, std::string(state::revoked));
        QVERIFY(within(5s, [&] { return m_instance->backlog().unacked == 0; }));
    }

    void putsBackWhatADeadWorkerHeldHoweverLarge()
    {
        // 64 messages of 1.2 MB: more than one command may have.
        const std::string large(1'200'000, 'x');
        constexpr int count = 64;
        for (int i = 0; i < count; ++i)
            m_instance->enqueue("portal.noop", {i, large});
        const std::string dead = "dead-instance";
        for (int i = 0; i < count; ++i) {
            const std::string raw = m_instance->redis(redis::Command("RPOP", "celery")).text;
            const std::string delivery = dead + ":" + std::to_string(i);
            m_instance->redis(redis::Command("HSET", keys::unacked, delivery, "[" + raw + R"(,"","celery"])"));
            m_instance->redis(redis::Command("ZADD", keys::unackedIndex, 1, delivery));
            m_instance->redis(redis::Command("HSET", keys::owned(dead), delivery, "celery"));
        }
        m_instance->redis(redis::Command("ZADD", keys::instances, 1, dead));
        WorkerOptions options;
        options.concurrency = 0;
        m_instance->startWorkers({}, options);
        QVERIFY(within(40s, [&] { return m_instance->backlog() == Backlog{{{"celery", count}}, 0}; }));
    }

    void doesNotAskOnAndOnForAKeyThatIsNoList()
    {
        m_instance->redis(redis::Command("SET", "celery", "not a list"));
        m_instance->startWorkers();
        const auto taken = [this] {
            const std::string info = m_instance->redis(redis::Command("INFO", "commandstats")).text;
            const auto at = info.find("cmdstat_evalsha:calls=");
            return at == std::string::npos ? 0l : std::atol(info.c_str() + at + 22);
        };
        QVERIFY(within(5s, [&] { return taken() > 2; }));
        const long before = taken();
        QTest::qWait(500); // what is measured is how often it asks in a time
        QVERIFY2(taken() - before < 250, qPrintable(QString::number(taken() - before)));
    }

    void enqueuesForAUserThatMayNotPublish()
    {
        m_server->command("ACL SETUSER modest on nopass ~* +@all -publish -sadd");
        redis::Endpoint endpoint = m_server->endpoint();
        endpoint.user = "modest";
        endpoint.password = "any";
        redis::Client client(m_instance->runtime.at(0), endpoint);
        client.start();
        QVERIFY(within(10s, [&] { return client.state() == redis::Client::State::Ready; }));
        Broker broker(client, m_instance->clock);
        const auto id = m_instance->run<Result<std::string>>([&] { return broker.enqueue(named("portal.noop")); });
        QVERIFY2(id.has_value(), id ? "" : id.error().message.c_str());
        m_instance->startWorkers();
        QCOMPARE(m_instance->ended(*id).state, std::string(state::success));
        client.stop();
    }

    void runsAJobWhoseClaimWasAnsweredTooLate()
    {
        redis::ClientOptions hasty;
        hasty.commandTimeout = 100ms;
        redis::Client client(m_instance->runtime.at(0), m_server->endpoint(), hasty);
        client.start();
        QVERIFY(within(10s, [&] { return client.state() == redis::Client::State::Ready; }));
        std::atomic<int> runs{0};
        Schedule schedule(m_instance->runtime.at(0), client, m_instance->clock);
        schedule.add("daily", 24h, [&]() -> awaitable<void> {
            ++runs;
            co_return;
        });
        const auto tick = [&] {
            runSync<void>(m_instance->runtime.at(0), [&] { return schedule.tick(); });
            return runs > 0;
        };
        m_server->command("CLIENT PAUSE 400 WRITE");
        QVERIFY(!tick()); // Redis carries the claim out when the pause is over
        QVERIFY(within(10s, tick));
        QCOMPARE(runs, 1);
        client.stop();
    }

    void takesNothingWithoutRedis()
    {
        m_instance->startWorkers();
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
        m_server->kill();
        QVERIFY(within(5s, [&] { return m_instance->client.state() != redis::Client::State::Ready; }));
        m_server->start();
        QVERIFY(within(10s, [&] { return m_instance->client.state() == redis::Client::State::Ready; }));
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
    }

private:
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(WorkerFaultsTest)
#include "worker_faults_test.moc"
