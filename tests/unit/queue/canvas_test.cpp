// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/canvas.h"
#include "core/queue/task_registry.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::queue;

namespace {

std::string signature(const std::string &task, const std::string &args = "[]", const std::string &options = "{}",
                      bool immutable = false)
{
    return R"({"task": ")" + task + R"(", "args": )" + args + R"(, "kwargs": {}, "options": )" + options +
           R"(, "subtask_type": null, "immutable": )" + (immutable ? "true}" : "false}");
}

std::string canvas(const std::string &type, const std::string &kwargs, const std::string &options = "{}")
{
    return R"({"task": "celery.)" + type + R"(", "args": [], "kwargs": )" + kwargs + R"(, "options": )" + options +
           R"(, "subtask_type": ")" + type + R"(", "immutable": false})";
}

/// Each message as "queue task args", with how many follow in its chain, and whether its end counts for a chord.
std::string shown(const FollowUps &next)
{
    std::string out;
    for (const FollowUps::Size &size : next.sizes)
        out += "chord of " + std::to_string(size.parts) + "; ";
    for (const FollowUps::Stored &stored : next.results)
        out += stored.id + " ended; ";
    for (const FollowUp &follow : next.messages) {
        const Result<Message> message = decode(follow.message);
        const Result<Payload> read = message ? payload(*message) : Result<Payload>(message.error());
        if (!read)
            return "unreadable: " + read.error().message;
        out += follow.queue + ' ' + message->task + boost::json::serialize(read->args);
        if (const auto &chain = read->embed.at("chain"); chain.is_array())
            out += "+" + std::to_string(chain.get_array().size());
        if (!message->groupId.empty() && read->embed.at("chord").is_object())
            out += "*";
        out += "; ";
    }
    for (const ChordPart &part : next.parts)
        out += "part of " + part.groupId + " " + part.member + "; ";
    return out;
}

} // namespace

class CanvasTest final : public QObject
{
    Q_OBJECT

private slots:
    void sendsWhatFollows_data()
    {
        QTest::addColumn<QString>("embed");
        QTest::addColumn<QString>("success");
        QTest::addColumn<QString>("failure");
        const auto row = [](const char *name, const std::string &embed, const char *success, const char *failure) {
            QTest::newRow(name) << QString::fromStdString("{" + embed + "}") << success << failure;
        };
        row("nothing", R"("callbacks": null, "errbacks": null, "chain": null, "chord": null)", "", "");
        row("a callback", R"("callbacks": [)" + signature("a", "[1]") + "]", "celery a[42,1]; ", "");
        row("immutable", R"("callbacks": [)" + signature("a", "[1]", "{}", true) + "]", "celery a[1]; ", "");
        row("ours, into our own queue", R"("callbacks": [)" + signature("portal.noop") + "]", "mine portal.noop[42]; ",
            "");
        row("a queue of its own", R"("callbacks": [)" + signature("a", "[]", R"({"queue": "q", "priority": 3})") + "]",
            "q a[42]; ", "");
        row("an errback", R"("errbacks": [)" + signature("a", "[1]") + "]", "", R"(celery a["the-id",1]; )");
        row("a chain",
            R"("chain": [)" + signature("c", "[]", R"({"task_id": "3"})") + "," +
                signature("b", "[]", R"({"task_id": "2"})") + "]",
            "celery b[42]+1; ", "3 ended; 2 ended; ");
        row("a part of a chord", R"("chord": )" + signature("body"), R"(part of g [1, "the-id", "SUCCESS", 42]; )",
            R"(part of g [1, "the-id", "FAILURE", {"exc_type": "E"}]; )");
        row("a group",
            R"("callbacks": [)" + canvas("group", R"({"tasks": [)" + signature("a") + "," + signature("b") + "]}") +
                "]",
            "celery a[42]; celery b[42]; ", "");
        row("groups within a group",
            R"("callbacks": [)" +
                canvas("group", R"({"tasks": [)" + canvas("group", R"({"tasks": [)" + signature("a") + "]}") + "," +
                                    signature("b") + "]}") +
                "]",
            "celery a[42]; celery b[42]; ", "");
        row("a chain within a chain",
            R"("chain": [)" + signature("d") + "," +
                canvas("chain", R"({"tasks": [)" + signature("b") + "," + signature("c") + "]}") + "]",
            "celery b[42]+2; ", "");
        const std::string header = R"({"header": )" +
                                   canvas("group", R"({"tasks": [)" + signature("a") + "," + signature("b") + "]}") +
                                   R"(, "body": )" + signature("body") + "}";
        row("a chord", R"("callbacks": [)" + canvas("chord", header) + "]",
            "chord of 2; celery a[42]*; celery b[42]*; ", "");
        row("a chord's header that is empty",
            R"("callbacks": [)" + canvas("chord", R"({"header": [], "body": )" + signature("body") + "}") + "]",
            "celery body[[]]; ", "");
        row("a group that something follows",
            R"("chain": [)" +
                canvas("chain", R"({"tasks": [)" + canvas("group", R"({"tasks": [)" + signature("a") + "]}") + "," +
                                    signature("b") + "]}") +
                "]",
            "chord of 1; celery a[42]*; ", "");
    }
    void sendsWhatFollows()
    {
        QFETCH(QString, embed);
        QFETCH(QString, success);
        QFETCH(QString, failure);
        const boost::json::object read = boost::json::parse(embed.toStdString()).as_object();
        const auto done = afterSuccess(message(), read, boost::json::value(42), sender());
        QVERIFY2(done, done ? "" : done.error().message.c_str());
        QCOMPARE(QString::fromStdString(shown(*done)), success);
        const auto failed = afterFailure(message(), read, "FAILURE", R"({"exc_type": "E"})", sender());
        QVERIFY2(failed, failed ? "" : failed.error().message.c_str());
        QCOMPARE(QString::fromStdString(shown(*failed)), failure);
        QCOMPARE(hasFollowUps(read), !success.isEmpty() || !failure.isEmpty());
    }

