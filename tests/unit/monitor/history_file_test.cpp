// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/catalogue.h"
#include "core/storage/history_store.h"
#include "tests/fakes/sqlite_file.h"
#include "tests/unit/monitor/history_fixture.h"

#include <QFile>
#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;
using portolan::storage::HistoryBounds;
using portolan::storage::HistoryStore;
using portolan::storage::SeriesRows;

namespace {

// As versions 1 and 2 made their files.
constexpr const char *points1 =
    "CREATE TABLE points (step INTEGER NOT NULL, metric INTEGER NOT NULL, time INTEGER NOT NULL, low REAL NOT NULL, "
    "high REAL NOT NULL, mean REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (step, metric, time)) WITHOUT ROWID";
constexpr const char *points2 =
    "CREATE TABLE points (step INTEGER NOT NULL, metric INTEGER NOT NULL, time INTEGER NOT NULL, low REAL NOT NULL, "
    "high REAL NOT NULL, mean REAL NOT NULL, count INTEGER NOT NULL, first INTEGER, last INTEGER, PRIMARY KEY (step, "
    "metric, time)) WITHOUT ROWID";
constexpr const char *others[]{
    "CREATE TABLE events (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX events_time ON events (time)",
    "PRAGMA application_id = 1347373129",
};
// The numbers of the metrics in these files.
constexpr std::string_view numbered[]{metric::redisMemory,     metric::redisConnections, metric::redisFragmentation,
                                      metric::redisHitRatio,   metric::redisEvicted,     metric::redisCommands,
                                      metric::responseP50,     metric::responseP95,      metric::responseP99,
                                      metric::requestRate,     metric::errorRate,        metric::queueWaiting,
                                      metric::queueUnacked,    metric::queueTaken,       metric::queueEnded,
                                      metric::concurrentUsers, metric::sessions,         metric::httpConnections,
                                      metric::dbPool,          metric::untakenTasks,     metric::oldestTask,
                                      metric::failedTasks,     metric::refused,          metric::disk,
                                      metric::redisOverhead,   metric::redisTraffic};
static_assert(std::size(numbered) == 26);

Metric queueMetric(const std::string &queue) { return {metric::queueDepth, {{"queue", queue}}}; }

/// A store on a file of its own, with bounds of its own.
struct Stored
{
    explicit Stored(HistoryBounds bounds = {})
        : store(kept.directory.filePath("store.db").toStdString(), kept.clock, kept.logger, bounds)
    {}
    QString file() const { return kept.directory.filePath("store.db"); }
    void write(std::vector<SeriesRows> rows)
    {
        HistoryStore::Batch batch;
        batch.minutes = std::move(rows);
        if (const auto written = store.writeBlocking(std::move(batch)); !written)
            throw std::runtime_error(written.error().message);
    }
    std::size_t count(const Metric &metric, std::chrono::seconds step)
    {
        using Rows = Result<std::vector<std::vector<storage::HistoryRow>>>;
        const auto rows = runSync<Rows>(kept.runtime.at(0), [&]() -> awaitable<Rows> {
            return store.read({metric}, step, WallTime{}, kept.clock.wall() + 24h * 10'000);
        });
        return rows.value().front().size();
    }

    Kept kept;
    HistoryStore store;
};

SeriesRows rowsOf(const Metric &metric, WallTime from, std::chrono::seconds every, std::int64_t count)
{
    SeriesRows series{metric, {}};
    for (std::int64_t i = 0; i < count; ++i) {
        const auto at = std::chrono::floor<std::chrono::minutes>(from + i * every);
        series.rows.push_back({at, 1, 1, 1, 60, at, at + 59s});
    }
    return series;
}

std::vector<double> meansOf(const Series &series)
{
    std::vector<double> means;
    for (const Point &point : series.points)
        means.push_back(point.mean);
    return means;
}

} // namespace

class HistoryFileTest final : public QObject
{
    Q_OBJECT

private slots:
    void stepsUp_data()
    {
        QTest::addColumn<int>("version");
        QTest::newRow("of version 1") << 1;
        QTest::newRow("of version 2") << 2;
    }
    /// Nothing of what an earlier program kept is lost, whichever metric it is of.
    void stepsUp()
    {
        QFETCH(int, version);
        Kept kept;
        kept.history.reset();
        for (const auto &old : QDir(kept.directory.path()).entryList(QDir::Files))
            QFile::remove(kept.directory.filePath(old));
        const WallTime begin = kept.clock.wall();
        const std::int64_t at = std::chrono::system_clock::to_time_t(begin);
        {
            Sql sql(kept.file());
            sql.run(version == 1 ? points1 : points2);
            for (const char *other : others)
                sql.run(other);
            const std::string measured =
                version == 2 ? ", " + std::to_string(at * 1000 + 60'000) + ", " + std::to_string(at * 1000 + 119'000)
                             : "";
            for (int number = 0; number < 26; ++number) {
                const std::string mean = std::to_string(100 + number);
                for (const auto &[step, time] : {std::pair(60, at + 60), std::pair(3600, at)})
                    sql.run("INSERT INTO points VALUES (" + std::to_string(step) + ", " + std::to_string(number) +
                            ", " + std::to_string(time) + ", 1, 999, " + mean + ", 60" + measured + ")");
            }
            sql.run("INSERT INTO events VALUES (7, " + std::to_string(at * 1000) + ", 2, 'The portal started')");
            sql.run("PRAGMA user_version = " + std::to_string(version));
        }
        kept.clock.advance(2min);
        kept.reopen();
        std::vector<Metric> all(std::begin(numbered), std::end(numbered));
        for (const auto &[from, step] : {std::pair(begin, 60s), std::pair(begin - 24h * 40, 3600s)}) {
            const auto series = kept.query({all, from, kept.clock.wall(), 2000}).value();
            QCOMPARE(series.size(), all.size());
            for (std::size_t i = 0; i < all.size(); ++i) {
                QCOMPARE(series[i].metric, all[i]);
                QCOMPARE(series[i].step, step);
                QVERIFY2(meansOf(series[i]) == std::vector{100.0 + double(i)}, all[i].name.c_str());
                QCOMPARE(series[i].points.front().high, 999.0);
            }
        }
        QCOMPARE(kept.events().size(), std::size_t{1});
        QCOMPARE(kept.events().front().told, std::string("The portal started"));
        // It goes on: in the series that are there, and with new ones.
        for (int second = 0; second < 61; ++second) {
            Snapshot snapshot = snapshotOf(kept.clock.wall(), 5);
            snapshot.queue.age = 0ms;
            snapshot.queue.queues = {{"celery", 4}};
            kept.history->record(snapshot);
            kept.clock.advance(1s);
        }
        kept.history.reset();
        Sql sql(kept.file());
        QCOMPARE(sql.number("PRAGMA user_version"), 3);
        QCOMPARE(sql.number("SELECT count(*) FROM points WHERE series < 26 AND low = 1 AND high = 999"), 52);
        QCOMPARE(sql.number("SELECT count(*) FROM points WHERE series = 0 AND step = 60"), 3); // memory's two besides
        QCOMPARE(sql.number("SELECT count(*) FROM series"), 27);
        QCOMPARE(sql.number("SELECT id FROM series WHERE name = 'queue_depth' AND labels = '{\"queue\":\"celery\"}'"),
                 1000);
        QCOMPARE(kept.setAside().size(), 0);
        QCOMPARE(kept.warnings(), std::size_t{0});
    }

