// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/base/asio.h"
#include "core/http/message.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::http {

using Handler = std::function<awaitable<Response>(Request &)>;

/// What a route asks of its caller, declared where the route is: `{Role::User, Category::Api}`. There is no default for
/// either, so a route that everybody may call without limit says so.
struct Access
{
    constexpr Access(Role who, Category limit, std::size_t most = 4096) : role(who), category(limit), maxBody(most) {}

    Role role;
    Category category;
    std::size_t maxBody; ///< bytes; before sign-in at most 4 KiB whatever a route says
    bool csrf = true;    ///< an unsafe method with the cookie needs X-CSRF-Token
    /// The route tells who somebody is (sign-in, registration, a fresh token): what its limit is there for are the
    /// attempts that fail, so one that succeeds is given back; and they are its address', whoever was signed in before.
    bool identifies = false;
};

/// Whether an answer refuses a request for its form.
constexpr bool refusesForm(status code)
{
    return code == status::bad_request || code == status::payload_too_large || code == status::unsupported_media_type ||
           code == status::unprocessable_entity;
}

/// Whether a request that was let in and is answered with `code` stays counted. One that is refused for its form, or at
/// a ceiling behind admission (429), or that the server fails at (5xx), uses nothing up. So an answer that depends on a
/// secret (a wrong password, a code that is used up) must not be one of these.
constexpr bool countsFor(const Access &access, status code)
{
    const auto number = static_cast<unsigned>(code);
    if (refusesForm(code) || code == status::too_many_requests || number >= 500)
        return false;
    return !access.identifies || number >= 300;
}

/// What /openapi.json says about a route. Optional, but a test of the server wants it for every route under /api.
struct Doc
{
    std::string_view summary;
    std::string_view requestSchema; ///< JSON text or empty
    std::string_view responseSchema;
    std::string_view parameters = {}; ///< OpenAPI's list of them, or empty: those of the path are texts
};

struct Route
{
    verb method;
    std::string path; ///< template: "/api/tasks/{id}"; a last segment `{name...}` takes the rest of the path
    Access access;
    Handler handler;
    Doc doc;
    std::size_t index = 0; ///< dense, for per-route counters
};

/// The table of routes. Built once before the server starts, then read by all threads.
class Router final
{
public:
    Router();
    ~Router();

    /// Throws std::logic_error for a template that is malformed or taken: a bug, found at start.
    Route &add(verb method, std::string path, Access access, Handler handler, Doc doc = {});
    Route &get(std::string path, Access access, Handler handler, Doc doc = {});
    Route &post(std::string path, Access access, Handler handler, Doc doc = {});
    Route &put(std::string path, Access access, Handler handler, Doc doc = {});
    Route &patch(std::string path, Access access, Handler handler, Doc doc = {});
    Route &del(std::string path, Access access, Handler handler, Doc doc = {});

    struct Match
    {
        const Route *route = nullptr;   ///< null: no such path, or …
        std::vector<verb> allowed = {}; ///< … not empty: the path exists with these methods (405)
    };
    /// Finds the route of a request and fills its params. HEAD finds GET's route.
    Match match(Request &request) const;

    /// Whether anything is at this path, by any method.
    bool has(std::string_view path) const;

    const std::vector<std::unique_ptr<Route>> &routes() const { return m_routes; }

private:
    struct Node;
    struct Walk;
    std::unique_ptr<Node> m_root;
    std::vector<std::unique_ptr<Route>> m_routes;
};

} // namespace portolan::http
