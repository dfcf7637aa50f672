// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/message.h"

#include "core/base/json_numbers.h"
#include "core/http/cookie.h"
#include "core/http/uri.h"

namespace portolan::http {

std::string_view Request::cookie(std::string_view name) const
{
    // HTTP/1.1 sends one Cookie header, but a proxy from HTTP/2 may leave several.
    const auto [first, last] = headers.equal_range(field::cookie);
    for (auto it = first; it != last; ++it) {
        if (const auto value = cookieValue(it->value(), name); !value.empty())
            return value;
    }
    return {};
}

std::vector<std::string_view> Request::cookies(std::string_view name) const
{
    std::vector<std::string_view> values;
    const auto [first, last] = headers.equal_range(field::cookie);
    for (auto it = first; it != last; ++it) {
        eachCookie(it->value(), name, [&](std::string_view value) {
            if (!value.empty())
                values.push_back(value);
        });
    }
    return values;
}

std::string_view Request::bearer() const { return bearerToken(header(field::authorization)); }

std::string_view Request::param(std::string_view name) const
{
    for (std::size_t i = 0; i < paramCount; ++i) {
        if (params[i].first == name)
            return params[i].second;
    }
    return {};
}

std::optional<std::string> Request::queryParam(std::string_view name) const { return queryValue(query, name); }

Response json(std::string serialized, status code)
{
    Response response;
    response.code = code;
    response.body = std::move(serialized);
    return response;
}

Response json(const boost::json::value &value, status code) { return json(jsonText(value), code); }

Response text(std::string body, status code, std::string_view contentType)
{
    Response response;
    response.code = code;
    response.contentType = contentType;
    response.body = std::move(body);
    return response;
}

Response noContent()
{
    Response response;
    response.code = status::no_content;
    response.contentType = {};
    return response;
}

} // namespace portolan::http
