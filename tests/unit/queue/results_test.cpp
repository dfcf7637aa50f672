// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_numbers.h"
#include "core/queue/results.h"

#include <QTest>

using namespace portolan;
using namespace portolan::queue;

namespace {

TaskResult read(const std::string &state, const QString &meta, const std::string &more = {})
{
    return readResult(R"({"status": ")" + state + R"(", "result": )" + meta.toStdString() + more + "}", "id");
}

} // namespace

/// What is stored of a task by whoever wrote it.
class ResultsTest final : public QObject
{
    Q_OBJECT

private slots:
    void understandsProgress_data()
    {
        QTest::addColumn<QString>("meta");
        QTest::addColumn<quint64>("done");
        QTest::addColumn<quint64>("total");
        QTest::addColumn<QString>("note");
        const auto row = [](const char *meta, quint64 done, quint64 total, const char *note = "") {
            QTest::newRow(meta) << QString(meta) << done << total << QString(note);
        };
        row(R"({"done": 3, "total": 10, "note": "n"})", 3, 10, "n");
        row(R"({"current": 3, "total": 10, "percent": 30.0, "description": "x"})", 3, 10, "x");
        row(R"({"current": "3", "total": "10"})", 3, 10);
        row(R"({"Current": 3, "Total": 10})", 3, 10);
        row(R"({"current_step": 3, "total_steps": 10})", 3, 10);
        row(R"({"currentStep": 3, "totalSteps": 10})", 3, 10);
        row(R"({"count": 3, "total": 10})", 3, 10);
        row(R"({"current": 3, "count": 10})", 3, 10);
        row(R"({"value": 3, "max": 10})", 3, 10);
        row(R"({"n": 3, "total": 10})", 3, 10);
        row(R"({"i": 3, "n": 10})", 3, 10);
        row(R"({"done": 3, "todo": 7})", 3, 10);
        row(R"({"remaining": 7, "total": 10})", 3, 10);
        row("[3, 10]", 3, 10);
        row(R"("3/10")", 3, 10);
        row(R"("3 of 10")", 3, 10);
        row(R"({"progress": "3/10"})", 3, 10);
        row(R"({"progress": [3, 10]})", 3, 10);
        row(R"({"progress": {"current": 3, "total": 10}, "message": "m"})", 3, 10, "m");
        row(R"({"current": 12, "total": 10})", 10, 10);
        row(R"({"current": -5, "total": 10})", 0, 10);
        row(R"({"current": 0.3, "total": 1})", 30, 100);
        row(R"({"current": 2.5, "total": 10})", 25, 100);
        row("0.3", 30, 100);
        row("1.0", 100, 100);
        row("30", 30, 100);
        row(R"("30 %")", 30, 100);
        row(R"({"percent": 30})", 30, 100);
        row(R"({"percent": "30%"})", 30, 100);
        row(R"({"percent": "30 %"})", 30, 100);
        row(R"({"percent": 130})", 100, 100);
        row(R"({"percent_complete": 30})", 30, 100);
        row(R"({"percentComplete": 30})", 30, 100);
        row(R"({"progress": 0.3})", 30, 100);
        row(R"({"progress": "0.3"})", 30, 100);
        row(R"({"progress": 1})", 1, 100);
        row(R"({"progress": 1.0})", 100, 100);
        row(R"({"step": "Downloading", "progress": 40})", 40, 100, "Downloading");
        row(R"({"current": 3, "total": null, "percent": 30})", 30, 100);
        row(R"({"current": NaN, "total": 10})", 0, 10);
        row(R"({"done": 3, "total": 0})", 3, 0);
        row(R"({"count": 3})", 0, 0); // of what, nobody knows
        row(R"("loading")", 0, 0, "loading");
        row("null", 0, 0);
    }
    void understandsProgress()
    {
        QFETCH(QString, meta);
        QFETCH(quint64, done);
        QFETCH(quint64, total);
        QFETCH(QString, note);
        const TaskResult result = read("PROGRESS", meta);
        QCOMPARE(result.state, std::string(state::progress));
        QVERIFY(result.progress);
        QCOMPARE(result.progress->done, std::uint64_t(done));
        QCOMPARE(result.progress->total, std::uint64_t(total));
        QCOMPARE(result.progress->note, note.toStdString());
    }

