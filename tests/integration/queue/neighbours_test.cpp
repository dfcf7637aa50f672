// SPDX-License-Identifier: GPL-3.0-or-later
// A worker of ours beside a real Celery worker of somebody else's application.

#include "core/queue/keys.h"
#include "core/queue/neighbour_search.h"
#include "core/queue/neighbours.h"
#include "core/queue/remote_client.h"
#include "core/queue/results.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/celery_process.h"
#include "tests/integration/queue/mute_node.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/json/serialize.hpp>

#include <QTest>
#include <csignal>
#include <cstdlib>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

/// One process's workers as the server composes them.
struct Watched
{
    explicit Watched(const RedisServerFixture &server, bool share = false)
        : instance(server.endpoint()), log(instance.clock), remote(instance.client, instance.clock)
    {
        WorkerOptions options;
        options.concurrency = share ? 2 : 0;
        options.logger = &log.logger;
        instance.pool = std::make_unique<WorkerPool>(instance.runtime.at(0), instance.client, instance.subscriber,
                                                     instance.clock, TaskRegistry{}, options);
        instance.control = std::make_unique<RemoteControl>(instance.runtime.at(0), instance.client, instance.subscriber,
                                                           instance.clock, *instance.pool);
        watch =
            std::make_unique<NeighbourWatch>(instance.runtime.at(0), instance.client, instance.subscriber, remote,
                                             *instance.pool, instance.clock, NeighbourOptions{2, share, &log.logger});
        instance.pool->start();
        instance.control->start();
        watch->start();
    }
    ~Watched()
    {
        watch->stop();
        instance.stopWorkers();
    }
    bool holdsBack()
    {
        const auto status = watch->status();
        return status.looked && status.holdingBack && instance.pool->status().threads.empty();
    }
    bool takes() { return instance.pool->status().threads.size() == 2 && !instance.pool->heldBack(); }

    QueueInstance instance;
    CapturedLog log;
    RemoteClient remote;
    std::unique_ptr<NeighbourWatch> watch;
};

} // namespace

