// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Integers of more than 64 bits. JSON and Python have them, Boost.JSON has not: its parser makes a double of one, and
/// the digits are lost. Here each is read as a string of its own kind, a byte that no text has (0xFF is no part of
/// UTF-8) and the digits, and written as the number again (text::appendValue()), so that the arguments and results of
/// tasks pass through us unchanged. It is no name, id or other text of a message. A task of ours that wants a number
/// finds a string instead.
namespace portolan::queue {

/// As boost::json::parse(), with such strings. `deepest`: levels of nesting, above them json::error::too_deep.
[[nodiscard]] boost::json::value parseExactly(std::string_view text, boost::system::error_code &code,
                                              std::size_t deepest);

/// The digits, and the sign, of a string that stands for such an integer.
[[nodiscard]] std::optional<std::string_view> longInteger(std::string_view string);

/// JSON text without white space in which such strings stand, with the numbers in their place.
[[nodiscard]] std::string withLongIntegers(std::string_view text);

/// Whether a value has a number that may have been an integer of more digits than it holds.
[[nodiscard]] bool mayHaveLostDigits(const boost::json::value &value);

} // namespace portolan::queue
