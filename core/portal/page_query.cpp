// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/page_query.h"

#include <charconv>

namespace portolan::portal {

Result<std::uint32_t> pageLimit(const http::Request &request, std::uint32_t fallback, std::uint32_t most)
{
    const auto text = request.queryParam("limit");
    if (!text)
        return fallback;
    std::uint32_t limit = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error == std::errc() && end == text->data() + text->size() && limit >= 1 && limit <= most)
        return limit;
    const std::string range = "1 to " + std::to_string(most);
    return badField("The parameter 'limit' must be a number from " + range + ".", "/limit", range);
}

} // namespace portolan::portal
