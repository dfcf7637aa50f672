// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How a price file writes its numbers and dates. A field that can be read in two ways ("1,234", "02/01/2026") is read
/// as the file's other fields tell, which are shown first: observe() all, then read. What stays open is not guessed.
namespace portolan::market {

/// Numbers with a point or a comma before decimals, and the other of both, blanks or apostrophes between groups of
/// three digits ("1,234.56", "1.234,56", "1 234,5", "12,34,567").
class NumberStyle final
{
public:
    explicit NumberStyle(char separator) : m_separator(separator) {} ///< of the file's fields

    void observePrice(std::string_view text) { observe(text, m_prices); }
    void observeVolume(std::string_view text) { observe(text, m_volumes); }

    enum class Reading : std::uint8_t {
        Good,
        Missing,
        TwoWays,
        Wrong
    }; ///< Missing: nothing, "null", "nan", "-", "n/a"
    struct Number
    {
        Reading reading = Reading::Wrong;
        double value = 0; ///< of a good one; above or below any bound
    };
    /// A sign of a currency in front or behind is passed over.
    Number price(std::string_view text) const;
    /// May end in K, M or B. A lone mark before three digits is one of thousands, for there are no parts of shares so
    /// fine, unless the volumes tell otherwise.
    Number volume(std::string_view text) const;

private:
    struct Seen
    {
        bool point = false; ///< before decimals, in a number that has no other reading
        bool comma = false;
    };
    static void observe(std::string_view text, Seen &seen);
    /// The mark before decimals; nothing: not told, or told both ways.
    static std::optional<char> decimalOf(const Seen &seen);
    Seen all() const { return {m_prices.point || m_volumes.point, m_prices.comma || m_volumes.comma}; }

    char m_separator;
    Seen m_prices;
    Seen m_volumes;
};

/// Dates as 2026-01-31 (also with / or . between, or nothing), 31.01.2026, 01/31/2026 and 31/01/2026 (also with -), or
/// as seconds or milliseconds since 1970 in UTC; a time may follow.
class DateStyle final
{
public:
    void observe(std::string_view text);

    struct Date
    {
        WallTime day;                                  ///< midnight UTC
        std::optional<std::chrono::milliseconds> time; ///< of the day; nothing: none told
        std::string wrong;                             ///< why it cannot be read; empty: it can
    };
    Date read(std::string_view text) const;

private:
    bool m_monthFirst = false; ///< there is one that can be read only so
    bool m_dayFirst = false;
};

/// A time of day: 9:30, 09:30:15.250, 1:05 PM, 093000 or 0930; what follows, such as a zone, is passed over.
std::optional<std::chrono::milliseconds> timeOfDay(std::string_view text);

/// Without blanks around, in small letters.
std::string trimmedLower(std::string_view text);

} // namespace portolan::market
