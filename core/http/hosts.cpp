#include "core/http/hosts.h"

#include "core/base/asio.h"
#include "core/base/given_text.h"

#include <QString>
#include <QUrl>
#include <algorithm>
#include <charconv>
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

std::string named(std::string_view text) { return '"' + visible(text.substr(0, 100)) + '"'; }

bool isPort(std::string_view text)
{
    unsigned port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failed == std::errc{} && end == text.data() + text.size() && port > 0 && port <= 65535;
}

bool isName(std::string_view name)
{
    return !name.empty() && name.size() <= 253 && name.front() != '.' && name.find("..") == std::string_view::npos &&
           std::ranges::all_of(name, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

/// In brackets and as browsers write it, whose zeros are left out; nullopt if it is none.
std::optional<std::string> normalAddress6(std::string_view text)
{
    error_code invalid;
    const auto address = asio::ip::make_address_v6(std::string(text), invalid);
    if (invalid || address.scope_id() != 0)
        return std::nullopt;
    return '[' + address.to_string() + ']';
}

/// A name or a bracketed address in the form of a Host header, without its port; nullopt if it is none.
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
    return isName(host) ? std::optional(host) : std::nullopt;
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

/// What is written where a list is, rather than in one of its items.
std::optional<Error> listFlaw(std::string_view entry, const std::string &what)
{
    if (entry.find_first_of("[]{}\"'") != std::string_view::npos && !entry.starts_with('[') &&
        entry.find("://[") == std::string_view::npos)
        return failure(ErrorKind::Invalid, named(entry) + " is not " + what,
                       "Write the items with commas between them, without quotes and brackets");
    if (entry.starts_with('[') && entry.find_first_of("\"'") != std::string_view::npos)
        return failure(ErrorKind::Invalid, named(entry) + " is not " + what,
                       "Write the items with commas between them, without quotes and brackets");
    if (entry.find(';') != std::string_view::npos)
        return failure(ErrorKind::Invalid, named(entry) + " is not " + what, "Put commas between the items, not ';'");
    return std::nullopt;
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
    if (host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host == "::1")
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
        const auto host = normalHost(name);
        if (!host || !bare || (!port.empty() && port != "*" && !isPort(port)))
            return failure(ErrorKind::Invalid, named(entry) + " is no host anybody can ask for",
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
    const auto refused = [&](const std::string &why, const std::string &mend) {
        return failure(ErrorKind::Invalid, named(entry) + ' ' + why, mend);
    };
    if (entry.find('*') != std::string_view::npos)
        return refused("stands for many origins", "Name each of them, such as https://portal.example");
    const auto colon = entry.find("://");
    if (colon == std::string_view::npos)
        return refused("has no scheme", "Write https://" + visible(entry.substr(0, 100)) + " or http:// before it");
    const std::string scheme = small(entry.substr(0, colon));
    if (scheme == "ws" || scheme == "wss")
        return refused("is a WebSocket's address", "Write http:// or https:// for " + scheme + "://");
    const bool spelled = !scheme.empty() && std::ranges::all_of(scheme, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
    });
    if (scheme == "file" || scheme == "ftp")
        return refused("is no origin a browser sends", "Write it as https://portal.example");
    auto rest = entry.substr(colon + 3);
    if (rest.find('@') != std::string_view::npos)
        return failure(ErrorKind::Invalid, "An origin holds no user and no password",
                       "Write the scheme and the host alone, such as https://portal.example");
    while (rest.ends_with('/'))
        rest.remove_suffix(1);
    if (rest.find_first_of("/?#") != std::string_view::npos)
        return refused("has a path, which no browser sends",
                       "Write " + scheme + "://" + visible(rest.substr(0, rest.find_first_of("/?#"))));
    const auto [name, port] = split(rest);
    const auto host = normalHost(name);
    if (!spelled || !host || (!port.empty() && !isPort(port)))
        return refused("is no origin a browser sends",
                       "Write it as https://portal.example or https://portal.example:8443");
    const bool plain = port.empty() || (scheme == "https" && port == "443") || (scheme == "http" && port == "80");
    return scheme + "://" + *host + (plain ? "" : ":" + std::string(port));
}

} // namespace portolan::http
