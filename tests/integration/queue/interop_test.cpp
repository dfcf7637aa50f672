// SPDX-License-Identifier: GPL-3.0-or-later
// Both ends of the queue against the real celery package: its client and our worker, our broker and its worker, its
// inspect, control and events against our worker.

#include "core/queue/remote_client.h"
#include "core/queue/visibility_check.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/celery_process.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#ifndef Q_MOC_RUN // it loses its way in <concepts>
#include "core/base/logging.h"
#endif

#include <QProcess>
#include <QTest>
#include <atomic>
#include <map>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

class InteropTest final : public QObject
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
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
    }
    void cleanup() { m_instance.reset(); }

    void runsTasksOfACeleryClient()
    {
        const auto worker = ourWorker();
        const auto client = python(*m_server, {"celery_client.py"});
        const boost::json::object seen = lastLine(*client);
        const boost::json::value expected = boost::json::parse(R"({"add": 5, "state": "SUCCESS", "date_done": true,
            "fail": ["std::runtime_error", "as told"], "traceback": true, "unknown": "NotRegistered",
            "countdown": [2, true], "expired": "expired", "priority": [0, 3, 9],
            "noop": {"args": [1], "kwargs": {"k": "v"}}, "ignored": "PENDING", "started": "STARTED",
            "revoked": "terminated", "protocol 1": 5})");
        for (const auto &member : expected.as_object())
            QVERIFY2(seen.contains(member.key()) && seen.at(member.key()) == member.value(),
                     boost::json::serialize(seen).c_str());
    }

    void sendsWhatFollows()
    {
        const auto ours = ourWorker();
        const auto theirs = theirWorker("other");
        const auto client = python(*m_server, {"celery_canvas.py"});
        const boost::json::object seen = lastLine(*client);
        const boost::json::value expected = boost::json::parse(R"({
            "chain of two": 7, "chain of three": [[9], 7, 3], "across workers": 1113, "chain within a chain": [{"args": [5], "kwargs": {}}, 6],
            "chord": [[0, 2, 4], 7], "chord, immutable body": [7],
            "chords across workers": [9, 12, 15, 18, 21, 24, 27, 30], "chord of chains": [[4, 10]],
            "chord, then a chain": [{"args": [[2, 4]], "kwargs": {}}, 8],
            "chord within a chord": [[2, {"args": [[3, 5]], "kwargs": {}}]],
            "chord over chains that end in groups": [[[[3, 4], 10]], [[[3, 4]]], [[[3, 4], 10]], [[[4, 5], 7]], [[[3, [5, 6]], 10]]],
            "one of them fails": "ChordError", "one of them fails before its group": "ChordError",
            "group within a chain": [[3, 4]], "group at the end": [3, 4], "group": [2, 4],
            "links": [5, [5], [1]], "children": ["[1]", "[5]"], "link to another queue": 6,
            "link with a countdown": [[5], true], "link to a group": [[5], [5]], "link to a chord": 2,
            "errback": true, "errback of an unknown name": true, "a failed chain": ["std::runtime_error", "FAILURE", "FAILURE"],
            "a failed chord": ["ChordError", true, true], "a chord with an unknown name": "ChordError",
            "a chord with a failed chain": "ChordError", "no such route": [true, "FAILURE"],
            "long integers": ["[1180591620717411303424, [-1180591620717411303424]]", "[1180591620717411303425, 1180591620717411303424]",
                "[[1180591620717411303424, {'args': [1180591620717411303424], 'kwargs': {}}]]"], "left": []})");
        for (const auto &member : expected.as_object())
            QVERIFY2(seen.contains(member.key()) && seen.at(member.key()) == member.value(),
                     (std::string(member.key()) + " in " + boost::json::serialize(seen)).c_str());
    }

    void runsOnceWhatANeighboursSweepWouldPutBack()
    {
        std::atomic<int> runs{0};
        TaskRegistry registry;
        registry.add("t.slow", [&](TaskContext &) -> Result<boost::json::value> {
            ++runs;
            std::this_thread::sleep_for(3s); // longer than the neighbour's timeout
            return boost::json::value(nullptr);
        });
        WorkerOptions options;
        options.concurrency = 8;
        m_instance->startWorkers(std::move(registry), options);
        std::vector<std::string> ids;
        for (int i = 0; i < 8; ++i) {
            NewTask task;
            task.name = "t.slow";
            if (i % 2)
                task.eta = m_instance->clock.wall() + 4s;
            ids.push_back(m_instance->enqueue(task));
        }
        QVERIFY(within(10s, [&] { return m_instance->backlog().unacked == 8; }));
        const auto sweep = python(*m_server, {"celery_sweep.py", "8"});
        for (const std::string &id : ids)
            QCOMPARE(m_instance->ended(id).state, std::string(state::success));
        QVERIFY(lastLine(*sweep).at("sweeps").as_int64() > 10);
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(runs, 8);
        m_instance->stopWorkers();
    }

    void namesWorkersWithAShortVisibilityTimeout()
    {
        std::atomic<int> told{0};
        Logger logger(m_instance->clock, {.write = [&](std::string_view line) {
                          if (line.find("short@test") != std::string_view::npos &&
                              line.find("visibility_timeout") != std::string_view::npos)
                              ++told;
                      }});
        RemoteClient remote(m_instance->client, m_instance->clock);
        VisibilityCheck check(m_instance->client, remote, logger, 900s);
        const auto look = [&] {
            m_instance->run<void>([&] { return check.run(); });
            return logger.flush() && told > 0;
        };
        QVERIFY(!look());
        const auto worker =
            python(*m_server,
                   {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c", "1", "-n", "short@test"},
                   {{"QUEUE_TEST_VISIBILITY", "10"}});
        QVERIFY2(within(40s, look), worker->readAll().constData());
        look();
        QCOMPARE(told, 1);
    }

    void hasTasksRunByACeleryWorker()
    {
        const auto worker = python(*m_server, {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c",
                                               "2", "--without-gossip", "--without-mingle", "-n", "real@test"});
        RemoteClient remote(m_instance->client, m_instance->clock);
        using Replies = std::map<std::string, boost::json::value>;
        const auto ask = [&](const char *method, std::vector<std::string> nodes) {
            return m_instance->run<Result<Replies>>([&] { return remote.ask(method, {}, std::move(nodes), 2s); });
        };
        QVERIFY2(within(40s,
                        [&] {
                            const auto pong = ask("ping", {"real@test"});
                            return pong && pong->size() == 1;
                        }),
                 worker->readAll().constData());
        NewTask add;
        add.name = "py.add";
        add.args = {2, 3};
        add.kwargs = {{"scale", 10}};
        add.priority = 3;
        QVERIFY(m_instance->ended(m_instance->enqueue(add)).result == boost::json::value(50));
        const TaskResult failed = m_instance->ended(m_instance->enqueue("py.fail"));
        QCOMPARE(failed.state, std::string(state::failure));
        QCOMPARE(failed.failure->type, std::string("ValueError"));
        QCOMPARE(failed.failure->message, std::string("as told, 7"));
        QVERIFY(failed.failure->traceback.find("Traceback (most recent call last)") != std::string::npos);
        QCOMPARE(m_instance->ended(m_instance->enqueue("py.none")).failure->type, std::string("NotRegistered"));
        const auto stats = ask("stats", {"real@test"});
        QVERIFY(stats && stats->at("real@test").as_object().contains("pool"));
        const auto everybody = ask("ping", {});
        QVERIFY(everybody && everybody->size() == 1);
        m_instance->run<void>([&] { return remote.close(); });
        worker->terminate();
        worker->waitForFinished(20'000);
    }

    void answersInspectAndControl()
    {
        const auto worker = ourWorker();
        const auto script = python(*m_server, {"celery_inspect.py", m_node});
        const boost::json::object seen = lastLine(*script);
        const boost::json::value expected = boost::json::parse(R"json({"ping": {"ok": "pong"},
            "stats": [["broker", "clock", "pid", "pool", "prefetch_count", "rusage", "total", "uptime"], 2, 2],
            "registered": ["portal.noop", "test.add", "test.crash", "test.fail", "test.sleep"], "queues": ["celery"],
            "active": true, "reserved": true, "scheduled": true, "query": "active",
            "grow": {"ok": "pool will grow"}, "grown": 4, "shrink": {"ok": "pool will shrink"}, "shrunk": 1,
            "revoked": true, "rate_limit": {"ok": "new rate limit set successfully"}, "rate_limit_bad": true,
            "time_limit": {"ok": "time limits set successfully"},
            "autoscale": {"error": "ValueError('Autoscale not enabled')"},
            "add_consumer": {"ok": "add consumer extra"}, "extra": 21,
            "cancel_consumer": {"ok": "no longer consuming from extra"}, "shutdown": true,
            "unknown": {"error": "KeyError('no_such_command')"}})json");
        for (const auto &member : expected.as_object())
            QVERIFY2(seen.contains(member.key()) && seen.at(member.key()) == member.value(),
                     (std::string(member.key()) + " in " + boost::json::serialize(seen)).c_str());
    }

    void answersTheCommandLine()
    {
        const auto worker = ourWorker();
        for (const char *method : {"ping", "stats", "active", "reserved", "registered", "revoked", "active_queues"}) {
            const auto inspect =
                python(*m_server, {"-m", "celery", "-A", "celery_app", "inspect", "-t", "10", "-d", m_node, method});
            QVERIFY(inspect->waitForFinished(60'000));
            const QByteArray output = inspect->readAll();
            QVERIFY2(inspect->exitCode() == 0 && output.contains(m_node.toUtf8()), output.constData());
        }
    }

    void sendsEvents()
    {
        const auto events = python(*m_server, {"-u", "-m", "celery", "-A", "celery_app", "events", "--dump"});
        // `celery events` subscribes as /0.celeryev/*; then our worker comes.
        QVERIFY(within(40s, [&] { return m_instance->redis(redis::Command("PUBSUB", "NUMPAT")).integer >= 1; }));
        const auto worker = ourWorker();
        const auto enable = python(
            *m_server, {"-m", "celery", "-A", "celery_app", "control", "-t", "10", "-d", m_node, "enable_events"});
        QVERIFY(enable->waitForFinished(60'000));
        QVERIFY(enable->exitCode() == 0);
        NewTask add;
        add.name = "test.add";
        add.args = {1, 2};
        const std::string id = m_instance->enqueue(add);
        QByteArray dumped;
        const auto has = [&](const char *text) {
            while (events->waitForReadyRead(0)) {
            }
            dumped += events->readAll();
            return dumped.contains(text);
        };
        for (const char *text : {" started: ", " heartbeat: ", "task received", "task started", "task succeeded"})
            QVERIFY2(within(20s, [&] { return has(text); }),
                     (std::string(text) + " in " + dumped.toStdString()).c_str());
        QVERIFY(dumped.contains(id.c_str()));
        worker->terminate();
        worker->waitForFinished(10'000);
        QVERIFY2(within(20s, [&] { return has(" shutdown: "); }), dumped.constData());
    }

private:
    /// A Celery worker that has begun to take from that queue.
    Process theirWorker(const char *queue)
    {
        Process worker =
            python(*m_server, {"-m", "celery", "-A", "celery_app", "worker", "--pool", "threads", "-c", "2",
                               "--without-gossip", "--without-mingle", "-n", "real@test", "-Q", queue});
        const std::string id = m_instance->enqueue(
            {.name = "py.add", .args = {0, 0}, .queue = queue}); // waits for it, and is gone when the test begins
        if (!m_instance->ended(id, 60s).ended())
            throw std::runtime_error("the Celery worker did not start: " + worker->readAll().toStdString());
        return worker;
    }

    Process ourWorker()
    {
        Process process(new QProcess);
        process->setProcessChannelMode(QProcess::ForwardedErrorChannel);
        process->start(WORKER_PROCESS, {QString::fromStdString(m_server->url()), "2"});
        if (!process->waitForReadyRead(20'000))
            throw std::runtime_error("the worker process did not start");
        m_node = QString::fromUtf8(process->readLine().trimmed());
        return process;
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_instance;
    QString m_node;
};

QTEST_GUILESS_MAIN(InteropTest)
#include "interop_test.moc"
