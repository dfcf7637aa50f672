// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "core/base/json.h"
#include "core/market/indicators.h"
#include "core/market/risk.h"

#include <QTest>
#include <cmath>
#include <limits>
#include <random>

using namespace portolan;
using namespace portolan::market;

namespace {

constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();

struct Case
{
    std::vector<std::vector<double>> rows;
    std::map<std::string, std::vector<std::optional<double>>> series;
    std::map<std::string, double> figures;
    std::map<std::string, double> valueAtRisk95;
    std::map<std::string, double> valueAtRisk99;

    Series column(std::size_t index) const
    {
        Series values;
        for (const auto &row : rows)
            values.push_back(row[index]);
        return values;
    }
};
BOOST_DESCRIBE_STRUCT(Case, (), (rows, series, figures, valueAtRisk95, valueAtRisk99))

/// Equal but for rounding: both sides sum in another order.
bool close(double a, double b) { return std::abs(a - b) <= 1e-10 * std::max({1.0, std::abs(a), std::abs(b)}); }

void compare(const Series &got, const std::vector<std::optional<double>> &expected)
{
    QCOMPARE(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        QCOMPARE(!std::isnan(got[i]), expected[i].has_value());
        if (expected[i])
            QVERIFY2(close(got[i], *expected[i]),
                     qPrintable(QString("at %1: %2 != %3").arg(i).arg(got[i]).arg(*expected[i])));
    }
}

std::size_t defined(const Series &series)
{
    return std::size_t(std::ranges::count_if(series, [](double v) { return !std::isnan(v); }));
}

} // namespace

/// Indicators and risk figures against reference.json, which reference.py computes from the definitions.
class FiguresTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void indicators_data() { eachCase(); }
    void indicators();
    void riskFigures_data() { eachCase(); }
    void riskFigures();
    void worksOutByHand();
    void shortSeriesAreUndefined();
    void flatSeriesHaveNoRatio();
    void gapsRestart();
    void refusesNonsense();
    void staysWithinItsBounds();

private:
    void eachCase()
    {
        QTest::addColumn<int>("index");
        for (int i = 0; i < int(m_cases.size()); ++i)
            QTest::addRow("%d days", int(m_cases[std::size_t(i)].rows.size())) << i;
    }
    std::vector<Case> m_cases;
};

void FiguresTest::initTestCase()
{
    const auto text = readFile(REFERENCE_FILE);
    QVERIFY(text.has_value());
    auto cases = readJson<std::vector<Case>>(*text, JsonMode::Lenient);
    if (cases.has_error()) // value_at_risk95 is value_at_risk95 in both spellings
        QFAIL(cases.error().message.c_str());
    m_cases = std::move(*cases);
    QCOMPARE(m_cases.size(), std::size_t(3));
}

void FiguresTest::indicators()
{
    QFETCH(int, index);
    const Case &reference = m_cases[std::size_t(index)];
    const Series closes = reference.column(3);
    const Macd cross = macd(closes);
    const Bollinger bands = bollinger(closes);
    const auto ranges = [&](std::size_t period) {
        return atr(reference.column(1), reference.column(2), closes, period);
    };
    const std::map<std::string, Series> got{{"sma5", sma(closes, 5)},
                                            {"sma20", sma(closes, 20)},
                                            {"ema10", ema(closes, 10)},
                                            {"rsi14", rsi(closes, 14)},
                                            {"rsi2", rsi(closes, 2)},
                                            {"macd_line", cross.line},
                                            {"macd_signal", cross.signal},
                                            {"macd_histogram", cross.histogram},
                                            {"bollinger_middle", bands.middle},
                                            {"bollinger_upper", bands.upper},
                                            {"bollinger_lower", bands.lower},
                                            {"atr14", ranges(14)},
                                            {"atr1", ranges(1)},
                                            {"simple_returns", simpleReturns(closes)},
                                            {"log_returns", logReturns(closes)}};
    QCOMPARE(got.size(), reference.series.size());
    for (const auto &[name, expected] : reference.series) {
        compare(got.at(name), expected);
        if (QTest::currentTestFailed())
            QFAIL(name.c_str());
    }
}

void FiguresTest::riskFigures()
{
    QFETCH(int, index);
    const Case &reference = m_cases[std::size_t(index)];
    const Series closes = reference.column(3);
    const Series returns = simpleReturns(closes);
    const auto is = [&](const char *name, double got) {
        if (!close(got, reference.figures.at(name)))
            QFAIL(name);
    };
    is("mean", *mean(returns));
    is("deviation", *standardDeviation(returns));
    is("volatility", *annualisedVolatility(returns));
    is("sharpe", *sharpeRatio(returns, 0.03));
    is("quantile5", *quantile(closes, 0.05));
    is("quantile37", *quantile(closes, 0.37));
    is("median", *quantile(closes, 0.5));
    const auto fall = *maxDrawdown(closes);
    is("drawdown", fall.depth);
    is("peak", double(fall.peak));
    is("trough", double(fall.trough));
    for (const auto &[confidence, expected] :
         {std::pair(0.95, &reference.valueAtRisk95), {0.99, &reference.valueAtRisk99}}) {
        const auto risk = *valueAtRisk(returns, confidence);
        QVERIFY(close(risk.historical, expected->at("historical")));
        QVERIFY(close(risk.parametric, expected->at("parametric")));
        QVERIFY(close(risk.historicalShortfall, expected->at("historical_shortfall")));
        QVERIFY(close(risk.parametricShortfall, expected->at("parametric_shortfall")));
    }
}

