// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/stop_watchdog.h"

#include <QTest>
#include <atomic>
#include <chrono>
#include <optional>

using namespace portolan;
using namespace std::chrono_literals;

class StopWatchdogTest final : public QObject
{
    Q_OBJECT

private slots:
    void endsWhatTakesTooLong()
    {
        std::atomic<int> ends{0};
        const StopWatchdog watchdog(10ms, [&] { ++ends; });
        QTRY_COMPARE_WITH_TIMEOUT(ends.load(), 1, 10'000);
    }

    void letsWhatStopsInTime()
    {
        std::atomic<int> ends{0};
        std::optional<StopWatchdog> watchdog;
        watchdog.emplace(1h, [&] { ++ends; });
        watchdog.reset(); // without waiting
        QCOMPARE(ends.load(), 0);
    }
};

QTEST_GUILESS_MAIN(StopWatchdogTest)
#include "stop_watchdog_test.moc"
