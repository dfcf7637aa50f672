// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history_series.h"
#include "tests/unit/monitor/history_fixture.h"

#include <QFile>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

class HistoryTest final : public QObject
{
    Q_OBJECT

private slots:
    void choosesTheResolution_data()
    {
        QTest::addColumn<int>("range");
        QTest::addColumn<unsigned>("most");
        QTest::addColumn<int>("step");
        QTest::newRow("a minute") << 60 << 2000u << 1;
        QTest::newRow("an hour") << 3600 << 2000u << 1;
        QTest::newRow("a day") << 86400 << 2000u << 60;
        QTest::newRow("a week") << 7 * 86400 << 2000u << 60;
        QTest::newRow("a month") << 30 * 86400 << 2000u << 60;
        QTest::newRow("a quarter") << 90 * 86400 << 2000u << 3600;
        QTest::newRow("half of what is wanted is enough") << 60 * 1000 << 2000u << 60;
        QTest::newRow("less than half is not") << 60 * 999 << 2000u << 1;
        QTest::newRow("few points") << 86400 << 48u << 3600;
        QTest::newRow("a million points") << 30 * 86400 << 1'000'000u << 1;
    }
    void choosesTheResolution()
    {
        QFETCH(int, range);
        QFETCH(unsigned, most);
        QFETCH(int, step);
        const WallTime from{1h};
        QCOMPARE(resolutionFor(from, from + std::chrono::seconds(range), most), std::chrono::seconds(step));
    }

    void mergesNeighboursAndKeepsExtremes_data()
    {
        QTest::addColumn<int>("count");
        QTest::addColumn<unsigned>("most");
        QTest::newRow("all fit") << 100 << 100u;
        QTest::newRow("one too many") << 101 << 100u;
        QTest::newRow("many") << 10'000 << 100u;
        QTest::newRow("two points") << 10'000 << 2u;
    }
    void mergesNeighboursAndKeepsExtremes()
    {
        QFETCH(int, count);
        QFETCH(unsigned, most);
        std::vector<storage::HistoryRow> rows;
        double sum = 0;
        for (int i = 0; i < count; ++i) {
            const double value = i == count / 3 ? -5.0 : i == count / 2 ? 1e6 : double(i % 7);
            rows.push_back({WallTime(1h + std::chrono::minutes(i)), value, value, value, 60});
            sum += value;
        }
        const auto series = seriesOf(metric::sessions, rows, 1min, most);
        QVERIFY(series.points.size() <= most && series.points.size() >= std::min<std::size_t>(rows.size(), most / 2));
        QCOMPARE(std::ranges::min(series.points, {}, &Point::low).low, -5.0);
        QCOMPARE(std::ranges::max(series.points, {}, &Point::high).high, 1e6);
        QVERIFY(std::ranges::is_sorted(series.points, {}, &Point::time));
        for (std::size_t i = 1; i < series.points.size(); ++i) // no gap where there was none
            QCOMPARE(series.points[i].time - series.points[i - 1].time, WallTime::duration(series.step));
        if (unsigned(count) <= most)
            QCOMPARE(series.points[static_cast<std::size_t>(count / 2)].mean, 1e6);
        const auto merged = std::size_t(series.step / 1min);
        double all = 0;
        for (std::size_t i = 0; i < series.points.size(); ++i)
            all += series.points[i].mean * double(std::min(merged, rows.size() - i * merged));
        QCOMPARE(all, sum); // each value weighs the same
    }

    void remembersSeconds()
    {
        Kept kept;
        kept.record(1s, {1, 2, 3});
        kept.history->record(snapshotOf(kept.clock.wall(), std::nullopt)); // unknown: a gap
        kept.clock.advance(5s);
        kept.record(1s, {9});
        const auto series = kept.memory(60s);
        QCOMPARE(series.step, 1s);
        QCOMPARE(series.points.size(), std::size_t{4});
        QCOMPARE(series.points[2].mean, 3.0);
        QVERIFY(series.points[3].time - series.points[2].time > 2 * series.step);
        QCOMPARE(kept.memory(60s, 3).points.size(), std::size_t{2}); // spans of 4 s, one of them empty
    }

