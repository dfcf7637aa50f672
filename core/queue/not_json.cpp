// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/not_json.h"

#include "core/base/utf8.h"

#include <boost/json/error.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace portolan::queue {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> compressions{{
    {"\x1f\x8b", "gzip"}, // RFC 1952, section 2.3.1
    {"\x78\x01", "zlib"}, // RFC 1950, section 2.2: the levels of Python's zlib
    {"\x78\x9c", "zlib"},
    {"\x78\xda", "zlib"},
    {"BZh", "bzip2"},
    {"\xfd"
     "7zXZ",
     "xz"},
    {"\x28\xb5\x2f\xfd", "zstd"}, // RFC 8878, section 3.1.1
}};

/// The protocol of a pickle, of those that say which; 0: it is none.
int pickleProtocol(std::string_view text)
{
    constexpr char newest = 5;
    const bool pickled = text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= newest;
    return pickled ? text[1] : 0;
}

/// JSON begins with an ASCII character, so a zero beside it tells of wide characters, as their byte order marks do.
bool isWide(std::string_view text)
{
    return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ||
           text.substr(0, 4).find('\0') != std::string_view::npos;
}

/// The UTF-16 unit that the escape at `at` stands for; 0: there is none.
unsigned escapedUnit(std::string_view text, std::size_t at)
{
    constexpr std::size_t length = 6; // \uXXXX
    if (text.size() < length || at > text.size() - length || text.substr(at, 2) != "\\u")
        return 0;
    unsigned unit = 0;
    const char *end = text.data() + at + length;
    const auto read = std::from_chars(text.data() + at + 2, end, unit, 16);
    return read.ec == std::errc() && read.ptr == end ? unit : 0;
}

/// Where half a character is escaped by itself, as Python writes a text that it could not decode.
std::optional<std::size_t> halfCharacter(std::string_view text)
{
    for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
        const unsigned unit = escapedUnit(text, at);
        const unsigned next = escapedUnit(text, at + 6);
        if (unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000)
            at += 12;
        else if (unit >= 0xD800 && unit < 0xE000)
            return at;
        else
            at += 2;
    }
    return std::nullopt;
}

} // namespace

std::string whyNotJson(std::string_view text, const boost::system::error_code &code)
{
    if (text.empty())
        return "it is empty";
    if (code == boost::json::error::too_deep)
        return code.message();
    if (text.starts_with("\xef\xbb\xbf"))
        return "it begins with a byte order mark";
    if (const int protocol = pickleProtocol(text))
        return "it is pickled, with protocol " + std::to_string(protocol);
    for (const auto &[magic, name] : compressions)
        if (text.starts_with(magic))
            return "it is compressed with " + std::string(name);
    if (isWide(text))
        return "it is not UTF-8 but looks like UTF-16 or UTF-32";
    if (const std::size_t good = utf8Prefix(text); good < text.size())
        return "it is not UTF-8: byte " + std::to_string(good);
    if (const auto at = halfCharacter(text))
        return std::string(text.substr(*at, 6)) + " at byte " + std::to_string(*at) + " is half a character";
    return code.message();
}

} // namespace portolan::queue
