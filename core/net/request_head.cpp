// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/request_head.h"

#include "core/base/version.h"
#include "core/net/coded.h"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace portolan::net {

namespace {

constexpr std::size_t longestTarget = 16 * 1024;

/// What the connection and the length of the message hang on.
constexpr std::string_view ours[]{
    "Host",    "User-Agent", "Accept-Encoding", "Content-Length", "Transfer-Encoding",
    "Trailer", "TE",         "Connection",      "Upgrade",        "Expect",
};
constexpr std::string_view credentials[]{"Authorization", "Cookie", "X-CSRF-Token"};

bool same(std::string_view one, std::string_view other)
{
    return boost::beast::iequals({one.data(), one.size()}, {other.data(), other.size()});
}

std::string_view nameOf(Verb verb)
{
    switch (verb) {
    case Verb::Get:
        return "GET";
    case Verb::Head:
        return "HEAD";
    case Verb::Post:
        return "POST";
    case Verb::Put:
        return "PUT";
    case Verb::Patch:
        return "PATCH";
    case Verb::Delete:
        return "DELETE";
    }
    return {};
}

/// RFC 9110, section 5.6.2.
bool isToken(std::string_view text)
{
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               others.find(c) != others.npos;
    });
}

/// RFC 9110, section 5.5.
bool isControl(char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; }

bool isOurs(std::string_view name)
{
    constexpr std::string_view upgrade = "Sec-WebSocket-";
    return std::ranges::any_of(ours, [&](std::string_view one) { return same(one, name); }) ||
           same(name.substr(0, upgrade.size()), upgrade);
}

} // namespace

Error badRequest(const std::string &what)
{
    return coded(ErrorKind::Invalid, "http-request", "The request cannot be sent: " + what + ".");
}

std::optional<Error> requestFlaw(std::string_view target, const Headers &headers)
{
    if (!target.starts_with('/') || target.size() > longestTarget ||
        std::ranges::any_of(target, [](char c) { return c <= ' ' || c > '~'; }))
        return badRequest("its path is none");
    for (const auto &[name, value] : headers) {
        if (!isToken(name))
            return badRequest("a header has no name");
        if (isOurs(name))
            return badRequest("its header " + name + " is not the caller's to set");
        if (std::ranges::any_of(value, isControl))
            return badRequest("its header " + name + " has characters that no header may have");
    }
    return std::nullopt;
}

std::string requestHead(const HttpRequest &request, const Origin &origin)
{
    std::string head;
    head.append(nameOf(request.verb)).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
    head.append(origin.authority()).append("\r\nUser-Agent: portolan/").append(version());
    head.append("\r\nAccept-Encoding: identity\r\n");
    if (!isRepeatable(request.verb) || !request.body.empty())
        head.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    for (const auto &[name, value] : request.headers)
        head.append(name).append(": ").append(value).append("\r\n");
    return head.append("\r\n");
}

bool isRepeatable(Verb verb) { return verb == Verb::Get || verb == Verb::Head; }

void dropCredentials(Headers &headers)
{
    std::erase_if(headers, [](const Header &one) {
        return std::ranges::any_of(credentials, [&](std::string_view name) { return same(one.name, name); });
    });
}

} // namespace portolan::net
