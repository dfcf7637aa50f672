// SPDX-License-Identifier: GPL-3.0-or-later
// What another measured fills what is missing here, and nothing else.
#include "core/storage/history_fill.h"
#include "tests/fakes/sqlite_file.h"
#include "tests/unit/monitor/history_fixture.h"

#include <QRegularExpression>
#include <QTest>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;
using portolan::storage::HistoryFill;
using portolan::storage::HistoryRow;
using portolan::storage::missingOf;

namespace {

const WallTime noon{1'767'268'800s};

HistoryRow row(int from, int until, double value = 2, std::uint32_t count = 0)
{
    const auto time = noon + std::chrono::seconds(from);
    return {time - time.time_since_epoch() % 1min,
            value - 1,
            value + 1,
            value,
            count ? count : std::uint32_t(until - from + 1),
            time,
            noon + std::chrono::seconds(until)};
}

storage::Filled fill(Kept &kept, std::vector<HistoryRow> rows, std::chrono::seconds step, WallTime from, WallTime to)
{
    HistoryFill missing;
    missing.step = step;
    missing.from = from;
    missing.to = to;
    missing.series = {{metric::redisMemory, std::move(rows)}};
    return runSync<Result<storage::Filled>>(
               kept.runtime.at(0), [&]() -> awaitable<Result<storage::Filled>> { return kept.history->fill(missing); })
        .value();
}

/// Minutes of a time, all of the same value, as another has them.
std::vector<HistoryRow> minutesOf(WallTime from, WallTime to, double value)
{
    std::vector<HistoryRow> rows;
    for (WallTime time = from - from.time_since_epoch() % 1min; time < to; time += 1min)
        rows.push_back({time, value, value, value, 60, time, time + 59s});
    return rows;
}

std::vector<Missed> missed(Kept &kept)
{
    return runSync<Result<std::vector<Missed>>>(
               kept.runtime.at(0),
               [&]() -> awaitable<Result<std::vector<Missed>>> { return kept.history->takeMissed(); })
        .value();
}

/// The longest time between two points in which nothing was known.
std::chrono::seconds longestGap(const Series &series)
{
    WallTime::duration longest{0};
    for (std::size_t i = 1; i < series.points.size(); ++i)
        if (isGap(series.points[i - 1], series.points[i], series.step))
            longest = std::max(longest, beginOf(series.points[i]) - endOf(series.points[i - 1], series.step));
    return std::chrono::duration_cast<std::chrono::seconds>(longest);
}

} // namespace

class HistoryFillTest final : public QObject
{
    Q_OBJECT

private slots:
    void takesWhatIsMissing_data()
    {
        QTest::addColumn<QString>("known"); // from-until in seconds
        QTest::addColumn<QString>("missing");
        QTest::newRow("all of it") << ""
                                   << "0-59";
        QTest::newRow("nothing") << "0-59"
                                 << "";
        QTest::newRow("what follows") << "0-20"
                                      << "21-59";
        QTest::newRow("what was before") << "40-59"
                                         << "0-39";
        QTest::newRow("what lies between") << "0-20 40-59"
                                           << "21-39";
        QTest::newRow("both ends") << "20-40"
                                   << "0-19 41-59";
        QTest::newRow("other minutes do not count") << "-60--1 60-119"
                                                    << "0-59";
        QTest::newRow("what reaches into it does") << "-10-5 58-70"
                                                   << "6-57";
        QTest::newRow("in any order") << "40-59 0-20"
                                      << "21-39";
        QTest::newRow("a second is no gap") << "0-20 21-59"
                                            << "";
    }
    void takesWhatIsMissing()
    {
        QFETCH(QString, known);
        QFETCH(QString, missing);
        std::vector<HistoryRow> there;
        static const QRegularExpression span("(-?\\d+)-(-?\\d+)");
        for (auto found = span.globalMatch(known); found.hasNext();) {
            const auto one = found.next();
            there.push_back(row(one.captured(1).toInt(), one.captured(2).toInt()));
        }
        QStringList pieces;
        std::uint32_t count = 0;
        for (const HistoryRow &piece : missingOf(row(0, 59), there, 1min)) {
            pieces << QString("%1-%2").arg((*piece.first - noon) / 1s).arg((*piece.last - noon) / 1s);
            count += piece.count;
            QVERIFY(piece.low == 1 && piece.high == 3 && piece.mean == 2);
            QCOMPARE(piece.count, std::uint32_t((*piece.last - *piece.first) / 1s + 1));
        }
        QCOMPARE(pieces.join(' '), missing);
        QVERIFY(count <= 60);
    }

