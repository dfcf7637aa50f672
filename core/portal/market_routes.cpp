// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/market_routes.h"

#include "core/base/json.h"
#include "core/http/problem.h"
#include "core/market/quotes.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace portolan::portal {

namespace {

using http::Request;
using http::Response;

constexpr unsigned usualHistory = 30;

struct QuotePage
{
    std::string source; ///< "simulated", "csv"
    std::string currency;
    std::vector<market::Quote> items;
    std::vector<std::string> missing;
    std::optional<std::string> nextCursor; ///< always null: a request names all it gets
};
BOOST_DESCRIBE_STRUCT(QuotePage, (), (source, currency, items, missing, nextCursor))

struct HistoryPage
{
    std::string symbol;
    std::string source;
    std::string currency;
    std::vector<market::Bar> items;
    std::optional<std::string> nextCursor;
};
BOOST_DESCRIBE_STRUCT(HistoryPage, (), (symbol, source, currency, items, nextCursor))

constexpr std::string_view quotesSchema =
    R"({"type":"object","properties":{"source":{"type":"string"},"currency":{"type":"string"},"items":{"type":"array","items":{"type":"object",)"
    R"("properties":{"symbol":{"type":"string"},"price":{"type":"number"},"previous_close":{"type":"number"},)"
    R"("change":{"type":"number"},"change_percent":{"type":"number"},"volume":{"type":"integer"},)"
    R"("time":{"type":"string","format":"date-time"}}}},"missing":{"type":"array","items":{"type":"string"}},)"
    R"("next_cursor":{"type":["string","null"]}}})";
constexpr std::string_view historySchema =
    R"({"type":"object","properties":{"symbol":{"type":"string"},"source":{"type":"string"},"currency":{"type":"string"},"items":{"type":"array","items":{"type":"object",)"
    R"("properties":{"date":{"type":"string","format":"date-time"},"open":{"type":"number"},"high":{"type":"number"},)"
    R"("low":{"type":"number"},"close":{"type":"number"},"volume":{"type":"integer"}}}},)"
    R"("next_cursor":{"type":["string","null"]}}})";

Error wrong(const char *pointer, std::string detail)
{
    FieldErrors errors;
    errors.add(pointer, std::move(detail));
    return errors.error();
}

/// Each symbol once, in the order asked for.
Result<std::vector<std::string>> symbolsOf(const Request &request)
{
    const auto given = request.queryParam("symbols");
    if (!given || given->empty())
        return wrong("/symbols", "is required");
    std::vector<std::string> symbols;
    for (std::string_view rest = *given; !rest.empty();) {
        const auto comma = rest.find(',');
        std::string symbol(rest.substr(0, comma));
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        if (!market::isSymbol(symbol))
            return wrong("/symbols", "must be symbols of one to five capital letters, separated by commas");
        if (std::ranges::find(symbols, symbol) == symbols.end())
            symbols.push_back(std::move(symbol));
        if (symbols.size() > mostQuotedSymbols)
            return wrong("/symbols", "must not be more than " + std::to_string(mostQuotedSymbols));
    }
    return symbols;
}

Result<unsigned> daysOf(const Request &request)
{
    const auto given = request.queryParam("days");
    if (!given)
        return usualHistory;
    unsigned days = 0;
    const char *end = given->data() + given->size();
    const auto parsed = std::from_chars(given->data(), end, days);
    if (parsed.ec != std::errc() || parsed.ptr != end || days < 1 || days > market::longestHistory)
        return wrong("/days", "must be from 1 to " + std::to_string(market::longestHistory));
    return days;
}

} // namespace

void MarketRoutes::mount(http::Router &router)
{
    router.get("/api/quotes", {Role::User, Category::Api}, [this](Request &request) { return quotes(request); },
               {"What stocks trade at", {}, quotesSchema});
    router.get("/api/quotes/{symbol}/history", {Role::User, Category::Api},
               [this](Request &request) { return history(request); }, {"Daily bars of a stock", {}, historySchema});
}

awaitable<Response> MarketRoutes::quotes(Request &request)
{
    const auto symbols = symbolsOf(request);
    if (symbols.has_error())
        co_return http::problem(request, symbols.error());
    QuotePage page;
    page.source = m_quotes.name();
    page.currency = m_quotes.currency();
    for (const auto &symbol : *symbols) {
        auto quote = co_await m_quotes.quote(symbol);
        if (quote.has_value())
            page.items.push_back(std::move(*quote));
        else if (quote.error().kind == ErrorKind::NotFound || quote.error().code == market::codePricesUnreadable)
            page.missing.push_back(symbol);
        else
            co_return http::problem(request, quote.error());
    }
    co_return http::json(writeJson(page));
}

awaitable<Response> MarketRoutes::history(Request &request)
{
    std::string symbol(request.param("symbol"));
    if (!market::isSymbol(symbol))
        co_return http::problem(request, wrong("/symbol", "must be one to five capital letters"));
    const auto days = daysOf(request);
    if (days.has_error())
        co_return http::problem(request, days.error());
    auto bars = co_await m_quotes.history(symbol, *days);
    if (bars.has_error())
        co_return http::problem(request, bars.error());
    co_return http::json(writeJson(HistoryPage{std::move(symbol), std::string(m_quotes.name()),
                                               std::string(m_quotes.currency()), std::move(*bars), std::nullopt}));
}

} // namespace portolan::portal
