// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/url_text.h"

#include "core/base/given_text.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace portolan {

namespace {

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// name[:digits], several of them separated by commas, a bracketed address, or nothing. What cannot be that is the
/// beginning of a user's name and password.
bool canBeHosts(std::string_view text)
{
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto host = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
        if (host.starts_with('[')) {
            const auto close = host.find(']');
            if (close == std::string_view::npos)
                return false;
            host.remove_prefix(close + 1);
            if (!host.empty() && host.front() != ':')
                return false;
        }
        const auto colon = host.rfind(':');
        const auto name = host.substr(0, colon);
        const auto port = colon == std::string_view::npos ? std::string_view{} : host.substr(colon + 1);
        if (name.empty() && !port.empty())
            return false;
        if (!std::ranges::all_of(port, isDigit) || name.find(':') != std::string_view::npos)
            return false;
    }
    return true;
}

std::string escaped(std::string_view character)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        ((text += '%') += digits[byte >> 4]) += digits[byte & 0xf];
    }
    return text;
}

bool allowedInUserInformation(std::string_view text, std::size_t at)
{
    const char c = text[at];
    if (c == '%')
        return at + 2 < text.size() && isHex(text[at + 1]) && isHex(text[at + 2]);
    return isLetter(c) || isDigit(c) || std::string_view("-._~!$&'()*+,;=:").find(c) != std::string_view::npos;
}

} // namespace

std::optional<UserInformation> findUserInformation(std::string_view url)
{
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return std::nullopt;
    const std::size_t begin = scheme + 3;
    const auto authorityEnd = std::min(url.find_first_of("/?#", begin), url.size());
    const auto firstAt = url.find('@', begin);
    if (firstAt == std::string_view::npos)
        return std::nullopt;
    auto last = url.rfind('@');
    // Of an address that is whole before its query, `?user=a@b` is a parameter's value.
    const bool whole = firstAt < authorityEnd || canBeHosts(url.substr(begin, authorityEnd - begin));
    const auto query = url.find('?', authorityEnd);
    while (whole && query != std::string_view::npos && last != std::string_view::npos && last > query) {
        const auto parameter = url.find_last_of("?&", last) + 1;
        const auto equals = url.find('=', parameter);
        if (equals == std::string_view::npos || equals > last)
            break;
        last = url.rfind('@', parameter);
    }
    if (last == std::string_view::npos || last < begin)
        return std::nullopt;
    return UserInformation{begin, last};
}

std::vector<std::string_view> splitAddresses(std::string_view list)
{
    std::vector<std::string_view> items;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < list.size(); ++at) {
        if (std::string_view(",; \t\r\n").find(list[at]) == std::string_view::npos)
            continue;
        auto next = at + 1;
        while (next < list.size() && (isLetter(list[next]) || isDigit(list[next]) || list[next] == '+'))
            ++next;
        if (next == at + 1 || list.substr(next, 3) != "://")
            continue;
        items.push_back(list.substr(begin, at - begin));
        begin = at + 1;
    }
    items.push_back(list.substr(begin));
    return items;
}

std::optional<std::string> unescapedCharacters(std::string_view url)
{
    const auto found = findUserInformation(url);
    if (!found)
        return std::nullopt;
    const auto text = url.substr(found->begin, found->end - found->begin);
    const auto colon = text.find(':');
    std::vector<std::string_view> named;
    bool inName = false;
    bool inPassword = false;
    for (std::size_t at = 0; at < text.size();) {
        const auto character = characterAt(text, at);
        if (!allowedInUserInformation(text, at)) {
            (at < colon ? inName : inPassword) = true;
            if (std::ranges::find(named, character) == named.end())
                named.push_back(character);
        }
        at += character.size();
    }
    if (named.empty())
        return std::nullopt;
    std::string words = inName && inPassword ? "in its user name and password "
                        : inPassword         ? "in its password "
                                             : "in its user name ";
    for (std::size_t i = 0; i < named.size(); ++i) {
        words += i == 0 ? "" : i + 1 == named.size() ? " and " : ", ";
        words += named[i] == " " ? std::string("a blank") : "'" + visible(named[i]) + "'";
        words += " must be written " + escaped(named[i]);
    }
    return words;
}

std::optional<std::uint16_t> portNumber(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc{} || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

std::string_view hostAndPort(std::string_view url)
{
    const auto colon = url.find(':');
    if (colon == std::string_view::npos || !url.substr(colon).starts_with("://"))
        return {};
    const auto user = findUserInformation(url);
    const auto begin = user ? user->end + 1 : colon + 3;
    return url.substr(begin, url.find_first_of("/?#", begin) - begin);
}

std::optional<UrlFlaw> authorityFlaw(std::string_view url)
{
    const auto colon = std::min(url.find(':'), url.size());
    if (!url.substr(colon).starts_with("://"))
        return UrlFlaw{"two slashes must follow the colon of its scheme", "Write //user:password@host:port behind it."};
    const auto text = hostAndPort(url);
    if (text.find_first_of(",;| \t") != std::string_view::npos)
        return UrlFlaw{"it names several hosts", "Name one, the primary."};
    if (std::ranges::count(text, ':') > 1 && !text.starts_with('[')) {
        if (text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos)
            return UrlFlaw{"its host is an IPv6 address without brackets",
                           "Write them around the address, before the port: [::1]:1234."};
        return UrlFlaw{"there are several colons where its host and port should be",
                       "Behind a password stand an @ and the host: //user:password@host:port."};
    }
    const auto close = text.starts_with('[') ? text.find(']') : 0;
    if (close == std::string_view::npos)
        return UrlFlaw{"the bracket before its IPv6 address is not closed", "Write for example [::1]:1234."};
    const auto sign = text.find(':', close);
    const auto host = text.substr(0, sign);
    if (text.starts_with('[') && host.size() > close + 1)
        return UrlFlaw{"something other than a port follows its IPv6 address", "Write for example [::1]:1234."};
    if (sign == std::string_view::npos || sign + 1 == text.size())
        return std::nullopt;
    const auto port = text.substr(sign + 1);
    if (portNumber(port))
        return std::nullopt;
    if (std::ranges::all_of(port, isDigit))
        return UrlFlaw{"the port must be a number from 1 to 65535", "Write it behind the host: //host:port."};
    return UrlFlaw{"what stands where its port should is not a number from 1 to 65535",
                   "If it is a password, an @ and the host must follow: //user:password@host:port."};
}

} // namespace portolan
