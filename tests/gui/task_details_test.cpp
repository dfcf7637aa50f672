// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/task.h"
#include "ui/support/format.h"
#include "ui/support/task_details.h"

#include <QRegularExpression>
#include <QTest>

using namespace portolan;
using namespace portolan::ui;

/// What a task was given and what came of it, as people write figures and values, also where it was cut.
class TaskDetailsTest final : public QObject
{
    Q_OBJECT
private slots:
    void numbersAsPeopleWriteThem_data();
    void numbersAsPeopleWriteThem();
    void taskDetailsAreReadable();
    void progressIsWhatWasReported_data();
    void progressIsWhatWasReported();
    void whyItFailedIsShown();
    void valuesAreReadable_data();
    void valuesAreReadable();
    void argumentsInALine();
    void cutValuesAreReadable();
};

void TaskDetailsTest::numbersAsPeopleWriteThem_data()
{
    QTest::addColumn<QString>("written");
    QTest::addColumn<QString>("read");
    QTest::newRow("a power of ten") << "1.134E1"
                                    << "11.34";
    QTest::newRow("in JSON") << R"({"last": 2.13272E3, "low": -1.24E-1})"
                             << R"({"last": 2132.72, "low": -0.124})";
    QTest::newRow("large") << "1.5e9 bytes"
                           << "1500000000 bytes";
    QTest::newRow("small") << "4.65084E-4"
                           << "0.000465084";
    QTest::newRow("a rounding error") << "0.30000000000000004"
                                      << "0.3";
    QTest::newRow("a figure") << "11.34 of 20"
                              << "11.34 of 20";
    QTest::newRow("an id") << "3f2a1e5b-40e1-4d3e-9b1f-1e5"
                           << "3f2a1e5b-40e1-4d3e-9b1f-1e5";
    QTest::newRow("a word") << "x1e5 v2.1e3x"
                            << "x1e5 v2.1e3x";
    QTest::newRow("an address") << "127.0.0.1:8080"
                                << "127.0.0.1:8080";
    QTest::newRow("a time") << "2026-11-29T18:57:30.1234567Z"
                            << "2026-11-29T18:57:30.1234567Z";
}

void TaskDetailsTest::numbersAsPeopleWriteThem()
{
    QFETCH(QString, written);
    QTEST(withPlainNumbers(written), "read");
}

