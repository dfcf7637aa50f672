// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/simulated_market.h"

#include "core/market/calendar.h"
#include "core/market/random.h"

#include <algorithm>
#include <cmath>

namespace portolan::market {

namespace {

using namespace std::chrono;

constexpr sys_days firstDay{year(2005) / January / 3};
constexpr std::size_t keptInstruments = 64;
constexpr double tradingDays = 252;
constexpr double pull = 0.5 / tradingDays; ///< share of the distance to the trend that a day makes up
constexpr double overnightShare = 0.2;     ///< of a day's variance
constexpr double worstReturn = 0.25;       ///< of a day, logarithmic
constexpr int bridgeLevels = 14;           ///< 6.5 h / 2^14 ≈ 1.4 s
constexpr double leastPrice = 0.01;

enum Stream : std::uint64_t { Shape = 1, Return, Gap, High, Low, Volume, Path };

std::uint64_t hashOf(std::uint64_t seed, std::string_view symbol)
{
    std::uint64_t hash = mix(seed);
    for (const char c : symbol)
        hash = mix(hash ^ std::uint64_t(c));
    return hash;
}

double cents(double price) { return std::max(leastPrice, std::round(price * 100) / 100); }

/// Share of the day's volume traded by then: the integral of 0.5 + 1.5 (2x − 1)², which is a U.
double volumeShare(double x)
{
    const double y = 2 * x - 1;
    return 0.5 * x + 0.25 * (y * y * y + 1);
}

} // namespace

/// One symbol: its character, and its path as far as it was needed. The path grows only at its end.
struct SimulatedMarket::Instrument
{
    struct Day
    {
        sys_days date;
        double close;    ///< logarithm of the price
        double variance; ///< of the day's logarithmic return
    };

    Instrument(std::string name, std::uint64_t seed) : symbol(std::move(name)), hash(hashOf(seed, symbol))
    {
        const auto between = [&](std::uint64_t index, double least, double most) {
            return least + (most - least) * unit(draw(Shape, 0, index));
        };
        // After two decades a price is still one that stocks have: 20 to 700 nearly always.
        startLog = std::log(40.0) + between(0, 0, std::log(5.0)); // 40 … 200
        const double volatility = between(2, 0.14, 0.40);
        meanVariance = volatility * volatility / tradingDays;
        alpha = between(3, 0.05, 0.12);
        beta = between(4, 0.82, 0.87);
        drift = between(1, -0.01, 0.03) / tradingDays;
        meanVolume = std::exp(std::log(2e5) + between(5, 0, std::log(200.0)));
    }

    std::uint64_t draw(std::uint64_t stream, std::int64_t day, std::uint64_t index) const
    {
        return mix(mix(hash ^ stream * 0xa0761d6478bd642f) ^ mix(std::uint64_t(day) * 0xe7037ed1a0b428db + index));
    }
    double normalOf(std::uint64_t stream, sys_days day, std::uint64_t index = 0) const
    {
        const auto at = day.time_since_epoch().count();
        return normal(draw(stream, at, 2 * index), draw(stream, at, 2 * index + 1));
    }
    double unitOf(std::uint64_t stream, sys_days day) const
    {
        return unit(draw(stream, day.time_since_epoch().count(), 0));
    }

    /// Index of a trading day in the path, computing as far as it takes.
    std::optional<std::size_t> indexOf(sys_days day)
    {
        if (day < firstDay || !isTradingDay(day))
            return std::nullopt;
        extendTo(day);
        const auto found = std::ranges::lower_bound(path, day, {}, &Day::date);
        return std::size_t(found - path.begin());
    }

    void extendTo(sys_days day)
    {
        if (path.empty())
            path.push_back({firstDay, startLog, meanVariance});
        for (sys_days next = path.back().date + days(1); next <= day; next += days(1)) {
            if (!isTradingDay(next))
                continue;
            const Day &last = path.back();
            const double shock = std::sqrt(last.variance) * normalOf(Return, last.date);
            const double variance =
                std::clamp(meanVariance * (1 - alpha - beta) + alpha * shock * shock + beta * last.variance,
                           meanVariance * 0.1, meanVariance * 12);
            const double trend = startLog + drift * double(path.size());
            const double move = drift + pull * (trend - last.close) + std::sqrt(variance) * normalOf(Return, next);
            path.push_back({next, last.close + std::clamp(move, -worstReturn, worstReturn), variance});
        }
    }

    double openOf(std::size_t at) const
    {
        const double before = at > 0 ? path[at - 1].close : startLog;
        const double whole = path[at].close - before;
        // Given the whole move, the gap is normal around its share of it: a bridge again.
        const double spread = std::sqrt(path[at].variance * overnightShare * (1 - overnightShare));
        return before + overnightShare * whole + spread * normalOf(Gap, path[at].date);
    }

    /// How far a bridge of this variance gets above its higher end (and, mirrored, below its lower one).
    double beyond(std::uint64_t stream, std::size_t at, double move) const
    {
        const double variance = path[at].variance * (1 - overnightShare);
        const double size = std::abs(move);
        return (std::sqrt(size * size - 2 * variance * std::log(unitOf(stream, path[at].date))) - size) / 2;
    }

