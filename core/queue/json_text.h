// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

/// Writing JSON by appending: what the queue's messages and results are made with, since their shape is fixed.
namespace portolan::queue::text {

/// Whether the bytes are well-formed UTF-8 (RFC 3629).
[[nodiscard]] bool isUtf8(std::string_view bytes);
/// The same text with each byte that is not part of well-formed UTF-8 replaced by U+FFFD: Python refuses anything else.
[[nodiscard]] std::string toUtf8(std::string_view bytes);

/// `text` as a JSON string, quotes included.
void appendString(std::string &out, std::string_view text);

template <std::integral T> void appendNumber(std::string &out, T number)
{
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

/// Any value, well-formed UTF-8 whatever its strings hold; those that stand for a number are that (long_integers.h).
[[nodiscard]] std::string ofValue(const boost::json::value &value);
void appendValue(std::string &out, const boost::json::value &value);

} // namespace portolan::queue::text
