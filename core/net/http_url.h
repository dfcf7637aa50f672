// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace portolan::net {

/// Whom an HTTP client talks to (RFC 6454).
struct Origin
{
    bool secure = false;
    std::string host = "127.0.0.1"; ///< name or address, without brackets, small
    std::uint16_t port = 80;
    bool operator==(const Origin &) const = default;
    std::string authority() const; ///< as Host has it: "shop.example", "[::1]:8080"
    std::string display() const;   ///< "https://shop.example", for people
};

struct HttpUrl
{
    Origin origin;
    std::string target = "/"; ///< path and query, percent-encoded
    bool operator==(const HttpUrl &) const = default;
};

/// An `http://` or `https://` URL of at most 4096 bytes. Invalid "http-url": names what is wrong without repeating what
/// may be a password. User information is refused: what signs in goes into a header, not into a URL that is shown and
/// logged.
Result<HttpUrl> parseHttpUrl(std::string_view url);

/// Where a `Location` leads that was answered to `from` (RFC 3986, section 5).
Result<HttpUrl> resolveLocation(const HttpUrl &from, std::string_view location);

} // namespace portolan::net