class NeighboursTest final : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase()
    {
        m_server = std::make_unique<RedisServerFixture>(std::vector<std::string>{}, RedisServerFixture::Listen::Tcp);
    }
    void init()
    {
        m_server->command("FLUSHALL");
        m_theirs = std::make_unique<QueueInstance>(m_server->endpoint());
    }
    void cleanup()
    {
        m_worker.reset();
        m_theirs.reset();
    }

    void holdsBackBesideAnotherWorker()
    {
        startTheirs();
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.holdsBack(); }));
        QVERIFY(ours.watch->status().neighbours.workers == std::vector<std::string>{"theirs@test"});
        for (int i = 0; i < 60; ++i)
            QVERIFY(m_theirs->ended(m_theirs->enqueue("py.add", {i, 1})).result == boost::json::value(i + 1));
        QCOMPARE(ours.instance.pool->counters().taken, 0u);
        QCOMPARE(ours.log.count({"takes no tasks", "theirs@test", "tasks.share_queue"}), 1u);

        QVERIFY(within(20s, [&] { return ours.watch->status().discarded.has_value(); }));
        QCOMPARE(m_theirs->ended(m_theirs->enqueue("portal.noop")).failure->type, std::string("NotRegistered"));
        QVERIFY(within(20s, [&] { return ours.watch->status().discarded == 1u; })); // and then it is said
        QVERIFY(within(5s, [&] { return ours.log.count({"threw it away", "portal.noop"}) == 1u; }));
        QCOMPARE(m_theirs->ended(m_theirs->enqueue("py.none")).failure->type, std::string("NotRegistered"));

        ours.instance.pool->resize(2);
        QVERIFY(within(10s, [&] { return ours.takes(); }));
        QVERIFY(ours.watch->status().allowed);
        QVERIFY(ours.watch->status().discarded == 1u);
        QCOMPARE(ours.log.count({"threw it away", "portal.noop"}), 1u); // once
    }

    void boundsWhatItSaysOfThrownAwayTasks()
    {
        startTheirs();
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.watch->status().discarded.has_value(); }));
        const auto publish = [&](std::string_view result) {
            return m_theirs->redis(redis::Command("PUBLISH", keys::result("the-id"), result)).integer;
        };
        const std::string thrownAway = resultJson(
            state::failure, failureJson({"NotRegistered", "'portal.noop'", "celery.exceptions", {}}), {.id = "the-id"});
        QVERIFY(within(10s, [&] { return publish(thrownAway) == 1; })); // else nobody listens yet
        for (int i = 1; i < 15; ++i)
            QCOMPARE(publish(thrownAway), 1);
        QVERIFY(within(10s, [&] { return ours.watch->status().discarded == 15u; }));
        QCOMPARE(ours.log.count({"threw it away", "portal.noop"}), 10u);
        ours.instance.clock.leap(1min);
        publish(thrownAway);
        QVERIFY(within(10s, [&] { return ours.log.count({"threw it away"}) == 11; }));
        QCOMPARE(ours.log.count({"\"warning\"", "were thrown away by other workers in the last minute", "\"tasks\":5"}),
                 1u);
        publish(std::string(1024 * 1024 + 1, 'x'));
        QVERIFY(within(20s, [&] { return ours.log.count({"\"warning\"", "too many to be watched"}) == 1; }));
        QVERIFY(!ours.watch->status().discarded);
    }

    void holdsBackWhereUnknownTasksWait()
    {
        m_theirs->enqueue("shop.charge_card");
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.holdsBack(); }));
        QVERIFY(ours.watch->status().neighbours.tasks == std::vector<std::string>{"shop.charge_card"});
        QCOMPARE(m_theirs->backlog().waiting(), 1u);
        // Meant for the workers of somebody else, and heard by all.
        RemoteClient remote(m_theirs->client, m_theirs->clock);
        using Replies = std::map<std::string, boost::json::value>;
        for (const char *method : {"pool_grow", "pool_shrink"}) {
            const auto resized = m_theirs->run<Result<Replies>>([&] { return remote.ask(method, {{"n", 1}}, {}, 5s); });
            QVERIFY(resized && resized->size() == 1);
            const std::string answer = boost::json::serialize(resized->begin()->second);
            QVERIFY2(answer.find("this worker holds back") != std::string::npos, answer.c_str());
        }
        m_theirs->run<void>([&] { return remote.close(); });
        QVERIFY(ours.holdsBack());
    }

    void takesWhatItsClientsEnqueue()
    {
        const std::string waiting = m_theirs->enqueue("portal.noop");
        // What a killed worker leaves behind.
        m_theirs->redis(
            redis::Command("SADD", keys::binding("celery.pidbox"), "\x06\x16\x06\x16gone@test.celery.pidbox"));
        Watched ours(*m_server);
        QCOMPARE(m_theirs->ended(waiting).state, std::string(state::success));
        QVERIFY(ours.takes() && !ours.watch->status().discarded);
        const TaskResult unknown = m_theirs->ended(m_theirs->enqueue("no.such.task"));
        QCOMPARE(unknown.failure->type, std::string("NotRegistered"));
        QCOMPARE(ours.log.count({"not-registered", "no.such.task"}), 1u);
        QVERIFY(ours.takes());
    }

    void seesWorkersThatDoNotListenWhereOthersDo_data()
    {
        QTest::addColumn<QString>("settings");
        QTest::addColumn<bool>("named");
        QTest::newRow("no remote control") << R"({"worker_enable_remote_control": false})" << false;
        QTest::newRow("a control exchange of its own") << R"({"control_exchange": "shop"})" << true;
        QTest::newRow("without a fanout prefix") << R"({"broker_transport_options": {"fanout_prefix": false}})" << true;
    }
    void seesWorkersThatDoNotListenWhereOthersDo()
    {
        QFETCH(QString, settings);
        QFETCH(bool, named);
        startTheirs("celery", settings);
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.watch->status().looked; }));
        QCOMPARE(ours.holdsBack(), named);
        std::vector<std::string> ids;
        for (int i = 0; i < 40; ++i)
            ids.push_back(m_theirs->enqueue("py.add", {i, 1}));
        for (int i = 0; i < 40; ++i)
            QVERIFY(m_theirs->ended(ids[std::size_t(i)]).result == boost::json::value(i + 1));
        QCOMPARE(ours.instance.pool->counters().rejected, 0u);
        if (named)
            QVERIFY(ours.watch->status().neighbours.workers == std::vector<std::string>{"theirs@test"});
    }

    void givesBackWhatAnotherProgramPops()
    {
        m_worker = python(*m_server, {"-c", "import os, redis\n"
                                            "c = redis.Redis.from_url(os.environ['QUEUE_TEST_URL'])\n"
                                            "while True:\n"
                                            "    m = c.brpop('celery', 1)\n"
                                            "    if m: c.lpush('popped', m[1])"});
        QVERIFY(within(30s, [&] {
            return m_theirs->redis(redis::Command("CLIENT", "LIST")).text.find("cmd=brpop") != std::string::npos;
        }));
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        for (int i = 0; i < 200; ++i)
            m_theirs->enqueue("shop.charge", {i});
        QVERIFY(within(30s, [&] { return m_theirs->redis(redis::Command("LLEN", "popped")).integer == 200; }));
        QCOMPARE(ours.instance.pool->counters().rejected, 0u);
    }

    void passesOverWhoPopsOtherLists()
    {
        m_worker = python(*m_server, {"-c", "import os, redis\n"
                                            "c = redis.Redis.from_url(os.environ['QUEUE_TEST_URL'])\n"
                                            "while True: c.brpop('jobs', 1)"});
        QVERIFY(within(30s, [&] {
            return m_theirs->redis(redis::Command("CLIENT", "LIST")).text.find("cmd=brpop") != std::string::npos;
        }));
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        QCOMPARE(m_theirs->ended(m_theirs->enqueue("portal.noop")).state, std::string(state::success));
        QVERIFY(ours.takes());
    }

    void looksAtAllThatWaits_data()
    {
        QTest::addColumn<int>("own");
        QTest::addColumn<QByteArray>("raw");
        QTest::addColumn<int>("count");
        QTest::addColumn<bool>("takes");
        const boost::json::object pickled{
            {"body", "gASVCgAAAAAAAAB9lC4="},
            {"content-type", "application/x-python-serialize"},
            {"headers", boost::json::object{}},
            {"properties", {{"body_encoding", "base64"}, {"correlation_id", "the-id"}}},
        };
        QTest::newRow("pickled, protocol 1")
            << 0 << QByteArray::fromStdString(boost::json::serialize(pickled)) << 60 << false;
        QTest::newRow("of another program") << 0 << QByteArray(R"({"job": 1, "payload": "x"})") << 100 << false;
        QTest::newRow("in the middle") << 20
                                       << QByteArray::fromStdString(
                                              encode({.name = "shop.charge", .id = "the-id"}, "gen1@h", "r"))
                                       << 60 << false;
        QTest::newRow("in the middle of very many")
            << 10'000 << QByteArray::fromStdString(encode({.name = "shop.charge", .id = "the-id"}, "gen1@h", "r"))
            << 300 << false;
        QTest::newRow("a few") << 0 << QByteArray("garbage") << 3 << true;
    }
    void looksAtAllThatWaits()
    {
        QFETCH(int, own);
        QFETCH(QByteArray, raw);
        QFETCH(int, count);
        QFETCH(bool, takes);
        const auto push = [&](const std::string &message, int times) {
            redis::Command command;
            for (int i = 0; i < times; ++i)
                command.add("LPUSH", "celery", message);
            if (times > 0)
                QVERIFY(m_theirs->run<Result<std::vector<redis::Reply>>>(
                    [&] { return m_theirs->client.pipeline(std::move(command)); }));
        };
        const std::string noop = encode({.name = "portal.noop", .id = "own"}, "gen1@h", "r");
        push(noop, own);
        push(raw.toStdString(), count);
        push(noop, own);
        Watched ours(*m_server);
        QVERIFY(within(30s, [&] { return takes ? ours.takes() : ours.holdsBack(); }));
        if (takes)
            return;
        QCOMPARE(ours.instance.pool->counters().taken, 0u);
        QCOMPARE(m_theirs->backlog().waiting(), std::uint64_t(2 * own + count));
    }

    void stopsAtAFloodOfWhatIsNoTask()
    {
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        redis::Command flood;
        for (int i = 0; i < 500; ++i)
            flood.add("LPUSH", "celery", R"({"job": )" + std::to_string(i) + "}");
        QVERIFY(m_theirs->run<Result<std::vector<redis::Reply>>>(
            [&] { return m_theirs->client.pipeline(std::move(flood)); }));
        QVERIFY(within(30s, [&] { return ours.holdsBack(); }));
        QVERIFY(within(10s, [&] { return m_theirs->backlog().waiting() == 500; }));
        QCOMPARE(ours.instance.pool->counters().rejected, 0u);
    }

    void knowsItsOwnKind()
    {
        Watched one(*m_server);
        Watched two(*m_server);
        Watched three(*m_server);
        QVERIFY(within(20s, [&] { return one.takes() && two.takes() && three.takes(); }));
    }

    /// One of ours that answered the first of two questions in time, and not the second, is nobody else's worker.
    void waitsForItsOwnKindThatIsSlow()
    {
        MuteNode slow(*m_theirs);
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.log.count({"does not say which queues", MuteNode::name}) == 1; }));
        QVERIFY(!ours.watch->status().looked && ours.watch->status().neighbours.workers.empty());
        slow.tellsStats = true;
        QVERIFY(within(20s, [&] { return ours.takes(); }));
    }

    void givesBackWhatAWorkerThatCameLaterKnows()
    {
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        startTheirs();
        std::vector<std::string> ids;
        for (int i = 0; i < 60; ++i)
            ids.push_back(m_theirs->enqueue("py.add", {i, 1}));
        for (int i = 0; i < 60; ++i) {
            const TaskResult result = m_theirs->ended(ids[std::size_t(i)]);
            QVERIFY2(result.result == boost::json::value(i + 1),
                     qPrintable(QString::fromStdString(result.state + ' ' +
                                                       (result.failure ? result.failure->message : std::string()) +
                                                       ", waiting " + std::to_string(m_theirs->backlog().waiting()) +
                                                       ", taken " + std::to_string(m_theirs->backlog().unacked))));
        }
        QVERIFY(within(30s, [&] { return ours.holdsBack(); }));
        QCOMPARE(ours.instance.pool->counters().rejected, 0u);
    }

    /// Names nobody knows come before the worker whose tasks they are: what was found out then is no answer any more.
    void asksAnewWhenSomebodyComes()
    {
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        QCOMPARE(m_theirs->ended(m_theirs->enqueue("no.such.task")).failure->type, std::string("NotRegistered"));
        m_worker = python(*m_server, {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c", "2",
                                      "--without-gossip", "--without-mingle", "-n", "theirs@test", "-Q", "celery"});
        QVERIFY(within(90s, [&] {
            m_theirs->ended(m_theirs->enqueue("no.such.task"));
            return m_theirs->redis(redis::Command("CLIENT", "LIST")).text.find("cmd=brpop") != std::string::npos;
        }));
        const auto rejected = ours.instance.pool->counters().rejected;
        std::vector<std::string> ids;
        for (int i = 0; i < 60; ++i)
            ids.push_back(m_theirs->enqueue("py.add", {i, 1}));
        for (int i = 0; i < 60; ++i)
            QVERIFY(m_theirs->ended(ids[std::size_t(i)]).result == boost::json::value(i + 1));
        QCOMPARE(ours.instance.pool->counters().rejected, rejected);
    }

    void seesWhoIsToldToTakeFromOurs()
    {
        startTheirs("emails");
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        RemoteClient remote(m_theirs->client, m_theirs->clock);
        using Replies = std::map<std::string, boost::json::value>;
        const auto added = m_theirs->run<Result<Replies>>([&] {
            return remote.ask("add_consumer", {{"queue", "celery"}}, {"theirs@test"}, 5s);
        });
        QVERIFY(added && added->size() == 1);
        m_theirs->run<void>([&] { return remote.close(); });
        QVERIFY(within(30s, [&] { return ours.holdsBack(); }));
        QVERIFY(ours.watch->status().neighbours.workers == std::vector<std::string>{"theirs@test"});
    }

    void sharesWhenToldTo()
    {
        startTheirs();
        Watched ours(*m_server, true);
        QVERIFY(within(20s, [&] { return ours.watch->status().looked; }));
        QVERIFY(ours.takes());
        QVERIFY(ours.watch->status().neighbours.workers == std::vector<std::string>{"theirs@test"});
        QCOMPARE(ours.log.count({"takes tasks all the same", "theirs@test"}), 1u);
        // And does not ask them again and again.
        QVERIFY(within(20s, [&] { return ours.watch->status().discarded.has_value(); }));
        const auto before = ours.instance.client.counters().commands;
        QTest::qWait(3000);
        QVERIFY(ours.instance.client.counters().commands - before < 150);
    }

    void knowsWhoMayHoldTasks()
    {
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        const auto mayHold = [&] { return ours.instance.run<bool>([&] { return ours.watch->othersMayHold(10min); }); };
        QVERIFY(!mayHold());
        startTheirs("celery", R"({"worker_enable_remote_control": false})");
        QVERIFY(within(10s, mayHold)); // between two messages it does something else
        m_worker.reset();              // its tasks may go on
        QVERIFY(mayHold());
        ours.instance.clock.leap(11min);
        QVERIFY(within(10s, [&] { return !mayHold(); }));
    }

    void waitsForWhoDoesNotAnswer()
    {
        startTheirs();
        ::kill(pid_t(m_worker->processId()), SIGSTOP);
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.log.count({"does not say which queues", "theirs@test"}) == 1; }));
        QVERIFY(ours.instance.pool->status().threads.empty());
        ::kill(pid_t(m_worker->processId()), SIGCONT);
        QVERIFY(within(30s, [&] { return ours.holdsBack(); }));
        QVERIFY(ours.watch->status().neighbours.workers == std::vector<std::string>{"theirs@test"});
    }

    void givesBackWhatItDoesNotKnowWhileSomebodyIsSilent()
    {
        Watched ours(*m_server);
        QVERIFY(within(20s, [&] { return ours.takes(); }));
        startTheirs("others");
        ::kill(pid_t(m_worker->processId()), SIGSTOP);
        const std::string unknown = m_theirs->enqueue("no.such.task");
        QVERIFY(within(90s, [&] { return ours.holdsBack(); }));
        QCOMPARE(ours.log.count({"for now: it was sent some of names it does not know", "theirs@test"}), 1u);
        QVERIFY(within(10s, [&] { return m_theirs->backlog().waiting() == 1; }));
        ::kill(pid_t(m_worker->processId()), SIGCONT);
        QVERIFY(within(60s, [&] { return ours.takes(); }));
        QCOMPARE(m_theirs->ended(unknown).failure->type, std::string("NotRegistered"));
    }

    /// What a look costs does not grow with the number of keys, and what it does not find is found later.
    void looksThroughSoManyKeysAtATime()
    {
        m_server->command("EVAL \"for i = 1, 60000 do redis.call('SET', 'k' .. i, '') end\" 0");
        ManualClock clock;
        RemoteClient remote(m_theirs->client, m_theirs->clock);
        m_theirs->pool = std::make_unique<WorkerPool>(m_theirs->runtime.at(0), m_theirs->client, m_theirs->subscriber,
                                                      m_theirs->clock, TaskRegistry{});
        NeighbourSearch search(m_theirs->client, remote, *m_theirs->pool, clock, 0, 10ms);
        const auto scans = [this] {
            const std::string info = m_theirs->redis(redis::Command("INFO", "commandstats")).text;
            const auto at = info.find("cmdstat_scan:calls=");
            return at == std::string::npos ? 0 : std::atoi(info.c_str() + at + 19);
        };
        const auto look = [&](NeighbourSearch::Why why) {
            QVERIFY(m_theirs->run<Result<Neighbours>>([&] { return search.look(why); }));
        };
        const int before = scans();
        look(NeighbourSearch::Why::Start);
        QCOMPARE(scans() - before, 20);
        QVERIFY(!search.complete());
        look(NeighbourSearch::Why::UnknownTask);
        QCOMPARE(scans() - before, 20);
        for (int step = 1; step <= 5; ++step) {
            clock.advance(5s);
            look(NeighbourSearch::Why::UnknownTask);
            look(NeighbourSearch::Why::News);
            QCOMPARE(scans() - before, 20 + step);
        }
        m_theirs->redis(redis::Command("SADD", "_kombu.binding.mine.pidbox", "x"));
        bool found = false;
        for (int step = 0; step < 200 && !found; ++step) {
            clock.advance(5s);
            found = m_theirs->run<bool>([&] { return search.findExchanges(); });
        }
        QVERIFY(found);
        m_theirs->run<void>([&] { return remote.close(); });
    }

