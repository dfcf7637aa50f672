// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/cookie.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <stdexcept>

namespace portolan::http {

namespace {

bool isTokenChar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// cookie-octet of RFC 6265, section 4.1.1.
bool isCookieOctet(char c) { return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool isAttributeChar(char c) { return c >= 0x20 && c < 0x7f && c != ';'; }

std::string_view trim(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// The next cookie `name`, and `header` cut to what follows it.
std::optional<std::string_view> takeCookie(std::string_view &header, std::string_view name)
{
    while (!header.empty()) {
        const auto end = header.find(';');
        const auto pair = trim(header.substr(0, end));
        header = end == std::string_view::npos ? std::string_view{} : header.substr(end + 1);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos || trim(pair.substr(0, equals)) != name)
            continue;
        auto value = trim(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        return value;
    }
    return std::nullopt;
}

} // namespace

std::string cookieHeader(std::string_view name, std::string_view value, const CookieAttributes &attributes)
{
    if (name.empty() || !std::all_of(name.begin(), name.end(), isTokenChar))
        throw std::invalid_argument("a cookie's name is a token");
    if (!std::all_of(value.begin(), value.end(), isCookieOctet))
        throw std::invalid_argument("a cookie's value holds a character it cannot");
    if (!std::all_of(attributes.path.begin(), attributes.path.end(), isAttributeChar) ||
        !std::all_of(attributes.domain.begin(), attributes.domain.end(), isAttributeChar))
        throw std::invalid_argument("a cookie's path or domain holds a character it cannot");
    std::string header;
    header.reserve(name.size() + value.size() + 96);
    header.append(name).append("=").append(value);
    if (!attributes.path.empty())
        header.append("; Path=").append(attributes.path);
    if (!attributes.domain.empty())
        header.append("; Domain=").append(attributes.domain);
    if (attributes.maxAge)
        header.append("; Max-Age=").append(std::to_string(attributes.maxAge->count()));
    if (attributes.secure || attributes.sameSite == SameSite::None) // browsers drop None without Secure
        header.append("; Secure");
    if (attributes.httpOnly)
        header.append("; HttpOnly");
    switch (attributes.sameSite) {
    case SameSite::Lax:
        header.append("; SameSite=Lax");
        break;
    case SameSite::Strict:
        header.append("; SameSite=Strict");
        break;
    case SameSite::None:
        header.append("; SameSite=None");
        break;
    }
    return header;
}

std::string_view cookieValue(std::string_view header, std::string_view name)
{
    while (const auto value = takeCookie(header, name)) {
        if (!value->empty())
            return *value;
    }
    return {};
}

void eachCookie(std::string_view header, std::string_view name, const std::function<void(std::string_view)> &take)
{
    while (const auto value = takeCookie(header, name))
        take(*value);
}

std::string_view bearerToken(std::string_view authorization)
{
    constexpr std::string_view scheme = "Bearer ";
    if (authorization.size() <= scheme.size() || !boost::beast::iequals(authorization.substr(0, scheme.size()), scheme))
        return {};
    const auto token = trim(authorization.substr(scheme.size()));
    if (token.find_first_of(" \t,") != std::string_view::npos)
        return {};
    return token;
}

} // namespace portolan::http
