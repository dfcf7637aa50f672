// What becomes of tasks when Redis is full, away, slow, or holds what it should not.

#include "core/base/ids.h"
#include "core/queue/keys.h"
#include "core/queue/remote_client.h"
#include "core/queue/schedule.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <algorithm>
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
        m_log = std::make_unique<CapturedLog>(m_instance->clock);
    }
    void cleanup()
    {
        m_instance.reset();
        m_log.reset();
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

    void endsTasksForAUserThatMayNotPublish_data()
    {
        QTest::addColumn<QString>("rule");
        QTest::newRow("no channels") << "ACL SETUSER modest on nopass ~* resetchannels +@all";
        QTest::newRow("no command") << "ACL SETUSER modest on nopass ~* &* +@all -publish";
    }
    void endsTasksForAUserThatMayNotPublish()
    {
        QFETCH(QString, rule);
        m_server->command(rule.toStdString());
        redis::Endpoint endpoint = m_server->endpoint();
        endpoint.user = "modest";
        endpoint.password = "any";
        std::atomic<int> runs{0}, warnings{0};
        Logger logger(m_instance->clock, {.write = [&](std::string_view line) {
                          if (line.find("ACL SETUSER") != std::string_view::npos)
                              ++warnings;
                      }});
        redis::Client client(m_instance->runtime.at(0), endpoint);
        redis::Subscriber subscriber(m_instance->runtime.at(0), endpoint);
        client.start();
        subscriber.start();
        QVERIFY(within(10s, [&] { return client.state() == redis::Client::State::Ready; }));
        const auto work = [&] {
            TaskRegistry registry;
            registry.add("t.count", [&](TaskContext &) -> Result<boost::json::value> {
                ++runs;
                return boost::json::value(nullptr);
            });
            WorkerOptions options;
            options.logger = &logger;
            auto pool = std::make_unique<WorkerPool>(m_instance->runtime.at(0), client, subscriber, m_instance->clock,
                                                     std::move(registry), options);
            pool->start();
            return pool;
        };
        auto pool = work();
        std::vector<std::string> ids;
        NewTask task = named("t.count");
        task.notify = "somebody";
        for (int i = 0; i < 5; ++i)
            ids.push_back(m_instance->enqueue(task));
        for (const std::string &id : ids)
            QCOMPARE(m_instance->ended(id).state, std::string(state::success));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        // One that has nothing to tell says nothing of the right to.
        NewTask quiet = named("t.count");
        quiet.ignoreResult = true;
        m_instance->enqueue(quiet);
        QVERIFY(within(5s, [&] { return pool->counters().succeeded == 6; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->ended(m_instance->enqueue(task)).state, std::string(state::success));
        // A revocation is found although nobody may tell of it.
        task.eta = m_instance->clock.wall() + 1h;
        const std::string revoked = m_instance->enqueue(task);
        QVERIFY(within(5s, [&] { return pool->counters().scheduled == 1; }));
        Broker broker(client, m_instance->clock);
        QVERIFY(m_instance->run<Result<void>>([&] { return broker.revoke(revoked); }));
        QVERIFY(within(20s, [&] { return pool->counters().scheduled == 0; }));
        pool->stop(2s);
        pool = work(); // what has ended is not run again
        QCOMPARE(m_instance->ended(m_instance->enqueue("t.count")).state, std::string(state::success));
        pool->stop(2s);
        QCOMPARE(runs, 8);
        QVERIFY(logger.flush());
        QCOMPARE(warnings, 2); // once for each worker
        client.stop();
        subscriber.stop();
    }

    void runsWhatIsDueHoweverManyWait()
    {
        WorkerOptions options;
        options.scheduledMost = 50;
        options.logger = &m_log->logger;
        m_instance->startWorkers({}, options);
        std::vector<std::string> later;
        for (int i = 0; i < 200; ++i) {
            NewTask task = named("portal.noop", {i});
            task.eta = m_instance->clock.wall() + 1h + std::chrono::seconds(i);
            later.push_back(m_instance->enqueue(task));
        }
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
        const auto parked = [&] { return m_instance->redis(redis::Command("ZCARD", keys::parked)).integer; };
        QVERIFY(within(10s, [&] { return parked() == 150; }));
        QCOMPARE(m_instance->pool->counters().scheduled, 50u);
        QVERIFY(within(5s, [&] { return m_log->count({"\"warning\"", "the latest wait in Redis", "celery"}) == 1; }));
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().parked == 150; }));
        // The latest are parked; revoking one of them ends it for good.
        QCOMPARE(m_instance->redis(redis::Command("HEXISTS", keys::parkedMessages, later.front())).integer, 0);
        QCOMPARE(m_instance->redis(redis::Command("HEXISTS", keys::parkedMessages, later.back())).integer, 1);
        QVERIFY(m_instance->run<Result<void>>([&] { return m_instance->broker.revoke(later.back()); }));
        QCOMPARE(m_instance->result(later.back()).state, std::string(state::revoked));
        QCOMPARE(parked(), 149);
        // Due soon by now, after a restart: it is run with the arguments it had, and by whoever is there.
        m_instance->stopWorkers();
        m_instance->redis(redis::Command("DEL", "celery")); // those the worker gave back
        QCOMPARE(parked(), 149);
        for (std::size_t i = 100; i < 110; ++i)
            m_instance->redis(redis::Command("ZADD", keys::parked, "XX", 1, later[i]));
        m_instance->startWorkers();
        QVERIFY(within(20s, [&] { return m_instance->pool->counters().scheduled == 10; }));
        QCOMPARE(parked(), 139);
        QCOMPARE(m_instance->redis(redis::Command("HLEN", keys::parkedMessages)).integer, 139);
        const auto held = m_instance->pool->status().scheduled;
        QVERIFY(std::ranges::any_of(held, [&](const HeldTask &task) { return task.id == later[105]; }));
    }

    void tellsOfManyRevokedTasksTheLatest()
    {
        m_instance->startWorkers();
        std::vector<std::string> ids;
        for (int i = 0; i < 8000; ++i)
            ids.push_back("revoked-" + std::to_string(i));
        m_instance->pool->revoke(ids, false);
        RemoteClient asking(m_instance->client, m_instance->clock);
        using Answers = Result<std::map<std::string, boost::json::value>>;
        Answers answers = failure(ErrorKind::NotFound, "Not asked.");
        QVERIFY(within(20s, [&] { // it may not listen yet
            answers = m_instance->run<Answers>(
                [&] { return asking.ask("revoked", boost::json::object{}, {m_instance->pool->node()}, 1s); });
            return answers && answers->size() == 1;
        }));
        m_instance->run<void>([&] { return asking.close(); });
        const auto &list = answers->begin()->second.as_array();
        QCOMPARE(list.size(), std::size_t(5001));
        QCOMPARE(std::string(list.front().as_string()), std::string("revoked-3000"));
        QCOMPARE(std::string(list[4999].as_string()), std::string("revoked-7999"));
        QCOMPARE(std::string(list.back().as_string()), std::string("... and 3000 earlier ones"));
    }

    void holdsSoManyBytesOfTasksThatWait()
    {
        WorkerOptions options;
        options.scheduledBytes = 1024 * 1024;
        m_instance->startWorkers({}, options);
        for (int i = 0; i < 10; ++i) {
            NewTask task = named("portal.noop", {std::string(300'000, 'x')}); // 400,000 bytes in base64
            task.eta = m_instance->clock.wall() + 1h + std::chrono::seconds(i);
            m_instance->enqueue(task);
        }
        const auto parked = [&] { return m_instance->redis(redis::Command("ZCARD", keys::parked)).integer; };
        QVERIFY(within(20s, [&] { return parked() == 8; }));
        QCOMPARE(m_instance->pool->counters().scheduled, 2u);
    }

    void restoresWhatADeadWorkerOfAClockThatWasAheadHeld()
    {
        m_instance->enqueue("portal.noop");
        const std::string raw = m_instance->redis(redis::Command("RPOP", "celery")).text;
        m_instance->redis(redis::Command("HSET", keys::unacked, "dead:1", "[" + raw + R"(,"","celery"])"));
        m_instance->redis(redis::Command("HSET", keys::owned("dead"), "dead:1", "celery"));
        const auto ahead = std::chrono::duration_cast<std::chrono::milliseconds>(
            (m_instance->clock.wall() + 10 * 24h).time_since_epoch());
        m_instance->redis(redis::Command("ZADD", keys::instances, ahead.count(), "dead"));
        m_instance->startWorkers();
        QVERIFY(within(20s, [&] { return m_instance->pool->counters().succeeded == 1; }));
    }

    void keepsWhatItHoldsFromNeighboursWithAShortVisibilityTimeout()
    {
        m_instance->startWorkers();
        NewTask task = named("portal.noop");
        task.eta = m_instance->clock.wall() + 1h;
        m_instance->enqueue(task);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().scheduled == 1; }));
        // What kombu's sweep looks for, with a timeout of no time at all.
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(m_instance->clock.wall().time_since_epoch());
        redis::Command sweep("ZREVRANGEBYSCORE", keys::unackedIndex, now.count() + 60, 0);
        QCOMPARE(m_instance->redis(std::move(sweep)).elements.size(), 0u);
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", keys::unackedIndex)).integer, 1);
    }

    void recognisesWhatAnotherProgramPutBack_data()
    {
        QTest::addColumn<bool>("elsewhere");
        QTest::addColumn<QString>("form");
        QTest::newRow("and takes it itself") << false << "ours";
        QTest::newRow("and another instance takes it") << true << "ours";
        QTest::newRow("of protocol 1") << false << "protocol 1";
        QTest::newRow("of protocol 1, and another instance takes it") << true << "protocol 1";
        QTest::newRow("of an id that is written with escapes") << false << "escaped";
        QTest::newRow("with another id in its headers") << false << "nested";
    }
    void recognisesWhatAnotherProgramPutBack()
    {
        QFETCH(bool, elsewhere);
        QFETCH(QString, form);
        std::atomic<int> runs{0};
        std::atomic<bool> go{false};
        const auto registry = [&] {
            TaskRegistry all;
            all.add("t.count", [&](TaskContext &) -> Result<boost::json::value> {
                ++runs;
                while (!go)
                    std::this_thread::sleep_for(5ms);
                return boost::json::value(nullptr);
            });
            return all;
        };
        WorkerOptions options;
        options.concurrency = 1;
        options.logger = &m_log->logger;
        m_instance->startWorkers(registry(), options);
        NewTask task = named("t.count");
        const std::string running = put(task, form);
        QVERIFY(within(5s, [&] { return runs == 1; }));
        task.eta = m_instance->clock.wall() + 1h;
        const std::string held = put(task, form);
        const std::string notes = keys::held(m_instance->pool->status().instance);
        const auto noted = [&] { return m_instance->redis(redis::Command("HLEN", notes)).integer; };
        QVERIFY(within(10s, [&] { return noted() == 2; }));
        QueueInstance other(m_server->endpoint());
        if (elsewhere) {
            m_instance->pool->cancelQueue("celery");
            other.startWorkers(registry(), options);
        }
        putBackAll();
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 2}; }));
        if (!elsewhere)
            m_instance->pool->cancelQueue("celery");
        putBackAll(); // and this time nobody has taken the copies when the tasks end
        m_instance->pool->revoke({held}, false);
        go = true;
        QCOMPARE(m_instance->ended(running).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().revoked == 1; }));
        m_instance->pool->addQueue("celery");
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QVERIFY(within(10s, [&] { return noted() == 0; }));
        const auto copies =
            m_instance->pool->counters().copies + (elsewhere ? other.pool->counters().copies : std::uint64_t{0});
        QVERIFY2(copies >= 2, qPrintable(QString::number(copies)));
        const auto told = [&] { return m_log->count({"\"warning\"", "puts tasks back into their queue"}); };
        QVERIFY(within(10s, [&] { return told() >= 1; }));
        QVERIFY(told() <= (elsewhere ? 2u : 1u)); // each of them once a minute
        QCOMPARE(runs, 1);
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
    /// Puts a task into the queue as another program would write it.
    std::string put(const NewTask &task, const QString &form)
    {
        if (form == "ours")
            return m_instance->enqueue(task);
        const bool escaped = form == "escaped";
        const std::string number = uuid4();
        // Each raw string has an even number of quotes: moc does not find the end of others.
        const auto text = [](const std::string &part) { return QString::fromStdString(part); };
        const QString fields = QString(R"("id": "%1%2", "task": "%3", "eta": %4)")
                                   .arg(escaped ? "\\u00e4-" : "", text(number), text(task.name),
                                        task.eta ? text("\"" + isoTime(*task.eta) + "\"") : "null");
        const bool inBody = form == "protocol 1";
        const QString body = inBody ? "{" + fields + R"(, "args": [], "kwargs": {}})" : "[[], {}, {}]";
        const QString headers =
            inBody ? "{}" : (form == "nested" ? R"({"stamps": {"id": "other"}, )" : "{") + fields + "}";
        const QString message =
            QString(R"({"body": "%1", "content-encoding": "utf-8", "content-type": "application/json", "headers": %2,)"
                    R"( "properties": {"body_encoding": "base64", "delivery_tag": "%3", "priority": 0,)"
                    R"( "delivery_info": {"exchange": "", "routing_key": "celery"}}})")
                .arg(text(encodeBase64(body.toStdString())), headers, text(number));
        m_instance->redis(redis::Command("LPUSH", "celery", message.toStdString()));
        return (escaped ? "\u00e4-" : "") + number;
    }

    /// As kombu's restore_by_tag does it (kombu/transport/redis.py), whatever the timeout.
    void putBackAll()
    {
        const auto held = m_instance->redis(redis::Command("HGETALL", keys::unacked));
        for (std::size_t i = 0; i + 1 < held.elements.size(); i += 2) {
            const std::string &delivery = held.elements[i].text;
            const std::string &entry = held.elements[i + 1].text;
            Changes changes;
            changes.redelivered = true;
            const auto message = rewrite(entry.substr(1, entry.rfind(",\"\",\"") - 1), changes);
            QVERIFY(message.has_value());
            redis::Command restore("MULTI");
            restore.add("ZREM", keys::unackedIndex, delivery)
                .add("HDEL", keys::unacked, delivery)
                .add("RPUSH", "celery", *message)
                .add("EXEC");
            QVERIFY(m_instance->run<Result<std::vector<redis::Reply>>>(
                [&] { return m_instance->client.pipeline(std::move(restore)); }));
        }
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(WorkerFaultsTest)
#include "worker_faults_test.moc"
