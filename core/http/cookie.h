// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace portolan::http {

enum class SameSite { Lax, Strict, None };

/// Attributes of a Set-Cookie header (RFC 6265bis). The defaults are those of a session cookie no script may read.
struct CookieAttributes
{
    std::optional<std::chrono::seconds> maxAge; ///< absent: until the browser ends; zero: delete it now
    std::string path = "/";
    std::string domain; ///< empty: this host only
    bool secure = false;
    bool httpOnly = true;
    SameSite sameSite = SameSite::Lax;
};

/// The value of a Set-Cookie header. Throws std::invalid_argument for a name that is no token or a value with
/// characters a cookie cannot hold: a bug of the caller, who encodes what comes from outside.
std::string cookieHeader(std::string_view name, std::string_view value, const CookieAttributes &attributes = {});

/// The value of the first cookie `name` in a Cookie header's value that has one, quotes removed; empty if none has.
std::string_view cookieValue(std::string_view header, std::string_view name);

/// The same for each of that name, in order. All programs of a host share its cookies (RFC 6265, section 8.5), so there
/// may be several, and those of others.
void eachCookie(std::string_view header, std::string_view name, const std::function<void(std::string_view)> &take);

/// The token of an Authorization header's value "Bearer <token>" (RFC 6750, scheme in any case); empty if it is none.
std::string_view bearerToken(std::string_view authorization);

} // namespace portolan::http
