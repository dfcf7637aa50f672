// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/hosts.h"

#include "core/base/asio.h"
#include "core/base/masking.h"
#include "core/base/settings.h"
#include "core/base/url_text.h"

#include <arpa/inet.h>

#include <QString>
#include <QUrl>
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

namespace portolan::http {

namespace {

std::string small(std::string_view text)
{
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

std::string named(std::string_view text) { return '"' + quotable(text) + '"'; }

bool isName(std::string_view name)
{
    return !name.empty() && name.size() <= 253 && name.front() != '.' && name.find("..") == std::string_view::npos &&
           std::ranges::all_of(name, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

/// Whether browsers take the name for an IPv4 address: its last part is a number (WHATWG URL, "ends in a number").
bool endsInNumber(std::string_view name)
{
    const auto last = name.substr(name.rfind('.') + 1);
    const bool hex = last.starts_with("0x");
    return !last.empty() && last.find_first_not_of(hex ? "0123456789abcdef" : "0123456789", hex ? 2 : 0) == last.npos;
}

/// What browsers make of a name that ends in a number: 127.0.0.1 of 127.1, 0x7f.1 and 2130706433; nullopt if nothing.
std::optional<std::string> meantAddress4(const std::string &name)
{
    in_addr read{};
    if (::inet_aton(name.c_str(), &read) == 0)
        return std::nullopt;
    return asio::ip::make_address_v4(ntohl(read.s_addr)).to_string();
}

/// In brackets and as browsers write it, whose zeros are left out; nullopt if it is none.
std::optional<std::string> normalAddress6(std::string_view text)
{
    error_code invalid;
    const auto address = asio::ip::make_address_v6(std::string(text), invalid);
    if (invalid || address.scope_id() != 0)
        return std::nullopt;
    std::string shortest = address.to_string();
    if (const auto dotted = shortest.find('.'); dotted != std::string::npos) { // browsers write no dots
        const auto bytes = address.to_bytes();
        std::array<char, 16> hex{};
        std::snprintf(hex.data(), hex.size(), "%x:%x", bytes[12] << 8 | bytes[13], bytes[14] << 8 | bytes[15]);
        shortest.replace(shortest.rfind(':') + 1, std::string::npos, hex.data());
    }
    return '[' + shortest + ']';
}

/// A name or a bracketed address in the form of a Host header, without its port; nullopt if it is none, or an IPv4
/// address that browsers write otherwise.
std::optional<std::string> normalHost(std::string_view text)
{
    std::string host = small(text);
    if (host.starts_with('['))
        return host.ends_with(']') ? normalAddress6(std::string_view(host).substr(1, host.size() - 2)) : std::nullopt;
    if (std::ranges::count(host, ':') > 1)
        return normalAddress6(host);
    if (std::ranges::any_of(host, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        host = QUrl::toAce(QString::fromStdString(host)).toStdString();
    if (host.ends_with('.'))
        host.pop_back();
    if (!isName(host) || (endsInNumber(host) && meantAddress4(host) != host))
        return std::nullopt;
    return host;
}

struct Authority
{
    std::string_view host;
    std::string_view port;
};
Authority split(std::string_view authority)
{
    const auto after = authority.starts_with('[') ? authority.find(']') : 0;
    if (after == std::string_view::npos)
        return {authority, {}};
    const auto colon = authority.find(':', after);
    if (colon == std::string_view::npos || (after == 0 && authority.find(':', colon + 1) != std::string_view::npos))
        return {authority, {}};
    return {authority.substr(0, colon), authority.substr(colon + 1)};
}

/// ::1 and 127.0.0.0/8 as IPv6 has them, however they are spelled and with brackets or without.
bool isLoopback6(std::string_view host)
{
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    error_code invalid;
    const auto address = asio::ip::make_address_v6(std::string(host), invalid);
    if (invalid || address.scope_id() != 0)
        return false;
    return address.is_loopback() ||
           (address.is_v4_mapped() && asio::ip::make_address_v4(asio::ip::v4_mapped, address).is_loopback());
}

Error refuseEntry(std::string_view entry, const std::string &why, std::string mend)
{
    return failure(ErrorKind::Invalid, named(entry) + ' ' + why, std::move(mend));
}

/// What is written where a list is, rather than in one of its items.
std::optional<Error> listFlaw(std::string_view entry, const std::string &what)
{
    if (entry.find('@') != std::string_view::npos)
        return refuseEntry(entry, "is not " + what + ": it holds an '@', as before a user and a password",
                           "Write the name alone, without user and password");
    const bool marks = entry.find_first_of("{}\"'") != std::string_view::npos;
    const bool brackets = entry.find_first_of("[]") != std::string_view::npos && !entry.starts_with('[') &&
                          entry.find("://[") == std::string_view::npos;
    if (marks || brackets)
        return refuseEntry(entry, "is not " + what,
                           "Write the items with commas between them, without quotes and brackets");
    for (const std::string_view separator : {";", "|"})
        if (entry.find(separator) != std::string_view::npos)
            return refuseEntry(entry, "is not " + what,
                               "Put commas between the items, not '" + std::string(separator) + "'");
    return std::nullopt;
}

/// Words and addresses that other programs take for any name or for none, and that nobody ever asks for.
std::optional<Error> nobodyAsksFor(std::string_view entry, std::string_view host)
{
    constexpr auto names = "Write the names it is asked by, such as portal.example, or * for any";
    if (host == "any" || host == "all")
        return refuseEntry(entry, "is no name here: only that one host would be answered", "Write * for any");
    if (host == "none")
        return refuseEntry(entry, "is no name here: only that one host would be answered",
                           "Write the names it is asked by, or leave the setting out");
    if (host == "0.0.0.0" || host == "::" || host == "[::]")
        return refuseEntry(entry, "is an address to listen on; nobody asks for it", names);
    return std::nullopt;
}

/// Where browsers write a name otherwise, as they take its last part for a number.
std::optional<Error> numberFlaw(std::string_view entry, std::string_view host)
{
    std::string name = small(host);
    if (name.ends_with('.'))
        name.pop_back();
    if (!isName(name) || !endsInNumber(name))
        return std::nullopt;
    const auto meant = meantAddress4(name);
    if (meant == name)
        return std::nullopt;
    return refuseEntry(entry, meant ? "is an address that browsers write otherwise" : "is no IPv4 address",
                       meant ? "Write " + *meant + " for the host, if that is meant"
                             : "Write its four numbers, each from 0 to 255");
}

} // namespace

std::string_view hostOf(std::string_view authority)
{
    auto host = split(authority).host;
    if (host.size() > 1 && host.ends_with('.'))
        host.remove_suffix(1);
    return host;
}

bool isLoopbackName(std::string_view authority)
{
    const std::string host = small(hostOf(authority));
    if (host == "localhost" || host.ends_with(".localhost") || isLoopback6(host))
        return true;
    return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
           host.find_first_not_of("0123456789.") == std::string::npos;
}

bool isAddressLiteral(std::string_view authority)
{
    const auto host = hostOf(authority);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    error_code invalid;
    (void)asio::ip::make_address(std::string(bracketed ? host.substr(1, host.size() - 2) : host), invalid);
    return !invalid;
}

AllowedHosts AllowedHosts::loopback()
{
    AllowedHosts hosts;
    hosts.m_any = false;
    hosts.m_loopback = true;
    return hosts;
}

Result<AllowedHosts> AllowedHosts::parse(const std::vector<std::string> &entries)
{
    AllowedHosts hosts;
    hosts.m_any = entries.empty();
    for (const auto &entry : entries) {
        if (auto flaw = listFlaw(entry, "a host"))
            return *flaw;
        if (const auto flaw = nobodyAsksFor(entry, small(entry)))
            return *flaw;
        if (entry == "*") {
            hosts.m_any = true;
            continue;
        }
        std::string_view rest = entry;
        if (const auto scheme = rest.find("://"); scheme != std::string_view::npos)
            rest.remove_prefix(scheme + 3);
        const auto path = rest.find_first_of("/?#");
        const bool bare = path == std::string_view::npos || path + 1 == rest.size();
        rest = rest.substr(0, path);
        std::string prefix;
        if (rest.starts_with("*."))
            prefix = "*.";
        else if (rest.starts_with('.'))
            prefix = ".";
        rest.remove_prefix(prefix.size());
        const auto [name, port] = split(rest);
        if (const auto flaw = nobodyAsksFor(entry, small(name)))
            return *flaw;
        if (const auto flaw = numberFlaw(entry, name))
            return *flaw;
        const auto host = normalHost(name);
        if (!host || !bare || (!port.empty() && port != "*" && !portNumber(port)))
            return refuseEntry(
                entry, "is no host anybody can ask for",
                "Write a name such as portal.example, .portal.example for all below it too, or * for any");
        hosts.m_names.push_back(prefix + *host);
    }
    return hosts;
}

bool AllowedHosts::allows(std::string_view authority) const
{
    if (m_any)
        return true;
    if (m_loopback)
        return authority.empty() || isLoopbackName(authority);
    std::string host = small(hostOf(authority));
    if (host.starts_with('['))
        host = normalHost(host).value_or(host);
    return std::ranges::any_of(m_names, [&](std::string_view name) {
        if (name.starts_with("*."))
            return host.size() > name.size() - 1 && host.ends_with(name.substr(1));
        if (name.starts_with('.'))
            return host == name.substr(1) || (host.size() > name.size() && host.ends_with(name));
        return host == name;
    });
}

std::string AllowedHosts::describe() const
{
    if (m_any)
        return "any";
    if (m_loopback)
        return "localhost, 127.0.0.1, [::1]";
    std::string text;
    for (const auto &name : m_names)
        text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

Result<std::string> normalOrigin(std::string_view entry)
{
    if (auto flaw = listFlaw(entry, "an origin"))
        return *flaw;
    const auto refused = [&](const std::string &why, std::string mend) {
        return refuseEntry(entry, why, std::move(mend));
    };
    // A mend is an origin that this takes itself.
    const auto written = [](const std::string &origin) {
        const auto good = normalOrigin(origin);
        return "Write " + (good ? *good : std::string("it as https://portal.example"));
    };
    if (entry.find('*') != std::string_view::npos)
        return refused("stands for many origins", "Name each of them, such as https://portal.example");
    if (small(entry) == "null")
        return refused("is what pages without an origin send, any of them",
                       "Serve the page from an address, and name that, such as https://portal.example");
    const auto colon = entry.find("://");
    const auto first = entry.find(':');
    const std::string word = small(entry.substr(0, first));
    if (colon == std::string_view::npos || colon != first || entry.substr(colon + 3).starts_with('/')) {
        const bool known = first != std::string_view::npos && (word == "http" || word == "https");
        if (known) {
            auto rest = entry.substr(first + 1);
            while (rest.starts_with('/'))
                rest.remove_prefix(1);
            return refused("does not have two slashes behind its scheme", written(word + "://" + std::string(rest)));
        }
        if (colon == std::string_view::npos)
            return refused("has no scheme", written("https://" + std::string(entry)) + ", or with http://");
    }
    const std::string scheme = small(entry.substr(0, colon));
    if (scheme == "ws" || scheme == "wss")
        return refused("is a WebSocket's address", "Write http:// or https:// for " + scheme + "://");
    const bool spelled = !scheme.empty() && std::ranges::all_of(scheme, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
    });
    if (scheme == "file" || scheme == "ftp")
        return refused("is no origin a browser sends", "Write it as https://portal.example");
    auto rest = entry.substr(colon + 3);
    if (const auto close = closestTo(scheme, {"https", "http"}); !close.empty() && close != scheme)
        return refused("has a scheme that no browser knows", written(close + "://" + std::string(rest)));
    while (rest.ends_with('/'))
        rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos)
        return refused("has a path, which no browser sends",
                       written(scheme + "://" + std::string(rest.substr(0, rest.find_first_of("/?#")))));
    const auto [name, port] = split(rest);
    if (const auto flaw = numberFlaw(entry, name))
        return *flaw;
    const auto host = normalHost(name);
    const auto number = portNumber(port);
    if (!spelled || !host || (!port.empty() && !number))
        return refused("is no origin a browser sends",
                       "Write it as https://portal.example or https://portal.example:8443");
    const bool plain = !number || (scheme == "https" && *number == 443) || (scheme == "http" && *number == 80);
    return scheme + "://" + *host + (plain ? "" : ":" + std::to_string(*number));
}

} // namespace portolan::http
