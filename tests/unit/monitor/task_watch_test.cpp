// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/event_rate.h"
#include "core/monitor/task_watch.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

/// What one second of a portal looks like to the watch.
struct Scene
{
    const char *head = ""; ///< the next message; empty: none waits
    std::uint64_t waiting = 0;
    std::uint64_t unacked = 0;
    int takenAgo = 0; ///< seconds, of the oldest unacknowledged one
    TaskFigures ours = {};
    std::optional<std::uint64_t> threads = 2;
    const char *clients = nullptr; ///< CLIENT LIST; null: nobody asked
};

class Watched
{
public:
    void see(const Scene &scene)
    {
        RoundAnswer answer;
        const queue::WaitingList celery{"celery", "celery", Untaken::No, true};
        answer.lists = {{celery, scene.waiting, scene.head, std::nullopt}};
        answer.unacked = scene.unacked;
        if (scene.unacked > 0)
            answer.oldestUnacked =
                std::chrono::duration<double>(clock.wall().time_since_epoch()).count() - scene.takenAgo;
        if (scene.clients)
            answer.clients = redis::parseClientList(scene.clients);
        watch.answered(answer, clock.steady(), clock.wall());
        watch.ours(scene.ours, scene.threads, clock.steady());
    }
    std::uint64_t untaken() const { return watch.untaken(clock.steady()).value(); }

    ManualClock clock;
    TaskWatch watch{15min};
};

} // namespace

Q_DECLARE_METATYPE(Scene)

class TaskWatchTest final : public QObject
{
    Q_OBJECT

private slots:
    void whoTakesTasks_data()
    {
        QTest::addColumn<Scene>("scene");
        QTest::addColumn<int>("untaken");
        const TaskFigures idle;
        TaskFigures busy;
        busy.taken = busy.running = 2;
        QTest::newRow("none waits, nobody is there") << Scene{"", 0, 0, 0, idle, 0} << 0;
        QTest::newRow("none of ours, nobody else") << Scene{"a", 5, 0, 0, idle, 0} << 5;
        QTest::newRow("it is not known how many there are") << Scene{"a", 5, 0, 0, idle, std::nullopt} << 5;
        QTest::newRow("ours are all at work") << Scene{"a", 5, 2, 60, busy, 2} << 0;
        QTest::newRow("ours idle, and yet none is taken") << Scene{"a", 5, 0, 0, idle, 2} << 5;
        QTest::newRow("another program's worker is at work") << Scene{"a", 5, 1, 60, idle, 0} << 0;
        TaskFigures parked;
        parked.parked = 5;
        QTest::newRow("another one is at work, and some are parked") << Scene{"a", 5, 1, 60, parked, 0} << 0;
        QTest::newRow("one of ours elsewhere is at work") << Scene{"a", 5, 1, 60 - 3600, idle, 0} << 0;
        QTest::newRow("one that died left its task") << Scene{"a", 5, 1, 3600, idle, 0} << 5;
        const auto connected = [&](const char *name, int takenAgo, const char *clients, int untaken) {
            QTest::newRow(name) << Scene{"a", 5, 1, takenAgo, idle, 0, clients} << untaken;
        };
        connected("one that was killed left its task", 60, "id=1 name=portolan cmd=evalsha\nid=2 name= cmd=set\n", 5);
        connected("one that is at work listens", 60,
                  "id=1 name=portolan cmd=evalsha\nid=2 name= psub=1 cmd=psubscribe\n", 0);
        connected("one that is at work asked for it", 60, "id=1 name= cmd=brpop\n", 0);
        connected("it asks in another database", 60, "id=1 name=portolan db=0 cmd=evalsha\nid=2 name= db=1 cmd=brpop\n",
                  5);
        connected("it asks in this database", 60, "id=1 name=portolan db=1 cmd=evalsha\nid=2 name= db=1 cmd=brpop\n",
                  0);
        connected("who listens waits for a result", 60,
                  "id=1 name=portolan cmd=evalsha\nid=2 name= sub=1 cmd=subscribe\n", 5);
        connected("who listens here is this process", 60,
                  "id=1 name=portolan cmd=evalsha\nid=2 name=portolan-push sub=9 cmd=subscribe\n", 5);
        connected("there is another portal", 60, "id=1 name=portolan cmd=evalsha\nid=2 name=portolan cmd=evalsha\n", 0);
        connected("one of ours elsewhere holds it", 60 - 3600, "id=1 name=portolan cmd=evalsha\n", 0);
    }
    void whoTakesTasks()
    {
        QFETCH(Scene, scene);
        Watched watched;
        for (int i = 0; i < 10; ++i) {
            watched.see(scene);
            watched.clock.advance(1s);
        }
        QTEST(int(watched.untaken()), "untaken");
    }

