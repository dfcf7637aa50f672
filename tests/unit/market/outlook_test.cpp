// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/analysis.h"
#include "core/market/random.h"
#include "core/market/simulated_market.h"
#include "tests/fakes/manual_clock.h"

#include <QElapsedTimer>
#include <QTest>
#include <cmath>

using namespace portolan;
using namespace portolan::market;

namespace {

Series history(std::size_t days = 500)
{
    ManualClock clock;
    SimulatedMarket market(clock, 7);
    Series closes;
    for (const auto &bar : market.historyAt("TEST", clock.wall(), unsigned(days)))
        closes.push_back(bar.close);
    return closes;
}

} // namespace

class OutlookTest final : public QObject
{
    Q_OBJECT
private slots:
    void randomNumbersHaveTheirLaw();
    void agreesWithTheClosedForm();
    void bootstrapAgreesWithItsMoments();
    void isReproducible();
    void fansOut();
    void reportsAndGivesUp();
    void refuses_data();
    void refuses();
    void isFast();
    void analysesAHistory();
};

void OutlookTest::randomNumbersHaveTheirLaw()
{
    Xoshiro random(1);
    const int count = 1'000'000;
    double sum = 0;
    double squares = 0;
    int beyond = 0;
    for (int i = 0; i < count; ++i) {
        const double value = random.normal();
        sum += value;
        squares += value * value;
        beyond += std::abs(value) > 1.959964;
    }
    QVERIFY(std::abs(sum / count) < 0.004); // 4 standard errors
    QVERIFY(std::abs(squares / count - 1) < 0.006);
    QVERIFY(std::abs(double(beyond) / count - 0.05) < 0.0009);
    std::array<int, 7> hits{};
    for (int i = 0; i < 70'000; ++i)
        ++hits[random.below(7)];
    for (const int hit : hits)
        QVERIFY(std::abs(hit - 10'000) < 400);
}

void OutlookTest::agreesWithTheClosedForm()
{
    // For a geometric Brownian motion ln S(T) is normal: every percentile and the mean have a formula.
    const Series prices = history();
    const Series returns = logReturns(prices);
    const double mu = *mean(returns) * 120;
    const double sigma = *standardDeviation(returns) * std::sqrt(120);
    const auto outlook = simulateOutlook(prices, {OutlookMethod::Gbm, 120, 100'000, 3});
    QVERIFY(outlook.has_value());
    const auto near = [&](double got, double z) { // 4 standard errors of a quantile at ±1.645 are about 0.027 σ
        return std::abs(std::log(got / prices.back()) - (mu + z * sigma)) < 0.03 * sigma;
    };
    QVERIFY(near(outlook->p5, -1.644854) && near(outlook->p25, -0.67449) && near(outlook->p50, 0));
    QVERIFY(near(outlook->p75, 0.67449) && near(outlook->p95, 1.644854));
    const double expected = prices.back() * std::exp(mu + sigma * sigma / 2);
    QVERIFY(std::abs(outlook->meanPrice / expected - 1) < 4 * sigma / std::sqrt(1e5) * 1.2);
    const double loss = 0.5 * std::erfc(mu / sigma / std::sqrt(2));
    QVERIFY(std::abs(outlook->lossProbability - loss) < 0.0065);
    QVERIFY(std::abs(outlook->valueAtRisk95 - (1 - outlook->p5 / prices.back())) < 1e-12);
}

void OutlookTest::bootstrapAgreesWithItsMoments()
{
    const Series prices = history();
    const Series returns = logReturns(prices);
    const double mu = *mean(returns) * 60;
    const double n = double(returns.size());
    const double sigma = *standardDeviation(returns) * std::sqrt((n - 1) / n * 60); // of the population drawn from
    const auto outlook = simulateOutlook(prices, {OutlookMethod::Bootstrap, 60, 100'000, 3});
    QVERIFY(outlook.has_value());
    QVERIFY(std::abs(std::log(outlook->p50 / prices.back()) - mu) < 0.05 * sigma);
    double product = 0; // E[S(T)] = S(0) · E[e^r]^T
    for (const double value : returns)
        product += std::exp(value) / n;
    const double expected = prices.back() * std::pow(product, 60);
    QVERIFY(std::abs(outlook->meanPrice / expected - 1) < 5 * sigma / std::sqrt(1e5));
}

void OutlookTest::isReproducible()
{
    const Series prices = history();
    for (const auto method : {OutlookMethod::Gbm, OutlookMethod::Bootstrap}) {
        const auto first = simulateOutlook(prices, {method, 30, 1000, 5});
        QVERIFY(*simulateOutlook(prices, {method, 30, 1000, 5}) == *first);
        QVERIFY(!(*simulateOutlook(prices, {method, 30, 1000, 6}) == *first));
        // Asking for progress changes nothing.
        QVERIFY(*simulateOutlook(prices, {method, 30, 1000, 5}, [](double) { return true; }) == *first);
    }
}

void OutlookTest::fansOut()
{
    const Series prices = history();
    for (const std::uint32_t horizon : {1u, 30u, 64u, 65u, 250u, 1260u}) {
        const auto outlook = simulateOutlook(prices, {OutlookMethod::Gbm, horizon, 500, 5});
        const auto &fan = outlook->fan;
        QCOMPARE(fan.size(), std::size_t(std::min(horizon, 64u)));
        QCOMPARE(fan.back().day, horizon);
        std::uint32_t before = 0;
        for (const auto &point : fan) {
            QVERIFY(point.day > before);
            before = point.day;
            QVERIFY(point.p5 < point.p25 && point.p25 < point.p50 && point.p50 < point.p75 && point.p75 < point.p95);
        }
        QVERIFY(std::abs(fan.back().p50 / outlook->p50 - 1) < 1e-3);
        QVERIFY(outlook->p1 <= outlook->p5 && outlook->p95 <= outlook->p99);
    }
}

void OutlookTest::reportsAndGivesUp()
{
    const Series prices = history();
    std::vector<double> seen;
    const auto outlook = simulateOutlook(prices, {OutlookMethod::Bootstrap, 250, 10'000, 5}, [&](double done) {
        seen.push_back(done);
        return true;
    });
    QVERIFY(outlook.has_value());
    QVERIFY(seen.size() >= 90 && seen.size() <= 100);
    QVERIFY(std::ranges::is_sorted(seen) && seen.back() == 1.0 && seen.front() <= 0.02);
    int calls = 0;
    const auto cancelled =
        simulateOutlook(prices, {OutlookMethod::Gbm, 250, 10'000, 5}, [&](double) { return ++calls < 3; });
    QVERIFY(cancelled.has_error());
    QCOMPARE(cancelled.error().kind, ErrorKind::Cancelled);
    QCOMPARE(calls, 3);
}

void OutlookTest::refuses_data()
{
    QTest::addColumn<int>("days");
    QTest::addColumn<quint32>("horizon");
    QTest::addColumn<quint32>("paths");
    QTest::addColumn<double>("last");
    QTest::newRow("no history") << 0 << 30u << 1000u << 1.0;
    QTest::newRow("short history") << 30 << 30u << 1000u << 1.0;
    QTest::newRow("no horizon") << 100 << 0u << 1000u << 1.0;
    QTest::newRow("far horizon") << 100 << 1261u << 1000u << 1.0;
    QTest::newRow("few paths") << 100 << 30u << 99u << 1.0;
    QTest::newRow("many paths") << 100 << 30u << mostPaths + 1 << 1.0;
    QTest::newRow("zero price") << 100 << 30u << 1000u << 0.0;
    QTest::newRow("NaN") << 100 << 30u << 1000u << std::nan("");
    QTest::newRow("infinite") << 100 << 30u << 1000u << HUGE_VAL;
}

void OutlookTest::refuses()
{
    QFETCH(int, days);
    QFETCH(quint32, horizon);
    QFETCH(quint32, paths);
    QFETCH(double, last);
    Series prices(std::size_t(days), 10.0);
    if (!prices.empty())
        prices.back() = last;
    const auto outlook = simulateOutlook(prices, {OutlookMethod::Gbm, horizon, paths, 1});
    QVERIFY(outlook.has_error());
    QCOMPARE(outlook.error().kind, ErrorKind::Invalid);
}

void OutlookTest::isFast()
{
    // The bound of 100 ms is for an optimised build on a quiet machine; here it guards against another order of
    // magnitude.
    const Series prices = history();
    for (const auto method : {OutlookMethod::Gbm, OutlookMethod::Bootstrap}) {
        QElapsedTimer timer;
        timer.start();
        QVERIFY(simulateOutlook(prices, {method, 250, 10'000, 5}).has_value());
        qInfo("%s: 10,000 paths × 250 days in %lld ms", method == OutlookMethod::Gbm ? "gbm" : "bootstrap",
              timer.elapsed());
        QVERIFY(timer.elapsed() < 5000);
    }
}

void OutlookTest::analysesAHistory()
{
    ManualClock clock;
    SimulatedMarket market(clock, 7);
    const auto bars = market.historyAt("ACME", clock.wall(), 252);
    const auto analysis = analyse(bars, {"ACME", {OutlookMethod::Gbm, 30, 1000, 1}, 0.02});
    QVERIFY(analysis.has_value());
    QVERIFY(analysis->days == 252 && analysis->lastClose == bars.back().close && analysis->to == bars.back().date);
    QVERIFY(analysis->indicators.sma200 && analysis->indicators.macdSignal && analysis->indicators.atr14);
    QVERIFY(*analysis->risk.annualisedVolatility > 0.05 && *analysis->risk.annualisedVolatility < 1);
    QVERIFY(analysis->risk.valueAtRisk95 && *analysis->risk.maxDrawdown > 0);
    const auto brief = analyse(std::span(bars).last(40), {"ACME", {OutlookMethod::Gbm, 30, 1000, 1}, 0.02});
    QVERIFY(brief.has_value());
    QVERIFY(brief->indicators.sma20 && !brief->indicators.sma50);
    const Series flat(60, 5.0);
    std::vector<Bar> level;
    for (const double price : flat)
        level.push_back({{}, price, price, price, price, 1});
    const auto still = analyse(level, {"FLAT", {OutlookMethod::Bootstrap, 30, 1000, 1}, 0.02});
    QVERIFY(still.has_value());
    QVERIFY(!still->risk.sharpeRatio && still->outlook.p5 == 5 && still->outlook.p95 == 5);
    QVERIFY(analyse(std::span(bars).last(5), {"ACME", {}, 0}).has_error());
}

QTEST_GUILESS_MAIN(OutlookTest)
#include "outlook_test.moc"