    Bar barAt(std::size_t at) const
    {
        const Day &day = path[at];
        const double open = openOf(at);
        const double move = day.close - open;
        Bar bar;
        bar.date = day.date;
        bar.open = cents(std::exp(open));
        bar.close = cents(std::exp(day.close));
        bar.high = std::max({cents(std::exp(std::max(open, day.close) + beyond(High, at, move))), bar.open, bar.close});
        bar.low = std::min({cents(std::exp(std::min(open, day.close) - beyond(Low, at, move))), bar.open, bar.close});
        const double surprise =
            std::abs(day.close - (at > 0 ? path[at - 1].close : startLog)) / std::sqrt(meanVariance);
        const double volume = meanVolume * (0.7 + 0.3 * surprise) * std::exp(0.25 * normalOf(Volume, day.date));
        bar.volume = std::uint64_t(std::max(100.0, std::round(volume)));
        return bar;
    }

    /// The price at a fraction of the session.
    double priceAt(std::size_t at, double fraction, const Bar &bar) const
    {
        if (fraction >= 1)
            return bar.close;
        double left = openOf(at);
        double right = path[at].close;
        double width = 1;
        double from = 0;
        std::uint64_t node = 1;
        const double variance = path[at].variance * (1 - overnightShare);
        for (int level = 0; level < bridgeLevels; ++level) {
            // The middle of a bridge of length w has variance w/4 around the mean of its ends.
            const double middle =
                (left + right) / 2 + std::sqrt(variance * width / 4) * normalOf(Path, path[at].date, node);
            width /= 2;
            const bool upper = fraction >= from + width;
            (upper ? left : right) = middle;
            from += upper ? width : 0;
            node = 2 * node + upper;
        }
        const double price = left + (right - left) * (fraction - from) / width;
        return std::clamp(cents(std::exp(price)), bar.low, bar.high);
    }

    const std::string symbol;
    const std::uint64_t hash;
    double startLog = 0;
    double meanVariance = 0;
    double alpha = 0;
    double beta = 0;
    double drift = 0;
    double meanVolume = 0;
    std::mutex mutex; ///< for `path`
    std::vector<Day> path;
};

SimulatedMarket::SimulatedMarket(const Clock &clock, std::uint64_t seed) : m_clock(clock), m_seed(seed) {}
SimulatedMarket::~SimulatedMarket() = default;

std::shared_ptr<SimulatedMarket::Instrument> SimulatedMarket::instrument(const std::string &symbol)
{
    const std::lock_guard lock(m_mutex);
    const auto found = std::ranges::find(m_recent, symbol, [](const auto &known) { return known->symbol; });
    if (found != m_recent.end()) {
        m_recent.splice(m_recent.begin(), m_recent, found);
        return m_recent.front();
    }
    m_recent.push_front(std::make_shared<Instrument>(symbol, m_seed));
    if (m_recent.size() > keptInstruments)
        m_recent.pop_back();
    return m_recent.front();
}

std::optional<Bar> SimulatedMarket::bar(const std::string &symbol, sys_days day)
{
    const auto known = instrument(symbol);
    const std::lock_guard lock(known->mutex);
    const auto index = known->indexOf(day);
    return index ? std::optional(known->barAt(*index)) : std::nullopt;
}

Result<Quote> SimulatedMarket::quoteAt(const std::string &symbol, WallTime time)
{
    const sys_days finished = lastFinishedDay(time);
    const sys_days today = floor<days>(time);
    const double fraction = sessionFraction(time);
    const bool open = isTradingDay(today) && finished != today && time - today >= openingTime;
    const auto known = instrument(symbol);
    const std::lock_guard lock(known->mutex);
    const auto index = known->indexOf(open ? today : finished);
    if (!index)
        return failure(ErrorKind::Invalid, "The simulated market begins on 2005-01-03");
    const Bar bar = known->barAt(*index);
    const double before = *index > 0 ? cents(std::exp(known->path[*index - 1].close)) : bar.open;
    if (!open)
        return makeQuote(symbol, bar.close, before, bar.volume, WallTime(finished + closingTime));
    const auto volume = std::uint64_t(double(bar.volume) * volumeShare(fraction));
    return makeQuote(symbol, known->priceAt(*index, fraction, bar), before, volume, time);
}

std::vector<Bar> SimulatedMarket::historyAt(const std::string &symbol, WallTime time, unsigned days)
{
    const auto known = instrument(symbol);
    const std::lock_guard lock(known->mutex);
    std::vector<Bar> bars;
    const auto last = known->indexOf(lastFinishedDay(time));
    if (!last)
        return bars;
    const std::size_t count = std::min<std::size_t>(days, *last + 1);
    bars.reserve(count);
    for (std::size_t at = *last + 1 - count; at <= *last; ++at)
        bars.push_back(known->barAt(at));
    return bars;
}

awaitable<Result<Quote>> SimulatedMarket::quote(std::string symbol)
{
    if (!isSymbol(symbol))
        co_return notASymbol(symbol);
    co_return quoteAt(symbol, m_clock.wall());
}

awaitable<Result<std::vector<Bar>>> SimulatedMarket::history(std::string symbol, unsigned days)
{
    if (!isSymbol(symbol))
        co_return notASymbol(symbol);
    if (days < 1 || days > longestHistory)
        co_return failure(ErrorKind::Invalid, "days must be from 1 to " + std::to_string(longestHistory));
    co_return historyAt(symbol, m_clock.wall(), days);
}

} // namespace portolan::market
