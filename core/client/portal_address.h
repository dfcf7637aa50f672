// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/net/http_url.h"

#include <string>
#include <string_view>

namespace portolan::client {

/// Where a portal is.
struct PortalAddress
{
    net::Origin origin;
    std::string base; ///< what a proxy before it has in front of every path, "/shop", percent-encoded; empty: nothing
    bool operator==(const PortalAddress &) const = default;
    std::string display() const; ///< "https://shop.example/shop", for people
};

/// An `http://` or `https://` URL with or without a path. Errors are those of net::parseHttpUrl; Invalid "http-url"
/// also for a query, a fragment, and for plain http to another machine: whoever is on the way could read the token.
Result<PortalAddress> parsePortalAddress(std::string_view url);

} // namespace portolan::client
