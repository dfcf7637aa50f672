// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/outlook.h"

#include "core/market/random.h"
#include "core/market/risk.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace portolan::market {

namespace {

constexpr std::uint32_t mostFanDays = 64;
constexpr std::size_t progressSteps = 100;

Result<void> check(std::span<const double> prices, const OutlookOptions &options)
{
    const auto invalid = [](std::string why) { return failure(ErrorKind::Invalid, std::move(why)); };
    if (options.horizonDays < 1 || options.horizonDays > longestHorizon)
        return invalid("horizon_days must be from 1 to " + std::to_string(longestHorizon));
    if (options.paths < leastPaths || options.paths > mostPaths)
        return invalid("paths must be from " + std::to_string(leastPaths) + " to " + std::to_string(mostPaths));
    if (prices.size() < shortestHistory + 1)
        return invalid("an outlook needs at least " + std::to_string(shortestHistory + 1) + " days of history");
    if (!std::ranges::all_of(prices, [](double price) { return price > 0 && std::isfinite(price); }))
        return invalid("prices must be above 0");
    return {};
}

std::vector<std::uint32_t> fanDays(std::uint32_t horizon)
{
    const std::uint32_t count = std::min(horizon, mostFanDays);
    std::vector<std::uint32_t> days(count);
    for (std::uint32_t i = 0; i < count; ++i)
        days[i] = std::uint32_t(std::uint64_t(horizon) * (i + 1) / count);
    return days;
}

/// The paths at one moment: logarithms of price over start, one contiguous array.
class Paths final
{
public:
    Paths(std::span<const double> prices, const OutlookOptions &options)
        : m_returns(logReturns(prices)),
          m_drift(*mean(m_returns)),
          m_deviation(*standardDeviation(m_returns)),
          m_method(options.method),
          m_random(options.seed),
          m_logs(options.paths, 0.0)
    {}

    /// Moves paths first … last − 1 on by so many days.
    void advance(std::size_t first, std::size_t last, std::uint32_t days)
    {
        if (m_method == OutlookMethod::Gbm) {
            const double drift = m_drift * days;
            const double deviation = m_deviation * std::sqrt(double(days));
            for (std::size_t i = first; i < last; ++i)
                m_logs[i] += drift + deviation * m_random.normal();
            return;
        }
        const auto bound = std::uint32_t(m_returns.size());
        for (std::size_t i = first; i < last; ++i) {
            double sum = 0;
            for (std::uint32_t day = 0; day < days; ++day)
                sum += m_returns[m_random.below(bound)];
            m_logs[i] += sum;
        }
    }

    const Series &logs() const { return m_logs; }

private:
    const Series m_returns;
    const double m_drift;
    const double m_deviation;
    const OutlookMethod m_method;
    Xoshiro m_random;
    Series m_logs;
};

/// Percentiles (type 7) of `values`, which are reordered; `shares` rise, so each selection works on what the one before
/// left.
template <std::size_t N> std::array<double, N> percentiles(Series &values, const std::array<double, N> &shares)
{
    std::array<double, N> result{};
    auto from = values.begin();
    for (std::size_t i = 0; i < N; ++i) {
        const double position = shares[i] * double(values.size() - 1);
        const auto at = values.begin() + std::ptrdiff_t(position);
        std::nth_element(from, at, values.end());
        const double next = at + 1 == values.end() ? *at : *std::min_element(at + 1, values.end());
        result[i] = *at + (position - std::floor(position)) * (next - *at);
        from = at;
    }
    return result;
}

FanPoint fanPoint(std::uint32_t day, double start, const Series &logs, Series &scratch)
{
    scratch = logs;
    const auto p = percentiles<5>(scratch, {0.05, 0.25, 0.5, 0.75, 0.95});
    const auto price = [&](double log) { return start * std::exp(log); };
    return {day, price(p[0]), price(p[1]), price(p[2]), price(p[3]), price(p[4])};
}

void summarise(Outlook &outlook, const Series &logs, Series &scratch)
{
    scratch.resize(logs.size());
    std::ranges::transform(logs, scratch.begin(), [&](double log) { return outlook.startPrice * std::exp(log); });
    outlook.meanPrice = *mean(scratch);
    outlook.deviation = *standardDeviation(scratch);
    const auto lost = std::ranges::count_if(logs, [](double log) { return log < 0; });
    outlook.lossProbability = double(lost) / double(logs.size());
    const auto p = percentiles<7>(scratch, {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99});
    outlook.p1 = p[0];
    outlook.p5 = p[1];
    outlook.p25 = p[2];
    outlook.p50 = p[3];
    outlook.p75 = p[4];
    outlook.p95 = p[5];
    outlook.p99 = p[6];
    outlook.valueAtRisk95 = 1 - outlook.p5 / outlook.startPrice;
}

/// Counts work in paths × days and reports each hundredth once.
class Meter final
{
public:
    Meter(std::uint64_t total, const OutlookProgress &progress) : m_total(total), m_progress(progress) {}
    bool add(std::uint64_t work)
    {
        m_done += work;
        const auto step = m_done * progressSteps / m_total;
        if (!m_progress || step == m_reported)
            return true;
        m_reported = step;
        return m_progress(double(m_done) / double(m_total));
    }

private:
    const std::uint64_t m_total;
    const OutlookProgress &m_progress;
    std::uint64_t m_done = 0;
    std::uint64_t m_reported = 0;
};

} // namespace

Result<Outlook> simulateOutlook(std::span<const double> prices, const OutlookOptions &options,
                                const OutlookProgress &progress)
{
    if (const auto good = check(prices, options); good.has_error())
        return good.error();
    Outlook outlook;
    outlook.method = options.method;
    outlook.horizonDays = options.horizonDays;
    outlook.paths = options.paths;
    outlook.startPrice = prices.back();

    Paths paths(prices, options);
    Meter meter(std::uint64_t(options.paths) * options.horizonDays, progress);
    Series scratch;
    std::uint32_t today = 0;
    for (const std::uint32_t day : fanDays(options.horizonDays)) {
        // Chunks small enough that a hundredth of the work never passes unreported.
        const std::size_t chunk =
            std::max<std::size_t>(1, std::size_t(options.paths) * options.horizonDays / progressSteps / (day - today));
        for (std::size_t first = 0; first < options.paths; first += chunk) {
            const std::size_t last = std::min<std::size_t>(first + chunk, options.paths);
            paths.advance(first, last, day - today);
            if (!meter.add((last - first) * (day - today)))
                return failure(ErrorKind::Cancelled, "The outlook was given up");
        }
        today = day;
        outlook.fan.push_back(fanPoint(day, outlook.startPrice, paths.logs(), scratch));
    }
    summarise(outlook, paths.logs(), scratch);
    return outlook;
}

} // namespace portolan::market
