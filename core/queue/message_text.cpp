// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/json_text.h"
#include "core/queue/long_integers.h"
#include "core/queue/message.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace portolan::queue {

namespace json = boost::json;

namespace {

/// Reads exactly `digits` decimal digits off the front.
std::optional<int> take(std::string_view &text, std::size_t digits)
{
    if (text.size() < digits)
        return std::nullopt;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9')
            return std::nullopt;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool skip(std::string_view &text, char wanted)
{
    if (text.empty() || text.front() != wanted)
        return false;
    text.remove_prefix(1);
    return true;
}

/// ".123456" → microseconds; further digits are cut.
std::optional<std::chrono::microseconds> takeFraction(std::string_view &text)
{
    if (!skip(text, '.') && !skip(text, ','))
        return std::chrono::microseconds(0);
    std::int64_t value = 0;
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
        if (digits < 6)
            value = value * 10 + (text.front() - '0');
    if (digits == 0 || digits > 9)
        return std::nullopt;
    for (; digits < 6; ++digits)
        value *= 10;
    return std::chrono::microseconds(value);
}

std::optional<std::chrono::seconds> takeOffset(std::string_view &text)
{
    if (text.empty() || text == "Z" || text == "z") {
        text = {};
        return std::chrono::seconds(0);
    }
    const bool west = text.front() == '-';
    if (!skip(text, '+') && !skip(text, '-'))
        return std::nullopt;
    const std::optional<int> hours = take(text, 2);
    skip(text, ':');
    const std::optional<int> minutes = take(text, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty())
        return std::nullopt;
    const std::chrono::seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return west ? -offset : offset;
}

void appendRepr(std::string &out, const json::value &value, std::size_t limit, int depth);

void appendQuoted(std::string &out, std::string_view text, std::size_t limit)
{
    const bool single = text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos;
    const char quote = single ? '\'' : '"';
    out.push_back(quote);
    for (const char c : text) {
        if (out.size() > limit)
            break;
        const auto byte = static_cast<unsigned char>(c);
        if (c == quote || c == '\\')
            out.append({'\\', c});
        else if (c == '\n')
            out.append("\\n");
        else if (c == '\r')
            out.append("\\r");
        else if (c == '\t')
            out.append("\\t");
        else if (byte < 0x20 || byte == 0x7F) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
            out.append(escaped);
        } else
            out.push_back(c);
    }
    out.push_back(quote);
}

void appendDouble(std::string &out, double number)
{
    if (std::isnan(number)) {
        out.append("nan");
    } else if (std::isinf(number)) {
        out.append(number < 0 ? "-inf" : "inf");
    } else {
        char digits[40];
        const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        const std::string_view text(digits, static_cast<std::size_t>(end - digits));
        out.append(text);
        if (text.find_first_of(".e") == std::string_view::npos)
            out.append(".0");
    }
}

void appendRepr(std::string &out, const json::value &value, std::size_t limit, int depth)
{
    if (out.size() > limit || depth > static_cast<int>(maxJsonDepth))
        return;
    switch (value.kind()) {
    case json::kind::null:
        out.append("None");
        break;
    case json::kind::bool_:
        out.append(value.get_bool() ? "True" : "False");
        break;
    case json::kind::int64:
        text::appendNumber(out, value.get_int64());
        break;
    case json::kind::uint64:
        text::appendNumber(out, value.get_uint64());
        break;
    case json::kind::double_:
        appendDouble(out, value.get_double());
        break;
    case json::kind::string: {
        const std::string_view text(value.get_string().data(), value.get_string().size());
        if (const auto digits = longInteger(text))
            out.append(digits->substr(0, limit + 1)); // pythonRepr() sees that it is cut
        else
            appendQuoted(out, text, limit);
        break;
    }
    case json::kind::array: {
        out.push_back('[');
        const char *between = "";
        for (const json::value &element : value.get_array()) {
            if (out.size() > limit)
                break;
            out.append(between);
            between = ", ";
            appendRepr(out, element, limit, depth + 1);
        }
        out.push_back(']');
        break;
    }
    case json::kind::object: {
        out.push_back('{');
        const char *between = "";
        for (const json::key_value_pair &member : value.get_object()) {
            if (out.size() > limit)
                break;
            out.append(between);
            between = ", ";
            appendQuoted(out, {member.key().data(), member.key().size()}, limit);
            out.append(": ");
            appendRepr(out, member.value(), limit, depth + 1);
        }
        out.push_back('}');
        break;
    }
    }
}

} // namespace

std::string isoTime(WallTime time)
{
    using namespace std::chrono;
    const auto second = floor<seconds>(time);
    const auto micros = floor<microseconds>(time - second).count();
    const std::time_t unix = system_clock::to_time_t(second);
    std::tm parts{};
    gmtime_r(&unix, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(micros));
    return text;
}

std::optional<WallTime> parseIsoTime(std::string_view text)
{
    using namespace std::chrono;
    const std::optional<int> yearNumber = take(text, 4);
    const bool dashes = yearNumber && skip(text, '-');
    const std::optional<int> monthNumber = take(text, 2);
    if (!dashes || !monthNumber || !skip(text, '-'))
        return std::nullopt;
    const std::optional<int> dayNumber = take(text, 2);
    if (!dayNumber || (!skip(text, 'T') && !skip(text, ' ')))
        return std::nullopt;
    const std::optional<int> hour = take(text, 2);
    if (!hour || !skip(text, ':'))
        return std::nullopt;
    const std::optional<int> minute = take(text, 2);
    int second = 0;
    if (skip(text, ':')) {
        const std::optional<int> read = take(text, 2);
        if (!read)
            return std::nullopt;
        second = *read;
    }
    const std::optional<microseconds> fraction = takeFraction(text);
    const std::optional<seconds> offset = takeOffset(text);
    const year_month_day date{year(*yearNumber), month(static_cast<unsigned>(*monthNumber)),
                              day(static_cast<unsigned>(*dayNumber))};
    if (!minute || !fraction || !offset || !date.ok() || *hour > 23 || *minute > 59 || second > 60)
        return std::nullopt;
    // What the clock's 64-bit nanoseconds can hold, less a day for the offset. Others mean "never" or "always".
    constexpr int firstYear = 1678, lastYear = 2261;
    if (*yearNumber < firstYear)
        return sys_days(year(firstYear) / January / 1);
    if (*yearNumber > lastYear)
        return sys_days(year(lastYear) / December / 31);
    return time_point_cast<WallTime::duration>(sys_days(date) + hours(*hour) + minutes(*minute) + seconds(second) +
                                               *fraction - *offset);
}

std::string pythonRepr(const json::value &value, std::size_t limit)
{
    std::string out;
    appendRepr(out, value, limit, 0);
    if (out.size() > limit) {
        // Not within a character.
        std::size_t cut = limit;
        while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80)
            --cut;
        out.resize(cut);
        out.append("…");
    }
    return out;
}

} // namespace portolan::queue