    void saysWhyATaskFailed_data()
    {
        QTest::addColumn<QString>("meta");
        QTest::addColumn<QString>("type");
        QTest::addColumn<QString>("message");
        const auto row = [](const char *meta, const char *type, const char *message) {
            QTest::newRow(meta) << QString(meta) << QString(type) << QString(message);
        };
        row(R"({"exc_type": "ValueError", "exc_message": ["bad", 1]})", "ValueError", "bad, 1");
        row(R"({"exc_type": null, "exc_message": null})", "Failure", "The task gave no reason.");
        row(R"({"exc_type": null, "exc_message": "late"})", "", "late");
        row(R"({"error": "no prices"})", "Failure", "no prices");
        row(R"("boom")", "Failure", "boom");
        row("null", "Failure", "The task gave no reason.");
    }
    void saysWhyATaskFailed()
    {
        QFETCH(QString, meta);
        QFETCH(QString, type);
        QFETCH(QString, message);
        const TaskResult result = read("FAILURE", meta);
        QVERIFY(result.failure);
        QCOMPARE(result.failure->type, type.toStdString());
        QCOMPARE(result.failure->message, message.toStdString());
    }

    void masksWhatAnErrorRepeats_data()
    {
        QTest::addColumn<QString>("meta");
        QTest::addColumn<QString>("message");
        const auto row = [](const char *meta, const QString &message) {
            QTest::newRow(QByteArray(meta).left(60)) << QString(meta) << message;
        };
        row("{\"exc_type\": \"E\", \"exc_message\": [\"redis://:hunter2@h/0 down\"]}", "redis://***@h/0 down");
        row("{\"exc_type\": \"E\", \"exc_message\": [1, {\"url\": \"amqp://u:hunter2@h//\"}]}",
            "1, {\"url\":\"amqp://***@h//\"}");
        row("{\"exc_type\": \"E\", \"exc_message\": \"no answer of https://u:hunter2@h/x\"}",
            "no answer of https://***@h/x");
        row("{\"error\": \"redis://:hunter2@h/0 down\"}", "redis://***@h/0 down");
        row("{\"error\": 1, \"url\": \"redis://:hunter2@h/0\"}", "{\"error\":1,\"url\":\"redis://***@h/0\"}");
        row("\"redis://:hunter2@h/0 down\"", "redis://***@h/0 down");
        // Cut where it is long, which must not take away what tells of a password.
        const QByteArray filled(4084, 'x');
        row("\"" + filled + " redis://:hunter2@h/0\"", filled + " redis://***…");
    }
    void masksWhatAnErrorRepeats()
    {
        QFETCH(QString, meta);
        QFETCH(QString, message);
        for (const char *state : {"FAILURE", "RETRY", "REVOKED"}) {
            const TaskResult found =
                read(state, meta, ", \"traceback\": \"File x\\nConnectionError: redis://:hunter2@h/0 down\\n\"");
            QVERIFY(found.failure);
            QCOMPARE(QString::fromStdString(found.failure->message), message);
            QCOMPARE(found.failure->traceback, std::string("File x\nConnectionError: redis://***@h/0 down\n"));
        }
        QCOMPARE(read("FAILURE", "null", ", \"traceback\": \"E: redis://:hunter2@h/0\"").failure->message,
                 std::string("E: redis://***@h/0"));
    }

    void refusesOnlyResultsThatAreNoJson_data()
    {
        QTest::addColumn<QString>("result");
        QTest::addColumn<QString>("more");
        QTest::addColumn<QString>("message"); // empty: it is a success
        QTest::newRow("in the result") << R"({"x": [1, NaN]})"
                                       << ""
                                       << "The task's result is not JSON: it holds NaN at /x/1.";
        QTest::newRow("is the result") << "-Infinity"
                                       << ""
                                       << "The task's result is not JSON: it holds -Infinity.";
        QTest::newRow("in the arguments") << R"({"x": 1})"
                                          << R"(, "args": [NaN])"
                                          << "";
        QTest::newRow("in both") << "NaN"
                                 << R"(, "kwargs": {"a": NaN})"
                                 << "The task's result is not JSON: it holds NaN.";
        QTest::newRow("too large")
            << R"({"x": 1e999})"
            << ""
            << "The task's result is not JSON: it holds 1e999 at /x, which is too large a number.";
        QTest::newRow("is too large")
            << "-1E+400"
            << ""
            << "The task's result is not JSON: it holds -1E+400, which is too large a number.";
        QTest::newRow("of many digits") << QString(1000, '9') + ".0"
                                        << ""
                                        << "The task's result is not JSON: it holds " + QString(64, '9') +
                                               ", which is too large a number.";
        QTest::newRow("too large in the arguments") << R"({"x": 1e308})"
                                                    << R"(, "args": [1e999])"
                                                    << "";
        QTest::newRow("in a text") << R"("NaN")"
                                   << ""
                                   << "";
    }
    void refusesOnlyResultsThatAreNoJson()
    {
        QFETCH(QString, result);
        QFETCH(QString, more);
        QFETCH(QString, message);
        const TaskResult found = read("SUCCESS", result, more.toStdString());
        QCOMPARE(found.state, std::string(message.isEmpty() ? state::success : state::failure));
        QCOMPARE(found.failure ? found.failure->message : std::string(), message.toStdString());
    }