    void refusesAllOfWhatCannotBeSent_data()
    {
        QTest::addColumn<QString>("callbacks");
        QTest::addColumn<QString>("why");
        const auto row = [](const char *name, const std::string &callbacks, const char *why) {
            QTest::newRow(name) << QString::fromStdString("[" + callbacks + "]") << why;
        };
        row("no signature", "7", "no signature");
        row("one of two", signature("a") + ", 7", "no signature");
        row("no task", R"({"args": []})", "name");
        row("arguments of another type", R"({"task": "a", "args": {}})", "args");
        row("keywords of another type", R"({"task": "a", "kwargs": []})", "kwargs");
        row("a time that is none", signature("a", "[]", R"({"eta": "soon"})"), "eta");
        row("an exchange", signature("a", "[]", R"({"exchange": "e", "routing_key": "r"})"), "exchange");
        row("a queue's name with a line break", signature("a", "[]", R"({"queue": "a\nb"})"), "queue");
        row("a group without tasks", canvas("group", "{}"), "list of tasks");
        row("an empty chain", canvas("chain", R"({"tasks": []})"), "empty");
        row("a chord without a body", canvas("chord", R"({"header": []})"), "body");
        row("too large", signature("a", "[\"" + std::string(maxMessageBytes, 'x') + "\"]"), "too large");
        std::string many = signature("a");
        for (std::size_t i = 0; i < followUpsMost; ++i)
            many += "," + signature("a");
        row("too many", many, "more than 10000");
    }
    void refusesAllOfWhatCannotBeSent()
    {
        QFETCH(QString, callbacks);
        QFETCH(QString, why);
        const boost::json::object embed{{"callbacks", boost::json::parse(callbacks.toStdString())}};
        const auto next = afterSuccess(message(), embed, boost::json::value(42), sender());
        QVERIFY(!next);
        QCOMPARE(int(refusedAs(next.error())), int(Refused::FollowUp));
        QVERIFY2(next.error().message.find(why.toStdString()) != std::string::npos, next.error().message.c_str());
    }

