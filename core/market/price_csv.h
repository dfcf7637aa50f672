#pragma once

#include "core/market/quotes.h"

#include <string>
#include <string_view>
#include <vector>

namespace portolan::market {

/// What is wrong with one row of an upload or price file.
struct RowError
{
    std::size_t row = 0; ///< 1 is the header
    std::string detail;
    bool operator==(const RowError &) const = default;
};
BOOST_DESCRIBE_STRUCT(RowError, (), (row, detail))

struct PriceRows
{
    std::vector<Bar> bars;        ///< the good rows, in order
    std::vector<RowError> errors; ///< at most 100; then reading stops
    std::size_t rows = 0;         ///< data rows seen
};

/// Reads `date,open,high,low,close,volume` (RFC 4180 without quoting, which numbers do not need; a byte order mark and
/// CRLF are fine; the header may be in any case, its columns in this order). Strict: dates as 2026-01-31 and rising,
/// prices above 0 and up to 10^9, low ≤ open, close ≤ high, volume a whole number. A bad row is reported and left out.
/// At most 100,000 rows.
PriceRows readPriceCsv(std::string_view text);

} // namespace portolan::market