    void keepsEveryDigitOfAnInteger_data()
    {
        QTest::addColumn<QString>("result");
        QTest::addColumn<QString>("shown");
        const auto row = [](const char *result, const char *shown) { QTest::newRow(result) << result << shown; };
        row("18446744073709551615", "18446744073709551615");
        row("-9223372036854775808", "-9223372036854775808");
        row("18446744073709551616", "\"18446744073709551616\"");
        row("-9223372036854775809", "\"-9223372036854775809\"");
        row("{\"a\": [1, 1000000000000000000000000000001, \"1000000000000000000000000000001\"]}",
            "{\"a\":[1,\"1000000000000000000000000000001\",\"1000000000000000000000000000001\"]}");
        const std::string many(1000, '9'); // more than a double's 309
        row(many.c_str(), ('"' + many + '"').c_str());
        row("1e30", "1E30");
        row("[1000000000000000000000.0]", "[1E21]");
    }
    void keepsEveryDigitOfAnInteger()
    {
        QFETCH(QString, result);
        QFETCH(QString, shown);
        const TaskResult found = read("SUCCESS", result);
        QCOMPARE(found.state, std::string(state::success));
        QCOMPARE(QString::fromStdString(jsonText(found.result)), shown);
        QCOMPARE(QString::fromStdString(jsonText(read("SUCCESS", result, ", \"args\": [NaN]").result)), shown);
    }

    /// Whatever the state: nothing that is read can be written as "Infinity".
    void holdsNoInfiniteNumber_data()
    {
        QTest::addColumn<QString>("state");
        for (const char *state : {"SUCCESS", "FAILURE", "RETRY", "REVOKED", "PROGRESS", "STARTED", "LOADING"})
            QTest::newRow(state) << QString(state);
    }
    void holdsNoInfiniteNumber()
    {
        QFETCH(QString, state);
        for (const char *meta : {R"({"x": [1e999]})", R"({"exc_type": "E", "exc_message": [-1e999]})", "1e999"}) {
            const TaskResult found = read(state.toStdString(), meta);
            QCOMPARE(found.state == state::failure, state == "FAILURE" || state == "SUCCESS");
            QVERIFY(isFinite(found.result));
            QVERIFY(!found.failure || found.failure->message.find("Infinity") == std::string::npos);
        }
    }

    void saysWhyItIsNoJson_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("why");
        const auto row = [](const char *name, const QByteArray &text, const char *why) {
            QTest::newRow(name) << text << QString(why);
        };
        row("nothing", {}, "it is empty");
        row("a high surrogate", "{\"status\": \"SUCCESS\", \"result\": \"\\\\\\ud800\"}",
            "\\ud800 at byte 35 is half a character");
        row("a high surrogate before another", "[\"\\ud83d\\ude00\", \"\\ud800\\ud800\"]",
            "\\ud800 at byte 18 is half a character");
        row("a low surrogate", "{\"result\": \"a\\udc00\"}", "\\udc00 at byte 13 is half a character");
        row("Latin-1", "{\"result\": \"\xe4\"}", "it is not UTF-8: byte 12");
        row("a byte order mark", "\xef\xbb\xbf{}", "it begins with a byte order mark");
        row("UTF-16", QByteArray("{\0}\0", 4), "it is not UTF-8 but looks like UTF-16 or UTF-32");
        row("pickled", QByteArray("\x80\x04\x95\x05\x00", 5), "it is pickled, with protocol 4");
        row("gzip", QByteArray("\x1f\x8b\x08\x00", 4), "it is compressed with gzip");
        row("zlib", "\x78\x9c\xab\x56", "it is compressed with zlib");
        row("bzip2", "BZh91AY", "it is compressed with bzip2");
        row("xz", QByteArray("\xfd\x37zXZ\0", 6), "it is compressed with xz");
        row("zstd", "\x28\xb5\x2f\xfd", "it is compressed with zstd");
        row("a word", "nothing", "syntax error");
        row("cut off", "{\"status\": \"\\ud83d\\ude00", "incomplete JSON");
    }
    void saysWhyItIsNoJson()
    {
        QFETCH(QByteArray, text);
        QFETCH(QString, why);
        const TaskResult found = readResult(text.toStdString(), "id");
        QCOMPARE(found.state, std::string(state::failure));
        QCOMPARE(QString::fromStdString(found.failure->message),
                 "a stored task result is not what Celery writes: it is not JSON (" + why + ')');
    }

    void readsStatesInAnyCase()
    {
        QVERIFY(read("success", "1").ended());
        QCOMPARE(read("Progress", "[1, 2]").progress->total, std::uint64_t(2));
    }
};

QTEST_GUILESS_MAIN(ResultsTest)
#include "results_test.moc"
