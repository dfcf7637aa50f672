// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/risk.h"

#include <boost/math/distributions/normal.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace portolan::market {

namespace {

/// Below this share of the mean's size a deviation is rounding noise of equal values.
constexpr double noise = 1e-12;

bool isFlat(double deviation, double mean) { return deviation <= noise * std::max(1.0, std::abs(mean)); }

} // namespace

Series simpleReturns(std::span<const double> prices)
{
    Series returns;
    returns.reserve(prices.size());
    for (std::size_t i = 1; i < prices.size(); ++i)
        returns.push_back(prices[i] / prices[i - 1] - 1);
    return returns;
}

Series logReturns(std::span<const double> prices)
{
    Series returns;
    returns.reserve(prices.size());
    for (std::size_t i = 1; i < prices.size(); ++i)
        returns.push_back(std::log(prices[i] / prices[i - 1]));
    return returns;
}

std::optional<double> mean(std::span<const double> values)
{
    if (values.empty())
        return std::nullopt;
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

std::optional<double> standardDeviation(std::span<const double> values)
{
    if (values.size() < 2)
        return std::nullopt;
    const double middle = *mean(values);
    double squares = 0;
    for (const double value : values)
        squares += (value - middle) * (value - middle);
    return std::sqrt(squares / double(values.size() - 1));
}

std::optional<double> quantile(std::span<const double> values, double share)
{
    if (values.empty())
        return std::nullopt;
    Series sorted(values.begin(), values.end());
    const double position = std::clamp(share, 0.0, 1.0) * double(sorted.size() - 1);
    const auto below = sorted.begin() + std::ptrdiff_t(position);
    std::nth_element(sorted.begin(), below, sorted.end());
    if (below + 1 == sorted.end())
        return *below;
    const double next = *std::min_element(below + 1, sorted.end());
    return *below + (position - std::floor(position)) * (next - *below);
}

std::optional<double> annualisedVolatility(std::span<const double> returns)
{
    const auto deviation = standardDeviation(returns);
    return deviation ? std::optional(*deviation * std::sqrt(tradingDaysPerYear)) : std::nullopt;
}

std::optional<Drawdown> maxDrawdown(std::span<const double> prices)
{
    if (prices.empty())
        return std::nullopt;
    Drawdown worst;
    std::size_t peak = 0;
    for (std::size_t i = 1; i < prices.size(); ++i) {
        if (prices[i] > prices[peak])
            peak = i;
        const double depth = 1 - prices[i] / prices[peak];
        if (depth > worst.depth)
            worst = {depth, peak, i};
    }
    return worst;
}

std::optional<double> sharpeRatio(std::span<const double> returns, double riskFree)
{
    const auto deviation = standardDeviation(returns);
    if (!deviation || isFlat(*deviation, *mean(returns)))
        return std::nullopt;
    return std::sqrt(tradingDaysPerYear) * (*mean(returns) - riskFree / tradingDaysPerYear) / *deviation;
}

std::optional<ValueAtRisk> valueAtRisk(std::span<const double> returns, double confidence)
{
    if (!(confidence > 0.5 && confidence < 1))
        throw std::invalid_argument("confidence must be between 0.5 and 1");
    const auto deviation = standardDeviation(returns);
    if (!deviation)
        return std::nullopt;
    const boost::math::normal standard;
    const double z = boost::math::quantile(standard, 1 - confidence);
    const double middle = *mean(returns);
    const double limit = *quantile(returns, 1 - confidence);
    double tail = 0;
    std::size_t count = 0;
    for (const double value : returns)
        if (value <= limit) {
            tail += value;
            ++count;
        }
    // The least return is always at or below any quantile but for rounding.
    const double shortfall = count > 0 ? tail / double(count) : limit;
    return ValueAtRisk{-limit, -(middle + *deviation * z), -shortfall,
                       -(middle - *deviation * boost::math::pdf(standard, z) / (1 - confidence))};
}

} // namespace portolan::market
