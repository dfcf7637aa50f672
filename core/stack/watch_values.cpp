// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_values.h"

#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/units.h"
#include "core/base/url_text.h"
#include "core/base/utf8.h"
#include "core/storage/database.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>

namespace portolan::stack {

namespace {

constexpr std::size_t longestUrl = 2048;
constexpr std::size_t mostSteps = 32;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isOneOf(char c, std::string_view some) { return some.find(c) != some.npos; }

/// What stands before an `@` of a URL, with a colon in it, is a password.
bool holdsPassword(std::string_view url)
{
    const auto user = findUserInformation(url);
    return user && url.substr(user->begin, user->end - user->begin).find(':') != url.npos;
}

Error passwordInClear(const std::string &before = {})
{
    return wrong("it holds a password in clear",
                 "Take it out, and say in " + before +
                     "password, beside the URL, where it is: \"file:PATH\", \"env:NAME\" or "
                     "\"command:[PROGRAM, ARG]\", in the console also \"keychain:NAME\"");
}

/// A mend that a portal's settings have names a variable that means nothing here.
Error inFile(Error error, const std::string &before)
{
    if (error.code == "redis-sentinel")
        error.hint =
            "Write redis:// or rediss://, and the sentinels as sentinel = { names = [\"HOST:26379\"], master = "
            "\"NAME\" }";
    else if (error.code == "redis-cluster")
        error.hint = "Write redis:// or rediss:// with one of its nodes, and cluster = true";
    else if (error.message.find("ssl_") != std::string::npos)
        error.hint = before.empty()
                         ? "Leave it out, and name the authority's file in ca, or the certificate's fingerprint in pin"
                         : "Leave it out, and name the authority's file in " + before + "ca";
    else if (error.hint.find("REDIS_PASSWORD") != std::string::npos)
        error.hint =
            "Write redis://host:port/db, rediss:// for TLS, or unix:/path?db=0; where the password is goes into " +
            before + "password";
    return error;
}

Error noReach(const std::string &what)
{
    return wrong(what, "Write direct, ssh:HOST (of ~/.ssh/config), socks5:HOST:PORT or http:HOST:PORT");
}

Error noHttpUrl(const std::string &what) { return wrong(what, "Write http://host:port/path or https://host/path"); }

Error noPostgresUrl(const std::string &what) { return wrong(what, "Write postgresql://USER@HOST:PORT/NAME"); }

/// Hosts of URLs: an IPv6 address is without its brackets here.
Result<void> checkUrlHost(std::string_view host)
{
    const auto ofAddress = [](char c) { return isDigit(c) || isOneOf(c, ":.abcdefABCDEF"); };
    const bool six = host.find(':') != host.npos && std::ranges::all_of(host.substr(0, host.find('%')), ofAddress);
    return six ? Result<void>() : checkHost(host);
}

} // namespace

Result<std::string> readText(std::string_view text, std::size_t most)
{
    if (text.empty() || text.size() > most)
        return wrong("write 1 to " + std::to_string(most) + " bytes");
    if (!isUtf8(text) || visible(text) != text)
        return wrong("it has a character that cannot be seen");
    return std::string(text);
}

Result<std::string> readPath(std::string_view text, const std::filesystem::path &folder)
{
    const auto path = readText(text, 4096);
    if (!path)
        return path.error();
    if (path->starts_with('~'))
        return wrong("'~' is for shells", "Write the whole path, or one beside this file");
    return (folder / std::filesystem::path(*path)).lexically_normal().string();
}

Result<bool> readFlag(std::string_view text)
{
    if (text != "true" && text != "false")
        return wrong("write true or false");
    return text == "true";
}

Result<std::uint32_t> readCount(std::string_view text, std::uint32_t least, std::uint32_t most)
{
    std::uint32_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < least ||
        value > most)
        return wrong("write a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

Result<std::chrono::milliseconds> readTime(std::string_view text, std::chrono::milliseconds least,
                                           std::chrono::milliseconds most)
{
    const auto value = parseDuration(text);
    if (!value || *value < least || *value > most)
        return wrong("write a time from \"" + formatDuration(least) + "\" to \"" + formatDuration(most) + '"');
    return *value;
}

Result<std::uint64_t> readBytes(std::string_view text, std::uint64_t most)
{
    const auto value = parseSize(text);
    if (!value || *value > most)
        return wrong("write a size up to \"" + formatSize(most) + '"');
    return *value;
}

Result<void> checkHost(std::string_view host)
{
    const auto fits = [](char c) { return isLetter(c) || isDigit(c) || isOneOf(c, ".-_"); };
    if (host.starts_with('-'))
        return wrong("a host may not begin with '-': a program would take it for an option");
    if (host.empty() || host.size() > 253 || !std::ranges::all_of(host, fits))
        return wrong("it names no host", "A host has 1 to 253 letters, digits, dots and dashes");
    return {};
}

Result<HostPort> readHostPort(std::string_view text, std::uint16_t standard)
{
    HostPort made{std::string(text), standard};
    const bool six = text.starts_with('[');
    const auto close = six ? text.find(']') : text.npos;
    const auto colon = six ? (close == text.npos ? text.npos : text.find(':', close)) : text.rfind(':');
    if (colon != text.npos) {
        const auto port = portNumber(text.substr(colon + 1));
        if (!port)
            return wrong("the port must be a number from 1 to 65535");
        made = {std::string(text.substr(0, colon)), *port};
    }
    if (made.port == 0)
        return wrong("a port is missing", "Write HOST:PORT");
    if (!six) {
        if (const auto fit = checkHost(made.host); !fit)
            return fit.error();
        return made;
    }
    const auto inside = std::string_view(made.host).substr(1, made.host.size() - 2);
    const auto hex = [](char c) { return isDigit(c) || isOneOf(c, ":.abcdefABCDEF"); };
    if (!made.host.ends_with(']') || inside.size() < 2 || inside.size() > 45 || !std::ranges::all_of(inside, hex))
        return wrong("it is no address in brackets", "Write [2001:db8::1]:PORT");
    made.host = std::string(inside);
    return made;
}

Result<Reach> readReach(std::string_view text)
{
    Reach reach;
    if (text == "direct")
        return reach;
    if (text.find('@') != text.npos && !text.starts_with("ssh:"))
        return noReach("a proxy is named without user and password");
    if (text.starts_with("ssh:")) {
        const auto host = text.substr(4);
        const auto at = host.find('@');
        const auto named = at == host.npos ? host : host.substr(at + 1);
        if (at != host.npos)
            if (const auto fit = checkHost(host.substr(0, at)); !fit)
                return noReach("what stands before the '@' is no user");
        if (named.find(':') != named.npos)
            return noReach("ssh has its ports in ~/.ssh/config");
        if (const auto fit = checkHost(named); !fit)
            return noReach(fit.error().message);
        reach.way = Way::Ssh;
        reach.host = std::string(host);
        return reach;
    }
    const bool socks = text.starts_with("socks5:");
    if (!socks && !text.starts_with("http:"))
        return noReach("it is no way to a host");
    const auto proxy = readHostPort(text.substr(text.find(':') + 1), 0);
    if (!proxy)
        return noReach(proxy.error().message);
    reach.way = socks ? Way::Socks5 : Way::HttpProxy;
    reach.host = proxy->host;
    reach.port = proxy->port;
    return reach;
}

Result<std::string> readPin(std::string_view text)
{
    std::string pin;
    std::size_t digits = 0;
    bool hex = true;
    for (const char c : text) {
        if (c == ':')
            continue;
        const char upper = c >= 'a' && c <= 'f' ? char(c - 'a' + 'A') : c;
        hex = hex && (isDigit(upper) || (upper >= 'A' && upper <= 'F')) && digits < 64;
        if (!hex)
            break;
        if (digits % 2 == 0 && digits > 0)
            pin += ':';
        pin += upper;
        ++digits;
    }
    if (!hex || digits != 64)
        return wrong("it is no fingerprint", "Write the SHA-256 of the certificate, 64 hexadecimal digits, as openssl "
                                             "x509 -fingerprint -sha256 prints it");
    return pin;
}

Result<redis::Endpoint> readRedisUrl(std::string_view text, std::string_view before)
{
    const std::string keys(before);
    if (holdsPassword(text))
        return passwordInClear(keys);
    // An endpoint with a user wants a password; where it is the file says beside the URL.
    constexpr std::string_view elsewhere = "\x01 elsewhere";
    auto endpoint = redis::Endpoint::parse(text, elsewhere);
    if (!endpoint)
        return inFile(endpoint.error(), keys);
    if (endpoint->password != elsewhere)
        return passwordInClear(keys);
    endpoint->password.clear();
    if (endpoint->trust != TrustSpec{}) // beside it they are looked for when the file is checked
        return wrong("it names files of certificates",
                     "Take them out, and name them beside the URL: " + keys + "ca = \"FILE\"");
    if (endpoint->transport != redis::Endpoint::Transport::Unix)
        if (const auto fit = checkUrlHost(endpoint->host); !fit)
            return fit.error();
    return endpoint;
}

Result<std::string> readHttpUrl(std::string_view text)
{
    if (text.size() > longestUrl)
        return wrong("it is longer than 2048 bytes");
    if (!text.starts_with("http://") && !text.starts_with("https://"))
        return noHttpUrl("it is no http or https URL");
    if (findUserInformation(text))
        return wrong("it holds a user or a password in clear", "Take them out of the URL");
    if (const auto flaw = authorityFlaw(text))
        return wrong(flaw->what, flaw->mend);
    const auto url = boost::urls::parse_uri({text.data(), text.size()});
    if (!url)
        return noHttpUrl("it does not have the form of a URL");
    if (url->has_fragment())
        return wrong("a '#' in it must be written %23");
    if (const auto fit = checkUrlHost(std::string(url->host_address())); !fit)
        return fit.error();
    for (const auto &parameter : url->params())
        if (isSecretName(std::string(parameter.key)) && !std::string(parameter.value).empty())
            return wrong("it holds a secret in clear among its parameters",
                         "Name an address that needs none, or a token beside the URL where there is a key for it");
    return std::string(text);
}

Result<std::string> readPostgresUrl(std::string_view text)
{
    if (holdsPassword(text))
        return passwordInClear();
    const auto url = storage::DatabaseUrl::parse(text);
    if (!url)
        return noPostgresUrl(url.error().message);
    if (!url->password.empty())
        return passwordInClear();
    if (url->dialect != storage::Dialect::PostgreSql)
        return noPostgresUrl("it is no postgresql URL");
    if (!url->host.starts_with('/'))
        if (const auto fit = checkUrlHost(url->host); !url->host.empty() && !fit)
            return fit.error();
    return url->display();
}

std::string shownName(std::string_view text, std::size_t longest)
{
    if (text.find('@') != text.npos || text.find("//") != text.npos)
        return quotable(text, longest);
    const std::string masked = maskSecrets(text);
    const auto begin = cutText(masked, longest);
    return visible(begin) + (begin.size() < masked.size() ? "…" : "");
}

Result<std::string> readDeploymentName(std::string_view text)
{
    auto name = readText(text, 64);
    if (name && (trimmed(text) != text || text.front() == '.' || text.find('/') != text.npos))
        return wrong("it begins or ends with a blank, begins with a dot, or has a slash",
                     "It names a folder too: write shop, or Shop Europe");
    return name;
}

Result<void> checkForeignQueue(std::string_view name)
{
    const bool printable = std::ranges::all_of(name, [](unsigned char c) { return c > 0x20 && c != 0x7F; });
    if (name.empty() || name.size() > 255 || !printable || visible(name) != name)
        return wrong("a queue's name has 1 to 255 characters without blanks");
    return {};
}

Result<std::vector<std::uint32_t>> readSteps(const std::vector<std::string> &items)
{
    std::vector<std::uint32_t> steps;
    for (const auto &item : items) {
        const auto step = readCount(item, 0, 255);
        if (!step || (!steps.empty() && *step <= steps.back()) || (steps.empty() && *step != 0))
            return wrong("steps are whole numbers that begin at 0 and grow, up to 255", "Write [0, 3, 6, 9]");
        steps.push_back(*step);
    }
    if (steps.empty() || steps.size() > mostSteps)
        return wrong("write 1 to 32 steps", "Write [0, 3, 6, 9]");
    return steps;
}

Result<std::string> readSeriesName(std::string_view text)
{
    const auto fits = [](char c) { return isLetter(c) || isDigit(c) || isOneOf(c, "_:"); };
    if (text.empty() || text.size() > 200 || isDigit(text.front()) || !std::ranges::all_of(text, fits))
        return wrong("it is no name of a series or a label", "It has letters, digits, _ and :");
    return std::string(text);
}

Result<std::string> readListen(std::string_view text)
{
    const bool any = text.ends_with(":0"); // which readHostPort() takes for no port
    const auto place =
        readHostPort(any ? std::string(text.substr(0, text.size() - 1)).append("1") : std::string(text), 0);
    if (!place)
        return wrong(place.error().message, "Write ADDR:PORT, such as 127.0.0.1:8081");
    return std::string(text);
}

} // namespace portolan::stack
