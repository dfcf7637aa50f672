// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/analysis.h"

#include <cmath>

namespace portolan::market {

namespace {

std::optional<double> latest(const Series &series)
{
    if (series.empty() || std::isnan(series.back()))
        return std::nullopt;
    return series.back();
}

Series column(std::span<const Bar> bars, double Bar::*member)
{
    Series values;
    values.reserve(bars.size());
    for (const auto &bar : bars)
        values.push_back(bar.*member);
    return values;
}

Indicators indicatorsOf(std::span<const Bar> bars, const Series &closes)
{
    const Macd cross = macd(closes);
    const Bollinger bands = bollinger(closes);
    Indicators values;
    values.sma20 = latest(sma(closes, 20));
    values.sma50 = latest(sma(closes, 50));
    values.sma200 = latest(sma(closes, 200));
    values.ema12 = latest(ema(closes, 12));
    values.ema26 = latest(ema(closes, 26));
    values.rsi14 = latest(rsi(closes, 14));
    values.macdLine = latest(cross.line);
    values.macdSignal = latest(cross.signal);
    values.macdHistogram = latest(cross.histogram);
    values.bollingerMiddle = latest(bands.middle);
    values.bollingerUpper = latest(bands.upper);
    values.bollingerLower = latest(bands.lower);
    values.atr14 = latest(atr(column(bars, &Bar::high), column(bars, &Bar::low), closes, 14));
    return values;
}

RiskFigures riskOf(std::span<const Bar> bars, const Series &closes, double riskFree)
{
    const Series returns = simpleReturns(closes);
    RiskFigures figures;
    if (!returns.empty())
        figures.totalReturn = closes.back() / closes.front() - 1;
    figures.meanDailyReturn = mean(returns);
    figures.meanDailyLogReturn = mean(logReturns(closes));
    figures.annualisedVolatility = annualisedVolatility(returns);
    figures.sharpeRatio = sharpeRatio(returns, riskFree);
    if (const auto drawdown = maxDrawdown(closes)) {
        figures.maxDrawdown = drawdown->depth;
        figures.drawdownPeak = bars[drawdown->peak].date;
        figures.drawdownTrough = bars[drawdown->trough].date;
    }
    figures.valueAtRisk95 = valueAtRisk(returns, 0.95);
    figures.valueAtRisk99 = valueAtRisk(returns, 0.99);
    return figures;
}

} // namespace

Result<Analysis> analyse(std::span<const Bar> bars, const AnalysisOptions &options, const OutlookProgress &progress)
{
    const Series closes = column(bars, &Bar::close);
    auto outlook = simulateOutlook(closes, options.outlook, progress); // also checks the history
    if (outlook.has_error())
        return outlook.error();
    Analysis result;
    result.symbol = options.symbol;
    result.from = bars.front().date;
    result.to = bars.back().date;
    result.days = std::uint32_t(bars.size());
    result.lastClose = closes.back();
    result.indicators = indicatorsOf(bars, closes);
    result.risk = riskOf(bars, closes, options.riskFree);
    result.outlook = std::move(*outlook);
    return result;
}

} // namespace portolan::market