    void taskAfterTaskIsTaken()
    {
        Watched watched;
        for (const char *head : {"a", "b", "c", "d"}) {
            watched.see({head, 5, 0, 0, {}, 0}); // by whomever: the next one is another each time
            watched.clock.advance(1s);
        }
        QCOMPARE(watched.untaken(), std::uint64_t(0));
        for (int i = 0; i < 5; ++i) {
            watched.see({"d", 5, 0, 0, {}, 0});
            watched.clock.advance(1s);
        }
        QCOMPARE(watched.untaken(), std::uint64_t(5));
    }

    void whoCameSinceTheLastListIsNotMissed()
    {
        Watched watched;
        const char *alone = "id=1 name=portolan cmd=evalsha\n";
        watched.see({"a", 5, 1, 60, {}, 0, alone});
        watched.clock.advance(1s);
        watched.see({"a", 5, 2, 60, {}, 0});
        QCOMPARE(watched.untaken(), std::uint64_t(0));
        watched.clock.advance(1s);
        watched.see({"a", 5, 2, 60, {}, 0, alone});
        QCOMPARE(watched.untaken(), std::uint64_t(5));
    }

    void waitsSinceItWasFirstSeen()
    {
        Watched watched;
        QVERIFY(!watched.watch.oldestWaiting());
        watched.see({"a", 1});
        watched.clock.advance(70s);
        watched.see({"a", 1});
        QCOMPARE(*watched.watch.oldestWaiting(), 70s);
        watched.see({"b", 1});
        QCOMPARE(*watched.watch.oldestWaiting(), 0s);
        watched.see({"", 0, 1, 200});
        QCOMPARE(*watched.watch.oldestWaiting(), 0s);
        QCOMPARE(*watched.watch.oldestTaken(), 200s);
        watched.see({"", 0, 1, 200 - 3600}); // as our workers enter it
        QCOMPARE(*watched.watch.oldestTaken(), 200s);
        watched.see({"", 0, 1, -5}); // by a clock that is ahead
        QCOMPARE(*watched.watch.oldestTaken(), 0s);
    }

    void aLongListThatMovesIsOld()
    {
        Watched watched;
        TaskFigures ours;
        // One a second is taken of 300, and one comes: the next in the list is another each second.
        for (int second = 0; second <= 200; ++second) {
            const std::string head = "t" + std::to_string(second);
            watched.see({head.c_str(), 300, 2, 1, ours});
            watched.clock.advance(1s);
            ++ours.taken;
            ours.running = 2;
        }
        QVERIFY(*watched.watch.oldestWaiting() >= 195s);
        for (int second = 0; second <= 400; ++second) {
            const std::string head = "u" + std::to_string(second);
            watched.see({head.c_str(), 300, 2, 1, ours});
            watched.clock.advance(1s);
            ++ours.taken;
        }
        // Each waits for five minutes now, whatever was long ago.
        QVERIFY(*watched.watch.oldestWaiting() >= 290s && *watched.watch.oldestWaiting() <= 305s);
        // Another program's worker takes some too: ours alone say nothing.
        watched.see({"other", 300, 12, 1, ours});
        QVERIFY(*watched.watch.oldestWaiting() <= 1s);
        // None waits.
        watched.see({"", 0, 0, 0, ours});
        QCOMPARE(*watched.watch.oldestWaiting(), 0s);
    }

    /// A portal that starts and finds tasks waiting ends some in its first second.
    void noRateOfTheFirstSeconds()
    {
        ManualClock clock;
        EventRate rate;
        for (int second = 0; second < 10; ++second) {
            rate.add(second == 0 ? 0 : 7, clock.steady());
            QVERIFY(!rate.rate().perSecond());
            clock.advance(1s);
        }
        rate.add(7, clock.steady());
        QCOMPARE(*rate.rate().perSecond(), 0.7);
    }

    void ratesFitWhatTheyCount()
    {
        ManualClock clock;
        EventRate rate;
        const auto run = [&](int seconds, auto totalAt) {
            for (int i = 0; i <= seconds; ++i) {
                rate.add(totalAt(i), clock.steady());
                clock.advance(1s);
            }
        };
        run(600, [](int) { return 0; });
        rate.add(1, clock.steady()); // one in ten minutes is not six a minute
        QVERIFY(*rate.rate().perSecond() < 0.002);
        QVERIFY(*rate.rate().covered() >= 9min);
        run(20, [](int i) { return std::uint64_t(1 + i * 5); });
        QCOMPARE(std::round(*rate.rate().perSecond()), 5.0);
        QVERIFY(*rate.rate().covered() <= 12s);
    }
};

QTEST_APPLESS_MAIN(TaskWatchTest)
#include "task_watch_test.moc"
