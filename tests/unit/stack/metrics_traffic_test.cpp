// SPDX-License-Identifier: GPL-3.0-or-later
#include "metrics_pages.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>
#include <cmath>

using namespace portolan;
using namespace portolan::stack;
using namespace portolan::test;
using namespace std::chrono_literals;

namespace {

/// Feeds pages to a reader at a pace, as long as it takes until it believes that they are of one process.
class Scrapes final
{
public:
    explicit Scrapes(SeriesMaps maps, std::chrono::seconds every = 15s)
        : m_maps(std::move(maps)), m_every(every), m_reader(m_maps, every)
    {}
    void take(const std::string &text)
    {
        m_clock.advance(m_every);
        auto page = pageOf(text, m_maps);
        page.server = m_server;
        m_reader.take(page, m_clock.steady());
    }
    void settleOn(const std::string &text)
    {
        for (unsigned page = 0; page < ProcessWatch::enough; ++page)
            take(text);
    }
    void wait(std::chrono::seconds time) { m_clock.advance(time); }
    void ofServer() { m_server = true; }
    MetricsFigures figures() const { return m_reader.figures(); }
    const TrafficReader &reader() const { return m_reader; }

private:
    const SeriesMaps m_maps;
    const std::chrono::seconds m_every;
    ManualClock m_clock;
    TrafficReader m_reader;
    bool m_server = false;
};

bool near(std::optional<double> value, double expected) { return value && std::abs(*value - expected) < 1e-9; }

const NotTold *untold(const MetricsFigures &figures, const char *reason)
{
    const auto found = std::ranges::find(figures.notTold, reason, &NotTold::reason);
    return found == figures.notTold.end() ? nullptr : &*found;
}

const RouteFigures *routeOf(const MetricsFigures &figures, const std::string &route)
{
    const auto found = std::ranges::find(figures.http.routes, route, &RouteFigures::route);
    return found == figures.http.routes.end() ? nullptr : &*found;
}

SeriesMaps own(MetricsMap names)
{
    SeriesMap map;
    map.names = std::move(names);
    return {map};
}

MetricsMap plain()
{
    MetricsMap map;
    map.requests = "requests_total";
    map.status = "status";
    return map;
}

std::string counted(std::uint64_t good, std::uint64_t bad = 0)
{
    return "requests_total{status=\"200\"} " + std::to_string(good) + "\nrequests_total{status=\"503\"} " +
           std::to_string(bad) + '\n';
}

} // namespace

class MetricsTrafficTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsDjango();
    void readsNginx();
    void readsFlask();
    void readsStarlette_data();
    void readsStarlette();
    void readsStatsd();
    void tellsNothingOfAFewRequests();
    void tellsNothingBeforeItHasSeenEnough();
    void countsOnThroughARestart();
    void countsWhatAppearsFromZero();
    void beginsAnewWhereNothingIsKnown();
    void holdsAMinuteOrFourPages();
    void forgetsAcrossALongGap();
    void takesTheWorstOfSeveralSummaries();
    void sumsNoDifferentBuckets();
    void doesWithoutTheLastBucket();
    void readsMilliseconds();
    void countsErrorsOfACounterOfTheirOwn();
    void leavesOutWhatIsNoCount();
    void countsTheLastOfASeriesThatIsThereTwice();
    void followsTheTimesOfAServer();
};

