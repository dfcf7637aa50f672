// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <vector>

/// Technical indicators over a series in order of time, oldest first. Each answers a series as long as its input, NaN
/// where the indicator is not defined yet. A NaN in the input is a gap: the answer is NaN there and the indicator
/// starts anew behind it. Periods are at least 1 (std::invalid_argument otherwise). No state; any thread.
namespace portolan::market {

using Series = std::vector<double>;

/// Simple moving average: the mean of the last `period` values.
Series sma(std::span<const double> values, std::size_t period);

/// Exponential moving average with α = 2 / (period + 1), begun with the simple average of the first `period` values, as
/// charting software does: EMAₜ = α xₜ + (1 − α) EMAₜ₋₁.
Series ema(std::span<const double> values, std::size_t period);

/// Relative strength index, 0–100 (Wilder, New Concepts in Technical Trading Systems, 1978): 100 − 100 / (1 + RS), RS
/// the ratio of the average gain to the average loss; the first averages are simple ones over `period` changes, then
/// smoothed: avgₜ = ((period − 1) avgₜ₋₁ + xₜ) / period. 100 where nothing was lost, 50 where nothing moved.
Series rsi(std::span<const double> values, std::size_t period = 14);

struct Macd
{
    Series line;      ///< EMA(fast) − EMA(slow)
    Series signal;    ///< EMA of the line
    Series histogram; ///< line − signal
};
/// Moving average convergence/divergence (Appel 1979). `fast` below `slow` (std::invalid_argument otherwise).
Macd macd(std::span<const double> values, std::size_t fast = 12, std::size_t slow = 26, std::size_t signal = 9);

struct Bollinger
{
    Series middle; ///< SMA
    Series upper;  ///< middle + width × σ
    Series lower;
};
/// Bollinger bands (Bollinger on Bollinger Bands, 2001): σ is the population standard deviation of the window.
Bollinger bollinger(std::span<const double> values, std::size_t period = 20, double width = 2);

/// Average true range (Wilder 1978): the true range is max(H − L, |H − C₋₁|, |L − C₋₁|), H − L on the first day; the
/// first average is a simple one over `period` days, then smoothed like the RSI's. The three series are equally long
/// (std::invalid_argument otherwise).
Series atr(std::span<const double> high, std::span<const double> low, std::span<const double> close,
           std::size_t period = 14);

} // namespace portolan::market
