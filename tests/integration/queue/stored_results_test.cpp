// SPDX-License-Identifier: GPL-3.0-or-later
// What lies under the key of a task's result, by whomever, and when ours is there.

#include "core/queue/keys.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <QTest>
#include <algorithm>
#include <mutex>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

class StoredResultsTest final : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase() { m_server = std::make_unique<RedisServerFixture>(); }
    void init()
    {
        m_server->command("FLUSHALL");
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
        m_log = std::make_unique<CapturedLog>(m_instance->clock);
    }
    void cleanup()
    {
        m_instance.reset();
        m_log.reset();
    }

    void showsWhatIsStored_data()
    {
        QTest::addColumn<QStringList>("command"); // %1: the key
        QTest::addColumn<QString>("state");
        QTest::addColumn<QString>("says");
        const auto row = [](const char *name, const QStringList &command, std::string_view state, const char *says) {
            QTest::newRow(name) << command << QString::fromStdString(std::string(state)) << says;
        };
        row("nothing", {}, state::pending, "");
        row("a list", {"RPUSH", "%1", "a"}, state::failure, "another type");
        row("a hash", {"HSET", "%1", "a", "b"}, state::failure, "another type");
        row("a sorted set", {"ZADD", "%1", "1", "a"}, state::failure, "another type");
        row("an empty text", {"SET", "%1", ""}, state::failure, "not JSON");
        row("no JSON", {"SET", "%1", "garbage"}, state::failure, "not JSON");
        row("JSON that is no object", {"SET", "%1", "[1]"}, state::failure, "not a JSON object");
        row("no status", {"SET", "%1", "{}"}, state::failure, "no status");
        row("a status that is a number", {"SET", "%1", R"({"status": 5})"}, state::failure, "no status");
        row("a result", {"SET", "%1", R"({"status": "SUCCESS", "result": 1})"}, state::success, "");
    }
    void showsWhatIsStored()
    {
        QFETCH(QStringList, command);
        QFETCH(QString, state);
        QFETCH(QString, says);
        if (!command.isEmpty()) {
            redis::Command store;
            store.begin(std::size_t(command.size()));
            for (const QString &word : command)
                store.argument(QString(word).replace("%1", "celery-task-meta-the-id").toStdString());
            m_instance->redis(std::move(store));
        }
        m_instance->redis(redis::Command("SET", keys::result("good"), R"({"status": "SUCCESS", "result": 1})"));
        const std::vector<std::string> ids{"none", "the-id", "good"};
        const auto results =
            m_instance->run<Result<std::vector<TaskResult>>>([&] { return m_instance->broker.results(ids); });
        QVERIFY2(results, results ? "" : results.error().message.c_str());
        QCOMPARE(results->size(), std::size_t(3));
        QCOMPARE((*results)[0].state, std::string(state::pending));
        QCOMPARE((*results)[2].state, std::string(state::success));
        for (const TaskResult &result : {(*results)[1], m_instance->result("the-id")}) {
            QCOMPARE(result.id, std::string("the-id"));
            QCOMPARE(result.state, state.toStdString());
            QCOMPARE(result.failure.has_value(), !says.isEmpty());
            if (result.failure)
                QVERIFY2(result.failure->message.find(says.toStdString()) != std::string::npos,
                         result.failure->message.c_str());
        }
    }

    void saysThatAResultCouldNotBeStored_data()
    {
        QTest::addColumn<QString>("task");
        QTest::addColumn<QString>("there");
        QTest::newRow("of a task that succeeds") << "portal.noop"
                                                 << "another";
        QTest::newRow("of one that is not run") << "no.such"
                                                << "another";
        QTest::newRow("for one in YAML") << "portal.noop"
                                         << "status: SUCCESS";
    }
    void saysThatAResultCouldNotBeStored()
    {
        QFETCH(QString, task);
        QFETCH(QString, there);
        m_instance->redis(redis::Command("SET", keys::result("the-id"), there.toStdString()));
        start();
        enqueue(task.toStdString(), "the-id");
        QVERIFY(within(10s, [&] { return m_instance->pool->counters().droppedResults == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QVERIFY(within(5s, [&] { return m_log->count({"warning", "no result that can be read", "the-id"}) == 1; }));
        QCOMPARE(m_instance->redis(redis::Command("GET", keys::result("the-id"))).text, there.toStdString());
    }

    void tellsOfAnEndOnceItIsStored()
    {
        QueueInstance other(m_server->endpoint()); // looks at the moment it is told
        std::mutex mutex;
        std::vector<std::string> seen;
        start([&](const TaskEvent &event) {
            using Type = TaskEvent::Type;
            if (event.type != Type::Succeeded && event.type != Type::Failed && event.type != Type::Revoked)
                return;
            const std::string value = event.result ? event.result->at("args").at(0).as_string().c_str() : "";
            const std::lock_guard lock(mutex);
            seen.push_back(event.message->id + " " + other.result(event.message->id).state + value);
        });
        enqueue("portal.noop", "succeeds", {" and its value"});
        enqueue("t.fail", "fails");
        enqueue("no.such", "unknown");
        NewTask late;
        late.name = "portal.noop";
        late.id = "late";
        late.expires = m_instance->clock.wall() - 1s;
        m_instance->enqueue(late);
        QVERIFY(within(20s, [&] {
            const std::lock_guard lock(mutex);
            return seen.size() == 4;
        }));
        m_instance->stopWorkers();
        std::ranges::sort(seen);
        const std::vector<std::string> expected{"fails FAILURE", "late REVOKED", "succeeds SUCCESS and its value",
                                                "unknown FAILURE"};
        QCOMPARE(seen, expected);
    }

private:
    void start(std::function<void(const TaskEvent &)> observer = {})
    {
        TaskRegistry registry;
        registry.add("t.fail", [](TaskContext &) -> Result<boost::json::value> { throw std::runtime_error("told"); });
        WorkerOptions options;
        options.logger = &m_log->logger;
        m_instance->pool =
            std::make_unique<WorkerPool>(m_instance->runtime.at(0), m_instance->client, m_instance->subscriber,
                                         m_instance->clock, std::move(registry), options);
        if (observer)
            m_instance->pool->observe(std::move(observer));
        m_instance->pool->start();
    }
    void enqueue(std::string name, std::string id, boost::json::array args = {})
    {
        NewTask task;
        task.name = std::move(name);
        task.id = std::move(id);
        task.args = std::move(args);
        m_instance->enqueue(task);
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(StoredResultsTest)
#include "stored_results_test.moc"
