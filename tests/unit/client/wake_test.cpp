// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/wake_watch.h"

#include <QTest>

using namespace portolan::client;
using namespace std::chrono_literals;

class WakeTest final : public QObject
{
    Q_OBJECT
private slots:
    void tellsSleep_data()
    {
        QTest::addColumn<double>("monotonic"); // seconds between two looks, by each clock
        QTest::addColumn<double>("boot");
        QTest::addColumn<bool>("slept");
        QTest::newRow("awake") << 1.0 << 1.0 << false;
        QTest::newRow("busy") << 3.9 << 3.9 << false;
        QTest::newRow("suspended for a moment") << 1.0 << 2.9 << false;
        QTest::newRow("suspended") << 1.0 << 3.1 << true;
        QTest::newRow("suspended for a night") << 1.0 << 30'000.0 << true;
        QTest::newRow("stopped") << 4.1 << 4.1 << true;
        QTest::newRow("stopped for a minute") << 61.0 << 61.0 << true;
        QTest::newRow("looked at early") << 0.0 << 0.0 << false;
    }
    void tellsSleep()
    {
        QFETCH(double, monotonic);
        QFETCH(double, boot);
        QFETCH(bool, slept);
        const auto after = [](double seconds) {
            return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
        };
        const WakeWatch::Clocks before{100s, 5'000s}; // which has slept before
        WakeWatch watch(before);
        const WakeWatch::Clocks then{before.monotonic + after(monotonic), before.boot + after(boot)};
        QCOMPARE(watch.slept(then), slept);
        QVERIFY(!watch.slept({then.monotonic + 1s, then.boot + 1s})); // once
    }
    void readsTheMachine()
    {
        const auto now = WakeWatch::machine();
        QVERIFY(now.monotonic > 0s && now.boot >= now.monotonic);
        QVERIFY(!WakeWatch(now).slept(WakeWatch::machine()));
    }
};

QTEST_GUILESS_MAIN(WakeTest)
#include "wake_test.moc"