    void labelsSurviveARestart()
    {
        Kept kept;
        const std::string odd = "caf\xc3\xa9 \"quoted\"\n{}";
        for (int second = 0; second < 90; ++second) {
            Snapshot snapshot = snapshotOf(kept.clock.wall(), 5);
            snapshot.queue.age = 0ms;
            snapshot.queue.queues = {{"celery", 4}, {odd, 2}};
            kept.history->record(snapshot);
            kept.clock.advance(1s);
        }
        for (const bool reopened : {false, true}) {
            if (reopened)
                kept.reopen();
            const auto series =
                kept.query({{Metric(metric::queueDepth)}, kept.clock.wall() - 5min, kept.clock.wall(), 2000}).value();
            QCOMPARE(series.size(), std::size_t{2});
            QVERIFY(series[0].metric == queueMetric(odd) && series[1].metric == queueMetric("celery"));
            QCOMPARE(series[0].step, 60s);
            QVERIFY((meansOf(series[0]) == std::vector{2.0, 2.0} && meansOf(series[1]) == std::vector{4.0, 4.0}));
            const auto one =
                kept.query({{queueMetric("celery"), queueMetric("none")}, kept.clock.wall() - 5min, kept.clock.wall()})
                    .value();
            QVERIFY(one[0] == series[1]);
            QVERIFY(one[1].metric == queueMetric("none") && one[1].points.empty());
        }
    }