    void rowsOfAnEarlierVersionAreWhole()
    {
        HistoryRow old = row(0, 59);
        old.first = old.last = std::nullopt;
        QVERIFY(missingOf(row(5, 50), {old}, 1min).empty());
        QCOMPARE(missingOf(old, {}, 1min).size(), std::size_t{1});
    }

    void aRestartLeavesNoGap()
    {
        Kept kept;
        kept.clock.advance(20s); // within a minute
        kept.record(1s, std::vector<double>(100, 5));
        const WallTime stopped = kept.clock.wall();
        kept.reopen();
        kept.clock.advance(200s);
        const WallTime back = kept.clock.wall();
        kept.record(1s, std::vector<double>(12, 5));
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QCOMPARE(*gaps[0].from, stopped - 1s);
        QCOMPARE(gaps[0].to, back);
        QVERIFY(missed(kept).empty());
        QVERIFY(longestGap(kept.memory(400s)) > 150s);

        const auto rows = minutesOf(stopped - 5min, kept.clock.wall(), 7);
        const auto filled = fill(kept, rows, 1min, *gaps[0].from, kept.clock.wall());
        QVERIFY(filled.rows >= 4);
        kept.history->filled(*gaps[0].from, kept.clock.wall());
        QCOMPARE(fill(kept, rows, 1min, *gaps[0].from, kept.clock.wall()).rows, std::uint64_t{0});
        kept.record(1s, std::vector<double>(30, 5));
        for (int again = 0; again < 2; ++again) { // as it is now, and of the file alone
            const auto series = kept.memory(340s);
            QCOMPARE(longestGap(series), 0s);
            for (const Point &point : series.points) {
                if (endOf(point, series.step) <= stopped - 20s)
                    QCOMPARE(point.mean, 5.0); // its own are as they were
                if (beginOf(point) > stopped + 1min && endOf(point, series.step) < back - 1min)
                    QCOMPARE(point.mean, 7.0);
            }
            kept.reopen();
        }
    }

