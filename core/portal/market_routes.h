// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/http/router.h"

namespace portolan::market {
class QuoteProvider;
}

namespace portolan::portal {

inline constexpr std::size_t mostQuotedSymbols = 50; ///< in one request

/// `GET /api/quotes?symbols=AAPL,MSFT` answers the quotes of symbols that exist and names the others in `missing`, also
/// those whose prices cannot be read;
/// `GET /api/quotes/{symbol}/history?days=` the last 1 … 2520 daily bars (30 by default), oldest first.
class MarketRoutes final
{
public:
    explicit MarketRoutes(market::QuoteProvider &quotes) : m_quotes(quotes) {} ///< outlives the router
    void mount(http::Router &router);

private:
    awaitable<http::Response> quotes(http::Request &request);
    awaitable<http::Response> history(http::Request &request);

    market::QuoteProvider &m_quotes;
};

} // namespace portolan::portal
