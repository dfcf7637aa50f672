// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/market/indicators.h"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <functional>

/// A Monte Carlo outlook over a price history.
namespace portolan::market {

enum class OutlookMethod : std::uint8_t {
    Gbm, ///< geometric Brownian motion fitted to the history: ln S moves by N(μ, σ²) a day, μ and σ those of its log
         ///< returns
    Bootstrap, ///< days of the history drawn with replacement (Efron 1979): keeps fat tails, forgets their order
};
BOOST_DESCRIBE_ENUM(OutlookMethod, Gbm, Bootstrap)

struct OutlookOptions
{
    OutlookMethod method = OutlookMethod::Gbm;
    std::uint32_t horizonDays = 30; ///< trading days, 1–1260
    std::uint32_t paths = 10'000;   ///< 100–100,000
    std::uint64_t seed = 1;         ///< same seed and input, same outlook
};

inline constexpr std::uint32_t longestHorizon = 1260;
inline constexpr std::uint32_t leastPaths = 100;
inline constexpr std::uint32_t mostPaths = 1'000'000; ///< 16 MB and some seconds
inline constexpr std::size_t shortestHistory = 30;    ///< daily returns

/// Percentiles of the price on one day.
struct FanPoint
{
    std::uint32_t day = 0; ///< trading days from now
    double p5 = 0;
    double p25 = 0;
    double p50 = 0;
    double p75 = 0;
    double p95 = 0;
    bool operator==(const FanPoint &) const = default;
};
BOOST_DESCRIBE_STRUCT(FanPoint, (), (day, p5, p25, p50, p75, p95))

struct Outlook
{
    OutlookMethod method = OutlookMethod::Gbm;
    std::uint32_t horizonDays = 0;
    std::uint32_t paths = 0;
    double startPrice = 0;
    double meanPrice = 0; ///< of the last day
    double deviation = 0; ///< sample standard deviation of the last day's price
    double p1 = 0;        ///< percentiles of the last day's price
    double p5 = 0;
    double p25 = 0;
    double p50 = 0;
    double p75 = 0;
    double p95 = 0;
    double p99 = 0;
    double lossProbability = 0; ///< share of paths that end below the start
    double valueAtRisk95 = 0;   ///< over the horizon: 1 − p5 / start
    std::vector<FanPoint> fan;  ///< at most 64 days, evenly spread; the last is the horizon
    bool operator==(const Outlook &) const = default;
};
BOOST_DESCRIBE_STRUCT(Outlook, (),
                      (method, horizonDays, paths, startPrice, meanPrice, deviation, p1, p5, p25, p50, p75, p95, p99,
                       lossProbability, valueAtRisk95, fan))

/// Told how far it is (0–1), in steps of at most 1 %, on the calling thread; answers false to give up.
using OutlookProgress = std::function<bool(double done)>;

/// Simulates from the last of `prices` (above 0, oldest first). Only the calling thread works; 10,000 paths × 250 days
/// take some 30 ms. Between two days of the fan a path of the Brownian motion moves in one step, which has the same
/// law. Invalid: an option out of range, fewer than `shortestHistory` returns, a price that is not above 0. Cancelled:
/// `progress` said so.
Result<Outlook> simulateOutlook(std::span<const double> prices, const OutlookOptions &options,
                                const OutlookProgress &progress = {});

} // namespace portolan::market