    void surviveARestartByTheMinute()
    {
        Kept kept;
        kept.record(1s, counting(150)); // two and a half minutes
        kept.reopen();
        const auto before = kept.memory(1h);
        QCOMPARE(before.step, 60s);
        QCOMPARE(before.points.size(), std::size_t{3});
        QCOMPARE(before.points[0].low, 1000.0);
        QCOMPARE(before.points[0].high, 1059.0);
        QCOMPARE(before.points[0].mean, 1029.5);
        QCOMPARE(before.points[2].high, 1149.0);
        kept.record(1s, {5000}); // in the minute that was under way
        const auto after = kept.memory(1h);
        QCOMPARE(after.step, 1s); // the seconds since the restart follow the minutes
        QCOMPARE(after.points.size(), std::size_t{4});
        QCOMPARE(after.points[3].mean, 5000.0);
        kept.reopen();
        const auto again = kept.memory(1h);
        QCOMPARE(again.points.size(), std::size_t{3});
        QCOMPARE(again.points[2].high, 5000.0);
        QCOMPARE(again.points[2].low, 1120.0);
    }

    void tellsWhatWasMeasured_data()
    {
        QTest::addColumn<int>("runs");      // seconds from the beginning, each run is stopped after
        QTest::addColumn<int>("stands");    // seconds that nothing runs then
        QTest::addColumn<int>("again");     // seconds it runs again
        QTest::addColumn<bool>("reopened"); // and is stopped once more
        QTest::addColumn<QString>("known"); // per ten seconds of the last five minutes
        QTest::newRow("down for 100 s") << 39 << 100 << 60 << false << "..........====..........======";
        QTest::newRow("only minutes are left") << 39 << 100 << 60 << true << "..........====..........======";
        QTest::newRow("a whole minute is missing") << 58 << 62 << 60 << true << "............======......======";
        QTest::newRow("within one minute") << 20 << 20 << 20 << false << "........................==..==";
        QTest::newRow("within one minute, of which only that is left")
            << 20 << 20 << 20 << true << "........................==..==";
        QTest::newRow("at once") << 60 << 2 << 58 << true << "..................============";
        QTest::newRow("just started") << 0 << 35 << 20 << false << "............................==";
    }
    /// A line through what is answered shows where nothing was measured, whichever resolution is left of it.
    void tellsWhatWasMeasured()
    {
        QFETCH(int, runs);
        QFETCH(int, stands);
        QFETCH(int, again);
        QFETCH(bool, reopened);
        QFETCH(QString, known);
        Kept kept;
        kept.record(1s, std::vector<double>(std::size_t(runs), 5));
        kept.reopen();
        kept.clock.advance(std::chrono::seconds(stands));
        kept.record(1s, std::vector<double>(std::size_t(again), 5));
        if (reopened)
            kept.reopen();
        const auto series = kept.memory(300s);
        QString found(30, '.');
        for (std::size_t i = 0; i < series.points.size(); ++i) {
            const Point &point = series.points[i];
            const bool held = i + 1 < series.points.size() && !isGap(point, series.points[i + 1], series.step);
            const WallTime until = held ? beginOf(series.points[i + 1]) : endOf(point, series.step);
            for (int ten = 0; ten < 30; ++ten) {
                const WallTime middle = kept.clock.wall() - 300s + std::chrono::seconds(10 * ten + 5);
                if (beginOf(point) <= middle && middle < until)
                    found[ten] = '=';
            }
        }
        QCOMPARE(found, known);
    }

