// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/utf8.h"
#include "core/queue/control_message.h"
#include "core/queue/json_scan.h"
#include "core/queue/json_text.h"
#include "core/queue/keys.h"
#include "core/queue/message.h"
#include "core/queue/results.h"
#include "core/queue/revoked_ids.h"
#include "core/queue/task_rate.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::queue;
using namespace std::chrono_literals;

namespace {

/// As Celery 5.2.6 sends it (no stamps), with a header nobody knows.
std::string celeryMessage(const std::string &headers = {}, const std::string &type = "application/json")
{
    const std::string body = encodeBase64(
        R"([[1, {"__type__": "datetime", "__value__": "2026-01-01T00:00:00"}], {"k": 1.00000000000000000001}, {}])");
    std::string text = R"({"body": ")";
    text.append(body).append(R"(", "content-encoding": "utf-8", "content-type": ")").append(type);
    text.append(
        R"json(", "headers": {"lang": "py", "task": "py.add", "id": "the-id", "root_id": "the-id", "parent_id": null,
        "timelimit": [900, 890.5], "retries": 2, "eta": "2026-01-01T01:00:00.250000+01:00", "expires": null,
        "argsrepr": "(2, 3)", "x-own": [1, {"deep": true}])json");
    text.append(headers);
    text.append(R"(}, "properties": {"correlation_id": "the-id", "reply_to": "r", "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": 6, "body_encoding": "base64",
        "delivery_tag": "t"}})");
    return text;
}

WallTime at(std::int64_t seconds, std::chrono::microseconds rest = 0us)
{
    return WallTime(std::chrono::seconds(seconds)) + rest;
}

} // namespace

class MessageTest final : public QObject
{
    Q_OBJECT

private slots:
    void readsCelerysMessage()
    {
        const Result<Message> message = decode(celeryMessage());
        QVERIFY(message);
        QCOMPARE(message->task, std::string("py.add"));
        QCOMPARE(message->id, std::string("the-id"));
        QCOMPARE(message->retries, 2);
        QCOMPARE(message->priority, 6);
        QCOMPARE(message->routingKey, std::string("celery"));
        QVERIFY(message->hardLimit == 900s); // the wire has [hard, soft]
        QVERIFY(message->softLimit == 890500ms);
        QVERIFY(message->eta == at(1767225600, 250ms));
        QVERIFY(!message->expires && !message->redelivered && !message->ignoreResult);
        const Result<Payload> decoded = payload(*message);
        QVERIFY(decoded);
        QCOMPARE(decoded->args.size(), 2u);
    }

    void writesWhatItReads()
    {
        NewTask task;
        task.name = "portal.noop";
        task.id = "id-1";
        task.args = {1, "zwei \"2\"", nullptr, "\xF0\x9F\x8C\x8D"};
        task.kwargs = {{"a", true}};
        task.queue = "Ärger";
        task.priority = 9;
        task.eta = at(1767225600, 123456us);
        task.expires = at(1767225700);
        task.hardLimit = 1500ms;
        task.softLimit = 1s;
        task.retries = 1;
        task.notify = "user:1";
        const Result<Message> message = decode(encode(task, "gen1@host", "reply"));
        QVERIFY(message);
        QCOMPARE(message->id, task.id);
        QCOMPARE(message->rootId, task.id);
        QCOMPARE(message->routingKey, task.queue);
        QCOMPARE(message->notify, task.notify);
        QVERIFY(message->eta == task.eta && message->expires == task.expires);
        QVERIFY(message->hardLimit == task.hardLimit && message->softLimit == task.softLimit);
        QCOMPARE(message->argsRepr, std::string("[1, 'zwei \"2\"', None, '\xF0\x9F\x8C\x8D']"));
        QCOMPARE(message->kwargsRepr, std::string("{'a': True}"));
        const Result<Payload> decoded = payload(*message);
        QVERIFY(decoded && decoded->args == task.args && decoded->kwargs == task.kwargs);
        QCOMPARE(boost::json::serialize(decoded->embed),
                 std::string(R"({"callbacks":null,"errbacks":null,"chain":null,"chord":null})"));
    }

