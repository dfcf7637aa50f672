// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/entity_tag.h"

#include <algorithm>

namespace portolan::http {

namespace {

constexpr std::string_view blanks = " \t";

void skip(std::string_view &text, std::string_view characters)
{
    text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
}

} // namespace

bool namesTag(std::string_view ifNoneMatch, std::string_view tag)
{
    constexpr std::string_view weak = "W/";
    skip(ifNoneMatch, blanks);
    if (ifNoneMatch.starts_with('*'))
        return ifNoneMatch.find_first_not_of(blanks, 1) == std::string_view::npos;
    for (;;) {
        skip(ifNoneMatch, " \t,");
        if (ifNoneMatch.starts_with(weak))
            ifNoneMatch.remove_prefix(weak.size());
        if (!ifNoneMatch.starts_with('"'))
            return false;
        const auto end = ifNoneMatch.find('"', 1);
        if (end == std::string_view::npos)
            return false;
        if (ifNoneMatch.substr(0, end + 1) == tag)
            return true;
        ifNoneMatch.remove_prefix(end + 1);
        skip(ifNoneMatch, blanks);
        if (!ifNoneMatch.starts_with(','))
            return false;
    }
}

} // namespace portolan::http
