// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/forwarded.h"

#include "core/base/masking.h"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/beast/core/string.hpp>

#include <charconv>

namespace portolan::http {

namespace ip = asio::ip;

namespace {

std::string_view trim(std::string_view text)
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

/// The last element of a comma-separated list, cut off `list`.
std::string_view cutLast(std::string_view &list)
{
    const auto comma = list.rfind(',');
    const auto element = comma == std::string_view::npos ? list : list.substr(comma + 1);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
    return trim(element);
}

ip::address_v6 mapped(const ip::address &address)
{
    return address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6();
}

ip::address unmapped(const ip::address &address)
{
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return ip::make_address_v4(ip::v4_mapped, address.to_v6());
    return address;
}

bool isPort(std::string_view text)
{
    unsigned port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failed == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

bool samePrefix(const ip::address_v6::bytes_type &a, const ip::address_v6::bytes_type &b, unsigned bits)
{
    for (unsigned i = 0; i < a.size() && bits > 0; ++i) {
        const unsigned here = bits < 8 ? bits : 8;
        const unsigned mask = 0xffU & (0xffU << (8 - here));
        if (((a[i] ^ b[i]) & mask) != 0)
            return false;
        bits -= here;
    }
    return true;
}

} // namespace

ip::address parseForwarded(std::string_view text, error_code &ec)
{
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        const auto after = end == std::string_view::npos ? "!" : text.substr(end + 1);
        if (!after.empty() && (after.front() != ':' || !isPort(after.substr(1)))) {
            ec = asio::error::invalid_argument;
            return {};
        }
        text = text.substr(1, end - 1);
    } else if (const auto colon = text.find(':');
               colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
        if (!isPort(text.substr(colon + 1))) {
            ec = asio::error::invalid_argument;
            return {};
        }
        text = text.substr(0, colon);
    }
    const auto address = ip::make_address(std::string(text), ec);
    return ec ? ip::address{} : unmapped(address);
}

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string> &entries, ClientHeader header)
{
    TrustedProxies proxies;
    proxies.m_header = header;
    for (const auto &entry : entries) {
        error_code ec;
        if (entry.find('/') == std::string::npos) {
            const auto address = ip::make_address(entry, ec);
            if (!ec)
                proxies.m_blocks.push_back({mapped(address), 128});
        } else if (entry.find(':') == std::string::npos) {
            const auto network = ip::make_network_v4(entry, ec);
            if (!ec)
                proxies.m_blocks.push_back({mapped(network.address()), 96U + network.prefix_length()});
        } else {
            const auto network = ip::make_network_v6(entry, ec);
            if (!ec)
                proxies.m_blocks.push_back({network.address(), network.prefix_length()});
        }
        if (ec) {
            return failure(ErrorKind::Invalid, "Trusted proxy '" + quotable(entry) + "' is no address.",
                           "Write an address or a block like 10.0.0.0/8.");
        }
    }
    return proxies;
}

bool TrustedProxies::trusts(const ip::address &address) const
{
    if (m_blocks.empty())
        return false;
    const auto bytes = mapped(address).to_bytes();
    for (const auto &block : m_blocks) {
        if (samePrefix(bytes, block.network.to_bytes(), block.prefix))
            return true;
    }
    return false;
}

TrustedProxies::Client TrustedProxies::client(const ip::address &peer, bool secure, const fields &headers) const
{
    Client client{peer.to_string(), secure};
    if (!trusts(peer))
        return client;
    if (const auto proto = headers.equal_range("X-Forwarded-Proto"); proto.first != proto.second) {
        std::string_view list = std::prev(proto.second)->value();
        client.secure = boost::beast::iequals(cutLast(list), "https");
    }
    // Several headers count as one list in their order.
    std::string chain;
    const auto lines = headers.equal_range("X-Forwarded-For");
    for (auto it = lines.first; m_header != ClientHeader::RealIp && it != lines.second; ++it)
        chain.append(chain.empty() ? "" : ",").append(it->value());
    std::string_view left = chain;
    bool any = false;
    while (!left.empty()) {
        error_code ec;
        const auto address = parseForwarded(cutLast(left), ec);
        if (ec)
            break;
        any = true;
        client.address = address.to_string();
        if (!trusts(address))
            break;
    }
    if (any || m_header == ClientHeader::ForwardedFor)
        return client;
    error_code ec;
    const auto real = parseForwarded(trim(headers["X-Real-IP"]), ec);
    if (!ec)
        client.address = real.to_string();
    return client;
}

} // namespace portolan::http