void FiguresTest::worksOutByHand()
{
    QCOMPARE(sma(Series{1, 2, 3, 4}, 2).back(), 3.5);
    QCOMPARE(ema(Series{1, 2, 3}, 2).back(), 2.5); // (1+2)/2, then + 2/3 of the way to 3
    QCOMPARE(rsi(Series{1, 2, 1}, 2).back(), 50.0);
    QCOMPARE(rsi(Series{1, 2, 3}, 2).back(), 100.0);
    QCOMPARE(rsi(Series{3, 2, 1}, 2).back(), 0.0);
    const auto bands = bollinger(Series{1, 3}, 2, 2);
    QVERIFY(bands.middle[1] == 2 && bands.upper[1] == 4 && bands.lower[1] == 0);     // population σ is 1
    QCOMPARE(atr(Series{10, 12}, Series{9, 11}, Series{9.5, 11.5}, 2).back(), 1.75); // (1 + |12 − 9.5|) / 2
    const auto fall = *maxDrawdown(Series{100, 120, 60, 90, 130, 70});
    QVERIFY(fall.depth == 0.5 && fall.peak == 1 && fall.trough == 2);
    QCOMPARE(maxDrawdown(Series{1, 2, 3})->depth, 0.0);
    QCOMPARE(*quantile(Series{1, 2, 3, 4}, 0.25), 1.75);
    QCOMPARE(*quantile(Series{4, 1}, 1), 4.0);
    QCOMPARE(*quantile(Series{4, 1}, 0), 1.0);
}

void FiguresTest::shortSeriesAreUndefined()
{
    const Series none;
    const Series one{5};
    for (const auto &series : {none, one}) {
        QCOMPARE(defined(sma(series, 2)) + defined(ema(series, 2)) + defined(rsi(series, 2)), std::size_t(0));
        QCOMPARE(defined(macd(series).signal) + defined(bollinger(series).upper), std::size_t(0));
        QCOMPARE(atr(series, series, series).size(), series.size());
        QVERIFY(simpleReturns(series).empty() && logReturns(series).empty());
        QVERIFY(!standardDeviation(series) && !annualisedVolatility(series) && !sharpeRatio(series) &&
                !valueAtRisk(series));
    }
    QVERIFY(!mean(none) && !quantile(none, 0.5) && !maxDrawdown(none));
    QVERIFY(maxDrawdown(one)->depth == 0 && *quantile(one, 0.3) == 5 && *mean(one) == 5);
    QCOMPARE(defined(sma(Series{1, 2}, 2)), std::size_t(1));
    QCOMPARE(defined(rsi(Series{1, 2}, 2)), std::size_t(0)); // two changes need three prices
    QCOMPARE(sma(one, 1).back(), 5.0);
}

void FiguresTest::flatSeriesHaveNoRatio()
{
    const Series flat(50, 7.3);
    QCOMPARE(rsi(flat).back(), 50.0);
    const auto bands = bollinger(flat);
    QVERIFY(close(bands.upper.back(), 7.3) && close(bands.lower.back(), 7.3));
    QVERIFY(std::abs(macd(flat).histogram.back()) < 1e-12);
    QCOMPARE(atr(flat, flat, flat).back(), 0.0);
    const Series returns = simpleReturns(flat);
    QVERIFY(*annualisedVolatility(returns) == 0 && !sharpeRatio(returns));
    QVERIFY(!sharpeRatio(Series(20, 0.1))); // equal, though the mean is not exactly 0.1
    const auto risk = *valueAtRisk(returns);
    QVERIFY(risk.historical == 0 && risk.parametric == 0 && risk.historicalShortfall == 0);
}

void FiguresTest::gapsRestart()
{
    const Series gap{1, 2, nan_, 4, 5, 6};
    compare(sma(gap, 2), {{}, 1.5, {}, {}, 4.5, 5.5});
    compare(ema(gap, 2), {{}, 1.5, {}, {}, 4.5, 5.5});
    compare(rsi(gap, 1), {{}, 100.0, {}, {}, 100.0, 100.0});
    compare(atr(gap, gap, gap, 1), {0.0, 1.0, {}, 0.0, 1.0, 1.0});
    QCOMPARE(defined(bollinger(gap, 2).upper), std::size_t(3));
    QCOMPARE(defined(sma(Series(10, nan_), 2)), std::size_t(0));
}

void FiguresTest::refusesNonsense()
{
    const Series values{1, 2, 3};
    QVERIFY_EXCEPTION_THROWN((void)sma(values, 0), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN((void)rsi(values, 0), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN((void)macd(values, 26, 12), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN((void)atr(values, Series{1}, values), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN((void)valueAtRisk(values, 1), std::invalid_argument);
    QVERIFY_EXCEPTION_THROWN((void)valueAtRisk(values, nan_), std::invalid_argument);
}

void FiguresTest::staysWithinItsBounds()
{
    std::mt19937 random(5);
    std::lognormal_distribution<double> price(3, 1);
    Series values;
    for (int i = 0; i < 2000; ++i)
        values.push_back(price(random));
    const auto bands = bollinger(values);
    const auto strength = rsi(values);
    for (std::size_t i = 20; i < values.size(); ++i) {
        QVERIFY(strength[i] >= 0 && strength[i] <= 100);
        QVERIFY(bands.lower[i] <= bands.middle[i] && bands.middle[i] <= bands.upper[i]);
    }
    const auto returns = simpleReturns(values);
    const auto at95 = *valueAtRisk(returns, 0.95);
    const auto at99 = *valueAtRisk(returns, 0.99);
    QVERIFY(at95.historicalShortfall >= at95.historical && at95.parametricShortfall >= at95.parametric);
    QVERIFY(at99.historical >= at95.historical && at99.parametric >= at95.parametric);
}

QTEST_GUILESS_MAIN(FiguresTest)
#include "figures_test.moc"
