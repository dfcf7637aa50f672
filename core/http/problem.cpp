// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/problem.h"

#include "core/api/error_words.h"
#include "core/base/json_numbers.h"
#include "core/base/utf8.h"
#include "core/http/accept.h"
#include "core/http/page.h"
#include "core/http/public_words.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serializer.hpp>

#include <string_view>

namespace portolan::http {

namespace {

struct KindEntry
{
    ErrorKind kind;
    status code;
    std::string_view name; ///< of the problem where the error has no code
};

constexpr KindEntry kinds[] = {
    {ErrorKind::Invalid, status::bad_request, "invalid"},
    {ErrorKind::Unauthenticated, status::unauthorized, "unauthenticated"},
    {ErrorKind::Forbidden, status::forbidden, "forbidden"},
    {ErrorKind::NotFound, status::not_found, "not-found"},
    {ErrorKind::Conflict, status::conflict, "conflict"},
    {ErrorKind::TooLarge, status::payload_too_large, "too-large"},
    {ErrorKind::RateLimited, status::too_many_requests, "rate-limited"},
    {ErrorKind::Unavailable, status::service_unavailable, "unavailable"},
    {ErrorKind::Full, status::service_unavailable, "full"},
    {ErrorKind::Timeout, status::gateway_timeout, "timeout"},
    {ErrorKind::Cancelled, status::service_unavailable, "cancelled"},
    {ErrorKind::Protocol, status::bad_gateway, "protocol"},
    {ErrorKind::Unsupported, status::not_implemented, "unsupported"},
    {ErrorKind::Internal, status::internal_server_error, "internal"},
};

const KindEntry &entryOf(ErrorKind kind)
{
    for (const auto &entry : kinds) {
        if (entry.kind == kind)
            return entry;
    }
    return kinds[std::size(kinds) - 1];
}

/// "rate-limited" → "Rate limited".
std::string titleOf(std::string_view name)
{
    std::string title(name);
    for (char &c : title) {
        if (c == '-')
            c = ' ';
    }
    if (!title.empty() && title.front() >= 'a' && title.front() <= 'z')
        title.front() = static_cast<char>(title.front() - 'a' + 'A');
    return title;
}

/// A browser that opens a page says so; scripts and programs ask for anything, or for JSON.
bool wantsPage(const Request &request)
{
    return request.method == verb::get && asksForPage(request.header(field::accept));
}

/// A file, a URL or a setting, of which only the server's own faults speak.
bool namesTheInside(const Error &error)
{
    return !error.settings.empty() || error.message.find('/') != std::string::npos ||
           error.hint.find('/') != std::string::npos;
}

/// What somebody without insight into the machine is told instead; empty: the words are meant for him.
std::string_view publicWords(Role role, const Error &error)
{
    if (role >= Role::Operator)
        return {};
    if (error.kind == ErrorKind::Internal && error.code != "internal")
        return "The server failed at this request; its log says why.";
    const std::string_view code = error.code;
    if (code == "redis-full")
        return "The portal has no room for this right now. Try again later.";
    if (code.starts_with("redis-"))
        return "A part of the portal is away right now. You are still signed in; try again in a moment.";
    if (code.starts_with("database-") || code.starts_with("disk-"))
        return "The portal's database cannot be used right now. Try again in a moment.";
    const bool ours = statusOf(error.kind) >= status::internal_server_error;
    if (ours && namesTheInside(error))
        return "A part of the portal cannot be used right now. Try again in a moment.";
    return {};
}

} // namespace

std::string wordsFor(Role role, const Error &error)
{
    const auto words = publicWords(role, error);
    return words.empty() ? wordsOf(error) : std::string(words);
}

status statusOf(ErrorKind kind) { return entryOf(kind).code; }

Response problem(const Request &request, const Error &error) { return problem(request, error, statusOf(error.kind)); }

Response problem(const Request &request, const Error &error, status code)
{
    const std::string_view name = error.code.empty() ? entryOf(error.kind).name : std::string_view(error.code);
    Error plain = error; // the fields have a place of their own
    plain.fields.clear();
    std::string detail = toUtf8(inWords(plain)); // it may quote what came from outside
    std::string cause;
    if (const auto words = publicWords(request.principal.role, error); !words.empty()) {
        cause = std::move(detail);
        detail = words;
    }
    boost::json::object body{
        {"type", "https://portolan.invalid/problems/" + std::string(name)},
        {"title", titleOf(name)},
        {"status", static_cast<unsigned>(code)},
        {"detail", detail},
        {"request_id", request.id},
    };
    if (!error.fields.empty()) {
        boost::json::array errors;
        for (const auto &bad : error.fields)
            errors.push_back(boost::json::object{{"pointer", toUtf8(bad.pointer)}, {"detail", toUtf8(bad.detail)}});
        body["errors"] = std::move(errors);
    }
    Response response = json(jsonText(std::move(body)), code);
    response.contentType = "application/problem+json";
    if (wantsPage(request)) {
        response.body = errorPage(titleOf(name), detail, request.id);
        response.contentType = "text/html; charset=utf-8";
        response.with("Content-Security-Policy", errorPagePolicy());
    }
    response.cause = std::move(cause);
    if (error.retryAfter.count() > 0)
        response.with("Retry-After", std::to_string(error.retryAfter.count()));
    if (code == status::unauthorized)
        response.with("WWW-Authenticate", "Bearer");
    return response;
}

} // namespace portolan::http
