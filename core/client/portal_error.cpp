// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/portal_error.h"

#include "core/base/given_text.h"
#include "core/base/json.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/net/coded.h"

#include <boost/json/object.hpp>

#include <algorithm>
#include <charconv>

namespace portolan::client {
namespace {

constexpr JsonLimits limits{.depth = 8, .string = 64 * 1024, .items = 1'000};
constexpr std::size_t longestWords = 2'000;
constexpr std::chrono::seconds longestWait = std::chrono::hours(1);

constexpr std::pair<unsigned, ErrorKind> kindOfStatus[] = {
    {400, ErrorKind::Invalid},     {401, ErrorKind::Unauthenticated}, {403, ErrorKind::Forbidden},
    {404, ErrorKind::NotFound},    {409, ErrorKind::Conflict},        {413, ErrorKind::TooLarge},
    {422, ErrorKind::Invalid},     {429, ErrorKind::RateLimited},     {501, ErrorKind::Unsupported},
    {502, ErrorKind::Unavailable}, {503, ErrorKind::Unavailable},     {504, ErrorKind::Timeout}};

std::string textIn(const boost::json::object &object, std::string_view name)
{
    const auto *value = object.if_contains(name);
    const auto *text = value ? value->if_string() : nullptr;
    return text ? std::string(*text) : std::string();
}

ErrorKind kindOf(unsigned status)
{
    const auto known = std::ranges::find(kindOfStatus, status, &std::pair<unsigned, ErrorKind>::first);
    return known == std::end(kindOfStatus) ? ErrorKind::Protocol : known->second;
}

/// `Retry-After` in seconds; a date there (RFC 9110, section 10.2.3) is no portal's.
std::chrono::seconds waitOf(const net::HttpAnswer &answer)
{
    const auto text = net::header(answer.headers, "Retry-After");
    std::uint32_t seconds = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (failed != std::errc() || end != text.data() + text.size())
        return std::chrono::seconds(0);
    return std::min(std::chrono::seconds(seconds), longestWait);
}

Error notItsOwn(const net::HttpAnswer &answer, const std::string &where)
{
    const auto location = net::header(answer.headers, "Location");
    if (answer.status / 100 == 3 && !location.empty())
        return net::coded(ErrorKind::Protocol, "portal-elsewhere", where + " sends elsewhere.",
                          "Attach to " + quotable(location, 200) + " if that is the portal.");
    Error error = net::coded(kindOf(answer.status), "portal-status",
                             where + " answers " + std::to_string(answer.status) + ", and not as a portal does.",
                             "Is this the address of a portal, and does the proxy before it lead there?");
    error.retryAfter = waitOf(answer);
    return error;
}

/// Another program's words: nothing in them moves a cursor.
std::string words(std::string text, std::size_t longest)
{
    if (text.size() > longest)
        text.resize(longest);
    return visible(text);
}

bool holds(std::string_view code, std::string_view beginning) { return code.starts_with(beginning); }

} // namespace

Error errorOf(const net::HttpAnswer &answer, const std::string &where)
{
    const auto type = net::header(answer.headers, "Content-Type");
    const auto parsed = type.starts_with("application/problem+json") ? parseJson(answer.body, limits)
                                                                     : Result<boost::json::value>(Error{});
    const auto *problem = parsed ? parsed->if_object() : nullptr;
    if (!problem)
        return notItsOwn(answer, where);
    Error error = failure(kindOf(answer.status), words(textIn(*problem, "detail"), longestWords));
    error.retryAfter = waitOf(answer);
    if (error.message.empty())
        error.message = where + " answers " + std::to_string(answer.status) + ".";
    const std::string name = textIn(*problem, "type");
    const auto last = name.substr(name.rfind('/') + 1);
    if (const auto kind = enumFromName<ErrorKind>(last))
        error.kind = *kind;
    else
        error.code = words(last, 64);
    if (const auto *fields = problem->if_contains("errors"))
        if (auto read = fromJson<std::vector<FieldError>>(*fields, JsonMode::Lenient, limits))
            error.fields = std::move(*read);
    return error;
}

Error notUnderstood(const std::string &where, const Error &why)
{
    return net::coded(ErrorKind::Protocol, "portal-answer",
                      "The answer of " + where + " makes no sense here: " + why.message,
                      "Its version and that of this console may be too far apart.");
}

LinkReason reasonOf(const Error &error)
{
    if (holds(error.code, "name-"))
        return LinkReason::NameUnknown;
    if (error.code == "tcp-refused")
        return LinkReason::Refused;
    if (holds(error.code, "tls-"))
        return LinkReason::NotTrusted;
    if (error.code == "ws-silent")
        return LinkReason::Silent;
    switch (error.kind) {
    case ErrorKind::Unauthenticated:
        return LinkReason::NotSignedIn;
    case ErrorKind::Forbidden:
        return LinkReason::RoleTooLow;
    case ErrorKind::NotFound:
    case ErrorKind::Protocol:
    case ErrorKind::Unsupported:
    case ErrorKind::TooLarge:
        return LinkReason::OtherProtocol;
    default:
        return LinkReason::Unreachable;
    }
}

} // namespace portolan::client
