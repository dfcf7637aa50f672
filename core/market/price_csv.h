// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/market/quotes.h"

#include <string>
#include <string_view>
#include <vector>

namespace portolan::market {

/// What is wrong with one row of an upload or price file.
struct RowError
{
    std::size_t row = 0; ///< 1 is the header; a row that spans lines by its quotes counts once
    std::string detail;
    bool operator==(const RowError &) const = default;
};
BOOST_DESCRIBE_STRUCT(RowError, (), (row, detail))

struct PriceRows
{
    std::vector<Bar> bars;        ///< one a day, oldest first
    std::vector<RowError> errors; ///< the first 100 rows that were left out, and why
    std::size_t leftOut = 0;      ///< all of them
    std::size_t rows = 0;         ///< data rows seen
};

/// Reads the daily prices of one security as programs and web sites save them: CSV (RFC 4180; fields separated by
/// comma, semicolon or tab), UTF-8 or UTF-16 with its byte order mark; CRLF is fine. Bad rows are left out and counted,
/// and so are those with more fields than the header, which do not stand under their names. A file that is none of that
/// (compressed, a spreadsheet, a web page, with a field above 64 KB) has no bars, and one error that says what it is.
///
/// Columns are found by their names in the first row, in any case and order, also as "<CLOSE>"; further ones are passed
/// over:
///  - "date", "datetime", "timestamp", "time" or "day"; where there is none, the first column if it is called "price"
///    or nothing, as pandas and yfinance write their index. A "time" beside a date is of the day. Rows without any
///    number behind the header belong to it.
///  - "close", also "close/last", "last" or "adj close"; "open", "high" and "low", which where there are none are the
///    close; "volume" or "vol", 0 where it is not told.
///  - of several securities the columns that a further row of the header ("Ticker,AAPL,MSFT") marks with `symbol`, or
///    the rows that a column "ticker", "symbol" or "name" does. A file with prices of others only has no bars.
/// Dates and numbers are written as in price_fields.h. Rows of one day with different times become one bar; a day that
/// stands twice otherwise is bad. Prices are above 0 and up to 10^9. low ≤ open, close ≤ high, but for what rounding
/// costs. A price or date that may be read in two ways, and of which the file's other rows do not tell, is bad.
PriceRows readPriceCsv(std::string_view text, std::string_view symbol = {});

} // namespace portolan::market