    void gapsWithinMinutesStay_data()
    {
        QTest::addColumn<QList<int>>("lengths"); // seconds in which a value comes and in which none does, in turn
        QTest::addColumn<QString>("covered");    // by the points of minutes
        QTest::newRow("one") << QList{20, 20, 50} << "0-20 40-60 60-90";
        QTest::newRow("at the end of a minute") << QList{50, 10, 30} << "0-50 60-90";
        QTest::newRow("over the end of a minute") << QList{50, 20, 20} << "0-50 70-90";
        QTest::newRow("two") << QList{10, 10, 10, 20, 10} << "0-10 20-30 50-60";
        QTest::newRow("brief") << QList{20, 4, 36} << "0-60";
        QTest::newRow("many") << QList{4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 10} << "0-4 10-14 20-24 30-60";
    }
    /// Also where the portal ran on, and when it has been restarted since: what Redis does not tell for a while is no
    /// figure, however short the while.
    void gapsWithinMinutesStay()
    {
        QFETCH(QList<int>, lengths);
        QFETCH(QString, covered);
        Kept kept;
        const WallTime begin = kept.clock.wall();
        for (qsizetype i = 0; i < lengths.size(); ++i) {
            for (int second = 0; second < lengths[i]; ++second) {
                kept.history->record(snapshotOf(kept.clock.wall(), i % 2 == 0 ? std::optional(5.0) : std::nullopt));
                kept.clock.advance(1s);
            }
        }
        for (const bool written : {false, true}) {
            if (written)
                kept.reopen();
            const auto series = kept.memory(12h, 1000);
            QCOMPARE(series.step, 60s);
            QStringList found;
            for (std::size_t i = 0; i < series.points.size(); ++i) {
                const Point &point = series.points[i];
                const bool last = i + 1 == series.points.size();
                const WallTime until =
                    std::min(endOf(point, series.step), last ? kept.clock.wall() : beginOf(series.points[i + 1]));
                const auto seconds = [begin](WallTime time) {
                    return QString::number(std::chrono::duration_cast<std::chrono::seconds>(time - begin).count());
                };
                found << seconds(beginOf(point)) + '-' + seconds(until);
                QCOMPARE(point.mean, 5.0);
            }
            QCOMPARE(found.join(' '), covered);
        }
    }

    void forgetsInTime()
    {
        Kept kept;
        kept.record(1min, counting(60 * 3));                           // three hours
        QCOMPARE(kept.memory(3h, 100).points.size(), std::size_t{90}); // of 180 minutes
        QCOMPARE(kept.memory(30min, 100).points.size(), std::size_t{30});
        kept.clock.advance(std::chrono::days(32));
        kept.record(1min, counting(3)); // writes, and trims
        kept.reopen();
        const auto hours = kept.memory(std::chrono::days(40));
        QCOMPARE(hours.step, 3600s);
        QCOMPARE(hours.points.size(), std::size_t{4});
        QCOMPARE(hours.points[0].low, 1000.0);
        QCOMPARE(hours.points[0].high, 1059.0);
        kept.clock.advance(std::chrono::days(731));
        kept.record(1min, counting(3));
        kept.reopen();
        QCOMPARE(kept.memory(std::chrono::days(2000)).points.size(), std::size_t{1});
    }

