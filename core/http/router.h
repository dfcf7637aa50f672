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

/// What a route asks of its caller, declared where the route is. `{Role::User, Category::Api}`.
struct Access
{
    Role role = Role::Anonymous;
    Category category = Category::Unlimited;
    std::size_t maxBody = 4096; ///< bytes; before sign-in at most 4 KiB whatever a route says
    bool csrf = true;           ///< an unsafe method with the cookie needs X-CSRF-Token
};

/// What /openapi.json says about a route. Optional, but a test of the server wants it for every route under /api.
struct Doc
{
    std::string_view summary;
    std::string_view requestSchema; ///< JSON text or empty
    std::string_view responseSchema;
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

    const std::vector<std::unique_ptr<Route>> &routes() const { return m_routes; }

private:
    struct Node;
    struct Walk;
    std::unique_ptr<Node> m_root;
    std::vector<std::unique_ptr<Route>> m_routes;
};

} // namespace portolan::http