    void callsTheBodyOfAChord_data()
    {
        QTest::addColumn<QString>("member");
        QTest::addColumn<QString>("follows");
        QTest::addColumn<QString>("why");
        QTest::newRow("a result") << R"([1, "other", "SUCCESS", {"a": 1.5}])"
                                  << R"(celery body[[42,{"a":1.5E0}]]; )"
                                  << "";
        QTest::newRow("a failure")
            << R"([1, "other", "FAILURE", {"exc_type": "ValueError", "exc_message": ["no"], "exc_module": "builtins"}])"
            << R"(body-id ended; celery err["body-id"]; )"
            << "Dependency other raised ValueError('no')";
        QTest::newRow("too large") << R"([1, "other", "SUCCESS", 1e999])"
                                   << R"(body-id ended; celery err["body-id"]; )"
                                   << "not JSON";
        QTest::newRow("NaN") << R"([1, "other", "SUCCESS", NaN])"
                             << R"(body-id ended; celery err["body-id"]; )"
                             << "not JSON";
    }
    void callsTheBodyOfAChord()
    {
        QFETCH(QString, member);
        QFETCH(QString, follows);
        QFETCH(QString, why);
        ChordPart last;
        last.groupId = "g";
        last.taskId = "the-id";
        last.member = R"([1, "the-id", "SUCCESS", 42])";
        last.body = boost::json::parse(
                        signature("body", "[]", R"({"task_id": "body-id", "link_error": )" + signature("err") + "}"))
                        .as_object();
        const FollowUps next = afterChord(message(), last, {last.member, member.toStdString()}, {}, sender());
        QCOMPARE(next.chord, std::string("g"));
        QCOMPARE(QString::fromStdString(shown(next)), follows);
        if (!why.isEmpty())
            QVERIFY2(next.results.at(0).result.find(why.toStdString()) != std::string::npos,
                     next.results.at(0).result.c_str());
    }

    void arrangesResultsAsTheHeaderHasThem_data()
    {
        QTest::addColumn<QString>("arranged");
        QTest::addColumn<QString>("follows");
        const auto row = [](const char *name, const std::string &results, const char *follows) {
            QTest::newRow(name) << QString::fromStdString(R"({"result": [["g", null], )" + results + "]}") << follows;
        };
        const std::string a = R"([["a", [["earlier", null], null]], null])";
        const std::string b = R"([["b", null], null])";
        const std::string c = R"([["c", null], null])";
        row("a group and another", "[" + ((R"([["g", null], [)" + a + "," + b + "]],") + c + "]"),
            "celery body[[[1,2],3]]; ");
        row("in another order", "[" + c + "," + ((R"([["g", null], [)" + b + "," + a + "]]]")),
            "celery body[[3,[2,1]]]; ");
        row("groups within groups", "[" + ((R"([["g", null], [[["h", null], [)" + a + "]]," + b + "]],") + c + "]"),
            "celery body[[[[1],2],3]]; ");
        row("a part that has not ended", R"([[["d", null], null]])", R"(body-id ended; celery err["body-id"]; )");
        row("of another form", R"([[["a"]], 7])", R"(body-id ended; celery err["body-id"]; )");
    }
    void arrangesResultsAsTheHeaderHasThem()
    {
        QFETCH(QString, arranged);
        QFETCH(QString, follows);
        ChordPart last;
        last.groupId = "g";
        last.body = boost::json::parse(
                        signature("body", "[]", R"({"task_id": "body-id", "link_error": )" + signature("err") + "}"))
                        .as_object();
        const FollowUps next = afterChord(
            message(), last, {R"([1, "a", "SUCCESS", 1])", R"([1, "b", "SUCCESS", 2])", R"([1, "c", "SUCCESS", 3])"},
            arranged.toStdString(), sender());
        QCOMPARE(QString::fromStdString(shown(next)), follows);
    }

