// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/openapi.h"

#include "core/base/names.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cctype>

namespace portolan::portal {
namespace {

namespace bj = boost::json;

std::string lowerCase(std::string_view text)
{
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

/// "{name...}" of our templates is "{name}" in OpenAPI.
std::string openApiPath(std::string_view path)
{
    std::string result(path);
    if (const auto rest = result.find("...}"); rest != std::string::npos)
        result.erase(rest, 3);
    return result;
}

bj::array pathParameters(std::string_view path)
{
    bj::array parameters;
    for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
        auto name = path.substr(open + 1, path.find('}', open) - open - 1);
        if (name.ends_with("..."))
            name.remove_suffix(3);
        parameters.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
    }
    return parameters;
}

bj::value schemaOf(std::string_view text)
{
    boost::system::error_code failed;
    auto schema = bj::parse(text, failed);
    return failed ? bj::value(bj::object()) : schema;
}

bj::object content(std::string_view mediaType, std::string_view schema)
{
    return {{mediaType, bj::object{{"schema", schemaOf(schema)}}}};
}

bj::object problemAnswer(std::string_view description)
{
    return {{"description", description},
            {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

bj::object answers(const http::Route &route, bool webSocket)
{
    bj::object responses;
    bj::object success{{"description", webSocket ? "A WebSocket is open" : "Done"}};
    if (!route.doc.responseSchema.empty())
        success["content"] = content("application/json", route.doc.responseSchema);
    responses[webSocket ? "101" : "2XX"] = std::move(success);
    if (webSocket)
        responses["426"] = problemAnswer("The request asks for no WebSocket (RFC 6455).");
    responses["400"] = problemAnswer("The request is malformed; `errors` names each bad field.");
    if (route.access.role != Role::Anonymous) {
        responses["401"] = problemAnswer("Nobody is signed in.");
        responses["403"] = problemAnswer("The role does not allow it, or the CSRF token is missing.");
    }
    if (route.access.category != Category::Unlimited || webSocket)
        responses["429"] = problemAnswer("Over a limit; Retry-After says for how long.");
    responses["503"] = problemAnswer("Something this needs is away; Retry-After says when to try again.");
    return responses;
}

bj::object operation(const http::Route &route, bool webSocket)
{
    bj::object described{{"summary", route.doc.summary},
                         {"x-role", enumName(route.access.role)},
                         {"x-limit-category", enumName(route.access.category)},
                         {"responses", answers(route, webSocket)}};
    if (!route.doc.parameters.empty())
        described["parameters"] = schemaOf(route.doc.parameters);
    else if (auto parameters = pathParameters(route.path); !parameters.empty())
        described["parameters"] = std::move(parameters);
    const bool hasBody =
        route.method == http::verb::post || route.method == http::verb::put || route.method == http::verb::patch;
    if (hasBody) {
        described["x-max-body-bytes"] = route.access.maxBody;
        if (!route.doc.requestSchema.empty())
            described["requestBody"] = {{"content", content("application/json", route.doc.requestSchema)}};
    }
    if (route.access.role != Role::Anonymous)
        described["security"] = bj::array{{{"bearer", bj::array()}}, {{"session", bj::array()}}};
    return described;
}

bj::object components()
{
    return {{"securitySchemes",
             {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}}},
              {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", "sid"}}}}},
            {"schemas",
             {{"Problem",
               {{"type", "object"},
                {"required", bj::array{"type", "title", "status"}},
                {"properties",
                 {{"type", {{"type", "string"}, {"format", "uri"}}},
                  {"title", {{"type", "string"}}},
                  {"status", {{"type", "integer"}}},
                  {"detail", {{"type", "string"}}},
                  {"request_id", {{"type", "string"}}},
                  {"errors",
                   {{"type", "array"},
                    {"items",
                     {{"type", "object"},
                      {"properties", {{"pointer", {{"type", "string"}}}, {"detail", {{"type", "string"}}}}}}}}}}}}}}}};
}

} // namespace

std::string openApiDocument(const http::Router &router, const http::Router &webSockets, std::string_view version,
                            std::string_view serverUrl)
{
    bj::object paths;
    for (const auto *table : {&router, &webSockets}) {
        for (const auto &route : table->routes()) {
            auto &path = paths[openApiPath(route->path)];
            if (!path.is_object())
                path = bj::object();
            path.as_object()[lowerCase(boost::beast::http::to_string(route->method))] =
                operation(*route, table == &webSockets);
        }
    }
    bj::object document{{"openapi", "3.1.0"},
                        {"info", {{"title", "Portolan portal"}, {"version", version}}},
                        {"paths", std::move(paths)},
                        {"components", components()}};
    if (!serverUrl.empty())
        document["servers"] = bj::array{{{"url", serverUrl}}};
    return bj::serialize(document);
}

} // namespace portolan::portal