    void setsAsideWhatItCannotUse_data()
    {
        QTest::addColumn<QByteArray>("content");
        QByteArray header(4096, '\0');
        header.replace(0, 16, QByteArray("SQLite format 3", 16));
        header[16] = 16; // page size 4096
        header[18] = header[19] = 1;
        header[21] = 64;
        header[22] = header[23] = 32;
        QByteArray newer = header;
        newer[63] = 7;
        QByteArray foreign = header;
        foreign[71] = 1;
        QByteArray damaged = header;
        damaged.append(QByteArray(20'000, 'x'));
        damaged[63] = 1;
        damaged[100] = 13;
        damaged[103] = 40; // cells that lie nowhere
        QTest::newRow("no SQLite file") << QByteArray("these are somebody's notes");
        QTest::newRow("another version") << newer;
        QTest::newRow("another program's") << foreign;
        QTest::newRow("damaged inside") << damaged;
    }
    void setsAsideWhatItCannotUse()
    {
        QFETCH(QByteArray, content);
        Kept kept;
        kept.history.reset();
        for (const auto &old : QDir(kept.directory.path()).entryList(QDir::Files))
            QFile::remove(kept.directory.filePath(old));
        QFile file(kept.file());
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(content) == content.size());
        file.close();
        kept.reopen();
        kept.record(1s, counting(70));
        QCOMPARE(kept.memory(60s).points.size(), std::size_t{60});
        kept.reopen();
        QCOMPARE(kept.memory(1h).points.size(), std::size_t{2});
        QCOMPARE(kept.setAside().size(), 1);
        QFile aside(kept.directory.filePath(kept.setAside().front()));
        QVERIFY(aside.open(QIODevice::ReadOnly) && aside.readAll() == content);
        QCOMPARE(kept.warnings(), std::size_t{1});
        QVERIFY(kept.lines.front().find("set aside") != std::string::npos);
    }

    void beginsAnewWhenDamageShowsLater()
    {
        Kept kept;
        kept.record(1min, counting(300));
        kept.history.reset();
        QFile file(kept.file());
        QVERIFY(file.open(QIODevice::ReadWrite) && file.size() > 8192 && file.seek(4096));
        const QByteArray garbage(static_cast<int>(file.size()) - 4096, 'x'); // all but the schema
        QVERIFY(file.write(garbage) == garbage.size());
        file.close();
        kept.reopen();
        kept.record(1min, counting(2));
        QCOMPARE(kept.memory(3h, 100).points.size(), std::size_t{2});
        kept.reopen();
        QCOMPARE(kept.memory(3h, 100).points.size(), std::size_t{2});
        QCOMPARE(kept.setAside().size(), 1);
        QCOMPARE(kept.warnings(), std::size_t{1});
    }

    void goesOnInMemoryWhereNothingCanBeWritten()
    {
        Kept kept;
        kept.history = std::make_unique<History>("/proc/nonexistent/history.db", kept.clock, kept.logger);
        kept.record(1s, counting(130));
        QCOMPARE(kept.memory(60s, 20).points.size(), std::size_t{20});
        kept.history->stop();
        QCOMPARE(kept.warnings(), std::size_t{1});
    }

    void refusesWhatMakesNoSense()
    {
        Kept kept;
        const auto now = kept.clock.wall();
        const auto kind = [&](HistoryQuery query) { return kept.query(std::move(query)).error().kind; };
        QCOMPARE(kind({{metric::sessions}, now, now, 1}), ErrorKind::Invalid);
        QCOMPARE(kind({{metric::sessions}, now, now, 1'000'001}), ErrorKind::Invalid);
        QCOMPARE(kind({{metric::sessions}, now, now - 1s, 100}), ErrorKind::Invalid);
        const auto field = [&](const Metric &metric) {
            return kept.query({{metric::sessions, metric}, now - 1h, now, 100}).error().fields.at(0).pointer;
        };
        for (const Metric &wrong : {Metric("no_metric"), Metric(metric::sessions, {{"route", "GET /"}}),
                                    Metric(metric::routeP95, {{"queue", "celery"}}),
                                    Metric(metric::routeP95, {{"route", "GET /"}, {"x", "y"}})})
            QCOMPARE(field(wrong), std::string("/metric")); // the parameter of an address
        QVERIFY(kept.query({{}, now - 1h, now, 100}).value().empty());
    }

    /// However the range lies to the minutes, it is points of the step that was asked for.
    void pointsAreOfTheStep_data()
    {
        QTest::addColumn<qint64>("from"); // milliseconds
        QTest::addColumn<int>("step");
        QTest::addColumn<int>("points"); // of 15 minutes
        QTest::addColumn<bool>("restarted");
        QTest::newRow("minutes, from one's beginning") << qint64(0) << 60 << 15 << false;
        QTest::newRow("minutes, from within one") << qint64(30'000) << 60 << 16 << false;
        QTest::newRow("two minutes, from within one") << qint64(30'500) << 120 << 8 << false;
        QTest::newRow("seconds, from within one") << qint64(500) << 1 << 901 << false;
        QTest::newRow("ten seconds") << qint64(30'500) << 10 << 91 << false;
        QTest::newRow("half a minute, of which only minutes are left") << qint64(30'000) << 30 << 16 << true;
    }
    void pointsAreOfTheStep()
    {
        QFETCH(qint64, from);
        QFETCH(int, step);
        QFETCH(int, points);
        QFETCH(bool, restarted);
        Kept kept;
        const WallTime begin = kept.clock.wall();
        kept.record(1s, counting(20 * 60));
        if (restarted)
            kept.reopen();
        const auto at = begin + std::chrono::milliseconds(from);
        HistoryQuery query{{metric::redisMemory}, at, at + 15min};
        query.step = std::chrono::seconds(step);
        const auto series = kept.query(query).value().front();
        QCOMPARE(series.step, restarted ? 60s : std::chrono::seconds(step));
        QCOMPARE(int(series.points.size()), points);
        QVERIFY(series.points.front().time <= at && endOf(series.points.front(), series.step) > at);
        for (std::size_t i = 1; i < series.points.size(); ++i)
            QCOMPARE(series.points[i].time - series.points[i - 1].time, WallTime::duration(series.step));
    }

    /// Before anything is read: of a history that has nothing yet, too.
    void refusesMoreThanItMayAnswer()
    {
        Kept kept;
        const auto now = kept.clock.wall();
        HistoryQuery query{{metric::sessions, metric::redisMemory}, now - 24h, now, 1000};
        QVERIFY(kept.query(query, 2000).has_value());
        QCOMPARE(kept.query(query, 1999).error().fields.at(0).pointer, std::string("/most"));
        query.step = 60s; // 1440 of each, and one more at each end
        QVERIFY(kept.query(query, 2884).has_value());
        QCOMPARE(kept.query(query, 2883).error().fields.at(0).pointer, std::string("/step"));
        query.step = 1s; // of which an hour is kept
        QVERIFY(kept.query(query, 2 * (3600 + 1440 + 2)).has_value());
        query.from = now - 14min;
        query.to = now - 15min;
        QCOMPARE(kept.query(query, 1).error().fields.at(0).pointer, std::string("/to"));
    }

    void answersAMillionPoints()
    {
        constexpr int minutes =
            26'500; // of 38 values: a month of every metric would be 850,000 minutes and their hours
        Kept kept;
        for (int i = 0; i < minutes; ++i) {
            auto snapshot = snapshotOf(kept.clock.wall(), i);
            snapshot.redis.connectedClients = 5;
            snapshot.queue.age = 0ms;
            snapshot.queue.waiting = snapshot.queue.unacked = 7;
            kept.history->record(snapshot);
            kept.clock.advance(1min);
            if (i % 1000 == 0)
                (void)kept.events(); // a portal has a minute to write each
        }
        std::vector<Metric> metrics(19, metric::redisMemory);
        for (std::size_t i = 0; i < metrics.size(); ++i)
            metrics[i] = i % 2 ? metric::queueWaiting : metric::redisMemory;
        const auto from = kept.clock.wall() - std::chrono::minutes(minutes);
        for (int twice = 0; twice < 2; ++twice) {
            const auto series = kept.query({metrics, from, kept.clock.wall(), 40'000}).value();
            std::size_t points = 0;
            for (const auto &one : series)
                points += one.points.size();
            QCOMPARE(points, metrics.size() * minutes);
        }
        const auto few = kept.query({metrics, from, kept.clock.wall(), 1000}).value();
        QVERIFY(few.front().points.size() <= 1000 && few.front().points.back().high == minutes - 1);
    }
};

QTEST_GUILESS_MAIN(HistoryTest)
#include "history_test.moc"
