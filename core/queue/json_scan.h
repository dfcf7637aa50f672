// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// Looking into JSON text without building values: for what a parser refuses (a number that JSON does not have, nesting
/// too deep, a text too large), and for changing one member while the rest stays byte for byte. One pass, no recursion,
/// no memory but the answer's. Text that is no JSON gives some answer or none, never an error.
namespace portolan::queue::scan {

/// The text of a member's value of the object at the start of `text`, the last one of that name; nothing: it has none.
/// Names written with escapes are not recognised.
[[nodiscard]] std::optional<std::string_view> member(std::string_view text, std::string_view name);

/// That value when it is a string of at most 64 KiB, unescaped.
[[nodiscard]] std::optional<std::string> stringMember(std::string_view text, std::string_view name);

/// Members to set: name and JSON text of the value.
using Members = std::span<const std::pair<std::string_view, std::string>>;
/// The object with these members set, everything else as it was. `object` is well-formed.
[[nodiscard]] std::string withMembers(std::string_view object, Members members);

/// A number that Python writes and JSON does not have, or one with a fraction or an exponent that no double holds
/// (1e999).
struct NotANumber
{
    std::string token;     ///< "NaN", "Infinity", "-Infinity" or the number, at most 64 bytes of it
    std::string pointer;   ///< where: a JSON pointer (RFC 6901), at most 256 bytes; "" is the whole text
    bool tooLarge = false; ///< it is a number, but too large a one
};
/// The first one in `text`.
[[nodiscard]] std::optional<NotANumber> notANumber(std::string_view text);
/// The text with null for each of them.
[[nodiscard]] std::string withoutThem(std::string_view text);
/// The text with a string in place of each integer that has more than 64 bits, since a parser makes a double of it:
/// `before`, and its digits.
[[nodiscard]] std::string withLongIntegersAsText(std::string_view text, std::string_view before = {});

} // namespace portolan::queue::scan
