// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/accept.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace portolan::http {

namespace {

using boost::beast::iequals;

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts off what stands before the first `separator`, and that.
std::string_view cutAt(std::string_view &text, char separator)
{
    const auto end = text.find(separator);
    const auto part = trimmed(text.substr(0, end));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    return part;
}

/// Thousandths; 1000 for what is no weight.
int weightOf(std::string_view text)
{
    constexpr int whole = 1000;
    if (!text.starts_with('0'))
        return whole;
    if (text.size() == 1)
        return 0;
    if (text[1] != '.' || text.size() > 5 || text.find_first_not_of("0123456789", 2) != text.npos)
        return whole;
    int weight = 0;
    for (std::size_t digit = 2; digit < 5; ++digit)
        weight = 10 * weight + (digit < text.size() ? text[digit] - '0' : 0);
    return weight;
}

} // namespace

bool asksForPage(std::string_view accept)
{
    int page = 0;
    int json = 0;
    while (!accept.empty()) {
        std::string_view range = cutAt(accept, ',');
        const std::string_view type = cutAt(range, ';');
        int weight = 1000;
        while (!range.empty()) {
            const std::string_view parameter = cutAt(range, ';');
            if (parameter.size() >= 2 && iequals(parameter.substr(0, 2), "q="))
                weight = weightOf(parameter.substr(2));
        }
        if (iequals(type, "text/html"))
            page = std::max(page, weight);
        else if (iequals(type, "application/json") || iequals(type, "application/problem+json"))
            json = std::max(json, weight);
    }
    return page > 0 && page >= json;
}

} // namespace portolan::http
