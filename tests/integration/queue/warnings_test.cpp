// SPDX-License-Identifier: GPL-3.0-or-later
// What keeps the queue from working is in the log: the warnings that no other test here brings about.

#include "core/queue/keys.h"
#include "core/queue/neighbours.h"
#include "core/queue/remote_client.h"
#include "core/queue/schedule.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/json/serialize.hpp>

#include <pthread.h>

#include <QTest>
#include <atomic>
#include <map>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

NewTask noop(std::string id)
{
    NewTask task;
    task.name = "portal.noop";
    task.id = std::move(id);
    return task;
}

/// As long as it lives no thread finds room for its stack.
class NoRoomForThreads final
{
public:
    NoRoomForThreads()
    {
        pthread_getattr_default_np(&m_usual);
        pthread_attr_t vast;
        pthread_attr_init(&vast);
        pthread_attr_setstacksize(&vast, std::size_t(1) << 48); // more than an address space
        set = pthread_setattr_default_np(&vast) == 0;
        pthread_attr_destroy(&vast);
    }
    ~NoRoomForThreads()
    {
        pthread_setattr_default_np(&m_usual);
        pthread_attr_destroy(&m_usual);
    }
    NoRoomForThreads(const NoRoomForThreads &) = delete;
    NoRoomForThreads &operator=(const NoRoomForThreads &) = delete;

    bool set = false;

private:
    pthread_attr_t m_usual{};
};

} // namespace

class WarningsTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_go = false;
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

    void saysWhatDoesNotWorkWithoutRedis()
    {
        start(waiting());
        const std::string id = m_instance->enqueue("t.wait");
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().active == 1; }));
        Schedule schedule(m_instance->runtime.at(0), m_instance->client, m_instance->clock, &m_log->logger);
        schedule.add("daily", 24h, []() -> awaitable<void> { co_return; });
        const auto ticked = [&](std::initializer_list<std::string_view> parts) {
            runSync<void>(m_instance->runtime.at(0), [&] { return schedule.tick(); });
            return m_log->count(parts) != 0;
        };
        const std::string sentences[]{"this worker cannot renew its hold on tasks",
                                      "tasks cannot be taken from the queue",
                                      "tasks that ended cannot be acknowledged; tried again",
                                      "periodic jobs do not run, for none can be claimed in Redis"};
        m_server->kill();
        m_go = true;
        for (const std::string &sentence : sentences)
            QVERIFY2(within(20s, [&] { return ticked({"\"warning\"", sentence}); }), sentence.c_str());
        m_server->start();
        for (const std::string &sentence : sentences)
            QVERIFY2(within(20s, [&] { return ticked({sentence + ": this is over"}); }), sentence.c_str());
        QCOMPARE(m_instance->result(id).state, std::string(state::success));
        for (const std::string &sentence : sentences) // however the answer stays away
            QVERIFY2(m_log->count({"\"warning\"", sentence}) == 1, sentence.c_str());
    }

    void saysThatItCannotLookForNeighbours()
    {
        WorkerOptions options;
        options.concurrency = 0;
        WorkerPool pool(m_instance->runtime.at(0), m_instance->client, m_instance->subscriber, m_instance->clock, {},
                        options);
        RemoteClient remote(m_instance->client, m_instance->clock);
        NeighbourWatch watch(m_instance->runtime.at(0), m_instance->client, m_instance->subscriber, remote, pool,
                             m_instance->clock, NeighbourOptions{2, false, &m_log->logger});
        m_server->kill();
        pool.start();
        watch.start();
        const std::string sentence = "it cannot be found out whether others take from these queues";
        QVERIFY(within(20s, [&] { return m_log->count({"\"warning\"", sentence}) != 0; }));
        QVERIFY(watch.status().problem.has_value());
        m_server->start();
        QVERIFY(within(20s, [&] { return m_log->count({sentence + ": this is over"}) == 1; }));
        QVERIFY(within(20s, [&] { return pool.status().threads.size() == 2; }));
        watch.stop();
        m_instance->run<void>([&] { return remote.close(); });
        pool.stop(2s);
    }

    void saysThatResultsAreRefused()
    {
        start(waiting());
        const std::string id = m_instance->enqueue("t.wait");
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().active == 1; }));
        m_instance->redis(redis::Command("DEL", keys::unackedIndex));
        m_instance->redis(redis::Command("SET", keys::unackedIndex, "no index"));
        m_go = true;
        QVERIFY(within(10s, [&] {
            return m_log->count({"\"error\"", "results of tasks were refused", "WRONGTYPE"}) == 1;
        }));
        QCOMPARE(m_log->count({"\"warning\"", "cannot be acknowledged", "WRONGTYPE"}), 1u);
        QVERIFY(within(5s, [&] { return m_instance->pool->counters().droppedResults == 1; }));
        m_instance->redis(redis::Command("DEL", keys::unackedIndex));
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
        QVERIFY(within(10s, [&] { return m_log->count({"cannot be acknowledged", "this is over"}) == 1; }));
    }

    void saysThatADeadWorkersTasksStay()
    {
        m_instance->redis(redis::Command("SET", keys::owned("dead"), "no hash"));
        m_instance->redis(redis::Command("ZADD", keys::instances, 1, "dead"));
        start();
        QVERIFY(within(20s, [&] {
            return m_log->count({"\"warning\"", "tasks of a dead worker could not be put back", "\"worker\":\"dead\"",
                                 "WRONGTYPE"}) != 0;
        }));
        m_instance->redis(redis::Command("HSET", keys::unacked, "dead:1",
                                         "[" + encode(noop("the-id"), "gen1@h", "r") + R"(,"","celery"])"));
        m_instance->redis(redis::Command("DEL", keys::owned("dead")));
        m_instance->redis(redis::Command("HSET", keys::owned("dead"), "dead:1", "celery"));
        m_instance->redis(redis::Command("ZADD", keys::instances, 1, "dead")); // it may have been found to hold nothing
        QCOMPARE(m_instance->ended("the-id").state, std::string(state::success));
    }

    void saysThatAChordCannotBeCounted()
    {
        m_server->command("ACL SETUSER modest on nopass ~mine* ~unacked* ~q:* ~_kombu* ~celery-task-meta-* &* +@all");
        redis::Endpoint endpoint = m_server->endpoint();
        endpoint.user = "modest";
        endpoint.password = "any";
        QueueInstance modest(endpoint);
        WorkerOptions options;
        options.queues = {"mine"};
        options.logger = &m_log->logger;
        modest.startWorkers({}, options);
        NewTask task = noop("the-id");
        task.groupId = "the-group";
        task.groupIndex = 0;
        task.embed["chord"] = boost::json::object{{"task", "portal.noop"},
                                                  {"args", boost::json::array{}},
                                                  {"kwargs", boost::json::object{}},
                                                  {"options", {{"task_id", "body"}}}};
        m_instance->redis(redis::Command("LPUSH", "mine", encode(task, "gen1@h", "r")));
        QCOMPARE(m_instance->ended("the-id").state, std::string(state::success));
        const TaskResult body = m_instance->ended("body");
        QVERIFY(body.failure && body.failure->type == "ChordError");
        QCOMPARE(m_log->count({"\"error\"", "the end of a part of a chord could not be counted",
                               "\"task_id\":\"the-id\"", "\"group\":\"the-group\""}),
                 1u);
    }

    void saysThatThereIsNoFurtherThread()
    {
        WorkerOptions options;
        options.concurrency = 0;
        start({}, options);
        {
            const NoRoomForThreads full;
            QVERIFY(full.set);
            m_instance->pool->resize(2);
        }
        QCOMPARE(m_log->count({"\"error\"", "no further thread for tasks"}), 1u);
        QCOMPARE(m_instance->pool->status().concurrency, 0u);
        m_instance->pool->resize(2);
        QCOMPARE(m_instance->ended(m_instance->enqueue("portal.noop")).state, std::string(state::success));
    }

    void saysWhatControlMessagesChange()
    {
        start();
        RemoteClient remote(m_instance->client, m_instance->clock);
        const WorkerPool &pool = *m_instance->pool;
        const auto ask = [&](std::string method, boost::json::object arguments) {
            const auto answers = m_instance->run<Result<std::map<std::string, boost::json::value>>>(
                [&] { return remote.ask(method, arguments, {pool.node()}, 5s); });
            return answers && answers->contains(pool.node()) ? boost::json::serialize(answers->at(pool.node()))
                                                             : std::string();
        };
        const std::string sentence = "this worker was sent a control message";
        QVERIFY(!ask("ping", {}).empty());
        QCOMPARE(m_log->count({sentence}), 0u);
        QVERIFY(!pool.problem());
        QVERIFY(!ask("cancel_consumer", {{"queue", "celery"}}).empty());
        QCOMPARE(m_log->count({sentence, "cancel_consumer", "no longer consuming", "reply_to", "ticket"}), 1u);
        const std::optional<Error> problem = pool.problem();
        QVERIFY(problem.has_value());
        QCOMPARE(problem->code, std::string("queue-cancelled"));
        QVERIFY(problem->message.find("control message (cancel_consumer)") != std::string::npos);
        QVERIFY(!ask("add_consumer", {{"queue", "celery"}}).empty());
        QVERIFY(!pool.problem());
        {
            const NoRoomForThreads full;
            QVERIFY(full.set);
            const std::string grown = ask("pool_grow", {{"n", 2}});
            QVERIFY2(grown.find("2 threads, the most there may be") != std::string::npos, grown.c_str());
        }
        for (int i = 0; i < 30; ++i)
            QVERIFY(!ask("cancel_consumer", {{"queue", "none"}}).empty());
        QCOMPARE(m_log->count({sentence, "cancel_consumer"}), 10u);
        m_instance->run<void>([&] { return remote.close(); });
    }

private:
    void start(TaskRegistry registry = {}, WorkerOptions options = {})
    {
        options.logger = &m_log->logger;
        m_instance->startWorkers(std::move(registry), options);
    }
    /// With a task that lasts until it is told to go.
    TaskRegistry waiting()
    {
        TaskRegistry registry;
        registry.add("t.wait", [this](TaskContext &) -> Result<boost::json::value> {
            while (!m_go)
                std::this_thread::sleep_for(1ms);
            return boost::json::value(nullptr);
        });
        return registry;
    }

    std::atomic<bool> m_go{false};
    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(WarningsTest)
#include "warnings_test.moc"
