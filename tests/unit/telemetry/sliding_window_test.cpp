// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/sliding_window.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>
#include <cmath>
#include <random>

using namespace portolan;
using namespace portolan::telemetry;
using namespace std::chrono_literals;

namespace {

/// The counters a route keeps, and its window.
struct Route
{
    void answer(std::chrono::nanoseconds took, unsigned times = 1) { latencies[latency::bucketOf(took)] += times; }
    void advance(const Clock &clock) { window.advance(clock.steady(), latencies, unanswered); }
    std::array<std::uint32_t, latency::bucketCount> latencies{};
    Unanswered unanswered;
    SlidingWindow window;
};

double exact(std::vector<double> values, double share)
{
    std::sort(values.begin(), values.end());
    return values[std::size_t(std::ceil(share * double(values.size()))) - 1];
}

} // namespace

class SlidingWindowTest final : public QObject
{
    Q_OBJECT

private slots:
    void bucketsCoverTheRangeWithoutGaps()
    {
        std::size_t last = 0;
        for (std::int64_t micros = 0; micros < 200'000'000; micros += 1 + micros / 3000) {
            const auto bucket = latency::bucketOf(std::chrono::microseconds(micros));
            QVERIFY(bucket == last || bucket == last + 1);
            QVERIFY(bucket < latency::bucketCount);
            last = bucket;
            if (micros < 134'000'000) {
                const double value = double(micros) * 1e-6;
                QVERIFY2(std::abs(latency::middleOf(bucket) - value) <= value * latency::relativeError + 0.51e-6,
                         qPrintable(QString::number(micros)));
            }
        }
        QCOMPARE(latency::bucketOf(-5ns), std::size_t{0});
        QCOMPARE(latency::bucketOf(24h), latency::bucketCount - 1);
    }

    void percentilesAreWithinTwoPercent_data()
    {
        QTest::addColumn<double>("median");
        QTest::addColumn<double>("spread");
        QTest::newRow("fast") << 300e-6 << 0.4;
        QTest::newRow("usual") << 20e-3 << 1.0;
        QTest::newRow("slow, long tail") << 0.9 << 1.3;
        QTest::newRow("all alike") << 5e-3 << 0.0001;
    }
    void percentilesAreWithinTwoPercent()
    {
        QFETCH(double, median);
        QFETCH(double, spread);
        std::mt19937 random(7);
        std::lognormal_distribution<double> distribution(std::log(median), spread);
        ManualClock clock;
        Route route;
        std::vector<double> values;
        for (int second = 0; second < 30; ++second) {
            for (int i = 0; i < 500; ++i) {
                const auto took = std::chrono::nanoseconds(std::llround(distribution(random) * 1e9));
                values.push_back(double(took.count()) * 1e-9);
                route.answer(took);
            }
            route.advance(clock);
            clock.advance(1s);
        }
        const WindowFigures figures = route.window.figures(clock.steady());
        QCOMPARE(figures.count, std::uint64_t{15'000});
        for (const auto &[share, value] : {std::pair{0.5, figures.p50}, {0.95, figures.p95}, {0.99, figures.p99}}) {
            const double wanted = exact(values, share);
            QVERIFY2(value && std::abs(*value - wanted) <= wanted * 0.02,
                     qPrintable(QString("%1: %2, not %3").arg(share).arg(value.value_or(-1)).arg(wanted)));
        }
    }

    void answersLeaveAfterTheSpan()
    {
        ManualClock clock;
        Route route;
        route.advance(clock);
        route.answer(1s, 10);
        route.unanswered = {3, 2, 1};
        clock.advance(1s);
        route.advance(clock);
        clock.advance(59s);
        route.advance(clock);
        QCOMPARE(route.window.figures(clock.steady()).count, std::uint64_t{10});
        QVERIFY(route.window.figures(clock.steady()).unanswered == (Unanswered{3, 2, 1}));
        route.answer(1ms, 5);
        clock.advance(1s);
        route.advance(clock);
        const WindowFigures left = route.window.figures(clock.steady());
        QCOMPARE(left.count, std::uint64_t{5});
        QVERIFY(left.unanswered == Unanswered());
        QVERIFY(*left.p99 < 0.0011);
        clock.advance(60s);
        QCOMPARE(route.window.figures(clock.steady()).count, std::uint64_t{0}); // though nobody advanced it
        QVERIFY(!route.window.figures(clock.steady()).p50);
        route.advance(clock);
        QVERIFY(route.window.empty());
    }

    void ratesUseTheTimeThatPassed()
    {
        ManualClock clock;
        Route route;
        route.advance(clock);
        clock.advance(10s);
        route.answer(1ms, 100);
        route.advance(clock);
        QCOMPARE(route.window.figures(clock.steady()).perSecond, 10.0);
    }

    void countersMayWrapAndBeLarge()
    {
        ManualClock clock;
        Route route;
        const auto bucket = latency::bucketOf(1ms);
        route.latencies[bucket] = 0xffffff00u;
        route.advance(clock);
        clock.advance(61s);
        route.advance(clock);
        route.latencies[bucket] += 200'000; // over the end of 32 bits, and over 16 bits within one slice
        clock.advance(1s);
        route.advance(clock);
        QCOMPARE(route.window.figures(clock.steady()).count, std::uint64_t{200'000});
        clock.advance(60s);
        route.advance(clock);
        QCOMPARE(route.window.figures(clock.steady()).count, std::uint64_t{0});
    }

    void mergesAsIfItWereOne()
    {
        ManualClock clock;
        Route fast;
        Route slow;
        fast.answer(1ms, 90);
        slow.answer(2s, 10);
        slow.unanswered.errors = 4;
        fast.unanswered = {1, 2, 3};
        fast.advance(clock);
        slow.advance(clock);
        const SlidingWindow *both[] = {&fast.window, &slow.window};
        const WindowFigures figures = SlidingWindow::merged(both, clock.steady());
        QCOMPARE(figures.count, std::uint64_t{100});
        QVERIFY(figures.unanswered == (Unanswered{5, 2, 3}));
        QVERIFY(*figures.p50 < 0.0011);
        QVERIFY(std::abs(*figures.p95 - 2) < 0.04);
    }
};

QTEST_GUILESS_MAIN(SlidingWindowTest)
#include "sliding_window_test.moc"