    void tellsHowTheResultsOfAChordAreArranged()
    {
        const std::string group = canvas("group",
                                         R"({"tasks": [)" + signature("b", "[]", R"({"task_id": "b"})") + "," +
                                             signature("c", "[]", R"({"task_id": "c"})") + "]}",
                                         R"({"task_id": "h"})");
        const std::string chain = canvas("chain", R"({"tasks": [)" + signature("a") + "," + group + "]}");
        const std::string header = "[" + chain + "," + signature("d", "[]", R"({"task_id": "d"})") + "]";
        const std::string chord = canvas("chord", R"({"header": )" + header + R"(, "body": )" + signature("body") + "}",
                                         R"({"task_id": "x"})");
        const boost::json::object embed{{"callbacks", boost::json::parse("[" + chord + "]")}};
        const auto next = afterSuccess(message(), embed, boost::json::value(42), sender());
        QVERIFY2(next, next ? "" : next.error().message.c_str());
        QCOMPARE(QString::fromStdString(shown(*next)), QString("chord of 3; celery a[42]+1; celery d[42]*; "));
        const FollowUps::Size &size = next->sizes.at(0);
        const boost::json::value result = boost::json::parse(size.arranged).at("result");
        QCOMPARE(std::string(result.at(0).at(0).as_string()), size.groupId);
        QCOMPARE(boost::json::serialize(result.at(1)),
                 std::string(R"([[["h",null],[[["b",null],null],[["c",null],null]]],[["d",null],null]])"));
        QCOMPARE(size.first, std::size_t(0));
        QCOMPARE(size.afterLast, std::size_t(2));
    }

    void endsAChordWhoseErrbacksCannotBeCalled()
    {
        ChordPart last;
        last.groupId = "g";
        last.body =
            boost::json::parse(signature("body", "[]", R"({"task_id": "body-id", "link_error": [7]})")).as_object();
        const FollowUps next = afterBrokenChord(message(), last, "it broke", sender());
        QCOMPARE(QString::fromStdString(shown(next)), QString("body-id ended; "));
        for (const char *why : {"it broke", "no signature"})
            QVERIFY2(next.results.at(0).result.find(why) != std::string::npos, next.results.at(0).result.c_str());
    }

    void endsALongChainWithALongError()
    {
        boost::json::array chain;
        for (int i = 0; i < 600; ++i)
            chain.push_back(boost::json::parse(signature("a", "[]", R"({"task_id": ")" + std::to_string(i) + R"("})")));
        const boost::json::object embed{{"chain", chain}, {"chord", boost::json::parse(signature("body"))}};
        const std::string text(14000, 'x');
        const boost::json::array words{text};
        const std::string error =
            boost::json::serialize(boost::json::object{{"exc_type", "KeyError"}, {"exc_message", words}});
        const auto next = afterFailure(message(), embed, "FAILURE", error, sender());
        QVERIFY2(next, next ? "" : next.error().message.c_str());
        QCOMPARE(next->parts.size(), std::size_t(1));
        QCOMPARE(next->results.size(), std::size_t(600));
        QVERIFY(next->results.front().result.find(text) != std::string::npos);
        QVERIFY(next->results.back().result.size() < 1000);
        QVERIFY(next->results.back().result.find("KeyError") != std::string::npos);
    }

    void passesOnTheLinksOfAGroup()
    {
        const std::string linked = R"("link": [)" + signature("l") + "]";
        const std::string options = R"({"link_error": [)" + signature("err") + "], " + linked + "}";
        const std::string own = R"({"link_error": )" + signature("own") + "}";
        const std::string group =
            canvas("group", R"({"tasks": [)" + signature("b") + "," + signature("c", "[]", own) + "]}", options);
        const boost::json::object embed{{"chain", boost::json::parse("[" + group + "]")}};
        const auto next = afterSuccess(message(), embed, boost::json::value(42), sender());
        QVERIFY2(next, next ? "" : next.error().message.c_str());
        std::string links;
        for (const FollowUp &sent : next->messages) {
            const auto read = payload(*decode(sent.message));
            for (const char *part : {"errbacks", "callbacks"})
                for (const boost::json::value &link : read->embed.at(part).as_array())
                    links += std::string(link.at("task").as_string()) + ' ';
        }
        QCOMPARE(links, std::string("err l own err l "));
    }

private:
    static Message message()
    {
        Message message;
        message.id = "the-id";
        message.groupId = "g";
        return message;
    }
    CanvasSender sender() const { return {"gen1@h", "mine", &m_registry, {}}; }

    TaskRegistry m_registry;
};

QTEST_GUILESS_MAIN(CanvasTest)
#include "canvas_test.moc"
