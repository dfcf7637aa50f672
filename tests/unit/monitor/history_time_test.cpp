// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_store.h"
#include "tests/unit/monitor/history_fixture.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;
using portolan::storage::HistoryStore;

/// The history and the time: clocks that jump, what is kept how long, and what is answered at the edges of a span.
class HistoryTimeTest final : public QObject
{
    Q_OBJECT

private slots:
    void forgetsTheFutureWhenTheClockIsSetBack()
    {
        Kept kept;
        kept.record(1s, {1, 2, 3});
        kept.clock.jump(-2s);
        kept.record(1s, {7});
        const auto points = kept.memory(60s).points;
        QCOMPARE(points.size(), std::size_t{2});
        QCOMPARE(points.back().mean, 7.0);
    }

    void theClockJumps_data()
    {
        QTest::addColumn<qint64>("by"); // seconds
        QTest::addColumn<bool>("back"); // after a minute
        QTest::addColumn<int>("seconds");
        QTest::addColumn<int>("minutes");
        constexpr qint64 hour = 3600, day = 24 * hour;
        QTest::newRow("ahead by a day for a minute") << day << true << 660 << 11;
        QTest::newRow("ahead by a year for a minute") << 365 * day << true << 660 << 11;
        QTest::newRow("back by five minutes for a minute") << qint64(-300) << true << 660 << 11;
        QTest::newRow("back by an hour for a minute") << -hour << true << 660 << 12;
        QTest::newRow("back by a year for a minute") << -365 * day << true << 660 << 11;
        QTest::newRow("suspended for a night") << 8 * hour << false << 120 << 12;
        QTest::newRow("back by three minutes, and stays") << qint64(-180) << false << 540 << 10;
    }
    void theClockJumps()
    {
        QFETCH(qint64, by);
        QFETCH(bool, back);
        QFETCH(int, seconds);
        QFETCH(int, minutes);
        Kept kept;
        kept.record(1s, counting(600));
        kept.clock.jump(std::chrono::seconds(by));
        kept.record(1s, std::vector<double>(60, 9000));
        kept.clock.jump(std::chrono::seconds(back ? -by : 0));
        kept.record(1s, counting(60));
        const auto series = kept.memory(1h, 4000);
        QCOMPARE(series.step, 1s);
        QCOMPARE(int(series.points.size()), seconds);
        for (std::size_t i = 1; i < series.points.size(); ++i) // none twice, none out of order
            QVERIFY(series.points[i].time - series.points[i - 1].time >= 1s);
        kept.reopen();
        const auto stored = kept.memory(12h);
        QCOMPARE(stored.step, 60s);
        QCOMPARE(int(stored.points.size()), minutes);
        QVERIFY(std::ranges::is_sorted(stored.points, {}, &Point::time));
    }

    void aWrongClockTrimsNothing_data()
    {
        QTest::addColumn<int>("days");
        for (const int days : {1, 40, 365, 3650, -1, -365})
            QTest::newRow(qPrintable(QString("%1 days").arg(days))) << days;
    }
    void aWrongClockTrimsNothing()
    {
        QFETCH(int, days);
        Kept kept;
        kept.record(1min, counting(180));
        kept.reopen(); // all of it is written
        kept.clock.jump(std::chrono::days(days));
        kept.record(1min, counting(150)); // long enough for what is done once an hour
        kept.clock.jump(-std::chrono::days(days));
        kept.record(1min, counting(70));
        kept.reopen();
        const auto points = kept.memory(400min, 400).points;
        QCOMPARE(points.size(), std::size_t{250});
        QCOMPARE(points.front().mean, 1000.0);
    }

    void minutesAreBounded()
    {
        constexpr std::int64_t month = HistoryStore::minutesKept / 1min, more = 700;
        Kept kept;
        HistoryStore store(kept.directory.filePath("bounded.db").toStdString(), kept.clock, kept.logger);
        const WallTime first = kept.clock.wall();
        HistoryStore::Batch batch;
        batch.minutes.push_back({metric::sessions, {}});
        for (std::int64_t i = 0; i < month + more; ++i)
            batch.minutes.front().rows.push_back({first + std::chrono::minutes(i), 1, 1, 1, 1});
        kept.clock.advance(std::chrono::minutes(month + more));
        QVERIFY(store.writeBlocking(batch).has_value());
        const auto rows = runSync<Result<std::vector<std::vector<storage::HistoryRow>>>>(
            kept.runtime.at(0), [&]() -> awaitable<Result<std::vector<std::vector<storage::HistoryRow>>>> {
                return store.read({Metric(metric::sessions)}, HistoryStore::minute, first, kept.clock.wall());
            });
        QCOMPARE(std::int64_t(rows.value().front().size()), month);
        QVERIFY(rows.value().front().front().time == first + std::chrono::minutes(more));
    }

    void coversTheLeftEdge_data()
    {
        QTest::addColumn<qint64>("later"); // seconds, until it is asked for
        QTest::addColumn<bool>("restarted");
        QTest::addColumn<qint64>("from"); // milliseconds since the beginning
        QTest::addColumn<qint64>("span");
        QTest::addColumn<int>("step");
        QTest::addColumn<double>("low"); // of the first point
        QTest::addColumn<int>("points");
        constexpr qint64 minute = 60'000, hour = 60 * minute, day = 24 * 3600;
        QTest::newRow("within a second") << qint64(0) << false << 179 * minute + 200 << qint64(500) << 1 << 1179.0 << 1;
        QTest::newRow("within a minute") << qint64(0) << false << 10 * minute + 20'000 << qint64(10'000) << 60 << 1010.0
                                         << 1;
        QTest::newRow("over two minutes")
            << qint64(0) << false << 10 * minute + 50'000 << qint64(20'000) << 60 << 1010.0 << 2;
        QTest::newRow("after a restart") << qint64(0) << true << 178 * minute + 20'000 << qint64(10'000) << 60 << 1178.0
                                         << 1;
        QTest::newRow("at its beginning") << qint64(0) << true << 10 * minute << minute << 60 << 1010.0 << 1;
        QTest::newRow("within an hour, much later")
            << 40 * day << true << hour + 10 * minute << 20 * minute << 3600 << 1060.0 << 1;
        QTest::newRow("over two hours, much later")
            << 40 * day << true << hour + 50 * minute << 20 * minute << 3600 << 1060.0 << 2;
    }
    void coversTheLeftEdge()
    {
        QFETCH(qint64, later);
        QFETCH(bool, restarted);
        QFETCH(qint64, from);
        QFETCH(qint64, span);
        QFETCH(int, step);
        QFETCH(double, low);
        QFETCH(int, points);
        Kept kept;
        const WallTime begin = kept.clock.wall();
        kept.record(1min, counting(180));
        if (restarted)
            kept.reopen();
        kept.clock.advance(std::chrono::seconds(later));
        const auto at = begin + std::chrono::milliseconds(from);
        const auto series = kept.query({{metric::redisMemory}, at, at + std::chrono::milliseconds(span), 2000}).value();
        QCOMPARE(series.front().step, std::chrono::seconds(step));
        QCOMPARE(int(series.front().points.size()), points);
        QCOMPARE(series.front().points.front().low, low);
    }
};

QTEST_GUILESS_MAIN(HistoryTimeTest)
#include "history_time_test.moc"
