// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/portal_address.h"

#include "core/net/coded.h"

#include <boost/asio/ip/address.hpp>

namespace portolan::client {
namespace {

bool isThisMachine(const std::string &host)
{
    if (host == "localhost" || host.ends_with(".localhost")) // RFC 6761
        return true;
    boost::system::error_code none;
    const auto address = boost::asio::ip::make_address(host, none);
    return !none && address.is_loopback();
}

} // namespace

std::string PortalAddress::display() const { return origin.display() + base; }

Result<PortalAddress> parsePortalAddress(std::string_view url)
{
    auto parsed = net::parseHttpUrl(url);
    if (!parsed)
        return parsed.error();
    if (url.find_first_of("?#") != url.npos)
        return net::coded(ErrorKind::Invalid, "http-url", "The address of a portal has no query and no fragment.",
                          "Leave out what begins with ? or #.");
    if (!parsed->origin.secure && !isThisMachine(parsed->origin.host))
        return net::coded(ErrorKind::Invalid, "http-url",
                          "Over http the token to " + parsed->origin.host + " could be read on the way.",
                          "Write https://, or reach it through a tunnel that ends on this machine.");
    PortalAddress address{std::move(parsed->origin), std::move(parsed->target)};
    while (address.base.ends_with('/'))
        address.base.pop_back();
    return address;
}

} // namespace portolan::client
