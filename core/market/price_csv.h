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
    std::size_t rows = 0;         ///< data rows seen; reading stops at 100,000
};

/// Reads daily prices as programs and web sites save them: CSV (RFC 4180; fields separated by comma, semicolon or tab),
/// a byte order mark and CRLF are fine. Bad rows are left out and counted.
///
/// Columns are found by their names in the first row, in any case and order; further ones are passed over:
///  - "date", "datetime", "timestamp", "time" or "day"; where there is none, the first column if it is called "price"
///    or nothing, as pandas and yfinance write their index. Rows without any number behind the header belong to it.
///  - "close", also "close/last", "last" or "adj close"; "open", "high" and "low", which where there are none are the
///    close; "volume" or "vol", 0 where it is not told.
/// Dates are 2026-01-31, with or without a time behind it, or 01/31/2026 and 31/01/2026 where the file's other rows say
/// which is the month. Rows of one day with different times become one bar; a day that stands twice otherwise is bad.
/// Prices are above 0 and up to 10^9 ("$" and marks of thousands are passed over), a decimal comma is understood where
/// fields are not separated by commas. Volumes may have a fraction or end in K, M or B. low ≤ open, close ≤ high, but
/// for what rounding costs.
PriceRows readPriceCsv(std::string_view text);

} // namespace portolan::market