    /// Minutes up to where somebody began to look, seconds from there on.
    void secondsFollowMinutes()
    {
        Kept kept;
        const auto record = [&kept](int seconds, std::uint64_t waiting) {
            for (int second = 0; second < seconds; ++second) {
                Snapshot snapshot = snapshotOf(kept.clock.wall(), 5);
                snapshot.queue.age = 0ms;
                snapshot.queue.queues = {{"celery", waiting}};
                kept.history->record(snapshot);
                kept.clock.advance(1s);
            }
        };
        const auto ask = [&kept] {
            return kept.query({{queueMetric("celery")}, kept.clock.wall() - 10min, kept.clock.wall() + 1s, 2000})
                .value()
                .front();
        };
        record(90, 4);
        QCOMPARE(ask().step, 60s);
        const WallTime looked = kept.clock.wall();
        record(40, 6);
        const Series series = ask();
        QCOMPARE(series.step, 1s);
        QCOMPARE(series.points.size(), std::size_t{42});
        QVERIFY(meansOf(series).front() == 4.0 && series.points[41].mean == 6.0);
        QCOMPARE(series.points[2].time, looked);
        for (std::size_t i = 1; i < series.points.size(); ++i)
            QVERIFY(!isGap(series.points[i - 1], series.points[i], series.step));
    }

    /// Others with every snapshot: neither the file nor memory grows with what somebody thinks up.
    void tenThousandLabelSets()
    {
        Kept kept;
        std::size_t most = 0;
        for (int round = 0; round < 40; ++round) {
            Snapshot snapshot = snapshotOf(kept.clock.wall(), 1000 + round);
            snapshot.queue.age = snapshot.families.age = 0ms;
            for (int i = 0; i < 10'000; ++i) {
                const std::string name = std::to_string(round) + "-" + std::to_string(i) + std::string(200, 'x');
                snapshot.queue.queues.push_back({name, 1});
                snapshot.families.families.push_back({name, {}, Estimate{7, 7, 7}, {}, {}, {}});
            }
            kept.history->record(snapshot);
            most = std::max(most, kept.history->bytesHeld());
            kept.clock.advance(10min);
            (void)kept.events(); // what is to be written, is
        }
        QVERIFY2(most < 1'000'000, std::to_string(most).c_str());
        const auto named =
            kept.query({{Metric(metric::queueDepth)}, kept.clock.wall() - 24h, kept.clock.wall(), 2000}).value();
        QVERIFY(named.size() <= 65 && named.size() > 32);
        double waiting = 0;
        const auto rest = std::ranges::find(named, queueMetric("other"), &Series::metric);
        QVERIFY(rest != named.end());
        waiting += rest->points.back().mean;
        QVERIFY(waiting >= 10'000 - 64 && waiting <= 10'000);
        kept.history.reset();
        Sql sql(kept.file());
        QVERIFY(sql.number("SELECT count(*) FROM series") <= 1001 + 400);
        QVERIFY(sql.number("SELECT max(length(labels)) FROM series") < 160);
        // Each of the snapshots told of 130 label sets at most, and each of these is in a minute and in an hour.
        QVERIFY(sql.number("SELECT count(*) FROM points") <= 40 * (2 * 65 + 1) * 2);
        const auto bytes = sql.number("PRAGMA page_count") * sql.number("PRAGMA page_size");
        QVERIFY2(bytes < 4'000'000, std::to_string(bytes).c_str());
        QCOMPARE(kept.warnings(), std::size_t{0});
    }

