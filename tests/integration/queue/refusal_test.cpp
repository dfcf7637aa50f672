// SPDX-License-Identifier: GPL-3.0-or-later
// Messages that are not ours to run: each ends under its id, or is kept aside, with a line in the log and a count.

#include "core/base/ids.h"
#include "core/base/names.h"
#include "core/queue/keys.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/queue/captured_log.h"
#include "tests/integration/queue/queue_instance.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

std::string element(const std::string &headers, const std::string &body, const std::string &more = {},
                    const std::string &properties = R"("body_encoding": "base64", "correlation_id": "the-id")")
{
    const std::string type = more.empty() ? R"("content-type": "application/json", "content-encoding": "utf-8")" : more;
    return R"({"body": ")" + body + R"(", )" + type + (headers.empty() ? "" : R"(, "headers": )" + headers) +
           R"(, "properties": {)" + properties + "}}";
}

const std::string good = R"({"task": "portal.noop", "id": "the-id"})";
const std::string empty = encodeBase64("[[], {}, {}]");

} // namespace

class RefusalTest final : public QObject
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

    void runsProtocolOne_data()
    {
        QTest::addColumn<QByteArray>("raw");
        const std::string body =
            R"({"task": "portal.noop", "id": "the-id", "args": [1], "kwargs": {"k": 2}, "retries": 0, "eta": null,)"
            R"( "expires": null, "utc": true, "callbacks": null, "errbacks": null, "timelimit": [null, null],)"
            R"( "taskset": null, "chord": null})";
        const auto row = [](const char *name, const std::string &raw) {
            QTest::newRow(name) << QByteArray::fromStdString(raw);
        };
        row("as Celery sends it", element("{}", encodeBase64(body)));
        row("without headers", element({}, encodeBase64(body)));
        row("headers are null", element("null", encodeBase64(body)));
        row("headers are an empty list", element("[]", encodeBase64(body)));
        row("handed on by kombu", element(R"({"redelivered": true})", encodeBase64(body)));
        row("only what is needed",
            element("{}", encodeBase64(R"({"task":"portal.noop","id":"the-id","args":[1],"kwargs":{"k":2}})")));
        boost::json::object plain{{"body", body},
                                  {"content-type", "application/json"},
                                  {"headers", nullptr},
                                  {"properties", boost::json::object{}}};
        row("a body that is not base64", boost::json::serialize(plain));
    }
    void runsProtocolOne()
    {
        QFETCH(QByteArray, raw);
        start();
        push(raw.toStdString());
        const TaskResult result = m_instance->ended("the-id");
        QCOMPARE(result.state, std::string(state::success));
        QVERIFY(result.result == boost::json::parse(R"({"args": [1], "kwargs": {"k": 2}})"));
        QCOMPARE(m_instance->pool->counters().rejected, 0u);
    }

    void retriesProtocolOne()
    {
        std::atomic<int> starts{0};
        TaskRegistry registry;
        registry.add("t.twice", [&](TaskContext &context) -> Result<boost::json::value> {
            if (++starts == 1)
                return context.retry("once more", 1ms);
            return boost::json::value{context.retries(), context.args()};
        });
        start(std::move(registry));
        push(element("{}", encodeBase64(R"({"task": "t.twice", "id": "the-id", "args": [12345678901234567890123]})")));
        QVERIFY(within(20s, [&] { return m_instance->result("the-id").state == state::success; }));
        QVERIFY(m_instance->result("the-id").result.at(0) == boost::json::value(1));
        QCOMPARE(starts.load(), 2);
    }

    void endsWhatItCannotRun_data()
    {
        QTest::addColumn<QByteArray>("raw");
        QTest::addColumn<QString>("reason");
        QTest::addColumn<QString>("says");
        const auto row = [](const char *name, const std::string &raw, const char *reason, const char *says) {
            QTest::newRow(name) << QByteArray::fromStdString(raw) << reason << says;
        };
        row("not base64", element(good, "%%%"), "bad-body", "base64");
        row("protocol 1, not base64", element("{}", "%%%"), "bad-body", "base64");
        row("a body that is no JSON", element(good, encodeBase64("nothing")), "bad-body", "not JSON");
        row("NaN", element(good, encodeBase64(R"([[1, {"a": NaN}], {}, {}])")), "bad-body", "NaN at \\\"/0/1/a\\\"");
        row("protocol 1, NaN", element("{}", encodeBase64(R"({"id": "the-id", "task": "a", "args": [-Infinity]})")),
            "bad-body", "-Infinity");
        row("too deep", element(good, encodeBase64(std::string(100, '[') + std::string(100, ']'))), "bad-body", "deep");
        row("a body of another shape", element(good, encodeBase64("[1]")), "bad-body", "[args, kwargs, embed]");
        row("arguments of another type", element(good, encodeBase64("[{}, {}, {}]")), "bad-body", "positional");
        row("keywords of another type", element(good, encodeBase64("[[], [1], {}]")), "bad-body", "keyword");
        row("no body", R"({"content-type": "application/json", "headers": {"task": "a", "id": "the-id"}})", "bad-body",
            "no body");
        row("a body that is an object",
            R"({"body": {}, "content-type": "application/json", "headers": {"task": "a", "id": "the-id"}})", "bad-body",
            "no body");
        row("pickle", element(good, "gA==", R"("content-type": "application/x-python-serialize")"), "content-type",
            "x-python-serialize");
        row("no content type", element(good, empty, R"("content-encoding": "utf-8")"), "content-type", "content type");
        row("a content type that is a number", element(good, empty, R"("content-type": 1)"), "content-type",
            "content type");
        row("UTF-16", element(good, empty, R"("content-type": "application/json", "content-encoding": "utf-16")"),
            "content-encoding", "utf-16");
        row("an unknown body encoding",
            element(good, empty, {}, R"("body_encoding": "hex", "correlation_id": "the-id")"), "content-encoding",
            "hex");
        row("compressed",
            element(R"({"task": "portal.noop", "id": "the-id", "compression": "application/x-bz2"})", empty),
            "compressed", "x-bz2");
        row("an ETA that is none", element(R"({"task": "portal.noop", "id": "the-id", "eta": "soon"})", empty),
            "bad-header", "eta");
        row("an expiry that is a list", element(R"({"task": "portal.noop", "id": "the-id", "expires": [1]})", empty),
            "bad-header", "expires");
        row("no task", element(R"({"id": "the-id"})", encodeBase64("{}")), "no-task", "name a task");
        row("a task that is a number", element(R"({"task": 5, "id": "the-id"})", empty), "no-task", "task name");
        row("an id that is a number", element(R"({"task": "t.gone", "id": 5})", empty), "not-registered", "t.gone");
        row("a header JSON does not have",
            element(R"({"task": "portal.noop", "id": "the-id", "timelimit": [NaN, null]})", empty), "not-json",
            "JSON object");
        row("bytes that are not UTF-8",
            element("{\"task\": \"portal.noop\", \"id\": \"the-id\", \"x\": \"\xFF\"}", empty), "not-json",
            "JSON object");
        row("headers too deep",
            element(R"({"task": "portal.noop", "id": "the-id", "x": )" + std::string(50, '[') + std::string(50, ']') +
                        "}",
                    empty),
            "not-json", "JSON object");
        row("too large", element(good, std::string(maxMessageBytes, 'A')), "too-large", "bound");
        row("an unknown name", element(R"({"task": "shop.charge", "id": "the-id"})", empty), "not-registered",
            "shop.charge");
    }
    void endsWhatItCannotRun()
    {
        QFETCH(QByteArray, raw);
        QFETCH(QString, reason);
        QFETCH(QString, says);
        start();
        push(raw.toStdString());
        const TaskResult result = m_instance->ended("the-id");
        QCOMPARE(result.state, std::string(state::failure));
        const QString message =
            QString::fromStdString(boost::json::serialize(boost::json::string(result.failure->message)));
        QVERIFY2(message.contains(says), qPrintable(message));
        QVERIFY(!result.failure->type.empty());
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(counted(reason.toStdString()), 1u);
        QCOMPARE(m_instance->pool->counters().rejected, 1u);
        QCOMPARE(m_log->count({"warning", "\"reason\":\"" + reason.toStdString() + "\"", "the-id"}), 1u);
    }

    void keepsAsideWhatHasNoId_data()
    {
        QTest::addColumn<QByteArray>("raw");
        QTest::addColumn<QString>("reason");
        QTest::newRow("a word") << QByteArray("garbage") << "not-json";
        QTest::newRow("nothing") << QByteArray("") << "not-json";
        QTest::newRow("bytes") << QByteArray("\x80\x02}q\x00\xff", 6) << "not-json";
        QTest::newRow("a number") << QByteArray("17") << "not-json";
        QTest::newRow("cut off") << QByteArray("{\"body\": \"W1td\", \"headers\": {\"task\": \"portal.no")
                                 << "not-json";
        QTest::newRow("no id at all") << QByteArray(R"({"body": "W1td", "content-type": "application/json",)"
                                                    R"("headers": {"task": "portal.noop"}})")
                                      << "no-id";
        QTest::newRow("an id too long")
            << QByteArray::fromStdString(
                   R"({"body": "", "content-type": "application/json", "headers": {"task": "a", "id": )" +
                   ('"' + std::string(300, 'x')) + "\"}}")
            << "no-id";
        QTest::newRow("an empty object") << QByteArray("{}") << "content-type";
        QTest::newRow("deep") << QByteArray(100'000, '[') << "not-json";
    }
    void keepsAsideWhatHasNoId()
    {
        QFETCH(QByteArray, raw);
        QFETCH(QString, reason);
        start();
        push(raw.toStdString());
        QVERIFY(within(10s, [&] { return counted(reason.toStdString()) == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        const auto kept = m_instance->redis(redis::Command("LRANGE", keys::putAside, 0, -1));
        QCOMPARE(kept.elements.size(), 1u);
        const boost::json::value record = boost::json::parse(kept.elements[0].text);
        QCOMPARE(record.at("bytes").to_number<std::int64_t>(), std::int64_t(raw.size()));
        const boost::json::value *text = record.as_object().if_contains("message");
        const std::string whole =
            text ? std::string(text->as_string()) : *decodeBase64(std::string(record.at("message_base64").as_string()));
        QVERIFY(whole == raw.toStdString());
        QVERIFY(m_instance->redis(redis::Command("TTL", keys::putAside)).integer > 600'000);
        QCOMPARE(m_log->count({"warning", "put aside", "\"reason\":\"" + reason.toStdString() + "\""}), 1u);
        QCOMPARE(m_log->count({"q:a"}), 1u);
    }

    void keepsAllAndBoundsWhatItSays()
    {
        start();
        redis::Command flood("LPUSH", "celery", "garbage");
        for (int i = 1; i < 500; ++i)
            flood.add("LPUSH", "celery", "garbage " + std::to_string(i));
        QVERIFY(m_instance->run<Result<std::vector<redis::Reply>>>(
            [&] { return m_instance->client.pipeline(std::move(flood)); }));
        QVERIFY(within(20s, [&] { return counted("not-json") == 500; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->redis(redis::Command("LLEN", keys::putAside)).integer, 500);
        QCOMPARE(m_log->count({"\"reason\":\"not-json\""}), 10u);
        m_instance->clock.leap(1min);
        QVERIFY(within(10s, [&] {
            return m_log->count({"more task messages were refused in the last minute", "\"messages\":490"}) == 1;
        }));
    }

    void takesNothingWhileNothingMoreCanBeKept()
    {
        m_instance->redis(redis::Command("LPUSH", keys::putAside, std::string(8 * 1024 * 1024 - 10, 'x')));
        start();
        for (int i = 0; i < 20; ++i)
            push("garbage");
        QVERIFY(within(10s, [&] { return m_instance->pool->problem().has_value(); }));
        QVERIFY(m_instance->pool->problem()->message.find("q:a") != std::string::npos);
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 20}}, 0}; }));
        QCOMPARE(m_log->count({"warning", "cannot be kept aside"}), 1u);
        push("garbage that comes meanwhile");
        m_instance->redis(redis::Command("DEL", keys::putAside));
        QVERIFY(within(30s, [&] { return m_instance->redis(redis::Command("LLEN", keys::putAside)).integer == 21; }));
        QVERIFY(within(5s, [&] { return counted("not-json") == 21; })); // each once, however often it went back
        QCOMPARE(m_log->count({"put aside", "\"reason\":\"not-json\""}), 10u);
        QVERIFY(within(5s, [&] { return !m_instance->pool->problem(); }));
    }

    void endsWhatCannotFollow()
    {
        m_instance->redis(redis::Command("SET", "blocked", "no list"));
        start();
        push(element(good, encodeBase64(R"([[], {}, {"callbacks": [{"task": "a.b", "args": [], "kwargs": {},)"
                                        R"( "options": {"queue": "blocked", "task_id": "next"}}]}])")));
        QCOMPARE(m_instance->ended("next").state, std::string(state::failure));
        QVERIFY(m_instance->ended("next").failure->message.find("WRONGTYPE") != std::string::npos);
        QCOMPARE(m_instance->ended("the-id").state, std::string(state::success));
        QVERIFY(within(5s, [&] { return m_log->count({"could not be put into its queue", "next"}) == 1; }));
        push(element(R"({"task": "portal.noop", "id": "other"})",
                     encodeBase64(R"([[], {}, {"chain": ["no signature"]}])")));
        const TaskResult refused = m_instance->ended("other");
        QCOMPARE(refused.state, std::string(state::failure));
        QVERIFY(refused.failure->message.find("no signature") != std::string::npos);
        QCOMPARE(counted("follow-up"), 2u);
        QCOMPARE(m_log->count({"warning", "\"reason\":\"follow-up\"", "other"}), 1u);
    }

    void wantsNoResultWhereNoneIsWanted()
    {
        start();
        push(element(R"({"task": "no.such", "id": "the-id", "ignore_result": true})", empty));
        QVERIFY(within(10s, [&] { return counted("not-registered") == 1; }));
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        QCOMPARE(m_instance->result("the-id").state, std::string(state::pending));
    }

    void saysWhatItPutsBackAndWhatItLost()
    {
        NewTask task;
        task.name = "portal.noop";
        task.id = "the-id";
        m_instance->redis(
            redis::Command("HSET", keys::unacked, "dead:1", "[" + encode(task, "gen1@h", "r") + ",\"\",\"celery\"]"));
        m_instance->redis(redis::Command("HSET", keys::owned("dead"), "dead:1", "celery"));
        m_instance->redis(redis::Command("ZADD", keys::instances, 1, "dead"));
        struct Held
        {
            std::atomic<bool> begun{false}, release{false};
        };
        const auto held = std::make_shared<Held>(); // the task outlives a test that fails
        TaskRegistry registry;
        registry.add("t.held", [held](TaskContext &) -> Result<boost::json::value> {
            held->begun = true;
            within(20s, [&] { return held->release.load(); });
            return nullptr;
        });
        start(std::move(registry));
        QCOMPARE(m_instance->ended("the-id").state, std::string(state::success));
        QVERIFY(within(5s, [&] { return m_log->count({"tasks of a dead worker were put back", "\"tasks\":1"}) == 1; }));
        const std::string instance = m_instance->pool->status().instance;
        const std::function<bool()> listed = [&] {
            return !m_instance->redis(redis::Command("ZSCORE", keys::instances, instance)).isNil();
        };
        // Nothing is held: nothing was lost, and nothing is said.
        QVERIFY(within(5s, [&] { return m_instance->backlog() == Backlog{{{"celery", 0}}, 0}; }));
        m_instance->redis(redis::Command("ZREM", keys::instances, instance));
        QVERIFY(within(10s, listed));
        task.name = "t.held";
        task.id = "held";
        push(encode(task, "gen1@h", "r"));
        QVERIFY(within(10s, [&] { return held->begun.load(); }));
        m_instance->redis(redis::Command("ZREM", keys::instances, instance));
        const bool said = within(10s, [&] {
            return m_log->count({"the lease on taken tasks had ended", "\"held\":1", "\"kept\":1"}) == 1;
        });
        held->release = true;
        QVERIFY(said);
        QCOMPARE(m_log->count({"the lease on taken tasks had ended"}), 1u);
    }

private:
    void start(TaskRegistry registry = {})
    {
        WorkerOptions options;
        options.logger = &m_log->logger;
        m_instance->startWorkers(std::move(registry), options);
    }
    void push(const std::string &raw) { m_instance->redis(redis::Command("LPUSH", "celery", raw)); }
    std::uint64_t counted(std::string_view reason)
    {
        const RefusedCounts counts = m_instance->pool->counters().refused;
        for (const auto &[value, name] : enumNames<Refused>)
            if (name == reason)
                return counts[std::size_t(value)];
        return 0;
    }

    std::unique_ptr<RedisServerFixture> m_server;
    std::unique_ptr<CapturedLog> m_log;
    std::unique_ptr<QueueInstance> m_instance;
};

QTEST_GUILESS_MAIN(RefusalTest)
#include "refusal_test.moc"
