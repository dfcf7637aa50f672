// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/indicators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace portolan::market {

namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

void requirePeriod(std::size_t period)
{
    if (period == 0)
        throw std::invalid_argument("an indicator's period must be at least 1");
}

double meanOf(std::span<const double> window)
{
    return std::accumulate(window.begin(), window.end(), 0.0) / double(window.size());
}

/// Calls `part(first, size)` for each longest run without NaN.
template <class F> void eachRun(std::span<const double> values, F part)
{
    for (std::size_t at = 0; at < values.size();) {
        std::size_t end = at;
        while (end < values.size() && !std::isnan(values[end]))
            ++end;
        if (end > at)
            part(at, end - at);
        at = end + 1;
    }
}

/// Averages begun with a simple mean of `period` values, then aₜ = aₜ₋₁ + weight (xₜ − aₜ₋₁).
void smooth(std::span<const double> values, std::size_t period, double weight, std::span<double> to)
{
    if (values.size() < period)
        return;
    double average = meanOf(values.first(period));
    to[period - 1] = average;
    for (std::size_t i = period; i < values.size(); ++i) {
        average += weight * (values[i] - average);
        to[i] = average;
    }
}

double strength(double gain, double loss)
{
    if (gain + loss == 0)
        return 50;
    return 100 * gain / (gain + loss);
}

void rsiOfRun(std::span<const double> values, std::size_t period, std::span<double> to)
{
    if (values.size() <= period)
        return;
    double gain = 0;
    double loss = 0;
    for (std::size_t i = 1; i < values.size(); ++i) {
        const double change = values[i] - values[i - 1];
        const double up = std::max(change, 0.0);
        const double down = std::max(-change, 0.0);
        if (i <= period) {
            gain += up / double(period);
            loss += down / double(period);
        } else {
            gain = (gain * double(period - 1) + up) / double(period);
            loss = (loss * double(period - 1) + down) / double(period);
        }
        if (i >= period)
            to[i] = strength(gain, loss);
    }
}

} // namespace

Series sma(std::span<const double> values, std::size_t period)
{
    requirePeriod(period);
    Series result(values.size(), undefined);
    // Each window is summed afresh: a running sum would carry rounding errors, and one NaN, for ever.
    for (std::size_t i = period; i <= values.size(); ++i)
        result[i - 1] = meanOf(values.subspan(i - period, period));
    return result;
}

Series ema(std::span<const double> values, std::size_t period)
{
    requirePeriod(period);
    Series result(values.size(), undefined);
    eachRun(values, [&](std::size_t first, std::size_t size) {
        smooth(values.subspan(first, size), period, 2 / double(period + 1), std::span(result).subspan(first, size));
    });
    return result;
}

Series rsi(std::span<const double> values, std::size_t period)
{
    requirePeriod(period);
    Series result(values.size(), undefined);
    eachRun(values, [&](std::size_t first, std::size_t size) {
        rsiOfRun(values.subspan(first, size), period, std::span(result).subspan(first, size));
    });
    return result;
}

Macd macd(std::span<const double> values, std::size_t fast, std::size_t slow, std::size_t signal)
{
    if (fast >= slow)
        throw std::invalid_argument("the fast period of MACD must be below the slow one");
    Macd result{ema(values, fast), {}, Series(values.size(), undefined)};
    const Series slower = ema(values, slow);
    for (std::size_t i = 0; i < values.size(); ++i)
        result.line[i] -= slower[i];
    result.signal = ema(result.line, signal);
    for (std::size_t i = 0; i < values.size(); ++i)
        result.histogram[i] = result.line[i] - result.signal[i];
    return result;
}

Bollinger bollinger(std::span<const double> values, std::size_t period, double width)
{
    Bollinger result{sma(values, period), Series(values.size(), undefined), Series(values.size(), undefined)};
    for (std::size_t i = period; i <= values.size(); ++i) {
        const double middle = result.middle[i - 1];
        double squares = 0;
        for (const double value : values.subspan(i - period, period))
            squares += (value - middle) * (value - middle);
        const double deviation = std::sqrt(squares / double(period));
        result.upper[i - 1] = middle + width * deviation;
        result.lower[i - 1] = middle - width * deviation;
    }
    return result;
}

Series atr(std::span<const double> high, std::span<const double> low, std::span<const double> close, std::size_t period)
{
    requirePeriod(period);
    if (high.size() != low.size() || high.size() != close.size())
        throw std::invalid_argument("high, low and close must be equally long");
    Series range(high.size(), undefined);
    for (std::size_t i = 0; i < high.size(); ++i) {
        if (std::isnan(high[i]) || std::isnan(low[i]) || std::isnan(close[i]))
            continue;
        range[i] = high[i] - low[i];
        if (i > 0 && !std::isnan(range[i - 1])) // behind a gap there is no close before
            range[i] = std::max({range[i], std::abs(high[i] - close[i - 1]), std::abs(low[i] - close[i - 1])});
    }
    Series result(high.size(), undefined);
    eachRun(range, [&](std::size_t first, std::size_t size) {
        smooth(std::span<const double>(range).subspan(first, size), period, 1 / double(period),
               std::span(result).subspan(first, size));
    });
    return result;
}

} // namespace portolan::market