    /// Python's integers have any size; a double has sixteen digits of them.
    void passesLongIntegersOn_data()
    {
        QTest::addColumn<QByteArray>("number");
        QTest::newRow("2^70") << QByteArray("1180591620717411303424");
        QTest::newRow("-2^70") << QByteArray("-1180591620717411303424");
        QTest::newRow("one more than 64 bits") << QByteArray("18446744073709551616");
        QTest::newRow("one less than 64 bits") << QByteArray("-9223372036854775809");
        QTest::newRow("of 64 bits") << QByteArray("18446744073709551615");
        QTest::newRow("no double holds it") << QByteArray("7").append(QByteArray(500, '3'));
    }
    void passesLongIntegersOn()
    {
        QFETCH(QByteArray, number);
        const std::string digits = number.toStdString();
        const std::string embed = R"({"chain": [{"task": "x", "args": [)" + digits + R"(]}]})";
        const std::string body = "[[" + digits + ", [1.5e300]], {\"k\": {\"n\": " + digits + "}}, " + embed + "]";
        const auto message = decode(R"({"body": ")" + encodeBase64(body) +
                                    R"json(", "content-type": "application/json", "headers": {"task":
            "py.add", "id": "i", "x-own": )json" +
                                    digits + R"(}, "properties": {"body_encoding": "base64"}})");
        QVERIFY(message);
        const auto read = payload(*message);
        QVERIFY(read);
        std::string written;
        text::appendValue(written, boost::json::array{read->args, read->kwargs, read->embed});
        QVERIFY2(boost::json::parse(written) == boost::json::parse(body), written.c_str());
        QCOMPARE(QByteArray::fromStdString(written).count(number), qsizetype{3});
        QVERIFY(pythonRepr(read->args).starts_with("[" + digits));
        const auto again = decode(encode({.name = "py.add", .args = read->args, .id = "i"}, "o", "r"));
        QVERIFY(again && QByteArray::fromStdString(decodeBase64(again->body).value()).startsWith("[[" + number + ","));
        const auto back = rewrite(message->raw, {.redelivered = true});
        QVERIFY(back && QByteArray::fromStdString(*back).contains("\"x-own\":" + number));
    }

    /// What a task returns may be any bytes; those of ÿ and digits in Latin-1 are what stands for a long integer here.
    void takesNoTextForALongInteger_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("in UTF-8") << QByteArray("\xC3\xBF"
                                                "1180591620717411303424");
        QTest::newRow("few digits") << QByteArray("\xFF"
                                                  "1180");
        QTest::newRow("a leading zero") << QByteArray("\xFF"
                                                      "01180591620717411303424");
        QTest::newRow("in quotes") << QByteArray("say \"\xFF"
                                                 "1180591620717411303424");
        QTest::newRow("a text behind it") << QByteArray("\xFF"
                                                        "1180591620717411303424 kg");
    }
    void takesNoTextForALongInteger()
    {
        QFETCH(QByteArray, bytes);
        const std::string text = portolan::toUtf8(bytes.toStdString());
        const auto written = boost::json::parse(text::ofValue(boost::json::array{1, bytes.toStdString(), "z"}));
        QCOMPARE(written, (boost::json::value{1, text, "z"}));
    }
    void namesNoMemberByALongInteger()
    {
        const auto written = boost::json::parse(text::ofValue(boost::json::object{{"\xFF"
                                                                                   "1180591620717411303424",
                                                                                   1}}));
        QCOMPARE(written, (boost::json::value{{"\xEF\xBF\xBD"
                                               "1180591620717411303424",
                                               1}}));
    }

    /// A name or an id is a text, and goes where only UTF-8 does.
    void takesNoLongIntegerForAText_data()
    {
        QTest::addColumn<QByteArray>("fields");
        QTest::addColumn<QString>("code");
        QTest::newRow("name") << QByteArray(R"("task": 1180591620717411303424, "id": "i")") << "message-no-task";
        QTest::newRow("id") << QByteArray(R"("task": "t", "id": -9223372036854775809)") << "message-no-id";
    }
    void takesNoLongIntegerForAText()
    {
        QFETCH(QByteArray, fields);
        QFETCH(QString, code);
        const std::string body = encodeBase64("{" + fields.toStdString() + R"(, "args": [], "kwargs": {}})");
        boost::json::object root{
            {"content-type", "application/json"}, {"headers", boost::json::object()}, {"body", body}};
        root["properties"] = {{"body_encoding", "base64"}};
        const Result<Message> message = decode(boost::json::serialize(root));
        QVERIFY(!message);
        QCOMPARE(QString::fromStdString(message.error().code), code);
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("raw");
        QTest::addColumn<QString>("code");
        QTest::newRow("nothing") << QByteArray() << "message-not-json";
        QTest::newRow("no JSON") << QByteArray("\x80\x02}q") << "message-not-json";
        QTest::newRow("no task") << QByteArray(R"({"body":"{}","content-type":"application/json","headers":{}})")
                                 << "message-no-task";
        QTest::newRow("too deep") << QByteArray(200, '[') << "message-not-json";
        QTest::newRow("too large") << QByteArray(int(maxMessageBytes) + 1, ' ') << "message-too-large";
        QTest::newRow("pickle") << QByteArray::fromStdString(celeryMessage({}, "application/x-python-serialize"))
                                << "message-content-type";
        QTest::newRow("yaml") << QByteArray::fromStdString(celeryMessage({}, "application/x-yaml"))
                              << "message-content-type";
        QTest::newRow("compressed") << QByteArray::fromStdString(
                                           celeryMessage(R"(, "compression": "application/x-gzip")"))
                                    << "message-compressed";
        QTest::newRow("no id") << QByteArray(R"({"body":"","content-type":"application/json","headers":{"task":"a"}})")
                               << "message-no-id";
        QTest::newRow("too large a number")
            << QByteArray::fromStdString(celeryMessage(R"(, "x": [1e999])")) << "message-not-json";
        QTest::newRow("bad eta") << QByteArray::fromStdString(celeryMessage(R"(, "eta": "soon")"))
                                 << "message-bad-header";
    }
    void refuses()
    {
        QFETCH(QByteArray, raw);
        QFETCH(QString, code);
        const Result<Message> message = decode(raw.toStdString());
        QVERIFY(!message);
        QCOMPARE(QString::fromStdString(message.error().code), code);
    }

    void refusesBodiesWithNumbersThatJsonDoesNotHave_data()
    {
        QTest::addColumn<QString>("body");
        QTest::addColumn<QString>("says"); // empty: it is taken
        QTest::newRow("NaN") << "[[1, NaN], {}, {}]"
                             << "NaN at \"/0/1\"";
        QTest::newRow("too large") << "[[1e999, -1e999], {}, {}]"
                                   << "1e999 at \"/0/0\" is too large a number";
        QTest::newRow("too small") << R"([[], {"k": [-1e999]}, {}])"
                                   << "-1e999 at \"/1/k/0\" is too large a number";
        QTest::newRow("the largest") << "[[1.7976931348623157e308, 1e-999], {}, {}]"
                                     << "";
    }
    void refusesBodiesWithNumbersThatJsonDoesNotHave()
    {
        QFETCH(QString, body);
        QFETCH(QString, says);
        Result<Message> message = decode(celeryMessage());
        QVERIFY(message);
        message->body = encodeBase64(body.toStdString());
        const Result<Payload> read = payload(*message);
        QCOMPARE(read.has_value(), says.isEmpty());
        if (read)
            return;
        QCOMPARE(refusedAs(read.error()), Refused::BadBody);
        QVERIFY2(QString::fromStdString(read.error().message).contains(says), read.error().message.c_str());
    }

    void saysWhatIsThereInsteadOfJson()
    {
        const auto says = [](const Error &error, std::string_view what) {
            return error.message.find(what) != std::string::npos;
        };
        QVERIFY(says(decode("\xef\xbb\xbf{}").error(), "it begins with a byte order mark"));
        QVERIFY(says(decode("\x80\x02}q").error(), "it is pickled, with protocol 2"));
        Result<Message> message = decode(celeryMessage());
        QVERIFY(message);
        message->body = encodeBase64("\x78\x9c\xab\x56");
        QVERIFY(says(payload(*message).error(), "it is compressed with zlib"));
        message->body = encodeBase64("[[\"\\ud800\"], {}, {}]");
        QVERIFY(says(payload(*message).error(), "\\ud800 at byte 3 is half a character"));
    }

    void writesNoInfiniteNumber()
    {
        std::string out;
        text::appendValue(out, boost::json::array{1, std::numeric_limits<double>::infinity()});
        QCOMPARE(out, std::string("[1,null]"));
    }

    void readsWhatIsThereOfARefusedMessage()
    {
        Message readable;
        QVERIFY(!decode(celeryMessage(", \"eta\": NaN"), &readable));
        QCOMPARE(readable.id, std::string("the-id"));
        QCOMPARE(readable.task, std::string("py.add"));
        QCOMPARE(readable.raw, celeryMessage(", \"eta\": NaN"));
    }

    void changesProtocolOneInItsBody()
    {
        const std::string body = "{\"id\": \"the-id\", \"args\": [1.0e10, {\"retries\": 7, \"x\": \"}\\\"{\\\"\"}], "
                                 "\"task\": \"t\", \"retries\" : 2 , \"eta\": null}";
        const boost::json::value document{{"body", encodeBase64(body)},
                                          {"content-type", "application/json"},
                                          {"headers", boost::json::object{}},
                                          {"properties", {{"body_encoding", "base64"}}}};
        const std::string raw = boost::json::serialize(document);
        const Result<Message> message = decode(raw);
        QVERIFY(message);
        QCOMPARE(message->protocol, 1);
        QCOMPARE(message->retries, 2);
        Changes changes;
        changes.id = "new-id";
        changes.retries = 3;
        changes.redelivered = true;
        changes.setEta = true;
        changes.eta = at(1767225600);
        changes.clearExpires = true;
        const Result<std::string> changed = rewrite(raw, changes);
        QVERIFY(changed);
        const Result<Message> again = decode(*changed);
        QVERIFY(again);
        QCOMPARE(again->id, std::string("new-id"));
        QCOMPARE(again->retries, 3);
        QVERIFY(again->redelivered && again->eta == at(1767225600));
        QCOMPARE(
            *decodeBase64(again->body),
            std::string(
                "{\"id\": \"new-id\", \"args\": [1.0e10, {\"retries\": 7, \"x\": \"}\\\"{\\\"\"}], \"task\": \"t\", "
                "\"retries\" : 3 , \"eta\": \"2026-01-01T00:00:00.000000+00:00\", \"expires\": null}"));
    }

    void looksIntoTextThatIsNoJson()
    {
        QCOMPARE(scan::notANumber("{\"a\": [1, {\"b/c\": -Infinity}]}")->pointer, std::string("/a/1/b~1c"));
        QCOMPARE(scan::notANumber("{\"a\": [1, {\"b/c\": -Infinity}]}")->token, std::string("-Infinity"));
        QVERIFY(!scan::notANumber("{\"NaN\": \"NaN, Infinity\"}"));
        QCOMPARE(scan::notANumber("[1e5, {\"a\": -1e999}, NaN]")->pointer, std::string("/1/a"));
        QVERIFY(scan::notANumber("[1e999]")->tooLarge && !scan::notANumber("[NaN]")->tooLarge);
        QVERIFY(!scan::notANumber("{\"1e999\": [\"1e999\", 1e308, -0.0, 18446744073709551616]}"));
        QCOMPARE(scan::withoutThem("[1e999, -1e999,1e5]"), std::string("[null, null,1e5]"));
        QCOMPARE(scan::withoutThem("[NaN, \"NaN\", -Infinity]"), std::string("[null, \"NaN\", null]"));
        QCOMPARE(scan::stringMember(" {\"x\": {\"id\": \"no\"}, \"id\" : \"a\\u00e4\" , \"y\": ", "id"),
                 std::string("a\u00e4"));
        for (const char *text :
             {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"\\", "[", "}", "{\"a\":}", "]]]"})
            QVERIFY(!scan::stringMember(text, "a") && !scan::notANumber(text));
        QCOMPARE(scan::notANumber(std::string(1'000'000, '[') + "NaN")->token, std::string("NaN"));
    }

    void keepsWhatItDoesNotKnow()
    {
        const Result<Message> message = decode(celeryMessage());
        Changes changes;
        changes.id = "new-id";
        changes.redelivered = true;
        changes.setEta = true;
        const Result<std::string> raw = rewrite(message->raw, changes);
        QVERIFY(raw);
        const Result<Message> again = decode(*raw);
        QVERIFY(again);
        QCOMPARE(again->body, message->body); // byte for byte: the date and the number no double holds
        QCOMPARE(again->id, std::string("new-id"));
        QCOMPARE(again->rootId, std::string("new-id"));
        QVERIFY(again->redelivered && !again->eta);
        const boost::json::value document = boost::json::parse(*raw);
        QCOMPARE(boost::json::serialize(document.at("headers").at("x-own")), std::string(R"([1,{"deep":true}])"));
        QCOMPARE(document.at("properties").at("delivery_info").at("redelivered"), boost::json::value(true));
        QCOMPARE(*rewrite(*raw, {}), *raw);
    }

    void readsTimes_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<qint64>("micros"); // -1: no time
        const qint64 base = 1767225600000000;
        QTest::newRow("utc") << "2026-01-01T00:00:00+00:00" << base;
        QTest::newRow("no zone, Celery 5.2") << "2026-01-01T00:00:00.5" << base + 500000;
        QTest::newRow("Z") << "2026-01-01T00:00:00.000001Z" << base + 1;
        QTest::newRow("east") << "2026-01-01T05:30:00+05:30" << base;
        QTest::newRow("west") << "2025-12-31T16:00:00-0800" << base;
        QTest::newRow("no such day") << "2026-02-30T00:00:00" << qint64(-1);
        QTest::newRow("date only") << "2026-01-01" << qint64(-1);
        QTest::newRow("trailing") << "2026-01-01T00:00:00Zx" << qint64(-1);
        QTest::newRow("never: year 9999") << "9999-12-31T23:59:59.999999+00:00" << qint64(9214560000000000);
        QTest::newRow("never: year 2262") << "2262-01-01T00:00:00" << qint64(9214560000000000);
        QTest::newRow("always: year 1") << "0001-01-01T00:00:00" << qint64(-9214560000000000);
        QTest::newRow("no such day, far") << "9999-02-30T00:00:00" << qint64(-1);
    }
    void readsTimes()
    {
        QFETCH(QString, text);
        QFETCH(qint64, micros);
        const std::optional<WallTime> time = parseIsoTime(text.toStdString());
        QCOMPARE(time ? qint64(std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count())
                      : qint64(-1),
                 micros);
    }

    void validates()
    {
        NewTask task;
        task.priority = 10;
        task.id = std::string(256, 'x');
        task.queue = "a\nb";
        const Result<void> result = validate(task);
        QVERIFY(!result);
        QCOMPARE(result.error().fields.size(), 4u); // the empty name too
    }

    void choosesTheListOfAPriority()
    {
        QCOMPARE(keys::list("q", 0), std::string("q"));
        QCOMPARE(keys::list("q", 2), std::string("q"));
        QCOMPARE(keys::list("q", 3), std::string("q\x06\x16"
                                                 "3"));
        QCOMPARE(keys::list("q", 8), std::string("q\x06\x16"
                                                 "6"));
        QCOMPARE(keys::list("q", 9), std::string("q\x06\x16"
                                                 "9"));
    }

    void readsResults()
    {
        const std::string ours = resultJson(state::failure, failureJson({"ValueError", "bad\xFF", "builtins", {}}),
                                            {"id", "parent", {}, at(1767225600)}, "Traceback …");
        const Result<TaskResult> failed = parseResult(ours);
        QVERIFY(failed);
        QCOMPARE(failed->id, std::string("id"));
        QCOMPARE(failed->failure->type, std::string("ValueError"));
        QCOMPARE(failed->failure->message, std::string("bad\xEF\xBF\xBD"));
        QCOMPARE(failed->failure->traceback, std::string("Traceback …"));
        QVERIFY(failed->dateDone == at(1767225600));
        const Result<TaskResult> progress =
            parseResult(R"({"status": "PROGRESS", "result": {"done": 1, "total": 3, "note": "n"}, "task_id": "id"})");
        QVERIFY(progress && progress->progress == (Progress{1, 3, "n"}));
        const Result<TaskResult> endless =
            parseResult(R"({"status": "PROGRESS", "result": 1e999, "task_id": "id"})"); // infinite, or no JSON
        QVERIFY(!endless || *endless->progress == Progress{});                          // no figure
        QVERIFY(!parseResult("[]"));
        QVERIFY(!parseResult("{}"));
    }

    void readsRates_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<double>("seconds"); // between two; -1: no rate
        QTest::newRow("second") << "10/s" << 0.1;
        QTest::newRow("minute") << "30/m" << 2.0;
        QTest::newRow("hour") << "1/h" << 3600.0;
        QTest::newRow("bare") << "4" << 0.25;
        QTest::newRow("fraction") << "0.5/s" << 2.0;
        QTest::newRow("off") << "0" << 0.0;
        QTest::newRow("word") << "often" << -1.0;
        QTest::newRow("unit") << "1/d" << -1.0;
        QTest::newRow("negative") << "-1/s" << -1.0;
    }
    void readsRates()
    {
        QFETCH(QString, text);
        QFETCH(double, seconds);
        const auto interval = TaskRate::parse(text.toStdString());
        QCOMPARE(interval ? std::chrono::duration<double>(*interval).count() : -1.0, seconds);
    }

    void forgetsRevocations()
    {
        RevokedIds ids;
        const SteadyTime start{1h};
        ids.add("first", start);
        QVERIFY(ids.contains("first", start + 2h));
        QVERIFY(!ids.contains("first", start + 3h));
        for (std::size_t i = 0; i < RevokedIds::most; ++i)
            ids.add(std::to_string(i), start + 1min);
        QVERIFY(!ids.contains("first", start + 2min));
        QVERIFY(ids.contains("0", start + 2min));
        QCOMPARE(ids.list(RevokedIds::most * 2).latest.size(), RevokedIds::most);
        const RevokedList listed = ids.list(3);
        QCOMPARE(listed.count, RevokedIds::most);
        QCOMPARE(listed.latest, (std::vector<std::string>{"49997", "49998", "49999"}));
        ids.add(std::string(maxIdBytes + 1, 'x'), start + 1min);
        QCOMPARE(ids.list(1).latest, std::vector<std::string>{"49999"});
    }

    void carriesControlMessages()
    {
        ControlRequest request{"revoke", {{"task_id", "x"}}, {"a@h", "b@h"}, "oid", "ticket", 7, at(1767225600)};
        const Result<ControlRequest> read = decodeControl(encode(request));
        QVERIFY(read);
        QCOMPARE(read->method, request.method);
        QVERIFY(read->arguments == request.arguments && read->destination == request.destination);
        QCOMPARE(read->replyTo, request.replyTo);
        QCOMPARE(read->clock, request.clock);
        const Result<ControlReply> reply = decodeReply(encodeReply(R"({"a@h": {"ok": "pong"}})", "e", "oid", "t", 1));
        QVERIFY(reply && reply->ticket == "t" && reply->nodes.contains("a@h"));
        QVERIFY(!decodeControl("{}"));
        QVERIFY(!decodeControl(std::string(maxControlBytes + 1, ' ')));
        QCOMPARE(controlChannel(3), std::string("/3.celery.pidbox"));
        QCOMPARE(eventChannel(0, "worker-online"), std::string("/0.celeryev/worker.online"));
        QCOMPARE(eventChannel(0, "task-multi"), std::string("/0.celeryev/task.multi"));
    }
};

QTEST_GUILESS_MAIN(MessageTest)
#include "message_test.moc"