void TaskDetailsTest::taskDetailsAreReadable()
{
    TaskInfo task;
    task.id = "3f2a91c0-0000-4d3e-9b1f-000000000001";
    task.name = "portal.analysis";
    task.queue = "celery";
    task.place = TaskPlace::Ended;
    task.state = "SUCCESS";
    task.arguments = R"([], {"symbol": "AAPL", "drift": 1.134E1})";
    task.result = R"({"expected":7.1E-2,"range":{"low":-1.24E-1,"high":2.83E-1},"done":true,"symbol":"AAPL"})";
    task.created = WallTime{} + std::chrono::seconds(1'700'000'000);
    task.owner = 7;
    task.ownerAddress = "ada@example.org";
    const QString details = taskDetails(task);
    for (const char *words : {"Owner: ada@example.org", "expected: 0.071", "low: -0.124", "done: yes", "symbol: AAPL",
                              "drift: 11.34", "Outcome: ✓ succeeded", "Place: ended"})
        QVERIFY2(details.contains(QString::fromUtf8(words)), qPrintable(QString(words) + " is not in:\n" + details));
    QVERIFY(!details.contains("E-1") && !details.contains("E1"));
    QVERIFY(QRegularExpression("Created: \\S+ \\d\\d:\\d\\d:\\d\\d").match(details).hasMatch());
}

void TaskDetailsTest::progressIsWhatWasReported_data()
{
    QTest::addColumn<quint64>("done");
    QTest::addColumn<quint64>("total");
    QTest::addColumn<QString>("shown");
    QTest::newRow("3 of 10") << quint64(3) << quint64(10) << "Place: running 30 %";
    QTest::newRow("29 of 100") << quint64(29) << quint64(100) << "Place: running 29 %";
    QTest::newRow("116 of 200") << quint64(116) << quint64(200) << "Place: running 58 %";
    QTest::newRow("not yet all") << quint64(999) << quint64(1000) << "Place: running 99 %";
    QTest::newRow("all") << quint64(7) << quint64(7) << "Place: running 100 %";
    QTest::newRow("more than all") << quint64(8) << quint64(7) << "Place: running 100 %";
    QTest::newRow("of what is not known") << quint64(3) << quint64(0) << "Place: running";
}

void TaskDetailsTest::progressIsWhatWasReported()
{
    QFETCH(quint64, done);
    QFETCH(quint64, total);
    QFETCH(QString, shown);
    TaskInfo task;
    task.place = TaskPlace::Running;
    task.progress = TaskProgress{done, total, "x"};
    const QStringList lines = taskDetails(task).split('\n');
    QVERIFY2(lines.contains(shown) && lines.contains("Progress: x"), qPrintable(lines.join('\n')));
}

void TaskDetailsTest::whyItFailedIsShown()
{
    TaskInfo task;
    task.place = TaskPlace::Ended;
    task.state = "FAILURE";
    task.error = "ResultNotReadable: not JSON: NaN at /x";
    const QString details = taskDetails(task);
    QVERIFY2(details.contains("Error: ResultNotReadable: not JSON: NaN at /x"), qPrintable(details));
}

void TaskDetailsTest::valuesAreReadable_data()
{
    QTest::addColumn<QString>("written");
    QTest::addColumn<QString>("read");
    QTest::newRow("as Python writes") << "{'symbol': 'AAPL', 'user_id': '7', 'days': 250, 'seed': None, 'dry': True}"
                                      << "X:\n    days: 250\n    dry: yes\n    seed: –\n    symbol: AAPL\n    user_id: "
                                         "ada@example.org";
    QTest::newRow("both kinds") << "('AAPL', 2) {'days': 250}"
                                << "X: AAPL, 2\nX:\n    days: 250";
    QTest::newRow("none of one kind") << "() {'days': 250}"
                                      << "X:\n    days: 250";
    QTest::newRow("a quote and an escape") << R"(["it's", 'a\'b', "\u00e4"])" << QString::fromUtf8("X: it's, a'b, ä");
    QTest::newRow("a list of objects") << R"({"days":[{"close":1.134E1,"date":"2026-11-02"},{"close":2}]})"
                                       << "X:\n    days:\n        close 11.34, date 2026-11-02\n        close 2";
    QTest::newRow("a number with many digits") << R"({"id":7000000000000000123})"
                                               << "X:\n    id: 7000000000000000123";
    const QString rest = "\n(the rest was too long to be shown)";
    QTest::newRow("cut in a number") << R"({"low":-1.24E-1,"high":2.8)"
                                     << "X:\n    low: -0.124" + rest;
    QTest::newRow("cut after a name") << R"({"a":1,"b":)"
                                      << "X:\n    a: 1" + rest;
    QTest::newRow("cut in a name") << R"({"a":1,"bcd)"
                                   << "X:\n    a: 1" + rest;
    QTest::newRow("cut in a text") << R"({"a":"long te)" << QString::fromUtf8("X:\n    a: long te…") + rest;
    QTest::newRow("cut in a list") << R"({"a":[1,2)"
                                   << "X:\n    a: 1" + rest;
    for (const char *same : {"<Signature of x>", "{'a': <object at 0x7f>}", "a b"})
        QTest::newRow(same) << same << QString("X: ") + same;
}

void TaskDetailsTest::valuesAreReadable()
{
    QFETCH(QString, written);
    QFETCH(QString, read);
    TaskInfo task;
    task.owner = 7;
    task.ownerAddress = "ada@example.org";
    for (const auto &[part, name] :
         {std::pair(&TaskInfo::arguments, "Arguments:"), std::pair(&TaskInfo::result, "Result:")}) {
        TaskInfo one = task;
        one.*part = written.toStdString();
        const QString details = taskDetails(one);
        const QString expected = QString(read).replace("X:", name);
        QVERIFY2(details.contains(expected), qPrintable(details + "\nlacks\n" + expected));
    }
}

void TaskDetailsTest::argumentsInALine()
{
    TaskInfo task;
    task.owner = 7;
    task.ownerAddress = "ada@example.org";
    task.arguments = "['x'] {'symbol': 'AAPL', 'user_id': '7', 'drift': 1.134E1}";
    QCOMPARE(argumentsText(task), QString("x, drift 11.34, symbol AAPL"));
    task.arguments = "{'user_id': '8'}"; // somebody else
    QCOMPARE(argumentsText(task), QString("user_id 8"));
    task.arguments = "<Signature of x>";
    QCOMPARE(argumentsText(task), QString("<Signature of x>"));
}

/// Every beginning of a text, as what is too long is cut: names and values, and never the marks around them.
void TaskDetailsTest::cutValuesAreReadable()
{
    const std::string whole =
        R"({"symbol":"TSLA","range":{"low":-1.24E-1,"high":0.5},"days":[{"d":"2026-11-02","c":1.5},{"d":"x","c":2}]})";
    for (std::size_t length = 1; length < whole.size(); ++length) {
        TaskInfo task;
        task.result = whole.substr(0, length);
        const QString details = taskDetails(task);
        QVERIFY2(!details.contains('{') && !details.contains('"') && !details.contains('['), qPrintable(details));
        QVERIFY2(details.contains("the rest was too long"), qPrintable(details));
        QVERIFY2(length < 20 || details.contains("symbol: TSLA"), qPrintable(details));
    }
}

QTEST_GUILESS_MAIN(TaskDetailsTest)
#include "task_details_test.moc"