void MetricsTrafficTest::readsDjango()
{
    Scrapes scrapes(readyMap("django-prometheus"));
    scrapes.settleOn(recorded("django-prometheus-2.2-first"));
    scrapes.take(recorded("django-prometheus-2.2-second"));
    const auto figures = scrapes.figures();
    const auto &http = figures.http;
    QCOMPARE(http.unknown, Unknown::No);
    QCOMPARE(http.traffic.requests, 47u); // what the sample's first line says
    QCOMPARE(http.traffic.errors, 4u);
    QCOMPARE(http.traffic.notFound, 2u);
    QCOMPARE(http.traffic.refused, 0u);
    QCOMPARE(figures.window, 60'000ms);
    QVERIFY(near(http.traffic.perSecond, 47.0 / 60));
    QVERIFY(near(http.errorRate, 4.0 / 47));
    QVERIFY(near(figures.cacheHits, 0.75));
    QCOMPARE(figures.times, TimesFrom::Buckets);
    QVERIFY(near(http.traffic.p50, 0.01 + 0.015 * 18.5 / 32));
    QVERIFY(near(http.traffic.p95, 0.05 + 0.025 * (44.65 - 37) / 8));
    QVERIFY(near(http.traffic.p99, 0.1 + 0.15 * (46.53 - 45) / 2));
    QVERIFY(near(figures.p50->width(), 0.015));
    QVERIFY(near(figures.p99->width(), 0.15));
    QVERIFY(figures.notTold.empty());
    QCOMPARE(http.routes.front().route, std::string("page"));
    QCOMPARE(http.routes.front().method, std::string("GET"));
    QCOMPARE(http.routes.front().traffic.requests, 40u);
    QVERIFY(near(http.routes.front().traffic.p50, 0.01 + 0.015 * (20.0 - 0) / 30));
    QCOMPARE(routeOf(figures, "broken")->traffic.errors, 4u);
    QVERIFY(!routeOf(figures, "broken")->traffic.p50); // too few of them
    QCOMPARE(routeOf(figures, "<unnamed view>")->traffic.notFound, 2u);
    QVERIFY(!routeOf(figures, "put")); // nobody asked it in between
}

void MetricsTrafficTest::readsNginx()
{
    Scrapes scrapes(readyMap("nginx-exporter"));
    const std::string page = recorded("nginx-exporter-0.11");
    scrapes.settleOn(page);
    std::string later = page;
    later.replace(later.find("nginx_http_requests_total 9"), 27, "nginx_http_requests_total 69");
    scrapes.take(later);
    const auto figures = scrapes.figures();
    QCOMPARE(figures.http.unknown, Unknown::No);
    QCOMPARE(figures.http.traffic.requests, 60u);
    QVERIFY(near(figures.http.traffic.perSecond, 1));
    QCOMPARE(figures.http.connections, std::optional<std::uint64_t>(1));
    QVERIFY(!figures.http.errorRate); // it knows no status: unknown, not zero
    QVERIFY(!figures.http.traffic.p95);
    QVERIFY(untold(figures, untold_traffic::noStatus));
    QVERIFY(untold(figures, untold_traffic::noTimes));
    QCOMPARE(figures.times, TimesFrom::Nowhere);

    // While nginx is down its exporter has none of it.
    scrapes.take(recorded("nginx-exporter-0.11-down"));
    scrapes.take(later);
    QCOMPARE(scrapes.figures().http.unknown, Unknown::No);
    Scrapes down(readyMap("nginx-exporter"));
    down.settleOn(recorded("nginx-exporter-0.11-down"));
    QCOMPARE(down.figures().http.unknown, Unknown::NotYet);
    QCOMPARE(untold(down.figures(), untold_traffic::noSeries)->about, std::string("nginx_http_requests_total"));
    down.take(page); // and what it has counted so far did not happen since the last page
    down.take(page);
    for (unsigned more = 0; more < ProcessWatch::enough; ++more)
        down.take(page);
    QCOMPARE(down.figures().http.unknown, Unknown::No);
    QCOMPARE(down.figures().http.traffic.requests, 0u);
}

void MetricsTrafficTest::readsFlask()
{
    Scrapes scrapes(readyMap("prometheus-flask-exporter"));
    scrapes.settleOn(recorded("flask-exporter-first"));
    scrapes.take(recorded("flask-exporter-second"));
    const auto figures = scrapes.figures();
    QCOMPARE(figures.http.traffic.requests, 60u);
    QCOMPARE(figures.http.traffic.errors, 20u);
    QVERIFY(near(figures.http.errorRate, 1.0 / 3));
    QVERIFY(near(figures.http.traffic.p50, 0.05 + 0.025 * 10 / 20)); // 20 ≤ 0.05, 20 ≤ 0.075, 20 ≤ 0.5
    QCOMPARE(routeOf(figures, "/")->traffic.requests, 40u);
    QCOMPARE(routeOf(figures, "/buy")->traffic.errors, 20u);
    QVERIFY(near(routeOf(figures, "/buy")->traffic.p50, 0.25 + 0.25 / 2));
    QVERIFY(figures.notTold.empty());
}

void MetricsTrafficTest::readsStarlette_data()
{
    QTest::addColumn<QString>("library");
    QTest::newRow("starlette_exporter") << "starlette-exporter";
    QTest::newRow("starlette-prometheus") << "starlette-prometheus";
}

void MetricsTrafficTest::readsStarlette()
{
    QFETCH(QString, library);
    Scrapes scrapes(readyMap("starlette"));
    scrapes.settleOn(recorded(library.toStdString() + "-first"));
    scrapes.take(recorded(library.toStdString() + "-second"));
    const auto figures = scrapes.figures();
    QCOMPARE(figures.http.traffic.requests, 60u);
    QCOMPARE(figures.http.traffic.errors, 20u);
    QCOMPARE(figures.http.traffic.notFound, 20u);
    QVERIFY(near(figures.http.traffic.p99, 1 + 1.5 * (59.4 - 40) / 20));
    QCOMPARE(routeOf(figures, "/items/{id}")->traffic.requests, 40u);
    QVERIFY(figures.notTold.empty());
}

void MetricsTrafficTest::readsStatsd()
{
    Scrapes scrapes(readyMap("statsd"));
    scrapes.settleOn(recorded("statsd-first"));
    scrapes.take(recorded("statsd-second"));
    const auto figures = scrapes.figures();
    QCOMPARE(figures.http.traffic.requests, 60u);
    QCOMPARE(figures.http.traffic.errors, 3u);
    QCOMPARE(figures.http.traffic.refused, 2u);
    QVERIFY(near(figures.http.traffic.p50, 0.004));
    QVERIFY(near(figures.http.traffic.p99, 0.012));
    QVERIFY(!figures.http.traffic.p95); // 0.9 is not 0.95
    QCOMPARE(untold(figures, untold_traffic::quantiles)->about, std::string("0.95"));
    QCOMPARE(figures.times, TimesFrom::Summary);
}

void MetricsTrafficTest::tellsNothingOfAFewRequests()
{
    MetricsMap map = plain();
    map.histogram = "took";
    Scrapes scrapes(own(map));
    const auto page = [](int requests) {
        return counted(std::uint64_t(requests)) + "took_bucket{le=\"0.1\"} " + std::to_string(requests) +
               "\ntook_bucket{le=\"+Inf\"} " + std::to_string(requests) + '\n';
    };
    scrapes.settleOn(page(0));
    scrapes.take(page(19));
    auto figures = scrapes.figures();
    QCOMPARE(figures.http.unknown, Unknown::No);
    QCOMPARE(figures.http.traffic.requests, 19u);
    QVERIFY(!figures.http.errorRate && !figures.http.traffic.p50 && !figures.p50);
    scrapes.take(page(20));
    figures = scrapes.figures();
    QCOMPARE(figures.http.errorRate, std::optional(0.0));
    QVERIFY(near(figures.http.traffic.p50, 0.05));
}

void MetricsTrafficTest::tellsNothingBeforeItHasSeenEnough()
{
    Scrapes scrapes(own(plain()));
    QCOMPARE(scrapes.figures().http.unknown, Unknown::NotYet);
    for (unsigned page = 1; page < ProcessWatch::enough; ++page) {
        scrapes.take(counted(100 * page));
        QCOMPARE(scrapes.figures().http.unknown, Unknown::NotYet);
    }
    scrapes.take(counted(100 * ProcessWatch::enough));
    QCOMPARE(scrapes.figures().http.unknown, Unknown::No);
    QCOMPARE(scrapes.figures().http.traffic.requests, 400u); // four pages of 15 s
}

/// The process says when it began, which is after the last page of the one before it.
void MetricsTrafficTest::countsOnThroughARestart()
{
    const SeriesMaps maps = own(plain());
    TrafficReader reader(maps, 15s);
    ManualClock clock;
    const auto take = [&](std::uint64_t count, double start, double far) {
        clock.advance(15s);
        auto page = pageOf(counted(count) + "process_start_time_seconds " + std::to_string(start) + '\n', maps);
        page.far = far;
        reader.take(page, clock.steady());
    };
    for (unsigned page = 0; page < 8; ++page)
        take(1000 + 10 * page, 5000, 6000 + 15 * page);
    QCOMPARE(reader.figures().http.traffic.requests, 40u);
    take(7, 6112, 6120);
    QCOMPARE(reader.figures().http.unknown, Unknown::No);
    QCOMPARE(reader.figures().http.traffic.requests, 37u); // 3 pages of 10, and 7 since it began anew
    take(17, 6112, 6135);
    QCOMPARE(reader.figures().http.traffic.requests, 37u);
}

void MetricsTrafficTest::countsWhatAppearsFromZero()
{
    Scrapes scrapes(own(plain()));
    scrapes.settleOn("requests_total{status=\"200\"} 50\n");
    scrapes.take(counted(50, 30)); // the first answers of that status
    QCOMPARE(scrapes.figures().http.traffic.requests, 30u);
    QCOMPARE(scrapes.figures().http.errorRate, std::optional(1.0));

    // The first of its name, of a process that says that it is the same: it had nothing to count before.
    MetricsMap map = plain();
    map.cacheHits = "hits_total";
    map.cacheMisses = "misses_total";
    const std::string begun = "process_start_time_seconds 5000\n";
    Scrapes known(own(map));
    known.settleOn(begun + counted(50) + "misses_total{backend=\"a\"} 7\n");
    known.take(begun + counted(150) + "misses_total{backend=\"a\"} 17\nhits_total{backend=\"a\"} 30\n");
    QCOMPARE(known.figures().http.traffic.requests, 100u);
    QCOMPARE(known.figures().cacheHits, std::optional(0.75));

    // Else it may have been there for long: neither it nor what belongs to it is told of that time.
    Scrapes unknown(own(map));
    unknown.settleOn(counted(50) + "misses_total{backend=\"a\"} 7\n");
    unknown.take(counted(150) + "misses_total{backend=\"a\"} 17\nhits_total{backend=\"a\"} 30\n");
    QCOMPARE(unknown.figures().http.unknown, Unknown::NotYet);
    unknown.take(counted(250) + "misses_total{backend=\"a\"} 37\nhits_total{backend=\"a\"} 50\n");
    QCOMPARE(unknown.figures().http.traffic.requests, 100u);
    QCOMPARE(unknown.figures().cacheHits, std::optional(0.5));
}

void MetricsTrafficTest::beginsAnewWhereNothingIsKnown()
{
    Scrapes scrapes(own(plain()));
    scrapes.settleOn(counted(5000));
    scrapes.take(counted(20)); // began anew, or another process: nobody says
    QCOMPARE(scrapes.figures().http.unknown, Unknown::NotYet);
    for (unsigned page = 1; page < ProcessWatch::enough; ++page)
        scrapes.take(counted(20 + 10 * page));
    QCOMPARE(scrapes.figures().http.unknown, Unknown::No);
    QCOMPARE(scrapes.figures().http.traffic.requests, 40u);
}

void MetricsTrafficTest::holdsAMinuteOrFourPages()
{
    Scrapes often(own(plain()), 1s);
    for (unsigned page = 0; page < 200; ++page)
        often.take(counted(10 * page));
    QCOMPARE(often.figures().window, 60'000ms);
    QCOMPARE(often.figures().http.traffic.requests, 600u);
    Scrapes seldom(own(plain()), 60s);
    for (unsigned page = 0; page < 20; ++page)
        seldom.take(counted(600 * page));
    QCOMPARE(seldom.figures().window, 240'000ms);
    QCOMPARE(seldom.figures().http.traffic.requests, 2400u);
    QVERIFY(near(seldom.figures().http.traffic.perSecond, 10));
}

void MetricsTrafficTest::forgetsAcrossALongGap()
{
    Scrapes scrapes(own(plain()));
    scrapes.settleOn(counted(100));
    scrapes.wait(60s); // a page that failed three times and more
    scrapes.take(counted(175));
    QCOMPARE(scrapes.figures().http.traffic.requests, 75u);
    scrapes.wait(600s);
    scrapes.take(counted(100'000));
    QCOMPARE(scrapes.figures().http.unknown, Unknown::NotYet);
    scrapes.take(counted(100'030));
    QCOMPARE(scrapes.figures().http.traffic.requests, 30u);
    QVERIFY(near(scrapes.figures().http.traffic.perSecond, 2));
}

void MetricsTrafficTest::takesTheWorstOfSeveralSummaries()
{
    MetricsMap map;
    map.summary = "took";
    Scrapes scrapes(own(map));
    const auto page = [](int count) {
        return "took{path=\"/a\",quantile=\"0.5\"} 0.1\ntook{path=\"/a\",quantile=\"0.95\"} NaN\n"
               "took{path=\"/b\",quantile=\"0.5\"} 0.4\ntook{path=\"/b\",quantile=\"0.95\"} 2\n"
               "took_count{path=\"/a\"} " +
               std::to_string(count) + "\ntook_count{path=\"/b\"} 7\n";
    };
    scrapes.settleOn(page(10));
    scrapes.take(page(40));
    const auto figures = scrapes.figures();
    QCOMPARE(figures.times, TimesFrom::WorstSeries);
    QCOMPARE(figures.http.traffic.requests, 30u); // by its count, where no counter is mapped
    QCOMPARE(figures.http.traffic.p50, std::optional(0.4));
    QCOMPARE(figures.http.traffic.p95, std::optional(2.0));
    QVERIFY(!figures.http.traffic.p99);
    QCOMPARE(untold(figures, untold_traffic::quantiles)->about, std::string("0.99"));
}

void MetricsTrafficTest::sumsNoDifferentBuckets()
{
    MetricsMap map = plain();
    map.histogram = "took_bucket"; // which people write too
    Scrapes scrapes(own(map));
    const auto page = [](int count) {
        const std::string number = std::to_string(count);
        return counted(std::uint64_t(count)) + "took_bucket{path=\"/a\",le=\"0.1\"} " + number +
               "\ntook_bucket{path=\"/a\",le=\"+Inf\"} " + number + "\ntook_bucket{path=\"/b\",le=\"0.5\"} " + number +
               "\ntook_bucket{path=\"/b\",le=\"+Inf\"} " + number + '\n';
    };
    scrapes.settleOn(page(0));
    scrapes.take(page(100));
    const auto figures = scrapes.figures();
    QCOMPARE(figures.http.traffic.requests, 100u);
    QVERIFY(!figures.http.traffic.p50);
    QVERIFY(untold(figures, untold_traffic::buckets));
}

void MetricsTrafficTest::doesWithoutTheLastBucket()
{
    MetricsMap map = plain();
    map.histogram = "took";
    Scrapes scrapes(own(map));
    const auto page = [](int below, int all) {
        return counted(std::uint64_t(all)) + "took_bucket{le=\"0.1\"} " + std::to_string(below) +
               "\ntook_bucket{le=\"0.2\"} " + std::to_string(below) + "\ntook_count " + std::to_string(all) + '\n';
    };
    scrapes.settleOn(page(0, 0));
    scrapes.take(page(60, 100));
    const auto figures = scrapes.figures();
    QVERIFY(near(figures.http.traffic.p50, 0.1 * 50 / 60));
    QVERIFY(near(figures.http.traffic.p95, 0.2)); // at least: above what the buckets tell
    QVERIFY(figures.p95 && !figures.p95->width());
}

void MetricsTrafficTest::readsMilliseconds()
{
    MetricsMap map = plain();
    map.histogram = "took_ms";
    map.unit = "ms";
    Scrapes scrapes(own(map));
    const auto page = [](int count) {
        return counted(std::uint64_t(count)) + "took_ms_bucket{le=\"100\"} 0\ntook_ms_bucket{le=\"300\"} " +
               std::to_string(count) + "\ntook_ms_bucket{le=\"+Inf\"} " + std::to_string(count) + '\n';
    };
    scrapes.settleOn(page(0));
    scrapes.take(page(100));
    QVERIFY(near(scrapes.figures().http.traffic.p50, 0.2));
    QVERIFY(near(scrapes.figures().p50->width(), 0.2));
}

void MetricsTrafficTest::countsErrorsOfACounterOfTheirOwn()
{
    MetricsMap map;
    map.requests = "all_total";
    map.errors = "failed_total";
    Scrapes scrapes(own(map));
    scrapes.settleOn("all_total 100\nfailed_total 1\n");
    scrapes.take("all_total 200\nfailed_total 11\n");
    QCOMPARE(scrapes.figures().http.traffic.errors, 10u);
    QVERIFY(near(scrapes.figures().http.errorRate, 0.1));
    Scrapes without(own(map));
    without.settleOn("all_total 100\n");
    without.take("all_total 200\n");
    QVERIFY(!without.figures().http.errorRate);
    QCOMPARE(untold(without.figures(), untold_traffic::noStatus)->about, std::string("failed_total"));
}

void MetricsTrafficTest::leavesOutWhatIsNoCount()
{
    Scrapes scrapes(own(plain()));
    scrapes.settleOn(counted(100) + "requests_total{status=\"201\"} NaN\n");
    scrapes.take(counted(130) + "requests_total{status=\"201\"} +Inf\nrequests_total{status=\"204\"} -7\n");
    QCOMPARE(scrapes.figures().http.traffic.requests, 30u);
}

void MetricsTrafficTest::countsTheLastOfASeriesThatIsThereTwice()
{
    Scrapes scrapes(own(plain()));
    scrapes.settleOn(counted(100) + "requests_total{status=\"200\"} 200\n");
    scrapes.take(counted(100) + "requests_total{status=\"200\"} 240\n");
    QCOMPARE(scrapes.figures().http.traffic.requests, 40u);
}

/// It reads its targets every 60 s, and repeats until then what it has.
void MetricsTrafficTest::followsTheTimesOfAServer()
{
    Scrapes scrapes(own(plain()));
    scrapes.ofServer();
    for (unsigned page = 0; page < 40; ++page) {
        const unsigned read = page / 4;
        const auto series = [](const char *instance, unsigned count, int seconds) {
            return std::string("requests_total{status=\"200\",instance=\"") + instance + "\"} " +
                   std::to_string(count) + ' ' + std::to_string(1'700'000'000'000 + seconds * 1000ll) + '\n';
        };
        const unsigned other = (page + 2) / 4; // that one half a minute apart
        // One of them began anew in between, which is no sign of several processes.
        const unsigned begun = other < 8 ? 900 * other : 900 * (other - 8) + 450;
        scrapes.take(series("a", 600 * read, 60 * int(read)) + series("b", begun, 60 * int(other) - 30));
        if (page >= 4)
            QCOMPARE(scrapes.figures().http.unknown, Unknown::No);
        if (page >= 24 && page < 30)
            QVERIFY2(near(scrapes.figures().http.traffic.perSecond, 25),
                     std::to_string(scrapes.figures().http.traffic.perSecond).c_str());
    }
    QVERIFY(!scrapes.reader().several());
    QVERIFY(scrapes.figures().http.traffic.perSecond < 25 && scrapes.figures().http.traffic.perSecond > 20);
}

QTEST_GUILESS_MAIN(MetricsTrafficTest)
#include "metrics_traffic_test.moc"
