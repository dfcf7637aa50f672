// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::market {

/// One trading day. Prices in the instrument's currency, low ≤ open, close ≤ high, all above 0.
struct Bar
{
    WallTime date; ///< midnight UTC of the day
    double open = 0;
    double high = 0;
    double low = 0;
    double close = 0;
    std::uint64_t volume = 0; ///< shares traded
    bool operator==(const Bar &) const = default;
};
BOOST_DESCRIBE_STRUCT(Bar, (), (date, open, high, low, close, volume))

/// What an instrument trades at.
struct Quote
{
    std::string symbol;
    double price = 0;
    double previousClose = 0;
    double change = 0;        ///< price − previous close
    double changePercent = 0; ///< of the previous close
    std::uint64_t volume = 0; ///< of the day so far
    WallTime time;            ///< of the price: now while the market is open, else its last close
    bool operator==(const Quote &) const = default;
};
BOOST_DESCRIBE_STRUCT(Quote, (), (symbol, price, previousClose, change, changePercent, volume, time))

inline constexpr unsigned longestHistory = 2520; ///< trading days: ten years

/// `^[A-Z]{1,5}$`, the only symbols the portal knows.
bool isSymbol(std::string_view text);

/// The Invalid error for a text that is no symbol.
Error notASymbol(std::string_view text);

/// A quote from its parts, with change and per cent worked out.
Quote makeQuote(std::string symbol, double price, double previousClose, std::uint64_t volume, WallTime time);

/// The code of an Unavailable that is of one instrument: the source is there, what it has of this one cannot be used.
inline constexpr std::string_view codePricesUnreadable = "prices-unreadable";

/// Where prices come from. Any thread; symbols are checked (Invalid). NotFound: no such instrument. Unavailable: the
/// source is away, or codePricesUnreadable.
class QuoteProvider
{
public:
    virtual ~QuoteProvider() = default;
    virtual std::string_view name() const = 0;     ///< "simulated", for logs and answers
    virtual std::string_view currency() const = 0; ///< of all its prices, ISO 4217: "USD"
    virtual awaitable<Result<Quote>> quote(std::string symbol) = 0;
    /// The last `days` (1 … longestHistory) finished trading days, oldest first; fewer if there are no more.
    virtual awaitable<Result<std::vector<Bar>>> history(std::string symbol, unsigned days) = 0;
};

} // namespace portolan::market
