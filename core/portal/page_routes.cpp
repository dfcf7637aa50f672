// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/page_routes.h"

#include "core/api/result.h"
#include "core/base/embedded_file.h"
#include "core/http/entity_tag.h"
#include "core/http/problem.h"

#include <algorithm>
#include <functional>

namespace portolan::portal {

namespace page_files {
std::span<const EmbeddedFile> embeddedFiles();
}

namespace {

using http::Request;
using http::Response;

// Scripts and styles only from here, nothing inline; WebSockets to here only.
constexpr auto contentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

std::string_view contentTypeOf(std::string_view name)
{
    if (name.ends_with(".html"))
        return "text/html; charset=utf-8";
    if (name.ends_with(".css"))
        return "text/css; charset=utf-8";
    if (name.ends_with(".js"))
        return "text/javascript; charset=utf-8";
    return "image/svg+xml";
}

/// Whether the asker has it already. The header may be there several times, as any list.
bool hasThatCopy(const Request &request, std::string_view tag)
{
    const auto [first, last] = request.headers.equal_range(http::field::if_none_match);
    return std::any_of(first, last, [&](const auto &header) { return http::namesTag(header.value(), tag); });
}

Response serve(const Request &request, std::string_view name)
{
    const auto *file = findEmbedded(page_files::embeddedFiles(), name);
    if (!file)
        return http::problem(request, failure(ErrorKind::NotFound, "There is no such file."));
    const auto tag = '"' + std::to_string(std::hash<std::string_view>()(file->text)) + '"';
    Response response;
    response.contentType = contentTypeOf(name);
    response.with("ETag", tag).with("Cache-Control", "no-cache").with("Content-Security-Policy", contentSecurityPolicy);
    response.with("Referrer-Policy", "same-origin");
    if (hasThatCopy(request, tag))
        response.code = http::status::not_modified;
    else
        response.body = std::string(file->text);
    return response;
}

} // namespace

void PageRoutes::mount(http::Router &router)
{
    const auto page = [](Request &request) -> awaitable<Response> { co_return serve(request, "index.html"); };
    // The shell is a static file like those it loads; what needs work it asks for at /api.
    router.get("/", {Role::Anonymous, Category::Unlimited}, page, {"The portal's page", {}, {}});
    router.get("/dashboard", {Role::Anonymous, Category::Unlimited}, page, {"The portal's page", {}, {}});
    router.get("/static/{name}", {Role::Anonymous, Category::Unlimited},
               [](Request &request) -> awaitable<Response> { co_return serve(request, request.param("name")); },
               {"A part of the portal's page", {}, {}});
}

} // namespace portolan::portal
