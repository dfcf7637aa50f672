// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/queue/long_integers.h"

#include "core/queue/json_scan.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>

namespace portolan::queue {
namespace {

constexpr char mark = '\xFF';

} // namespace

bool mayHaveLostDigits(const boost::json::value &value)
{
    constexpr double least = 9.2e18; // what 64 bits hold
    if (const double *number = value.if_double())
        return std::abs(*number) >= least;
    if (const boost::json::array *items = value.if_array())
        return std::ranges::any_of(*items, mayHaveLostDigits);
    const boost::json::object *members = value.if_object();
    return members &&
           std::ranges::any_of(*members, [](const auto &member) { return mayHaveLostDigits(member.value()); });
}

boost::json::value parseExactly(std::string_view text, boost::system::error_code &code, std::size_t deepest)
{
    boost::json::parse_options options;
    options.max_depth = deepest;
    auto value = boost::json::parse(boost::json::string_view(text.data(), text.size()), code, {}, options);
    if (code || !mayHaveLostDigits(value))
        return value;
    options.allow_invalid_utf8 = true; // the text itself has been found to be UTF-8
    return boost::json::parse(scan::withLongIntegersAsText(text, {&mark, 1}), code, {}, options);
}

std::optional<std::string_view> longInteger(std::string_view string)
{
    constexpr std::size_t fewest = 19; // 2^63 has as many
    if (!string.starts_with(mark))
        return std::nullopt;
    const std::string_view number = string.substr(1);
    const std::string_view digits = number.substr(number.starts_with('-') ? 1 : 0);
    const bool isOne = digits.size() >= fewest && digits.front() != '0' &&
                       digits.find_first_not_of("0123456789") == std::string_view::npos;
    return isOne ? std::optional(number) : std::nullopt;
}

std::string withLongIntegers(std::string_view text)
{
    constexpr std::string_view begin = "\"\xFF";
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
        const std::size_t end = text.find('"', at + 1);
        if (end == text.npos)
            break;
        const auto number = longInteger(text.substr(at + 1, end - at - 1));
        // A task's bytes may look like one in the middle of a string, or as a member's name.
        const bool escaped = at > 0 && text[at - 1] == '\\';
        const bool name = end + 1 < text.size() && text[end + 1] == ':';
        if (!number || escaped || name)
            continue;
        out.append(text.substr(copied, at - copied)).append(*number);
        copied = end + 1;
    }
    out.append(text.substr(copied));
    return out;
}

} // namespace portolan::queue
