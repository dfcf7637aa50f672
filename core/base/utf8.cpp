// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/utf8.h"

namespace portolan {

namespace {

/// Bytes of the character at the start; 0: there is none.
std::size_t characterSize(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80)
        return 1;
    // The Unicode Standard, table 3-7: what may follow the first byte.
    const std::size_t size = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
    if (size == 0 || size > text.size())
        return 0;
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high)
        return 0;
    for (std::size_t i = 2; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

} // namespace

std::size_t utf8Prefix(std::string_view text)
{
    std::size_t at = 0;
    while (at < text.size()) {
        const auto size = characterSize(text.substr(at));
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

std::string_view cutText(std::string_view text, std::size_t most)
{
    if (text.size() <= most)
        return text;
    // Back to the start of the character that is cut; not further than one is long, should this be no UTF-8.
    std::size_t end = most;
    for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; ++i)
        --end;
    return text.substr(0, (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80 ? most : end);
}

std::string toUtf8(std::string_view text)
{
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const auto good = utf8Prefix(text);
        result.append(text.substr(0, good));
        text.remove_prefix(good);
        if (!text.empty()) {
            result.append("\xef\xbf\xbd");
            text.remove_prefix(1);
        }
    }
    return result;
}

} // namespace portolan