    void soDoesAHang()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(330, 5));
        (void)missed(kept);
        const WallTime hung = kept.clock.wall() - 1s;
        kept.clock.advance(25s);
        kept.record(1s, std::vector<double>(3, 5));
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QCOMPARE(*gaps[0].from, hung);
        QCOMPARE(longestGap(kept.memory(200s)), 25s);
        QVERIFY(fill(kept, minutesOf(hung - 5min, kept.clock.wall(), 7), 1min, hung, kept.clock.wall()).rows > 0);
        kept.history->filled(hung, kept.clock.wall());
        kept.record(1s, std::vector<double>(90, 5));
        const auto series = kept.memory(300s);
        QCOMPARE(longestGap(series), 0s);
        qsizetype seconds = 0; // of before and of after
        for (const Point &point : series.points) {
            const bool lies = beginOf(point) > hung && endOf(point, 1s) <= hung + 26s;
            seconds += lies ? 0 : 1;
            QVERIFY(lies ? point.mean > 5 : point.mean == 5);
        }
        QCOMPARE(seconds, 275);
        // Of a part of the hole, and merged.
        QCOMPARE(kept.query({{metric::redisMemory}, hung + 5s, hung + 10s, 2000}).value().front().points.size(),
                 std::size_t{1});
        const auto few = kept.memory(300s, 60);
        QVERIFY(few.points.size() <= 60);
        QCOMPARE(longestGap(few), 0s);
        kept.reopen();
        QCOMPARE(longestGap(kept.memory(300s)), 0s);
    }

    void aBriefPauseIsNoGap()
    {
        Kept kept;
        kept.record(1s, {5, 5});
        (void)missed(kept);
        kept.clock.advance(3s);
        kept.record(1s, {5});
        QVERIFY(missed(kept).empty());
    }

    /// It began after what another has of the minute, who has nothing of what lies between either.
    void whatNobodyMeasuredStaysUnknown_data()
    {
        QTest::addColumn<int>("recorded"); // seconds, from the 40th of a minute on
        QTest::newRow("while the minute is under way") << 10;
        QTest::newRow("when it is written") << 100;
    }
    void whatNobodyMeasuredStaysUnknown()
    {
        QFETCH(int, recorded);
        Kept kept;
        const WallTime minute = kept.clock.wall();
        const auto gap = [&] {
            return longestGap(kept.query({{metric::redisMemory}, minute, minute + 2min, 2000, 60s}).value().front());
        };
        kept.clock.advance(40s);
        kept.record(1s, std::vector<double>(std::size_t(recorded), 5));
        const auto take = [&](std::chrono::seconds first, std::chrono::seconds last) {
            const HistoryRow row{minute, 7, 7, 7, 6, minute + first, minute + last};
            return fill(kept, {row}, 1min, minute, minute + 1min).rows;
        };
        QCOMPARE(take(5s, 10s), std::uint64_t{1});
        QCOMPARE(gap(), 29s);
        QCOMPARE(take(20s, 25s), std::uint64_t{1});
        QCOMPARE(gap(), 14s);
        QCOMPARE(take(5s, 25s), std::uint64_t{1}); // what was between these two is told late
        QCOMPARE(gap(), 14s);
        kept.reopen();
        QCOMPARE(gap(), 14s);
        QCOMPARE(take(26s, 39s), std::uint64_t{1});
        QCOMPARE(gap(), 0s);
    }

    /// It was measured while the clock was fast.
    void whatIsAheadOfTheClockIsNotTheLast()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(130, 5));
        const WallTime last = kept.clock.wall() - 1s;
        kept.clock.jump(2h);
        kept.record(1s, std::vector<double>(130, 5));
        kept.clock.jump(-2h);
        kept.history.reset();
        kept.clock.advance(10min);
        kept.reopen();
        kept.record(1s, {5});
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QCOMPARE(gaps[0].from.value(), last);
    }

    void aFileThatIsSetAsideMissesAll()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(200, 5));
        QCOMPARE(missed(kept).size(), std::size_t{1});
        QVERIFY(damage(kept.file()));
        kept.record(1s, std::vector<double>(70, 5)); // a minute of it is written
        QCOMPARE(kept.memory(1h).points.empty(), false);
        QCOMPARE(kept.setAside().size(), 1);
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QVERIFY(!gaps[0].from && !gaps[0].atStart);
        QCOMPARE(gaps[0].to, kept.clock.wall());
        QVERIFY(missed(kept).empty());
        QVERIFY(fill(kept, minutesOf(gaps[0].to - 3h, gaps[0].to, 7), 1min, WallTime(), gaps[0].to).rows > 170);
        QCOMPARE(longestGap(kept.memory(3h)), 0s);
        QCOMPARE(kept.memory(60s).points.size(), std::size_t{60}); // seconds are in no file
    }

    /// Somebody else has locked it: what comes from others does not wait for it as long as what is written.
    void aLockedFileIsNotWaitedForLong()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(70, 5));
        QCOMPARE(missed(kept).size(), std::size_t{1});
        HistoryFill rows;
        rows.from = kept.clock.wall() - 1h;
        rows.to = kept.clock.wall();
        rows.series = {{metric::redisMemory, minutesOf(rows.from, rows.to, 7)}};
        const auto put = [&] {
            return runSync<Result<storage::Filled>>(
                kept.runtime.at(0), [&]() -> awaitable<Result<storage::Filled>> { return kept.history->fill(rows); });
        };
        std::optional<Error> refused;
        std::chrono::steady_clock::duration took{0};
        Sql(kept.file()).whileLocked([&] {
            const auto begin = std::chrono::steady_clock::now();
            const auto filled = put();
            took = std::chrono::steady_clock::now() - begin;
            refused = filled ? std::nullopt : std::optional(filled.error());
        });
        QVERIFY(refused && refused->kind == ErrorKind::Timeout);
        QVERIFY2(took < 20s, std::to_string(took / 1ms).c_str());
        QVERIFY(put().value().rows > 50);
    }

    /// Rates are known ten seconds later only.
    void aBriefRestartIsOne()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(70, 5));
        const WallTime last = kept.clock.wall() - 1s;
        kept.reopen();
        kept.clock.advance(1s);
        kept.record(1s, {5});
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QVERIFY(gaps[0].atStart);
        QCOMPARE(*gaps[0].from, last);
        HistoryFill rates;
        rates.from = last;
        rates.to = last + 12s;
        rates.series = {{metric::requestRate, minutesOf(last - 1min, last + 12s, 7)}};
        const auto put = runSync<Result<storage::Filled>>(
            kept.runtime.at(0), [&]() -> awaitable<Result<storage::Filled>> { return kept.history->fill(rates); });
        QVERIFY(put && put->rows > 0);
    }

    void anEmptyFileMissesAll()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(5, 5));
        const auto gaps = missed(kept);
        QCOMPARE(gaps.size(), std::size_t{1});
        QVERIFY(!gaps[0].from);
    }

    void hoursAreFilledUp()
    {
        Kept kept;
        kept.record(1s, std::vector<double>(600, 5)); // from midnight on
        const WallTime midnight = kept.clock.wall() - 600s;
        const HistoryRow hour{midnight, 1, 9, 8, 3600, midnight, midnight + 3599s};
        const HistoryRow before{midnight - 1h, 1, 9, 8, 3600, midnight - 1h, midnight - 1s};
        kept.clock.advance(2h);
        kept.reopen();
        const auto filled = fill(kept, {before, hour}, 1h, midnight - 2h, kept.clock.wall());
        QCOMPARE(filled.rows, std::uint64_t{2});
        QCOMPARE(fill(kept, {before, hour}, 1h, midnight - 2h, kept.clock.wall()).rows, std::uint64_t{0});
        const auto series = kept.query({{metric::redisMemory}, midnight - 1h, midnight + 1h, 2000, 3600s}).value();
        QCOMPARE(series.front().points.size(), std::size_t{2});
        QCOMPARE(series.front().points[0].mean, 8.0);
        QCOMPARE(series.front().points[1].mean, (600 * 5.0 + 3000 * 8.0) / 3600);
    }

    void nothingOutsideOfTheGapIsTaken()
    {
        Kept kept;
        kept.record(1s, {5});
        const WallTime now = kept.clock.wall();
        const auto filled = fill(kept, minutesOf(now - 1h, now + 1h, 7), 1min, now - 10min, now - 5min);
        QVERIFY(filled.rows >= 5 && filled.rows <= 6);
        QVERIFY(*filled.last < now - 5min);
        const auto series = kept.query({{metric::redisMemory}, now - 2h, now - 10min, 2000, 60s}).value();
        for (const Point &point : series.front().points)
            QVERIFY(endOf(point, 60s) > now - 10min);
    }
};

QTEST_GUILESS_MAIN(HistoryFillTest)
#include "history_fill_test.moc"
