// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/kept_series.h"

#include <QTest>
#include <algorithm>
#include <set>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

Metric queueMetric(const std::string &queue) { return {metric::queueDepth, {{"queue", queue}}}; }

/// Adds what it is told, a second after the other.
struct Recorder
{
    void add(const std::vector<Figure> &figures, std::chrono::seconds step = 1s)
    {
        const auto before = std::chrono::floor<std::chrono::minutes>(wall);
        kept.add(figures, wall, steady);
        wall += step;
        steady += step;
        if (std::chrono::floor<std::chrono::minutes>(wall) != before)
            kept.closeMinute();
    }
    std::size_t secondsOf(const Metric &metric) const { return kept.seconds(metric, {}, WallTime::max()).size(); }
    double lastOf(const Metric &metric) const { return kept.seconds(metric, {}, WallTime::max()).back().mean; }
    /// Of the minute under way and those that wait.
    double meanOf(const Metric &metric) const { return kept.unwritten(metric, 60s, {}, WallTime::max()).back().mean; }

    KeptSeries kept;
    WallTime wall{1000h};
    SteadyTime steady{1000h};
};

} // namespace

class KeptSeriesTest final : public QObject
{
    Q_OBJECT

private slots:
    void tenThousandLabelSets()
    {
        Recorder recorder;
        std::vector<Figure> figures{{metric::redisMemory, {}, 5}};
        for (int i = 0; i < 10'000; ++i)
            for (const MetricKind &kind : catalogue)
                if (!kind.label.empty())
                    figures.push_back({kind.name, "set " + std::to_string(i) + std::string(110, 'x'), 1});
        for (int i = 0; i < 3; ++i)
            recorder.add(figures);
        QVERIFY2(recorder.kept.count() <= KeptSeries::most, std::to_string(recorder.kept.count()).c_str());
        QVERIFY(recorder.kept.count() > KeptSeries::most / 2);
        QVERIFY(recorder.kept.bytes() < 1'000'000);
        for (const MetricKind &kind : catalogue) {
            if (kind.label.empty())
                continue;
            const auto sets = recorder.kept.labelSets(kind.name);
            QVERIFY2(sets.size() <= KeptSeries::mostOfName + 1, kind.name.data());
            const Metric rest(kind.name, {{std::string(kind.label), "other"}});
            QVERIFY2(std::ranges::find(sets, rest) != sets.end(), kind.name.data());
            // Nothing is lost of what adds up.
            const double others = 10'000 - double(sets.size() - 1);
            QCOMPARE(recorder.meanOf(rest), kind.merge == Merge::Sum ? others : 1.0);
        }
        // With everybody looking at all of them.
        for (const MetricKind &kind : catalogue)
            recorder.kept.ask({Metric(kind.name)}, recorder.steady);
        const std::vector<Figure> some(figures.begin(), figures.begin() + 2000);
        for (int i = 0; i < 590; ++i)
            recorder.add(some);
        QVERIFY(recorder.kept.count() <= KeptSeries::most);
        QVERIFY(recorder.kept.bytes() < 400 * (590 * sizeof(double) + 40 * sizeof(storage::HistoryRow) + 1500));
    }

    void roomIsMadeAfterAnHour()
    {
        Recorder recorder;
        for (std::size_t i = 0; i <= KeptSeries::mostOfName; ++i)
            recorder.add({{metric::queueDepth, std::to_string(i), 1}});
        QCOMPARE(recorder.kept.labelSets(metric::queueDepth).size(), KeptSeries::mostOfName + 1); // and "other"
        recorder.kept.closeMinute();
        recorder.kept.beginWriting();
        recorder.kept.written(true);
        recorder.wall += 1h;
        recorder.steady += 1h;
        recorder.add({{metric::queueDepth, "new", 1}});
        QVERIFY(recorder.kept.labelSets(metric::queueDepth) == std::vector{queueMetric("new")});
    }

    /// What waits to be written is not given up for room.
    void unwrittenOnesStay()
    {
        Recorder recorder;
        recorder.add({{metric::queueDepth, "a", 1}});
        recorder.kept.closeMinute();
        recorder.kept.beginWriting();
        recorder.kept.written(false);
        recorder.wall += 2h;
        recorder.steady += 2h;
        recorder.add({{metric::queueDepth, "b", 1}});
        QCOMPARE(recorder.kept.labelSets(metric::queueDepth).size(), std::size_t{2});
        const auto batch = recorder.kept.beginWriting();
        QCOMPARE(batch.size(), std::size_t{1});
        QVERIFY(batch.front().metric == queueMetric("a") && batch.front().rows.size() == 1);
    }

    void waitingIsBounded()
    {
        Recorder recorder;
        for (int i = 0; i < 2000; ++i) {
            recorder.add({{metric::queueDepth, "a", 1}, {metric::sessions, {}, 2}}, 60s);
            if (i % 10 == 0) {
                recorder.kept.beginWriting();
                recorder.kept.written(false);
            }
        }
        QCOMPARE(recorder.kept.unwritten(queueMetric("a"), 60s, {}, WallTime::max()).size(), std::size_t{60});
        QCOMPARE(recorder.kept.unwritten(metric::sessions, 60s, {}, WallTime::max()).size(), std::size_t{1440});
    }

    void secondsAreKeptOfWhatIsAsked()
    {
        Recorder recorder;
        const std::vector<Figure> figures{
            {metric::queueDepth, "a", 1}, {metric::queueDepth, "b", 2}, {metric::sessions, {}, 3}};
        for (int i = 0; i < 10; ++i)
            recorder.add(figures);
        QCOMPARE(recorder.secondsOf(metric::sessions), std::size_t{10});
        QCOMPARE(recorder.secondsOf(queueMetric("a")), std::size_t{0});
        QVERIFY(!recorder.kept.oldestSecond(queueMetric("a")));
        QCOMPARE(recorder.meanOf(queueMetric("a")), 1.0); // minutes are kept all the same

        recorder.kept.ask({queueMetric("a")}, recorder.steady);
        const WallTime from = recorder.wall;
        for (int i = 0; i < 600; ++i)
            recorder.add(figures);
        QCOMPARE(recorder.secondsOf(queueMetric("a")), std::size_t{600});
        QCOMPARE(recorder.secondsOf(queueMetric("b")), std::size_t{0});
        QCOMPARE(recorder.kept.oldestSecond(queueMetric("a")), std::optional(from));
        QVERIFY(recorder.kept.wasBefore(queueMetric("a")));
        recorder.add(figures); // ten minutes after the question
        QCOMPARE(recorder.secondsOf(queueMetric("a")), std::size_t{0});
        QCOMPARE(recorder.secondsOf(metric::sessions), std::size_t{611});
    }

    void newOnesOfAnAskedNameHaveSeconds()
    {
        Recorder recorder;
        recorder.kept.ask({Metric(metric::queueDepth)}, recorder.steady);
        recorder.add({});
        recorder.add({{metric::queueDepth, "late", 1}});
        recorder.add({});
        recorder.add({{metric::queueDepth, "late", 7}});
        QCOMPARE(recorder.secondsOf(queueMetric("late")), std::size_t{2});
        QCOMPARE(recorder.lastOf(queueMetric("late")), 7.0);
        QVERIFY(!recorder.kept.wasBefore(queueMetric("late")));
    }

    void secondsAreOfAnHour()
    {
        Recorder recorder;
        recorder.kept.ask({Metric(metric::queueDepth)}, recorder.steady);
        for (int i = 0; i < 5000; ++i) {
            if (i % 60 == 0)
                recorder.kept.ask({Metric(metric::queueDepth)}, recorder.steady);
            recorder.add({{metric::queueDepth, "a", double(i)}, {metric::sessions, {}, double(i)}});
        }
        for (const Metric &metric : {queueMetric("a"), Metric(metric::sessions)}) {
            const auto rows = recorder.kept.seconds(metric, {}, WallTime::max());
            QCOMPARE(rows.size(), std::size_t{3601});
            QCOMPARE(rows.back().mean, 4999.0);
            QCOMPARE(rows.back().time, recorder.wall - 1s);
            QCOMPARE(rows.front().time, recorder.wall - 3601s);
        }
    }

    /// Two that are called the same, as cut names may be, are one.
    void sameLabelsAreOneSeries()
    {
        Recorder recorder;
        recorder.add({{metric::queueDepth, "a", 2},
                      {metric::queueDepth, "a", 3},
                      {metric::routeP95, "r", 2},
                      {metric::routeP95, "r", 3}});
        QCOMPARE(recorder.meanOf(queueMetric("a")), 5.0);
        QCOMPARE(recorder.meanOf({metric::routeP95, {{"route", "r"}}}), 3.0);
    }

    void unknownNamesAreLeftOut()
    {
        Recorder recorder;
        recorder.add({{"no_metric", {}, 2}, {"no_metric", "x", 2}});
        QCOMPARE(recorder.kept.count(), std::size_t{0});
    }
};

QTEST_GUILESS_MAIN(KeptSeriesTest)
#include "kept_series_test.moc"
