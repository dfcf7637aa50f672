// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of tasks when somebody deletes what their worker has noted of them in Redis: it is written again while
// the worker lives, and found out when it is dead. Nothing is lost, nothing is run twice.

#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <QProcess>
#include <QTest>
#include <array>
#include <atomic>
#include <ctime>
#include <map>
#include <mutex>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

class RecordsTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_go = false;
        m_runs.clear();
        m_server = std::make_unique<RedisServerFixture>();
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
        m_log = std::make_unique<CapturedLog>(m_instance->clock);
    }
    void cleanup()
    {
        m_go = true;
        m_instance.reset();
        m_log.reset();
        m_server.reset();
    }

    void writesAgainWhatWasDeleted_data()
    {
        QTest::addColumn<QString>("deleted"); // %1: the instance, %2: a delivery
        QTest::addColumn<int>("written");
        QTest::newRow("its notes") << "DEL q:o:%1" << 5;
        QTest::newRow("one of them") << "HDEL q:o:%1 %2" << 1;
        QTest::newRow("its lease") << "DEL q:i" << 0;
        QTest::newRow("its notes and its lease") << "DEL q:o:%1 q:i" << 5;
        QTest::newRow("all that is not Celery's") << "DEL q:o:%1 q:i q:h:%1" << 5;
        QTest::newRow("its notes, while Redis is full") << "full DEL q:o:%1" << 5;
    }
    void writesAgainWhatWasDeleted()
    {
        QFETCH(QString, deleted);
        QFETCH(int, written);
        const std::vector<std::string> ids = holdFive();
        const std::string instance = m_instance->pool->status().instance;
        QVERIFY(within(10s, [&] { return noted(keys::held(instance)) == 3; })); // what runs for long, what waits
        if (deleted.startsWith("full"))
            m_server->command("CONFIG SET maxmemory 1mb");
        m_server->command(deleted.section("full ", -1)
                              .replace("%1", QString::fromStdString(instance))
                              .replace("%2", QString::fromStdString(deliveryOf(ids[0])))
                              .toStdString());
        QVERIFY(within(5s, [&] { return noted(keys::owned(instance)) == 5; }));
        QVERIFY(within(5s, [&] { return noted(keys::held(instance)) == 3; }));
        const std::string count = "\"tasks\":" + std::to_string(written);
        QVERIFY(within(5s, [&] { return timesSaid(count) == (written != 0 ? 1u : 0u); }));
        m_server->command("CONFIG SET maxmemory 0");
        m_go = true;
        for (std::size_t i = 0; i < 4; ++i)
            QCOMPARE(m_instance->ended(ids[i]).state, std::string(state::success));
        m_instance->pool->revoke({ids[4]}, false);
        QCOMPARE(m_instance->ended(ids[4]).state, std::string(state::revoked));
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(noted(keys::owned(instance)), 0);
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", keys::unackedIndex)).integer, 0);
        QCOMPARE(m_instance->pool->counters().lost, 0u);
        QCOMPARE(timesSaid(""), written != 0 ? 1u : 0u);
        for (std::size_t i = 0; i < 4; ++i)
            QCOMPARE(runsOf(ids[i]), 1);
    }

    /// What is gone from `unacked` as well has ended for all that Redis knows: it is neither noted again nor asked for
    /// on and on.
    void bringsNothingBackThatHasEnded()
    {
        const std::vector<std::string> ids = holdFive();
        const std::string instance = m_instance->pool->status().instance;
        m_server->command("HDEL unacked " + deliveryOf(ids[0]));
        m_server->command("DEL q:o:" + instance);
        QVERIFY(within(5s, [&] { return noted(keys::owned(instance)) == 4; }));
        m_server->command("DEL q:o:" + instance);
        QVERIFY(within(5s, [&] { return noted(keys::owned(instance)) == 4; }));
        const auto calls = [&] { // scripts that look into the notes: a renewal has its HLEN only
            const std::string info = m_instance->redis(redis::Command("INFO", "commandstats")).text;
            const auto at = info.find("cmdstat_hmget:calls=");
            return at == std::string::npos ? 0l : std::atol(info.c_str() + at + 20);
        };
        const long before = calls();
        const auto renewed = m_instance->pool->counters().ownCommands;
        QVERIFY(within(20s, [&] { return m_instance->pool->counters().ownCommands >= renewed + 3 * 4; }));
        QCOMPARE(calls(), before);
        QCOMPARE(noted(keys::owned(instance)), 4);
        QCOMPARE(timesSaid("\"tasks\":4"), 2u);
    }

    void endsWhatIsNotNotedAgainYet()
    {
        const std::vector<std::string> ids = holdFive("t.fail");
        const std::string instance = m_instance->pool->status().instance;
        m_go = true;
        m_server->command("DEL q:o:" + instance);
        for (std::size_t i = 0; i < 4; ++i)
            QCOMPARE(m_instance->ended(ids[i]).state, std::string(state::failure));
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 1}; }));
        QCOMPARE(m_instance->pool->counters().lost, 0u);
    }

    void givesBackWhatIsNotNoted()
    {
        holdFive();
        const std::string instance = m_instance->pool->status().instance;
        m_server->command("DEL q:o:" + instance);
        m_instance->pool->resize(0);
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 3}}, 2}; }));
    }

    void parksNothingThatIsNotNoted()
    {
        m_server->command("HSET unacked i:1 [message-closing");
        const Scripts scripts;
        const std::array<std::string_view, 6> scriptKeys{keys::unacked, keys::unackedIndex,   "q:o:i",
                                                         keys::parked,  keys::parkedMessages, "q:h:i"};
        const auto park = [&](std::string_view delivery) -> std::int64_t {
            const std::array<std::string_view, 4> arguments{delivery, "8", "id", "1"};
            const auto reply = m_instance->run<Result<redis::Reply>>(
                [&] { return m_instance->client.eval(scripts.park, scriptKeys, arguments); });
            return reply && reply->elements.size() == 1 ? reply->elements[0].integer : -1;
        };
        QCOMPARE(park("i:1"), 0); // stays with the worker
        QCOMPARE(park("i:2"), 2); // it is no longer its
        m_server->command("HSET q:o:i i:1 celery");
        QCOMPARE(park("i:1"), 1);
    }

    /// The answer that said so was lost: the clock has gone on, and Redis calls the lease unbroken.
    void startsNothingThatWasPutBackWhileItWasAway()
    {
        const std::vector<std::string> ids = holdFive();
        const std::string instance = m_instance->pool->status().instance;
        const std::string second = deliveryOf(ids[2]);
        const std::string entry = m_instance->redis(redis::Command("HGET", keys::unacked, second)).text;
        redis::Command putBack("MULTI");
        putBack.add("HDEL", keys::unacked, second)
            .add("ZREM", keys::unackedIndex, second)
            .add("HDEL", keys::owned(instance), second)
            .add("LPUSH", "elsewhere", entry.substr(1, entry.rfind(",\"\",\"") - 1))
            .add("EXEC");
        QVERIFY(m_instance->run<Result<std::vector<redis::Reply>>>(
            [&] { return m_instance->client.pipeline(std::move(putBack)); }));
        m_instance->clock.leap(6s);
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().reserved == 1; }));
        m_go = true;
        QCOMPARE(m_instance->ended(ids[3]).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 1}; }));
        QCOMPARE(runsOf(ids[2]), 0);
    }

    void keepsItsPlaceInTheIndex()
    {
        holdFive();
        m_server->command("DEL unacked_index");
        m_instance->clock.leap(40s);
        QVERIFY(
            within(10s, [&] { return m_instance->redis(redis::Command("ZCARD", keys::unackedIndex)).integer == 5; }));
    }

    void findsWhatADeadWorkerHeld_data()
    {
        QTest::addColumn<QString>("then"); // what is done to what it had noted
        QTest::addColumn<bool>("found");
        QTest::newRow("no notes") << "DEL q:o:0123abcd" << true;
        QTest::newRow("no notes and no lease") << "DEL q:o:0123abcd q:i" << true;
        QTest::newRow("no lease") << "DEL q:i" << true;
        QTest::newRow("some of its notes") << "HDEL q:o:0123abcd 0123abcd:0 0123abcd:700" << true;
        QTest::newRow("no notes, and it lives") << "living DEL q:o:0123abcd" << false;
    }
    void findsWhatADeadWorkerHeld()
    {
        QFETCH(QString, then);
        QFETCH(bool, found);
        constexpr int count = 1200; // more than are looked at in one go
        m_server->command("ZADD q:i 1 0123abcd");
        redis::Command taken;
        for (int i = 0; i < count; ++i) {
            NewTask task;
            task.name = "t.hold";
            task.id = "task-" + std::to_string(i);
            task.priority = i % 10;
            const std::string name = "0123abcd:" + std::to_string(i);
            const std::string list = keys::list("a\"queue", task.priority);
            taken.add("HSET", keys::unacked, name, "[" + encode(task, "gen1@h", "r") + ",\"\",\"a\\\"queue\"]")
                .add("ZADD", keys::unackedIndex, 1, name)
                .add("HSET", keys::owned("0123abcd"), name, list);
        }
        // Nobody's but kombu's.
        taken.add("HSET", keys::unacked, "kombu-tag", R"([{"body":""},"","celery"])")
            .add("ZADD", keys::unackedIndex, 0, "kombu-tag");
        QVERIFY(m_instance->run<Result<std::vector<redis::Reply>>>(
            [&] { return m_instance->client.pipeline(std::move(taken)); }));
        if (then.startsWith("living"))
            m_server->command("ZADD q:i " + std::to_string((std::time(nullptr) + 50) * 1000) + " 0123abcd");
        m_server->command(then.section("living ", -1).toStdString());
        WorkerOptions options;
        options.concurrency = 0;
        options.logger = &m_log->logger;
        m_instance->startWorkers({}, options);
        if (!found) {
            const auto renewed = m_instance->pool->counters().ownCommands;
            QVERIFY(within(20s, [&] { return m_instance->pool->counters().ownCommands >= renewed + 4 * 4; }));
            QCOMPARE(m_instance->backlog().unacked, std::uint64_t(count + 1));
            return;
        }
        QVERIFY(within(40s, [&] { return m_instance->backlog().unacked == 1; }));
        for (const int step : keys::prioritySteps)
            QCOMPARE(m_instance->redis(redis::Command("LLEN", keys::list("a\"queue", step))).integer,
                     count / 10 * (step == 9 ? 1 : 3));
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", keys::unackedIndex)).integer, 1);
        QCOMPARE(m_instance->redis(redis::Command("EXISTS", keys::owned("0123abcd"))).integer, 0);
        QCOMPARE(m_instance->pool->counters().restored, std::uint64_t(count));
        QVERIFY(within(5s, [&] { return m_log->count({"tasks of a dead worker were put back"}) >= 1; }));
    }

    void losesNothingOfAWorkerThatIsKilledWithoutItsNotes_data()
    {
        QTest::addColumn<QString>("deleted");
        QTest::newRow("its notes") << "DEL q:o:%1";
        QTest::newRow("its notes and all leases") << "DEL q:o:%1 q:i";
    }
    void losesNothingOfAWorkerThatIsKilledWithoutItsNotes()
    {
        QFETCH(QString, deleted);
        QProcess process;
        process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
        process.start(WORKER_PROCESS, {QString::fromStdString(m_server->url()), "2"});
        QVERIFY(process.waitForReadyRead(20'000));
        std::vector<std::string> ids;
        for (int i = 0; i < 6; ++i)
            ids.push_back(m_instance->enqueue("test.sleep", {60'000}));
        NewTask later;
        later.name = "test.sleep";
        later.eta = m_instance->clock.wall() + 15s;
        ids.push_back(m_instance->enqueue(later));
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 7}; }));
        const auto leases = m_instance->redis(redis::Command("ZRANGE", keys::instances, 0, -1));
        QCOMPARE(leases.elements.size(), 1u);
        const QString instance = QString::fromStdString(leases.elements[0].text);
        process.kill(); // SIGKILL, and none of its renewals comes behind the deletion
        process.waitForFinished(5'000);
        m_server->command(deleted.arg(instance).toStdString());
        TaskRegistry registry;
        registry.add("test.sleep", running());
        m_go = true;
        m_instance->startWorkers(std::move(registry));
        for (const std::string &id : ids) {
            QCOMPARE(m_instance->ended(id, 40s).state, std::string(state::success));
            QCOMPARE(runsOf(id), 1);
        }
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", keys::instances)).integer, 1);
    }

private:
    /// Runs until m_go, and is counted.
    TaskHandler running(bool fails = false)
    {
        return [this, fails](TaskContext &context) -> Result<boost::json::value> {
            {
                const std::lock_guard lock(m_mutex);
                ++m_runs[context.id()];
            }
            while (!m_go)
                std::this_thread::sleep_for(1ms);
            if (fails)
                return failure(ErrorKind::Internal, "as told");
            return boost::json::value(nullptr);
        };
    }

    /// Two that run, two that wait for a thread, and one that waits for its time.
    std::vector<std::string> holdFive(const std::string &name = "t.hold")
    {
        TaskRegistry registry;
        registry.add("t.hold", running());
        registry.add("t.fail", running(true));
        WorkerOptions options;
        options.logger = &m_log->logger;
        m_instance->startWorkers(std::move(registry), options);
        std::vector<std::string> ids;
        for (int i = 0; i < 5; ++i) {
            NewTask task;
            task.name = name;
            if (i == 4)
                task.eta = m_instance->clock.wall() + 1h;
            ids.push_back(m_instance->enqueue(task));
        }
        if (!within(10s, [&] {
                const WorkerCounters now = m_instance->pool->counters();
                return now.active == 2 && now.reserved == 2 && now.scheduled == 1;
            }))
            throw std::runtime_error("the worker does not hold five tasks");
        return ids;
    }

    std::string deliveryOf(const std::string &id)
    {
        const auto taken = m_instance->redis(redis::Command("HGETALL", keys::unacked));
        for (std::size_t i = 0; i + 1 < taken.elements.size(); i += 2)
            if (taken.elements[i + 1].text.find(id) != std::string::npos)
                return taken.elements[i].text;
        return {};
    }
    std::int64_t noted(const std::string &key) { return m_instance->redis(redis::Command("HLEN", key)).integer; }
    int runsOf(const std::string &id)
    {
        const std::lock_guard lock(m_mutex);
        return m_runs[id];
    }
    std::size_t timesSaid(std::string_view part)
    {
        return m_log->count({"\"warning\"", "was deleted, and was written again", part});
    }

    std::atomic<bool> m_go{false};
    std::mutex m_mutex;
    std::map<std::string, int> m_runs;
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(RecordsTest)
#include "records_test.moc"
