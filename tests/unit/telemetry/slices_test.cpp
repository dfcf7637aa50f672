// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>
#include <map>
#include <random>

using namespace portolan;
using namespace portolan::telemetry;
using namespace std::chrono_literals;

class SlicesTest final : public QObject
{
    Q_OBJECT

private slots:
    void slicesHoldWhatTheWindowHolds()
    {
        std::mt19937 random(2);
        ManualClock clock;
        Registry registry;
        HttpMetrics metrics(registry, {{"GET", "/a"}, {"POST", "/b"}, {"GET", "/never"}, {"GET", "/ws", true}});
        const std::size_t rows[] = {0, 1, 3, HttpMetrics::noRoute};
        std::uint64_t answered = 0;
        for (int second = 0; second < 100; ++second) {
            for (int i = 0; i < 20; ++i, ++answered)
                metrics.answered(rows[random() % 4], "GET", random() % 2 ? 200 : 503,
                                 std::chrono::microseconds(random() % 100'000));
            metrics.advance(clock.steady());
            check(metrics, clock.steady());
            clock.advance(1s);
            check(metrics, clock.steady());
        }
        const TrafficSlices slices = metrics.slices(clock.steady());
        QCOMPARE(slices.answered, answered);
        QVERIFY(slices.covered == 60s);
        QCOMPARE(slices.slices.size(), std::size_t{59});
        QVERIFY(slices.slices.front().age == 1000ms && slices.slices.back().age == 59'000ms);
        QCOMPARE(slices.routes.size(), std::size_t{4});
        QVERIFY(slices.routes[2] == (TrafficSlices::Route{"GET", "/ws", true}));
        clock.advance(60s);
        QVERIFY(metrics.slices(clock.steady()).slices.empty());
        QCOMPARE(metrics.slices(clock.steady()).answered, answered);
    }

    void manyOfOneDurationAreOneHit()
    {
        ManualClock clock;
        Registry registry;
        HttpMetrics metrics(registry, {{"GET", "/a"}});
        for (int i = 0; i < 70'000; ++i) // more than the window keeps in one piece
            metrics.answered(0, "GET", 200, 10ms);
        metrics.advance(clock.steady());
        clock.advance(5s);
        const TrafficSlices slices = metrics.slices(clock.steady());
        QCOMPARE(slices.slices.size(), std::size_t{1});
        QVERIFY(slices.slices[0].parts[0].hits ==
                (std::vector<TrafficSlices::Hit>{{std::uint16_t(latency::bucketOf(10ms)), 70'000}}));
        QVERIFY(slices.covered == 5s);
    }

    void bucketsAreTakenTogether()
    {
        Buckets fast;
        Buckets slow;
        QVERIFY(!fast.percentile(0.5));
        fast.add(latency::bucketOf(1ms), 90);
        slow.add(latency::bucketOf(2s), 10);
        fast += slow;
        QCOMPARE(fast.total(), std::uint64_t{100});
        // Nearest rank: the 90th of 100 is still fast, the 91st is not.
        QCOMPARE(*fast.percentile(0.90), latency::middleOf(latency::bucketOf(1ms)));
        QCOMPARE(*fast.percentile(0.901), latency::middleOf(latency::bucketOf(2s)));
        QCOMPARE(*fast.percentile(0), latency::middleOf(latency::bucketOf(1ms)));
        QCOMPARE(*fast.percentile(1), latency::middleOf(latency::bucketOf(2s)));
        fast.remove(latency::bucketOf(2s), 10);
        QCOMPARE(*fast.percentile(1), latency::middleOf(latency::bucketOf(1ms)));
    }

private:
    static void check(const HttpMetrics &metrics, SteadyTime now)
    {
        const HttpMetrics::Window window = metrics.window(now);
        const TrafficSlices slices = metrics.slices(now);
        std::map<TrafficSlices::Route, std::pair<Buckets, Unanswered>> routes;
        for (const auto &slice : slices.slices) {
            QVERIFY(std::ranges::is_sorted(slice.parts, {}, &TrafficSlices::Part::route));
            for (const auto &part : slice.parts) {
                auto &[buckets, unanswered] = routes[slices.routes.at(part.route)];
                for (const auto &hit : part.hits)
                    buckets.add(hit.bucket, hit.count);
                unanswered += part.unanswered;
            }
        }
        QVERIFY(std::ranges::is_sorted(slices.slices, {}, &TrafficSlices::Slice::age));
        QCOMPARE(routes.size(), window.routes.size());
        for (const auto &[route, figures] : window.routes) {
            const auto &[buckets, unanswered] = routes.at({route->method, route->path, route->stream});
            QCOMPARE(buckets.total(), figures.count);
            QVERIFY(unanswered == figures.unanswered);
            QCOMPARE(buckets.percentile(0.95), figures.p95);
        }
    }
};

QTEST_GUILESS_MAIN(SlicesTest)
#include "slices_test.moc"
