// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/portal_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <ctime>
#include <stdexcept>
#include <thread>

using namespace portolan;
using namespace portolan::telemetry;
using namespace std::chrono_literals;

namespace {

bool has(const std::string &text, std::string_view line)
{
    return text.find(std::string(line) + "\n") != std::string::npos;
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif

/// What this thread has used of a CPU: other programs on the machine do not count.
std::chrono::nanoseconds ownTime()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

} // namespace

class RegistryTest final : public QObject
{
    Q_OBJECT

private slots:
    void countsFromManyThreadsWithoutLoss()
    {
        Registry registry;
        Counter &counter = registry.counter("portal_things_total", "Things");
        Histogram &histogram = registry.histogram("portal_time_seconds", "Time", {0.001, 1});
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < 20'000; ++n) {
                    counter.add();
                    histogram.observe(n % 2 ? 1ms : 2ms);
                }
            });
        for (auto &thread : threads)
            thread.join();
        QCOMPARE(counter.value(), std::uint64_t{160'000});
        const auto sums = histogram.sums();
        QCOMPARE(sums.cumulative, (std::vector<std::uint64_t>{80'000, 160'000, 160'000}));
        QVERIFY(std::abs(sums.seconds - 240) < 1e-6);
        QVERIFY(has(registry.text(), "portal_things_total 160000"));
    }

    void boundsLabels()
    {
        Registry registry;
        auto &family = registry.counters("portal_things_total", "Things", {"name", "state"}, 3);
        family.with({"a", "x"}).add();
        family.with({"b", "x"}).add();
        family.with({"c", "x"}).add();
        family.with({"d", "y"}).add();
        family.with({"a", "x"}).add();
        QCOMPARE(&family.with({"c", "x"}), &family.with({"e", "z"}));
        const std::string text = registry.text();
        QVERIFY(has(text, R"(portal_things_total{name="a",state="x"} 2)"));
        QVERIFY(has(text, R"(portal_things_total{name="other",state="other"} 2)"));
        QVERIFY(text.find(R"(name="c")") == std::string::npos);
        family.with({std::string(5000, 'q'), "x"});
        QVERIFY(registry.text().size() < 2000);
    }

    void refusesTakenAndMalformedNames()
    {
        Registry registry;
        registry.counter("portal_things_total", "Things");
        QVERIFY_EXCEPTION_THROWN(registry.counter("portal_things_total", "Again"), std::logic_error);
        QVERIFY_EXCEPTION_THROWN(registry.counter("no name", "Spaces"), std::logic_error);
        QVERIFY_EXCEPTION_THROWN(registry.counters("portal_x_total", "Label", {"a-b"}), std::logic_error);
    }

    void unknownGaugesHaveNoSample()
    {
        Registry registry;
        std::optional<double> value;
        registry.gauge("portal_level", "Level", {}, [&] { return value ? Samples{{{}, *value}} : Samples{}; });
        QVERIFY(registry.text().find("portal_level") == std::string::npos);
        value = 3;
        QVERIFY(has(registry.text(), "portal_level 3"));
    }

    void countsAnswers()
    {
        ManualClock clock;
        Registry registry;
        HttpMetrics metrics(registry, {{"GET", "/api/items/{id}"},
                                       {"POST", "/api/items/{id}"},
                                       {"GET", "/ws", true},
                                       {"GET", "/ready", false, true}});
        metrics.advance(clock.steady());
        for (int i = 0; i < 90; ++i)
            metrics.answered(0, i % 3 ? "GET" : "HEAD", 200, 10ms);
        metrics.answered(1, "POST", 503, 20ms);
        metrics.answered(1, "POST", 429, 20ms);
        metrics.answered(2, "GET", 101, 1h);
        metrics.answered(3, "GET", 503, 1ms); // what it is asked for
        metrics.answered(HttpMetrics::noRoute, "BREW", 418, 1ms);
        metrics.answered(HttpMetrics::noRoute, "GET", 99, 1ms);
        metrics.answered(HttpMetrics::noRoute, "GET", 404, 1ms);
        clock.advance(10s);
        metrics.advance(clock.steady());

        const std::string text = registry.text();
        QVERIFY(has(text, R"(portal_http_requests_total{method="GET",route="/api/items/{id}",status="200"} 60)"));
        QVERIFY(has(text, R"(portal_http_requests_total{method="HEAD",route="/api/items/{id}",status="200"} 30)"));
        QVERIFY(has(text, R"(portal_http_requests_total{method="POST",route="/api/items/{id}",status="503"} 1)"));
        QVERIFY(has(text, R"(portal_http_requests_total{method="other",route="other",status="4xx"} 1)"));
        QVERIFY(has(text, R"(portal_http_requests_total{method="GET",route="other",status="500"} 1)"));
        QVERIFY(has(text, R"(portal_http_request_duration_seconds_count{route="/api/items/{id}"} 92)"));
        QVERIFY(text.find(R"(_count{route="/ws"})") == std::string::npos);

        const HttpMetrics::Window window = metrics.window(clock.steady());
        QCOMPARE(window.all.count, std::uint64_t{97});
        QVERIFY(window.all.unanswered == (Unanswered{2, 1, 1})); // 418 is none of them
        QCOMPARE(window.timed, std::uint64_t{96});
        QVERIFY(*window.all.p99 < 0.03); // the stream's hour is not in it
        QCOMPARE(window.all.perSecond, 9.7);
        QCOMPARE(window.routes.size(), std::size_t{5});
        QCOMPARE(window.routes[0].figures.count, std::uint64_t{90});
    }

    void isCheapEnough()
    {
        Registry registry;
        HttpMetrics metrics(registry, {{"GET", "/health", false}});
        constexpr int rounds = 200'000;
        const auto begin = ownTime();
        for (int i = 0; i < rounds; ++i)
            metrics.answered(0, "GET", 200, std::chrono::microseconds(i % 1000));
        const auto each = (ownTime() - begin) / rounds;
        qInfo("answered(): %lld ns", static_cast<long long>(each.count()));
        QVERIFY(each < (instrumented ? 50us : 2us)); // 60,000 requests/s leave 16 µs each
    }
};

QTEST_GUILESS_MAIN(RegistryTest)
#include "registry_test.moc"
