// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/market/quotes.h"

#include <list>
#include <memory>
#include <mutex>
#include <optional>

namespace portolan::market {

/// A market made up, but plausible, and the same for everybody with the same seed: a bar depends on seed, symbol and
/// date only, never on what was asked before.
///
/// Each symbol is a geometric Brownian motion whose daily variance follows GARCH(1,1) (Bollerslev 1986:
/// σ²ₜ = ω + α ε²ₜ₋₁ + β σ²ₜ₋₁), so that wild days come together. A weak pull towards its trend (half of a distance
/// in 1.4 years) keeps prices plausible over decades. Price, trend (−2 … 14 % a year), mean volatility (14 … 55 % a
/// year), α, β and volume are drawn from its name. A fifth of a day's variance is the gap over night. High and low are
/// drawn from the law of a Brownian bridge's extremes (Karatzas, Shreve: Brownian Motion, section 4.3). Within the day
/// the price walks a Brownian bridge from open to close, halved and halved again (Lévy's construction), inside high and
/// low; volume grows along a U: much at the opening and the close, little at noon.
///
/// History begins on 2005-01-03. Any thread. The first use of a symbol computes its path (below 1 ms); the last 64 used
/// are kept.
class SimulatedMarket final : public QuoteProvider
{
public:
    SimulatedMarket(const Clock &clock, std::uint64_t seed); ///< the clock must outlive this
    ~SimulatedMarket() override;

    std::string_view name() const override { return "simulated"; }
    std::string_view currency() const override { return "USD"; }
    awaitable<Result<Quote>> quote(std::string symbol) override;
    awaitable<Result<std::vector<Bar>>> history(std::string symbol, unsigned days) override;

    /// The bar of a trading day; nullopt on other days and before history begins. `symbol` must be one.
    std::optional<Bar> bar(const std::string &symbol, std::chrono::sys_days day);
    /// The price at any time since history began; Invalid before.
    Result<Quote> quoteAt(const std::string &symbol, WallTime time);
    /// The last `days` trading days that are over at `time`, oldest first.
    std::vector<Bar> historyAt(const std::string &symbol, WallTime time, unsigned days);

private:
    struct Instrument;
    std::shared_ptr<Instrument> instrument(const std::string &symbol);

    const Clock &m_clock;
    const std::uint64_t m_seed;
    std::mutex m_mutex;
    std::list<std::shared_ptr<Instrument>> m_recent; ///< most recently used first
};

} // namespace portolan::market
