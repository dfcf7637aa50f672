// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/clock_skew.h"

#include <QTest>

using namespace portolan::client;
using namespace std::chrono_literals;

class SkewTest final : public QObject
{
    Q_OBJECT
private slots:
    void isNoneAtFirst() { QCOMPARE(ClockSkew().skew(), 0ms); }

    void leavesOutWhatIsOnItsWay()
    {
        ClockSkew skew;
        for (const auto late : {30ms, 900ms, 1'999ms, 5ms})
            skew.add(-late);
        QCOMPARE(skew.skew(), 0ms);
    }

    void findsAnHour()
    {
        for (const auto hour : {std::chrono::milliseconds(1h), std::chrono::milliseconds(-1h)}) {
            ClockSkew skew;
            skew.add(hour - 1'500ms); // the first was a second and a half on its way
            QCOMPARE(skew.skew(), hour - 1'500ms);
            skew.add(hour - 3ms);
            skew.add(hour - 800ms);
            QCOMPARE(skew.skew(), hour - 3ms);
        }
    }

    void followsAClockThatIsSet()
    {
        ClockSkew skew;
        for (int i = 0; i < 20; ++i)
            skew.add(1h);
        for (int i = 0; i < 8; ++i) {
            skew.add(-10ms);
            QCOMPARE(skew.skew(), std::chrono::milliseconds(1h)); // some may still be underway
        }
        skew.add(-10ms);
        QCOMPARE(skew.skew(), 0ms);
        skew.add(2h);
        QCOMPARE(skew.skew(), std::chrono::milliseconds(2h));
    }
};

QTEST_GUILESS_MAIN(SkewTest)
#include "skew_test.moc"
