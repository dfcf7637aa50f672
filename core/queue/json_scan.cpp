// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/json_scan.h"

#include "core/base/json_numbers.h"
#include "core/base/json_pointer.h"
#include "core/base/utf8.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <vector>

namespace portolan::queue::scan {

namespace {

constexpr std::size_t deepest = 1000; ///< levels a pointer is kept for
constexpr std::size_t longestPointer = 256;
constexpr std::size_t longestToken = 64;
constexpr std::size_t longestString = 64 * 1024; ///< that stringMember() answers

void skipSpace(std::string_view text, std::size_t &at)
{
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        ++at;
}

/// `at` is at the opening quote; afterwards behind the closing one, or at the end.
std::string_view skipString(std::string_view text, std::size_t &at)
{
    const std::size_t start = ++at;
    while (at < text.size() && text[at] != '"')
        at += text[at] == '\\' ? 2 : 1;
    const std::size_t end = std::min(at, text.size());
    at = std::min(end + 1, text.size());
    return text.substr(start, end - start);
}

/// Behind the value that begins at `at`.
void skipValue(std::string_view text, std::size_t &at)
{
    std::size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            skipString(text, at);
            if (depth == 0)
                return;
            continue;
        }
        if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return;
            if (--depth == 0) {
                ++at;
                return;
            }
        } else if (c == ',' && depth == 0) {
            return;
        }
        ++at;
    }
}

std::string_view trimmed(std::string_view text)
{
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

struct Place
{
    std::string_view name;
    std::size_t from = 0; ///< of the value
    std::size_t to = 0;
};

/// Calls `each` for every member of the object at the start; answers where its closing brace is, or the text's size.
template <class Each> std::size_t eachMember(std::string_view text, Each each)
{
    std::size_t at = 0;
    skipSpace(text, at);
    if (at >= text.size() || text[at] != '{')
        return text.size();
    ++at;
    for (;;) {
        skipSpace(text, at);
        if (at >= text.size() || text[at] != '"')
            return at;
        Place place;
        place.name = skipString(text, at);
        skipSpace(text, at);
        if (at >= text.size() || text[at] != ':')
            return text.size();
        ++at;
        skipSpace(text, at);
        place.from = at;
        skipValue(text, at);
        place.to = place.from + trimmed(text.substr(place.from, at - place.from)).size();
        each(place);
        skipSpace(text, at);
        if (at >= text.size() || text[at] != ',')
            return at;
        ++at;
    }
}

constexpr std::array<std::string_view, 3> tokens{"NaN", "Infinity", "-Infinity"};

std::string_view tokenAt(std::string_view text, std::size_t at)
{
    for (const std::string_view token : tokens)
        if (text.substr(at, token.size()) == token)
            return token;
    return {};
}

/// The number that begins at `at`; empty: none does.
std::string_view numberAt(std::string_view text, std::size_t at)
{
    const char first = text[at];
    if (first != '-' && (first < '0' || first > '9'))
        return {};
    return text.substr(at, text.find_first_not_of("0123456789+-.eE", at) - at);
}

bool isInteger(std::string_view number) { return number.find_first_of(".eE") == std::string_view::npos; }

/// As a parser reads it. Without an exponent it takes more than 300 digits. Integers are read as text instead.
bool isTooLarge(std::string_view number)
{
    constexpr std::size_t surelyHeld = 300;
    if (isInteger(number))
        return false;
    if (number.size() <= surelyHeld && number.find_first_of("eE") == std::string_view::npos)
        return false;
    boost::system::error_code code;
    const boost::json::value value = boost::json::parse(boost::json::string_view(number.data(), number.size()), code);
    return !code && !isFinite(value);
}

/// Where the walk through a text is: the names and numbers that lead there.
class Path final
{
public:
    void open(bool object)
    {
        if (++m_depth <= deepest)
            m_levels.push_back({object, {}, 0});
    }
    void close()
    {
        if (m_depth > 0 && m_depth-- <= deepest && !m_levels.empty())
            m_levels.pop_back();
    }
    void comma()
    {
        if (known())
            ++m_levels.back().index;
    }
    void name(std::string_view name)
    {
        if (known() && m_levels.back().object)
            m_levels.back().name = name;
    }
    std::string pointer() const
    {
        std::string out;
        for (const Level &level : m_levels) {
            appendPointerStep(out, level.object ? std::string_view(level.name) : std::to_string(level.index));
            if (out.size() > longestPointer)
                return std::string(cutText(out, longestPointer));
        }
        return out;
    }

private:
    struct Level
    {
        bool object = false;
        std::string_view name;
        std::size_t index = 0;
    };
    bool known() const { return !m_levels.empty() && m_depth <= deepest; }
    std::vector<Level> m_levels;
    std::size_t m_depth = 0;
};

bool isLongInteger(std::string_view number)
{
    const auto held = [&](auto integer) {
        const auto read = std::from_chars(number.data(), number.data() + number.size(), integer);
        return read.ec == std::errc();
    };
    constexpr std::size_t surelyHeld = 18;
    return number.size() > surelyHeld && isInteger(number) && !held(std::int64_t()) && !held(std::uint64_t());
}

/// Calls `each` with the place and the path of every number that JSON does not have and every one that `wanted` takes;
/// false from it ends the walk.
template <class Wanted, class Each> void eachToken(std::string_view text, Wanted wanted, Each each)
{
    Path path;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            const std::string_view string = skipString(text, at);
            std::size_t next = at;
            skipSpace(text, next);
            if (next < text.size() && text[next] == ':')
                path.name(string);
            continue;
        }
        if (c == '{' || c == '[')
            path.open(c == '{');
        else if (c == '}' || c == ']')
            path.close();
        else if (c == ',')
            path.comma();
        else if (const std::string_view token = tokenAt(text, at); !token.empty()) {
            if (!each(at, token, path))
                return;
            at += token.size();
            continue;
        } else if (const std::string_view number = numberAt(text, at); !number.empty()) {
            if (wanted(number) && !each(at, number, path))
                return;
            at += number.size();
            continue;
        }
        ++at;
    }
}

} // namespace

