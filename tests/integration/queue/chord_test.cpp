// SPDX-License-Identifier: GPL-3.0-or-later
// Chords of which Redis will not store all that Celery stores: each ends, once, and says why.

#include "core/base/ids.h"
#include "core/queue/chord_parts.h"
#include "core/queue/keys.h"
#include "core/queue/scripts.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

constexpr const char *withoutGroups = "~celery-task-meta-* ~_kombu* ~q:* ~unacked ~unacked_index ~celery ~celery[^-]*";

boost::json::object signature(const std::string &task, const std::string &id, boost::json::object options = {})
{
    options["task_id"] = id;
    return {{"task", task},       {"args", boost::json::array{}},         {"kwargs", boost::json::object{}},
            {"options", options}, {"subtask_type", boost::json::value()}, {"immutable", false}};
}

boost::json::object body()
{
    boost::json::object options;
    options["link_error"] = boost::json::array{signature("t.err", "err")};
    return signature("t.body", "body", options);
}

NewTask partOf(std::string group, int index)
{
    NewTask part;
    part.name = "t.part";
    part.id = "part-" + std::to_string(index);
    part.args = {index};
    part.groupId = std::move(group);
    part.groupIndex = index;
    part.embed["chord"] = body();
    return part;
}

} // namespace

class ChordTest final : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_server = std::make_unique<RedisServerFixture>();
        m_instance = std::make_unique<QueueInstance>(m_server->endpoint());
        m_log = std::make_unique<CapturedLog>(m_instance->clock);
        m_parts = m_bodies = m_errbacks = 0;
        m_released = false;
    }
    void cleanup()
    {
        if (m_pool)
            m_pool->stop(2s);
        m_pool.reset();
        if (m_client)
            m_client->stop();
        if (m_subscriber)
            m_subscriber->stop();
        m_client.reset();
        m_subscriber.reset();
        m_log.reset();
        m_instance.reset();
        m_server.reset();
    }

    void endsOneWhoseSizeCannotBeStored()
    {
        start(withoutGroups);
        boost::json::object chord = signature("celery.chord", "chord");
        chord["kwargs"] = boost::json::object{
            {"header", boost::json::array{signature("t.part", "a"), signature("t.part", "b")}}, {"body", body()}};
        chord["subtask_type"] = "chord";
        NewTask first;
        first.name = "portal.noop";
        first.id = "first";
        first.embed["callbacks"] = boost::json::array{chord};
        first.embed["chain"] = boost::json::array{signature("portal.noop", "beside")};
        m_instance->enqueue(first);
        QCOMPARE(m_instance->ended("first").state, std::string(state::success));
        QCOMPARE(m_instance->ended("beside").state, std::string(state::success));
        for (const char *id : {"body", "a", "b"})
            QVERIFY(saysWhy(id, "its size cannot be stored"));
        QVERIFY(m_instance->ended("err").result == boost::json::parse(R"(["body"])"));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_parts, 0);
        QCOMPARE(m_bodies, 0);
        QCOMPARE(m_errbacks, 1);
        QCOMPARE(m_log->count({"error", "the size of a chord could not be stored", "celery-taskset-meta-*"}), 1u);
    }

    void endsOneWhosePartsCannotBeCounted_data()
    {
        QTest::addColumn<QString>("keys");
        QTest::addColumn<QString>("before");
        QTest::newRow("no right") << withoutGroups << "";
        QTest::newRow("a key of another type") << "~*"
                                               << "SET celery-taskset-meta-g.j other";
    }
    void endsOneWhosePartsCannotBeCounted()
    {
        QFETCH(QString, keys);
        QFETCH(QString, before);
        if (!before.isEmpty())
            m_server->command(before.toStdString());
        start(keys.toStdString());
        for (int part = 0; part < 5; ++part)
            m_instance->enqueue(partOf("g", part));
        QVERIFY(saysWhy("body", "its parts cannot be counted"));
        QVERIFY(within(10s, [&] { return m_pool->counters().succeeded == 6; })); // with one errback
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_parts, 5);
        QCOMPARE(m_bodies, 0);
        QCOMPARE(m_errbacks, 1);
    }

    void endsOneOfWhichAPartHasABadErrback()
    {
        start("~*");
        m_server->command("SET celery-taskset-meta-g.s 2");
        NewTask fails = partOf("g", 0);
        fails.name = "t.fail";
        fails.embed["errbacks"] = boost::json::array{"no signature"};
        m_instance->enqueue(fails);
        m_instance->enqueue(partOf("g", 1));
        QVERIFY(saysWhy("body", "Dependency part-0 raised"));
        QVERIFY(within(5s, [&] { return m_errbacks == 1; }));
    }

    /// Python writes NaN where JSON has no such number.
    void endsOneOfWhichAPartHasNoJsonAsArguments()
    {
        start("~*");
        m_server->command("SET celery-taskset-meta-g.s 2");
        const std::string message = encode(partOf("g", 0), "gen1@test", "none");
        const std::string text = *decodeBase64(std::string(boost::json::parse(message).at("body").as_string()));
        QVERIFY(text.starts_with("[[0],"));
        boost::json::value changed = boost::json::parse(message);
        changed.as_object()["body"] = encodeBase64("[[NaN]," + text.substr(5));
        m_instance->redis(redis::Command("LPUSH", "celery", boost::json::serialize(changed)));
        m_instance->enqueue(partOf("g", 1));
        QVERIFY(saysWhy("body", "Dependency part-0 raised DecodeError"));
    }

    /// Where a worker of Celery's has noted the size of a group that began later as the chord's.
    void waitsForEachPartOfTheGroupsInItsHeader()
    {
        start("~*");
        m_server->command("SET celery-taskset-meta-g.s 2");
        m_instance->redis(redis::Command("SET", keys::groupResult("g"),
                                         R"({"result": [["g", null], [[["g", null], [[["part-0", null], null], )"
                                         R"([["part-1", null], null]]], [["part-2", null], null]]]})"));
        for (const int part : {2, 1})
            m_instance->enqueue(partOf("g", part));
        QVERIFY(within(10s, [&] { return m_parts == 2; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->result("body").state, std::string(state::pending));
        m_instance->enqueue(partOf("g", 0));
        QVERIFY(m_instance->ended("body").result == boost::json::parse("[[[0, 1], 2]]"));
    }

    void boundsWhatPartsStore_data()
    {
        QTest::addColumn<int>("bytes");
        QTest::addColumn<bool>("full");
        QTest::newRow("the bound of a chord") << 900000 << false;
        QTest::newRow("Redis that is full") << 100000 << true;
    }
    void boundsWhatPartsStore()
    {
        QFETCH(int, bytes);
        QFETCH(bool, full);
        m_server->command("SET celery-taskset-meta-g.s 5");
        for (int part = 0; part < 4; ++part) {
            NewTask large = partOf("g", part);
            large.args = {std::string(std::size_t(bytes), 'x')};
            m_instance->enqueue(large);
        }
        const NewTask last = partOf("g", 4);
        if (full) {
            m_instance->enqueue(last);
            m_server->command("CONFIG SET maxmemory 1mb");
        }
        start("~*");
        QVERIFY(within(20s, [&] { return m_parts == (full ? 5 : 4); }));
        if (!full) {
            QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
            std::size_t stored = 0;
            for (const redis::Reply &end :
                 m_instance->redis(redis::Command("ZRANGE", "celery-taskset-meta-g.j", "0", "-1")).elements)
                stored += end.text.size();
            QVERIFY2(stored > 1800000 && stored <= maxMessageBytes / 2, qPrintable(QString::number(stored)));
            m_instance->enqueue(last);
        }
        QVERIFY(saysWhy("body", "no room for its result"));
        QVERIFY(within(5s, [&] { return m_errbacks == 1; }));
        QCOMPARE(m_bodies, 0);
        QCOMPARE(m_instance->redis(redis::Command("KEYS", "celery-taskset-meta-g*")).elements.size(), std::size_t(0));
    }

    void sendsLittleWhileRedisIsFull()
    {
        NewTask first;
        first.name = "portal.noop";
        first.id = "first";
        boost::json::array callbacks;
        for (int i = 0; i < 500; ++i)
            callbacks.push_back(signature("t.part", "follows-" + std::to_string(i)));
        first.embed["callbacks"] = callbacks;
        first.args = {7};
        m_instance->enqueue(first);
        m_server->command("CONFIG SET maxmemory 1mb");
        start("~*");
        QVERIFY(m_instance->ended("first").ended());
        QVERIFY(within(10s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QVERIFY2(m_parts > 10 && m_parts < 200, qPrintable(QString::number(m_parts)));
        QCOMPARE(m_log->count({"error", "could not be put into its queue", "Redis is full"}), 1u);
    }

    void countsWhatIsStillOursAndSuccesses_data()
    {
        QTest::addColumn<QStringList>("ends"); // delivery and state
        QTest::addColumn<QStringList>("counted");
        QTest::newRow("a failure") << QStringList{"ours FAILURE"} << QStringList{"FAILURE"};
        QTest::newRow("whose note was deleted") << QStringList{"taken FAILURE"} << QStringList{"FAILURE"};
        QTest::newRow("of what runs elsewhere") << QStringList{"gone FAILURE"} << QStringList{};
        QTest::newRow("a success of that") << QStringList{"gone SUCCESS"} << QStringList{"SUCCESS"};
        QTest::newRow("after a success elsewhere")
            << QStringList{"ours SUCCESS", "gone FAILURE"} << QStringList{"SUCCESS"};
        QTest::newRow("a failure after a success")
            << QStringList{"gone SUCCESS", "ours FAILURE"} << QStringList{"SUCCESS"};
        QTest::newRow("a success after a failure")
            << QStringList{"ours FAILURE", "gone SUCCESS"} << QStringList{"SUCCESS"};
    }
    void countsWhatIsStillOursAndSuccesses()
    {
        QFETCH(QStringList, ends);
        QFETCH(QStringList, counted);
        m_server->command("SET celery-taskset-meta-g.s 2");
        m_server->command("HSET owned ours celery");
        m_server->command("HSET unacked ours entry taken entry");
        const Scripts scripts;
        for (const QString &end : ends) {
            const std::string state = end.section(' ', 1).toStdString();
            std::deque<Outcome> batch(1);
            batch[0].kind = state == state::success ? Outcome::Success : Outcome::Failure;
            batch[0].delivery = end.section(' ', 0, 0).toStdString();
            batch[0].id = "p";
            batch[0].source = std::make_shared<Message>();
            FollowUps next;
            next.parts.push_back({"g", "p", 0, R"([1, "p", ")" + state + R"(", {}])", body(), {}});
            batch[0].follow.push_back(next);
            QVERIFY(m_instance->run<bool>(
                [&] { return countParts(m_instance->client, scripts, "owned", batch, nullptr); }));
        }
        QStringList found;
        for (const redis::Reply &one :
             m_instance->redis(redis::Command("ZRANGE", "celery-taskset-meta-g.j", "0", "-1")).elements)
            found << QString::fromStdString(one.text).section('"', 3, 3);
        QCOMPARE(found, counted);
    }

    void waitsWhileItCannotSignIn()
    {
        start("~*");
        m_server->command("SET celery-taskset-meta-g.s 1");
        NewTask part = partOf("g", 0);
        part.name = "t.wait";
        m_instance->enqueue(part);
        QVERIFY(within(10s, [&] { return m_parts == 1; }));
        m_server->command("ACL SETUSER modest off");
        m_server->command("CLIENT KILL USER modest");
        QVERIFY(within(10s, [&] {
            const auto refused =
                m_instance->run<Result<redis::Reply>>([&] { return m_client->run(redis::Command("PING")); });
            return !refused && refused.error().code == "redis-auth";
        }));
        m_released = true;
        QVERIFY(within(10s, [&] { return m_pool->counters().active == 0; }));
        for (int turn = 0; turn < 5; ++turn) // of the same thread: by then it was tried
            QVERIFY(!m_instance->run<Result<redis::Reply>>([&] { return m_client->run(redis::Command("PING")); }));
        m_server->command("ACL SETUSER modest on");
        QCOMPARE(m_instance->ended("body").state, std::string(state::success));
        QCOMPARE(m_errbacks, 0);
        QCOMPARE(m_log->count({"error", "could not be counted"}), 0u);
    }

    void endsWhatWaitsForWhatCannotBeSent_data()
    {
        QTest::addColumn<QString>("keys");
        QTest::addColumn<QString>("before");
        QTest::newRow("no right") << "~celery* ~_kombu* ~q:* ~unacked ~unacked_index"
                                  << "";
        QTest::newRow("a key of another type") << "~*"
                                               << "SET mail other";
    }
    void endsWhatWaitsForWhatCannotBeSent()
    {
        QFETCH(QString, keys);
        QFETCH(QString, before);
        if (!before.isEmpty())
            m_server->command(before.toStdString());
        m_server->command("SET celery-taskset-meta-g.s 2");
        start(keys.toStdString());
        NewTask first;
        first.name = "portal.noop";
        first.id = "first";
        boost::json::object counts{{"group_id", "g"}, {"group_index", 0}, {"chord", body()}};
        first.embed["chain"] =
            boost::json::array{signature("t.part", "last", counts), signature("t.part", "next", {{"queue", "mail"}})};
        m_instance->enqueue(first);
        QCOMPARE(m_instance->ended("first").state, std::string(state::success));
        for (const char *id : {"next", "last"}) {
            const TaskResult result = m_instance->ended(id);
            QVERIFY(result.failure);
            QCOMPARE(result.failure->type, std::string("OperationalError"));
        }
        QVERIFY(saysWhy("body", "a part of it cannot be sent"));
        m_instance->enqueue(partOf("g", 1));
        QVERIFY(within(10s, [&] { return m_parts == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_bodies, 0);
        QCOMPARE(m_errbacks, 1);
        QCOMPARE(m_log->count({"error", "could not be put into its queue", "next"}), 1u);
    }

    void runsAPartAgainByItself()
    {
        start("~*");
        m_server->command("SET celery-taskset-meta-g.s 3");
        NewTask part = partOf("g", 0);
        part.name = "t.once";
        part.embed["chain"] = boost::json::array{signature("portal.noop", "follows")};
        m_instance->enqueue(part);
        QCOMPARE(m_instance->ended("part-0").state, std::string(state::failure));
        QCOMPARE(m_instance->ended("follows").state, std::string(state::failure));
        m_instance->enqueue(partOf("g", 1));
        QCOMPARE(m_instance->ended("part-1").state, std::string(state::success));
        const auto again = m_instance->run<Result<std::string>>([&] { return m_instance->broker.rerun("part-0"); });
        QVERIFY2(again, again ? "" : again.error().message.c_str());
        QVERIFY(m_instance->ended(*again).result == boost::json::parse("[0]"));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->redis(redis::Command("ZCARD", "celery-taskset-meta-g.j")).integer, std::int64_t(2));
        QCOMPARE(m_instance->result("body").state, std::string(state::pending));
        QCOMPARE(m_instance->result("follows").state, std::string(state::failure));
    }

private:
    /// Workers of a user that may use these keys.
    void start(const std::string &keys)
    {
        m_server->command("ACL SETUSER modest on nopass &* +@all resetkeys " + keys);
        redis::Endpoint endpoint = m_server->endpoint();
        endpoint.user = "modest";
        endpoint.password = "any";
        m_client = std::make_unique<redis::Client>(m_instance->runtime.at(0), endpoint);
        m_subscriber = std::make_unique<redis::Subscriber>(m_instance->runtime.at(0), endpoint);
        m_client->start();
        m_subscriber->start();
        QVERIFY(within(10s, [&] { return m_client->state() == redis::Client::State::Ready; }));
        TaskRegistry registry;
        const auto counts = [&registry](const char *name, std::atomic<int> &counter) {
            registry.add(name, [&counter](TaskContext &context) -> Result<boost::json::value> {
                ++counter;
                return boost::json::value(context.args());
            });
        };
        counts("t.body", m_bodies);
        counts("t.err", m_errbacks);
        registry.add("t.part", [this](TaskContext &context) -> Result<boost::json::value> {
            ++m_parts;
            return context.args().at(0);
        });
        registry.add("t.wait", [this](TaskContext &context) -> Result<boost::json::value> {
            ++m_parts;
            within(20s, [this] { return m_released.load(); });
            return context.args().at(0);
        });
        registry.add("t.once", [this](TaskContext &context) -> Result<boost::json::value> {
            if (!m_released.exchange(true))
                return failure(ErrorKind::Internal, "told");
            return boost::json::value(context.args());
        });
        registry.add("t.fail", [](TaskContext &) -> Result<boost::json::value> { throw std::runtime_error("told"); });
        WorkerOptions options;
        options.logger = &m_log->logger;
        m_pool = std::make_unique<WorkerPool>(m_instance->runtime.at(0), *m_client, *m_subscriber, m_instance->clock,
                                              std::move(registry), options);
        m_pool->start();
    }

    bool saysWhy(const std::string &id, std::string_view why)
    {
        const TaskResult result = m_instance->ended(id);
        if (result.failure && result.failure->type == "ChordError" &&
            result.failure->message.find(why) != std::string::npos)
            return true;
        qWarning("%s: %s %s", id.c_str(), result.state.c_str(), result.failure ? result.failure->message.c_str() : "");
        return false;
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<QueueInstance> m_instance; ///< of a user that may do all
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<redis::Client> m_client;
    std::unique_ptr<redis::Subscriber> m_subscriber;
    std::unique_ptr<WorkerPool> m_pool;
    std::atomic<int> m_parts{0}, m_bodies{0}, m_errbacks{0};
    std::atomic<bool> m_released{false};
};

QTEST_GUILESS_MAIN(ChordTest)
#include "chord_test.moc"
