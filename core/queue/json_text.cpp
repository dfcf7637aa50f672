// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/json_text.h"

#include "core/base/json_numbers.h"
#include "core/queue/long_integers.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace portolan::queue::text {

namespace {

/// Length of the well-formed sequence at the start of `bytes`, 0 when there is none. RFC 3629, table of section 4.
std::size_t sequence(std::string_view bytes)
{
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const auto tail = [&](std::size_t i) { return i < bytes.size() && (at(i) & 0xC0) == 0x80; };
    const unsigned char first = at(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return tail(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const bool second = tail(1) && (first != 0xE0 || at(1) >= 0xA0) && (first != 0xED || at(1) < 0xA0);
        return second && tail(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool second = tail(1) && (first != 0xF0 || at(1) >= 0x90) && (first != 0xF4 || at(1) < 0x90);
        return second && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

bool isPlain(unsigned char byte) { return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\'; }

} // namespace

bool isUtf8(std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t length = sequence(bytes);
        if (length == 0)
            return false;
        bytes.remove_prefix(length);
    }
    return true;
}

std::string toUtf8(std::string_view bytes)
{
    std::string result;
    result.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = sequence(bytes);
        if (length == 0)
            result.append("\xEF\xBF\xBD");
        else
            result.append(bytes.substr(0, length));
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

void appendString(std::string &out, std::string_view text)
{
    if (std::ranges::all_of(text, isPlain)) {
        out.push_back('"');
        out.append(text);
        out.push_back('"');
        return;
    }
    if (isUtf8(text))
        out.append(boost::json::serialize(boost::json::string_view(text.data(), text.size())));
    else
        out.append(boost::json::serialize(boost::json::string_view(toUtf8(text))));
}

std::string ofValue(const boost::json::value &value)
{
    std::string text = jsonText(value);
    return isUtf8(text) ? text : toUtf8(withLongIntegers(text));
}

void appendValue(std::string &out, const boost::json::value &value) { out.append(ofValue(value)); }

} // namespace portolan::queue::text
