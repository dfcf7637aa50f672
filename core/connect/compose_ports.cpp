// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_ports.h"

#include "core/base/url_text.h"

#include <algorithm>

namespace portolan::connect {

namespace {

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

Error noPort()
{
    return wrong("what stands there is no port", "Write \"127.0.0.1:6379:6379\": address, the machine's port, its own");
}

struct Range
{
    std::uint16_t first = 0;
    std::uint16_t count = 1;
};

std::optional<Range> readRange(std::string_view text)
{
    const auto dash = text.find('-');
    const auto first = portNumber(text.substr(0, dash));
    const auto last = dash == text.npos ? first : portNumber(text.substr(dash + 1));
    if (!first || !last || *last < *first)
        return std::nullopt;
    return Range{*first, std::uint16_t(*last - *first + 1)};
}

bool isAddress(std::string_view text)
{
    return text.size() <= 45 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' ||
                      c == ':';
           });
}

} // namespace

Result<PublishedPort> readLongPort(std::string_view address, std::string_view published, std::string_view target)
{
    const auto container = readRange(target);
    const auto host = published.empty() ? std::optional<Range>(Range{}) : readRange(published);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    if (!container || !host || !isAddress(address))
        return noPort();
    PublishedPort port;
    port.address = std::string(address);
    port.container = container->first;
    port.count = container->count;
    if (published.empty())
        return port;
    if (host->count == container->count)
        port.host = host->first; // else Docker takes one of them that is free
    else if (container->count != 1)
        return wrong("a range of ports is as long as the one it is published on");
    return port;
}

Result<std::optional<PublishedPort>> readShortPort(std::string_view text)
{
    const auto slash = text.rfind('/');
    const auto protocol = slash == text.npos ? std::string_view("tcp") : text.substr(slash + 1);
    text = text.substr(0, slash);
    const auto last = text.rfind(':');
    const auto target = last == text.npos ? text : text.substr(last + 1);
    std::string_view before = last == text.npos ? std::string_view() : text.substr(0, last);
    const auto colon = before.rfind(':');
    // An address of IPv6 has colons of its own, and brackets where it stands before a port.
    const auto published = colon == before.npos ? before : before.substr(colon + 1);
    const auto address = colon == before.npos ? std::string_view() : before.substr(0, colon);
    auto port = readLongPort(address, published, target);
    if (!port)
        return port.error();
    if (protocol != "tcp")
        return protocol == "udp" || protocol == "sctp" ? Result<std::optional<PublishedPort>>(std::nullopt) : noPort();
    return std::optional(std::move(*port));
}

} // namespace portolan::connect
