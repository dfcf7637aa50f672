// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/pages/overview_causes.h"
#include "ui/pages/queue_page.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"

#include <QLabel>

using namespace portolan;
using namespace portolan::ui;
using namespace std::chrono_literals;

/// How much waits, how fast it comes and goes, and of whose tasks the figures are.
class BacklogTest final : public QObject
{
    Q_OBJECT
private slots:
    void drain_data();
    void drain();
    void oldest_data();
    void oldest();
    void aBacklogsPace();
    void arrivals_data();
    void arrivals();
    void oneSampleIsAddedOnce();
    void figuresAreThoseOfThisPortal();
    void whileNothingComesNothingIsMeasured();
};

void BacklogTest::drain_data()
{
    QTest::addColumn<QueueFigures>("queue");
    QTest::addColumn<QString>("expected");
    const auto figures = [](std::optional<std::uint64_t> waiting, std::optional<double> ended) {
        QueueFigures queue;
        queue.waiting = waiting;
        queue.unacked = 0;
        queue.takenPerSecond = ended;
        queue.endedPerSecond = ended;
        return queue;
    };
    QTest::newRow("unknown") << figures({}, 1.0) << "unknown";
    QTest::newRow("no rate") << figures(5, {}) << "unknown";
    QTest::newRow("empty") << figures(0, 1.0) << "empty";
    QTest::newRow("a while") << figures(120, 2.0) << "measuring"; // what comes in is not known yet
    QTest::newRow("standing still") << figures(5, 0.0) << "measuring";
    QueueFigures untaken = figures(5, 1.0);
    untaken.untaken = 3;
    QTest::newRow("some that nobody takes") << untaken << "no worker";
}

void BacklogTest::drain()
{
    QFETCH(QueueFigures, queue);
    QFETCH(QString, expected);
    QCOMPARE(drainText(queue), expected);
}

void BacklogTest::oldest_data()
{
    QTest::addColumn<QueueFigures>("queue");
    QTest::addColumn<QString>("expected");
    QTest::addColumn<QString>("cause");
    QTest::addColumn<QString>("figure");
    const auto row = [](const char *name, std::vector<QueueLine> lines, std::optional<std::uint64_t> waiting,
                        std::optional<std::chrono::seconds> oldest, const char *expected, const char *cause = "",
                        const char *figure = "") {
        QueueFigures queue;
        queue.age = Age(0);
        queue.queues = std::move(lines);
        queue.waiting = waiting;
        queue.oldestWaiting = oldest;
        QTest::newRow(name) << queue << QString(expected) << QString(cause) << QString(figure);
    };
    const auto other = Untaken::Queue;
    row("unknown", {}, {}, {}, "unknown");
    row("none", {{"celery", 0}}, 0, 0s, "none");
    row("ours", {{"celery", 5}}, 5, 90s, "2 min", "queue celery", "2 min, 5 waiting");
    row("others' alone", {{"celery", 0}, {"emails", 30, other}}, 30, 0s, "none of ours");
    row("ours beside more of others'", {{"emails", 30, other}, {"celery", 2}, {"mail", 5}}, 37, 90s, "2 min",
        "queue mail", "2 min, 7 waiting");
    row("others' list of our queue", {{"celery", 0}, {"celery:1", 4, Untaken::Separator}}, 4, 0s, "none of ours");
}

/// The age is of those that our workers take, so it stands beside no count of others' tasks.
void BacklogTest::oldest()
{
    QFETCH(QueueFigures, queue);
    QFETCH(QString, expected);
    QFETCH(QString, cause);
    QFETCH(QString, figure);
    QCOMPARE(oldestText(queue), expected);
    Snapshot snapshot;
    snapshot.queue = queue;
    const auto kind = std::ranges::find(causeTable(), std::string_view("Oldest task"), &CauseKind::title);
    QVERIFY(kind != causeTable().end());
    const auto found = kind->find(snapshot).value_or(Cause{});
    QCOMPARE(found.name, cause);
    QCOMPARE(found.figure, figure);
}