    void labelledPointsGoSooner()
    {
        Stored stored;
        const WallTime begin = stored.kept.clock.wall();
        stored.kept.clock.advance(24h * 3);
        stored.write({rowsOf(metric::sessions, begin, 1min, 3 * 1440), rowsOf(queueMetric("a"), begin, 1min, 3 * 1440),
                      rowsOf(queueMetric("gone"), begin, 1min, 600)});
        QCOMPARE(stored.count(metric::sessions, 60s), std::size_t{3 * 1440});
        QCOMPARE(stored.count(queueMetric("a"), 60s), std::size_t{2 * 1440});
        QCOMPARE(stored.count(queueMetric("gone"), 60s), std::size_t{0}); // none came after them
        QCOMPARE(stored.count(queueMetric("gone"), 3600s), std::size_t{10});
        stored.kept.clock.advance(24h * 88);
        stored.write({rowsOf(metric::sessions, begin + 24h * 3, 1h, 88 * 24),
                      rowsOf(queueMetric("a"), begin + 24h * 3, 1h, 88 * 24)});
        QCOMPARE(stored.count(queueMetric("a"), 3600s), std::size_t{90 * 24});
        QCOMPARE(stored.count(metric::sessions, 3600s), std::size_t{91 * 24});
        QCOMPARE(stored.count(queueMetric("gone"), 3600s), std::size_t{0});
        Sql sql(stored.file());
        QCOMPARE(sql.number("SELECT count(*) FROM series"), 2); // what has no points, is no series
    }

    /// As of those without a label: what a wrong clock takes for old stays.
    void aWrongClockTrimsNoLabels()
    {
        Stored stored;
        const WallTime begin = stored.kept.clock.wall();
        stored.kept.clock.advance(24h);
        stored.write({rowsOf(metric::sessions, begin, 1min, 1440), rowsOf(queueMetric("a"), begin, 1min, 1440)});
        stored.kept.clock.advance(24h * 365);
        stored.write({rowsOf(metric::sessions, stored.kept.clock.wall() - 2h, 1min, 120),
                      rowsOf(queueMetric("a"), stored.kept.clock.wall() - 2h, 1min, 120)});
        QCOMPARE(stored.count(queueMetric("a"), 60s), std::size_t{1440 + 120});
    }

    void latestSeriesStay()
    {
        Stored stored({.bytes = 200'000'000, .labelled = 20});
        const WallTime begin = stored.kept.clock.wall();
        stored.kept.clock.advance(24h);
        std::vector<SeriesRows> rows{rowsOf(metric::sessions, begin, 1min, 10)};
        for (int i = 0; i < 100; ++i)
            rows.push_back(rowsOf(queueMetric(std::to_string(i)), begin + std::chrono::minutes(i), 1min, 5));
        stored.write(rows);
        QCOMPARE(stored.count(metric::sessions, 60s), std::size_t{10});
        for (int i = 0; i < 100; ++i) {
            QCOMPARE(stored.count(queueMetric(std::to_string(i)), 60s), std::size_t(i < 80 ? 0 : 5));
            QCOMPARE(stored.count(queueMetric(std::to_string(i)), 3600s) > 0, i >= 80);
        }
        Sql sql(stored.file());
        QCOMPARE(sql.number("SELECT count(*) FROM series"), 21);
    }

    void theFileIsBounded()
    {
        constexpr std::uint64_t most = 600'000; // of about 1 MB
        Stored stored({.bytes = most, .labelled = 1000});
        const WallTime begin = stored.kept.clock.wall();
        stored.kept.clock.advance(24h);
        std::vector<SeriesRows> rows{rowsOf(metric::sessions, begin, 1min, 400)};
        for (int i = 0; i < 60; ++i)
            rows.push_back(rowsOf(queueMetric(std::to_string(i)), begin, 1min, 400));
        stored.write(rows);
        QCOMPARE(stored.count(metric::sessions, 60s), std::size_t{400});
        const std::size_t left = stored.count(queueMetric("7"), 60s);
        QVERIFY2(left >= 60 && left <= 360, std::to_string(left).c_str());
        QCOMPARE(stored.count(queueMetric("7"), 3600s), std::size_t{7}); // hours go last
        Sql sql(stored.file());
        const auto used =
            (sql.number("PRAGMA page_count") - sql.number("PRAGMA freelist_count")) * sql.number("PRAGMA page_size");
        QVERIFY2(used <= std::int64_t(most), std::to_string(used).c_str());
    }
};

QTEST_GUILESS_MAIN(HistoryFileTest)
#include "history_file_test.moc"
