// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace portolan {

namespace {

constexpr std::string_view byteOrderMark = "\xEF\xBB\xBF";

constexpr std::string_view hexDigits = "0123456789abcdef";

/// Ranges of characters that show nothing, reorder what is around them, or look like a plain blank (Unicode's
/// Default_Ignorable_Code_Point, Zs but U+0020, Zl, Zp, and the controls).
constexpr std::array<std::pair<char32_t, char32_t>, 25> unseen{
    {{0x00, 0x1f},       {0x7f, 0xa0},       {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},
     {0x115f, 0x1160},   {0x1680, 0x1680},   {0x17b4, 0x17b5},   {0x180b, 0x180f}, {0x2000, 0x200f},
     {0x2028, 0x202f},   {0x205f, 0x206f},   {0x2800, 0x2800},   {0x3000, 0x3000}, {0x3164, 0x3164},
     {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
     {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0xf0000, 0xffffd}, {0xe000, 0xf8ff}, {0x100000, 0x10ffff}}};

char32_t codePoint(std::string_view character)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    switch (character.size()) {
    case 1:
        return byte(0);
    case 2:
        return char32_t(byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3:
        return char32_t(byte(0) & 0x0f) << 12 | char32_t(byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default:
        return char32_t(byte(0) & 0x07) << 18 | char32_t(byte(1) & 0x3f) << 12 | char32_t(byte(2) & 0x3f) << 6 |
               (byte(3) & 0x3f);
    }
}

void appendHex(std::string &to, char32_t value, int digits)
{
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        to += hexDigits[(value >> unsigned(shift)) & 0xf];
}

bool isUnseen(char32_t value)
{
    return std::ranges::any_of(unseen, [value](auto range) { return value >= range.first && value <= range.second; });
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

} // namespace

std::string_view characterAt(std::string_view text, std::size_t at)
{
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    if (lead < 0x80 || lead < 0xc2 || lead > 0xf4 || at + size > text.size())
        return text.substr(at, 1);
    const auto found = text.substr(at, size);
    for (const char c : found.substr(1))
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80)
            return text.substr(at, 1);
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const auto value = codePoint(found);
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < least[size] || surrogate || value > 0x10ffff ? text.substr(at, 1) : found;
}

std::string_view trimmed(std::string_view text)
{
    if (text.starts_with(byteOrderMark))
        text.remove_prefix(byteOrderMark.size());
    while (!text.empty() && isBlank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && isBlank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string_view withoutLineEnd(std::string_view line)
{
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

std::string visible(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto character = characterAt(text, at);
        at += character.size();
        const auto first = static_cast<unsigned char>(character[0]);
        if (character.size() == 1 && first >= 0x80) {
            appendHex(result += "\\x", first, 2);
            continue;
        }
        const auto value = codePoint(character);
        if (!isUnseen(value))
            result += character;
        else if (value == '\n')
            result += "\\n";
        else if (value == '\r')
            result += "\\r";
        else if (value == '\t')
            result += "\\t";
        else if (value < 0x80)
            appendHex(result += "\\x", value, 2);
        else if (value < 0x10000)
            appendHex(result += "\\u", value, 4);
        else
            appendHex(result += "\\U", value, 8);
    }
    return result;
}

std::optional<std::string> surroundingQuotes(std::string_view text)
{
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> pairs{{{"\"", "\""},
                                                                                  {"'", "'"},
                                                                                  {"`", "`"},
                                                                                  {"\u201c", "\u201d"},
                                                                                  {"\u2018", "\u2019"},
                                                                                  {"\u201e", "\u201c"},
                                                                                  {"\u00ab", "\u00bb"}}};
    for (const auto &[open, close] : pairs)
        if (text.size() >= open.size() + close.size() && text.starts_with(open) && text.ends_with(close))
            return std::string(open) + "\u2026" + std::string(close);
    return std::nullopt;
}

std::vector<std::string> givenArguments(int argc, char **argv)
{
    std::vector<std::string> arguments;
    for (int i = 1; i < argc; ++i)
        arguments.emplace_back(withoutLineEnd(argv[i]));
    return arguments;
}

} // namespace portolan
