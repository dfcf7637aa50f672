// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/quotes.h"

#include "core/base/utf8.h"

#include <algorithm>

namespace portolan::market {

bool isSymbol(std::string_view text)
{
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Error notASymbol(std::string_view text)
{
    return failure(ErrorKind::Invalid, '"' + std::string(cutText(text, 32)) + "\" is not a symbol",
                   "Write one to five capital letters, such as AAPL");
}

Quote makeQuote(std::string symbol, double price, double previousClose, std::uint64_t volume, WallTime time)
{
    const double change = price - previousClose;
    const double percent = previousClose > 0 ? change / previousClose * 100 : 0;
    return {std::move(symbol), price, previousClose, change, percent, volume, time};
}

} // namespace portolan::market