std::optional<std::string_view> member(std::string_view text, std::string_view name)
{
    std::optional<std::string_view> found;
    eachMember(text, [&](const Place &place) {
        if (place.name == name)
            found = text.substr(place.from, place.to - place.from);
    });
    return found;
}

std::optional<std::string> stringMember(std::string_view text, std::string_view name)
{
    const std::optional<std::string_view> value = member(text, name);
    if (!value || !value->starts_with('"') || value->size() > longestString)
        return std::nullopt;
    boost::system::error_code code;
    const boost::json::value parsed = boost::json::parse(boost::json::string_view(value->data(), value->size()), code);
    if (code || !parsed.is_string())
        return std::nullopt;
    return std::string(parsed.get_string().data(), parsed.get_string().size());
}

std::string withMembers(std::string_view object, Members members)
{
    std::string out;
    std::size_t copied = 0;
    std::vector<bool> set(members.size());
    bool any = false;
    const std::size_t end = eachMember(object, [&](const Place &place) {
        any = true;
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (members[i].first != place.name)
                continue;
            out.append(object.substr(copied, place.from - copied)).append(members[i].second);
            copied = place.to;
            set[i] = true;
        }
    });
    out.append(object.substr(copied, end - copied));
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (set[i])
            continue;
        out.append(any ? ", \"" : "\"").append(members[i].first).append("\": ").append(members[i].second);
        any = true;
    }
    out.append(object.substr(end));
    return out;
}

std::optional<NotANumber> notANumber(std::string_view text)
{
    std::optional<NotANumber> found;
    eachToken(text, isTooLarge, [&](std::size_t, std::string_view token, const Path &path) {
        const bool tooLarge = std::ranges::find(tokens, token) == tokens.end();
        found = NotANumber{std::string(cutText(token, longestToken)), path.pointer(), tooLarge};
        return false;
    });
    return found;
}

std::string withoutThem(std::string_view text)
{
    std::string out;
    std::size_t copied = 0;
    eachToken(text, isTooLarge, [&](std::size_t at, std::string_view token, const Path &) {
        out.append(text.substr(copied, at - copied)).append("null");
        copied = at + token.size();
        return true;
    });
    out.append(text.substr(copied));
    return out;
}

std::string withLongIntegersAsText(std::string_view text, std::string_view before)
{
    std::string out;
    std::size_t copied = 0;
    eachToken(text, isLongInteger, [&](std::size_t at, std::string_view number, const Path &) {
        out.append(text.substr(copied, at - copied)).append("\"").append(before).append(number).append("\"");
        copied = at + number.size();
        return true;
    });
    out.append(text.substr(copied));
    return out;
}

} // namespace portolan::queue::scan