private:
    /// A Celery worker that is known to take tasks, with settings of its own (JSON).
    void startTheirs(const char *queue, const QString &settings)
    {
        m_worker = python(*m_server,
                          {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c", "2",
                           "--without-gossip", "--without-mingle", "-n", "theirs@test", "-Q", queue},
                          {{"QUEUE_TEST_CONF", settings}});
        const std::string id = m_theirs->enqueue({.name = "py.add", .args = {0, 0}, .queue = queue});
        QVERIFY(m_theirs->ended(id, 90s).ended());
    }

    void startTheirs(const char *queue = "celery")
    {
        m_worker = python(*m_server, {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c", "2",
                                      "--without-gossip", "--without-mingle", "-n", "theirs@test", "-Q", queue});
        RemoteClient remote(m_theirs->client, m_theirs->clock);
        using Replies = std::map<std::string, boost::json::value>;
        QVERIFY(within(90s, [&] {
            const auto pong =
                m_theirs->run<Result<Replies>>([&] { return remote.ask("ping", {}, {"theirs@test"}, 500ms); });
            return pong && pong->size() == 1;
        }));
        m_theirs->run<void>([&] { return remote.close(); });
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_theirs; ///< enqueues, and looks at results
    Process m_worker;
};

QTEST_GUILESS_MAIN(NeighboursTest)
#include "neighbours_test.moc"