void BacklogTest::aBacklogsPace()
{
    BacklogPace pace;
    QueueFigures queue;
    queue.waiting = 100;
    queue.unacked = 0;
    queue.takenPerSecond = queue.endedPerSecond = 5.0;
    WallTime now{std::chrono::seconds(1000)};
    const auto add = [&](std::uint64_t waiting) {
        queue.waiting = waiting;
        pace.add(now, queue);
        now += std::chrono::seconds(1);
    };
    add(100);
    QVERIFY(!pace.growth() && !pace.arrivals());
    for (std::uint64_t i = 1; i <= 10; ++i)
        add(100 + 5 * i);
    QCOMPARE(*pace.growth(), 5.0); // ten come in a second, five end
    QCOMPARE(*pace.arrivals(), 10.0);
    QCOMPARE(drainText(queue, pace.growth()), QString("never at this pace"));
    for (std::uint64_t i = 0; i <= 40; ++i)
        add(150 - 2 * i);
    QCOMPARE(*pace.growth(), -2.0);
    QCOMPARE(*pace.arrivals(), 3.0);
    QCOMPARE(drainText(queue, pace.growth()), QString("35 s"));
    queue.waiting.reset();
    pace.add(now, queue);
    QVERIFY(!pace.growth());
    queue.endedPerSecond.reset(); // a portal that has just started
    queue.endedLately = 6;
    queue.waiting = 3;
    QCOMPARE(arrivingText(queue, pace), QString("measuring"));
    QCOMPARE(drainText(queue, -2.0), QString("measuring"));
    queue.waiting = 0;
    QCOMPARE(drainText(queue, {}), QString("empty"));
    queue.endedLately.reset();
    queue.endedPerSecond = 0.0; // other workers end them
    for (std::uint64_t i = 0; i <= 10; ++i)
        add(100 - 2 * i);
    QCOMPARE(*pace.growth(), -2.0);
    QVERIFY(!pace.arrivals());
    queue.waiting.reset();
    pace.add(now, queue);
    QVERIFY(!pace.growth());
}

void BacklogTest::arrivals_data()
{
    QTest::addColumn<double>("ended"); // here
    QTest::addColumn<int>("seconds");
    QTest::addColumn<int>("growth");
    QTest::addColumn<QString>("expected");
    QTest::newRow("not watched for long") << 5.0 << 3 << 0 << "measuring";
    QTest::newRow("as many come as end") << 5.0 << 10 << 0 << "5.00/s";
    QTest::newRow("none comes") << 5.0 << 10 << -5 << "0.00/s";
    QTest::newRow("others end some of them") << 5.0 << 10 << -3 << "2.00/s";
    QTest::newRow("others end more than come") << 5.0 << 10 << -6 << "unknown";
    QTest::newRow("others end them all") << 0.0 << 10 << 0 << "0/min";
    QTest::newRow("others alone end them") << 0.0 << 10 << -1 << "unknown";
}

void BacklogTest::arrivals()
{
    QFETCH(double, ended);
    QFETCH(int, seconds);
    QFETCH(int, growth);
    QFETCH(QString, expected);
    BacklogPace pace;
    QueueFigures queue;
    queue.unacked = 0;
    queue.endedPerSecond = ended;
    for (int second = 0; second <= seconds; ++second) {
        queue.waiting = std::uint64_t(1000 + growth * second);
        pace.add(WallTime(std::chrono::seconds(second)), queue);
    }
    QCOMPARE(arrivingText(queue, pace), expected);
    queue.waiting.reset();
    pace.add(WallTime(std::chrono::seconds(seconds + 1)), queue);
    QCOMPARE(arrivingText(queue, pace), unknownText());
}

void BacklogTest::oneSampleIsAddedOnce() // it is shown anew each second while no other comes
{
    BacklogPace pace;
    QueueFigures queue;
    queue.waiting = 1;
    for (int i = 0; i < 1000; ++i)
        pace.add(WallTime(5s), queue);
    QCOMPARE(pace.samples(), std::size_t(1));
    pace.add(WallTime(6s), queue);
    QCOMPARE(pace.samples(), std::size_t(2));
}

void BacklogTest::figuresAreThoseOfThisPortal() // what other workers hold and end is not in them, so it may not seem so
{
    Console console({.situation = "backlog"});
    console.window->openPage("queue");
    const auto said = [&console](const char *name) { return console.find<QLabel>(name)->text(); };
    QCOMPARE(said("Arriving, at least"), QString("measuring"));
    for (int i = 0; i < 10; ++i)
        console.tick();
    const QueueFigures &queue = console.stack.deployment().latest()->queue;
    QVERIFY(*queue.unacked >= *queue.reserved + *queue.running + *queue.scheduled);
    QCOMPARE(said("Prefetched"), countText(queue.reserved));
    QCOMPARE(said("Running"), countText(queue.running));
    QCOMPARE(said("Scheduled"), countText(queue.scheduled));
    QCOMPARE(said("Ended"), paceText(queue.endedPerSecond));
    QVERIFY2(said("Arriving, at least").endsWith("/min"), qPrintable(said("Arriving, at least")));
}

void BacklogTest::whileNothingComesNothingIsMeasured()
{
    Console console({.situation = "redis-down"});
    console.window->openPage("queue");
    console.tick();
    for (const char *figure : {"Arriving, at least", "Time to drain"}) {
        const auto *label = console.find<QLabel>(figure);
        QVERIFY(label);
        QCOMPARE(label->text(), unknownText());
    }
}

QTEST_MAIN(BacklogTest)
#include "backlog_test.moc"
