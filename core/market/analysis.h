// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/market/outlook.h"
#include "core/market/quotes.h"
#include "core/market/risk.h"

#include <optional>

namespace portolan::market {

struct AnalysisOptions
{
    std::string symbol;
    OutlookOptions outlook;
    double riskFree = 0; ///< a year, for the Sharpe ratio
};

/// The latest value of each indicator; nullopt where the history is too short for it.
struct Indicators
{
    std::optional<double> sma20;
    std::optional<double> sma50;
    std::optional<double> sma200;
    std::optional<double> ema12;
    std::optional<double> ema26;
    std::optional<double> rsi14;
    std::optional<double> macdLine;
    std::optional<double> macdSignal;
    std::optional<double> macdHistogram;
    std::optional<double> bollingerMiddle;
    std::optional<double> bollingerUpper;
    std::optional<double> bollingerLower;
    std::optional<double> atr14;
};
BOOST_DESCRIBE_STRUCT(Indicators, (),
                      (sma20, sma50, sma200, ema12, ema26, rsi14, macdLine, macdSignal, macdHistogram, bollingerMiddle,
                       bollingerUpper, bollingerLower, atr14))

/// Over the whole history given. Returns are shares: 0.12 is 12 %.
struct RiskFigures
{
    std::optional<double> totalReturn;
    std::optional<double> meanDailyReturn; ///< of simple returns
    std::optional<double> meanDailyLogReturn;
    std::optional<double> annualisedVolatility;
    std::optional<double> sharpeRatio;
    std::optional<double> maxDrawdown;
    std::optional<WallTime> drawdownPeak;
    std::optional<WallTime> drawdownTrough;
    std::optional<ValueAtRisk> valueAtRisk95; ///< of one day
    std::optional<ValueAtRisk> valueAtRisk99;
};
BOOST_DESCRIBE_STRUCT(RiskFigures, (),
                      (totalReturn, meanDailyReturn, meanDailyLogReturn, annualisedVolatility, sharpeRatio, maxDrawdown,
                       drawdownPeak, drawdownTrough, valueAtRisk95, valueAtRisk99))

struct Analysis
{
    std::string symbol;
    std::string source;   ///< of the prices: "simulated", "csv"; the caller's to fill in, as is
    std::string currency; ///< theirs, ISO 4217
    WallTime from;        ///< first day of the history
    WallTime to;          ///< last one
    std::uint32_t days = 0;
    double lastClose = 0;
    Indicators indicators;
    RiskFigures risk;
    Outlook outlook;
};
BOOST_DESCRIBE_STRUCT(Analysis, (), (symbol, source, currency, from, to, days, lastClose, indicators, risk, outlook))

/// Indicators, risk figures and outlook over `bars` (oldest first). Burns CPU on the calling thread: not an I/O
/// thread's job. `progress` and errors as simulateOutlook() has them.
Result<Analysis> analyse(std::span<const Bar> bars, const AnalysisOptions &options,
                         const OutlookProgress &progress = {});

} // namespace portolan::market
