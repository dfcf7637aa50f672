// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of tasks while Redis refuses a command that the queue cannot do without: they wait, each is run once,
// and no result is lost.

#include "core/queue/keys.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

class RightsTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_runs = 0;
        m_go = true;
    }
    void cleanup()
    {
        m_worker.reset();
        m_admin.reset();
        m_server.reset();
    }

    void keepsWhatItMayNotEnd_data() { rows({"SETEX", "GETRANGE", "HDEL", "ZREM", "HMGET", "DEL", "HEXISTS"}); }
    void keepsWhatItMayNotEnd()
    {
        QFETCH(QString, command);
        begin();
        m_go = false;
        std::vector<std::string> ids;
        for (int i = 0; i < 2; ++i)
            ids.push_back(m_admin->enqueue("t.count"));
        QVERIFY(within(10s, [&] { return m_runs == 2; }));
        allow(command, false);
        m_go = true;
        QVERIFY(within(10s, [&] { return lacksRight(); }));
        ids.push_back(m_admin->enqueue("t.count"));
        QVERIFY(within(10s, [&] { return refusals() >= m_refusedBefore + 20; }));
        const Backlog kept{{{"celery", 1}}, 2};
        QVERIFY(m_admin->backlog() == kept);
        QCOMPARE(m_runs.load(), 2);
        allow(command, true);
        for (const std::string &id : ids)
            QCOMPARE(m_admin->ended(id).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_admin->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_runs.load(), 3);
        QCOMPARE(m_worker->pool->counters().lost, 0u);
        QVERIFY(within(10s, [&] { return !m_worker->pool->problem(); }));
    }

    void sendsWhatFollowsOnce_data() { rows({"HDEL", "ZREM", "LPUSH", "HEXISTS"}); }
    void sendsWhatFollowsOnce()
    {
        QFETCH(QString, command);
        begin();
        m_go = false;
        const std::string id = m_admin->enqueue("t.again");
        QVERIFY(within(10s, [&] { return m_runs == 1; }));
        allow(command, false);
        m_go = true;
        QVERIFY(within(10s, [&] { return refusals() >= m_refusedBefore + 5; }));
        QVERIFY(m_admin->backlog() == (Backlog{{{"celery", 0}}, 1}));
        allow(command, true);
        QCOMPARE(m_admin->ended(id).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_admin->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_runs.load(), 2);
    }

    void takesNothingItMayNotEnd_data() { rows({"SETEX", "GETRANGE", "HDEL", "ZADD", "LTRIM", "HMGET"}); }
    void takesNothingItMayNotEnd()
    {
        QFETCH(QString, command);
        begin({"--rename-command", command.toStdString(), ""});
        for (int i = 0; i < 5; ++i)
            m_admin->enqueue("t.count");
        QVERIFY(within(10s, [&] { return lacksRight(); }));
        QVERIFY(m_admin->backlog() == (Backlog{{{"celery", 5}}, 0}));
        QCOMPARE(m_runs.load(), 0);
    }

    /// The right goes while nothing is in hand, so no refusal has told of it.
    void noticesWhatWasTakenWhileItWaited_data() { rows({"SETEX", "HDEL", "INCR", "HSET", "LTRIM"}); }
    void noticesWhatWasTakenWhileItWaited()
    {
        QFETCH(QString, command);
        begin();
        QCOMPARE(m_admin->ended(m_admin->enqueue("t.count")).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_admin->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        allow(command, false);
        std::vector<std::string> ids;
        QVERIFY(within(10s, [&] {
            ids.push_back(m_admin->enqueue("t.count"));
            return lacksRight();
        }));
        QVERIFY(within(10s, [&] { return refusals() >= m_refusedBefore + 5; }));
        ids.push_back(m_admin->enqueue("t.count"));
        QVERIFY(within(10s, [&] { return refusals() >= m_refusedBefore + 20; }));
        QVERIFY(m_admin->backlog().waiting() >= 1);
        allow(command, true);
        for (const std::string &id : ids)
            QCOMPARE(m_admin->ended(id).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_admin->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(std::size_t(m_runs), ids.size() + 1);
    }

    void takesNothingUntilItIsAllowed()
    {
        begin({}, 0);
        std::atomic<bool> allowed{false};
        std::atomic<int> asked{0};
        TaskRegistry registry;
        registry.add("t.count", [this](TaskContext &) -> Result<boost::json::value> {
            ++m_runs;
            return boost::json::value(nullptr);
        });
        WorkerPool pool(m_worker->runtime.at(0), m_worker->client, m_worker->subscriber, m_worker->clock,
                        std::move(registry));
        pool.takeWhile([&] {
            ++asked;
            return allowed.load();
        });
        const std::string id = m_admin->enqueue("t.count");
        pool.start();
        QVERIFY(within(10s, [&] { return asked >= 5; }));
        QVERIFY(m_admin->backlog() == (Backlog{{{"celery", 1}}, 0}));
        allowed = true;
        QCOMPARE(m_admin->ended(id).state, std::string(state::success));
        pool.stop(2s);
    }

    void revokesWhollyOrNotAtAll_data() { rows({"SETEX", "GETRANGE", "ZREM", "HDEL", "PEXPIRE"}); }
    void revokesWhollyOrNotAtAll()
    {
        QFETCH(QString, command);
        begin({}, 0);
        const std::string id = m_admin->enqueue("t.count");
        const auto revoke = [&] { return m_worker->run<Result<void>>([&] { return m_worker->broker.revoke(id); }); };
        allow(command, false);
        QVERIFY(!revoke());
        QCOMPARE(m_admin->redis(redis::Command("ZCARD", keys::revoked)).integer, 0);
        allow(command, true);
        QVERIFY(revoke());
        QCOMPARE(m_admin->result(id).state, std::string(state::revoked));
    }

    void putsBackOnce_data() { rows({"HDEL", "ZREM"}); }
    void putsBackOnce()
    {
        QFETCH(QString, command);
        begin({}, 0);
        const std::string dead = "dead";
        for (int i = 0; i < 5; ++i) {
            m_admin->enqueue("t.count");
            const std::string raw = m_admin->redis(redis::Command("RPOP", "celery")).text;
            const std::string delivery = dead + ":" + std::to_string(i);
            m_admin->redis(redis::Command("HSET", keys::unacked, delivery, "[" + raw + R"(,"","celery"])"));
            m_admin->redis(redis::Command("ZADD", keys::unackedIndex, 1, delivery));
            m_admin->redis(redis::Command("HSET", keys::owned(dead), delivery, "celery"));
        }
        allow(command, false);
        m_admin->redis(redis::Command("ZADD", keys::instances, 1, dead));
        QVERIFY(within(20s, [&] { return refusals() >= m_refusedBefore + 2; }));
        QVERIFY(m_admin->backlog() == (Backlog{{{"celery", 0}}, 5}));
        allow(command, true);
        m_worker->pool->resize(2);
        QVERIFY(within(20s, [&] { return m_runs == 5; }));
        QVERIFY(within(10s, [&] { return m_admin->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_runs.load(), 5);
    }

private:
    static void rows(std::initializer_list<const char *> commands)
    {
        QTest::addColumn<QString>("command");
        for (const char *command : commands)
            QTest::newRow(command) << command;
    }

    /// A worker as a user of its own, whose rights can be taken.
    void begin(std::vector<std::string> arguments = {}, unsigned concurrency = 2)
    {
        m_server = std::make_unique<RedisServerFixture>(std::move(arguments));
        m_server->command("ACL SETUSER modest on nopass ~* &* +@all");
        redis::Endpoint endpoint = m_server->endpoint();
        m_admin = std::make_unique<QueueInstance>(endpoint);
        endpoint.user = "modest";
        endpoint.password = "any";
        m_worker = std::make_unique<QueueInstance>(endpoint);
        TaskRegistry registry;
        const auto run = [this](TaskContext &) -> Result<boost::json::value> {
            ++m_runs;
            while (!m_go)
                std::this_thread::sleep_for(5ms);
            return boost::json::value(nullptr);
        };
        registry.add("t.count", run);
        registry.add("t.again", [run](TaskContext &context) -> Result<boost::json::value> {
            Result<boost::json::value> done = run(context);
            if (context.retries() == 0)
                return context.retry("once more", 1ms);
            return done;
        });
        WorkerOptions options;
        options.concurrency = concurrency;
        options.prefetchMultiplier = 1;
        m_worker->startWorkers(std::move(registry), options);
    }

    void allow(const QString &command, bool may)
    {
        m_refusedBefore = refusals();
        m_server->command("ACL SETUSER modest " + std::string(may ? "+" : "-") + command.toLower().toStdString());
    }

    bool lacksRight() const
    {
        const auto problem = m_worker->pool->problem();
        return problem && (problem->code == "redis-rights" || problem->code == "redis-auth");
    }

    /// Commands and scripts that Redis has refused so far.
    std::int64_t refusals() const
    {
        const std::string info = m_admin->redis(redis::Command("INFO", "stats")).text;
        const auto at = info.find("total_error_replies:");
        return at == std::string::npos ? 0 : std::atoll(info.c_str() + at + 20);
    }

    std::atomic<int> m_runs{0};
    std::atomic<bool> m_go{true};
    std::int64_t m_refusedBefore = 0;
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_admin;
    std::unique_ptr<QueueInstance> m_worker;
};

QTEST_GUILESS_MAIN(RightsTest)
#include "rights_test.moc"
