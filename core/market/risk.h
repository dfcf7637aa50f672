// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/market/indicators.h"

#include <boost/describe/class.hpp>

#include <optional>

/// Risk figures of a price or return series without NaN. nullopt where a figure is not defined: too few values, or no
/// variance to divide by. Any thread.
namespace portolan::market {

inline constexpr double tradingDaysPerYear = 252;

/// rₜ = pₜ / pₜ₋₁ − 1; one shorter than its input. Prices are above 0.
Series simpleReturns(std::span<const double> prices);

/// rₜ = ln(pₜ / pₜ₋₁); one shorter than its input. Prices are above 0.
Series logReturns(std::span<const double> prices);

std::optional<double> mean(std::span<const double> values);              ///< at least one
std::optional<double> standardDeviation(std::span<const double> values); ///< of a sample (n − 1); at least two

/// Quantile by linear interpolation between order statistics (Hyndman, Fan 1996, type 7, the default of R and NumPy).
/// `share` 0–1; at least one value.
std::optional<double> quantile(std::span<const double> values, double share);

/// Volatility a year: the sample standard deviation of daily returns × √252.
std::optional<double> annualisedVolatility(std::span<const double> returns);

struct Drawdown
{
    double depth = 0;       ///< 0–1: the greatest loss from a peak to a later trough, as a share of the peak
    std::size_t peak = 0;   ///< index of the price it fell from
    std::size_t trough = 0; ///< index of the price it fell to
    bool operator==(const Drawdown &) const = default;
};
BOOST_DESCRIBE_STRUCT(Drawdown, (), (depth, peak, trough))
/// The first of the deepest ones; at least one price.
std::optional<Drawdown> maxDrawdown(std::span<const double> prices);

/// Sharpe ratio a year (Sharpe 1994): √252 × (mean daily return − riskFree / 252) / their sample standard deviation.
/// `riskFree`: a year, 0.03 for 3 %.
std::optional<double> sharpeRatio(std::span<const double> returns, double riskFree = 0);

/// What one day may lose, as a positive share of the position; negative if even then it gains.
struct ValueAtRisk
{
    double historical = 0; ///< − quantile of the returns at 1 − confidence
    double parametric = 0; ///< − (μ + σ z), z the standard normal quantile at 1 − confidence (RiskMetrics 1996)
    double historicalShortfall =
        0; ///< CVaR: − mean of the returns at or below that quantile (Rockafellar, Uryasev 2000)
    double parametricShortfall = 0; ///< − (μ − σ φ(z) / (1 − confidence))
    bool operator==(const ValueAtRisk &) const = default;
};
BOOST_DESCRIBE_STRUCT(ValueAtRisk, (), (historical, parametric, historicalShortfall, parametricShortfall))
/// `confidence` within (0.5, 1), 0.95 for one day in twenty (std::invalid_argument otherwise). At least two returns.
std::optional<ValueAtRisk> valueAtRisk(std::span<const double> returns, double confidence = 0.95);

} // namespace portolan::market
