#include "core/http/problem.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
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

} // namespace

status statusOf(ErrorKind kind) { return entryOf(kind).code; }

Response problem(const Request &request, const Error &error) { return problem(request, error, statusOf(error.kind)); }

Response problem(const Request &request, const Error &error, status code)
{
    const std::string_view name = error.code.empty() ? entryOf(error.kind).name : std::string_view(error.code);
    std::string detail = error.message;
    if (!error.hint.empty())
        detail.append(detail.empty() ? "" : " ").append(error.hint);
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
            errors.push_back(boost::json::object{{"pointer", bad.pointer}, {"detail", bad.detail}});
        body["errors"] = std::move(errors);
    }
    Response response = json(boost::json::serialize(body), code);
    response.contentType = "application/problem+json";
    if (error.retryAfter.count() > 0)
        response.with("Retry-After", std::to_string(error.retryAfter.count()));
    if (code == status::unauthorized)
        response.with("WWW-Authenticate", "Bearer");
    return response;
}

} // namespace portolan::http
