// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/user_admin_routes.h"

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/names.h"
#include "core/base/time_format.h"
#include "core/http/problem.h"
#include "core/portal/page_query.h"
#include "core/portal/user_admin_service.h"

namespace portolan::portal {
namespace {

using http::Request;
using http::Response;

constexpr std::uint32_t usualPage = 50;
constexpr std::uint32_t mostPerPage = 500;

struct CreateBody
{
    std::string email;
    std::optional<Secret> password;
    std::optional<Role> role;
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(CreateBody, (), (email, password, role, reason))

struct ChangeBody
{
    std::optional<std::string> email;
    std::optional<Secret> password;
    std::optional<Role> role;
    std::optional<bool> disabled;
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(ChangeBody, (), (email, password, role, disabled, reason))

struct LimitsBody
{
    std::map<Category, std::string> limits;
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(LimitsBody, (), (limits, reason))

struct LimitsAnswer
{
    std::map<Category, std::string> limits;
};
BOOST_DESCRIBE_STRUCT(LimitsAnswer, (), (limits))

Error badParameter(std::string_view name, std::string detail)
{
    return badField("The parameter '" + std::string(name) + "' cannot be read.", '/' + std::string(name),
                    std::move(detail));
}

/// The `{id}` of the path. What is no id names nobody.
Result<Id> pathId(const Request &request)
{
    auto id = parseId(request.param("id"));
    if (id.has_error())
        return failure(ErrorKind::NotFound, "There is no such user.");
    return id;
}

template <class E> Result<std::optional<E>> enumParameter(const Request &request, std::string_view name)
{
    const auto text = request.queryParam(name);
    if (!text || text->empty())
        return std::optional<E>();
    const auto value = enumFromName<E>(*text);
    if (!value)
        return badParameter(name, "unknown value");
    return std::optional<E>(*value);
}

Result<std::optional<WallTime>> timeParameter(const Request &request, std::string_view name)
{
    const auto text = request.queryParam(name);
    if (!text || text->empty())
        return std::optional<WallTime>();
    const auto time = parseTime(*text);
    if (time.has_error())
        return badParameter(name, "a time like 2026-01-01T00:00:00Z");
    return std::optional<WallTime>(*time);
}

Result<UserQuery> userQuery(const Request &request)
{
    UserQuery query;
    query.search = request.queryParam("search").value_or("");
    query.cursor = request.queryParam("cursor").value_or("");
    const auto limit = pageLimit(request, usualPage, mostPerPage);
    if (limit.has_error())
        return limit.error();
    query.limit = *limit;
    const auto match = enumParameter<TextMatch>(request, "match");
    if (match.has_error())
        return match.error();
    query.match = match->value_or(TextMatch::Contains);
    const auto order = enumParameter<UserOrder>(request, "order");
    if (order.has_error())
        return order.error();
    query.order = *order;
    if (const auto ascending = request.queryParam("ascending"); ascending && !ascending->empty()) {
        if (*ascending != "true" && *ascending != "false")
            return badParameter("ascending", "true or false");
        query.ascending = *ascending == "true";
    }
    const auto role = enumParameter<Role>(request, "role");
    if (role.has_error())
        return role.error();
    query.role = *role;
    if (const auto disabled = request.queryParam("disabled"); disabled && !disabled->empty()) {
        if (*disabled != "true" && *disabled != "false")
            return badParameter("disabled", "true or false");
        query.disabled = *disabled == "true";
    }
    return query;
}

Result<AuditQuery> auditQuery(const Request &request)
{
    AuditQuery query;
    query.action = request.queryParam("action").value_or("");
    query.subject = request.queryParam("subject").value_or("");
    query.cursor = request.queryParam("cursor").value_or("");
    const auto limit = pageLimit(request, usualPage, mostPerPage);
    if (limit.has_error())
        return limit.error();
    query.limit = *limit;
    if (const auto actor = request.queryParam("actor_id"); actor && !actor->empty()) {
        const auto id = parseId(*actor);
        if (id.has_error())
            return badParameter("actor_id", "a user's id");
        query.actorId = *id;
    }
    const auto from = timeParameter(request, "from");
    if (from.has_error())
        return from.error();
    query.from = *from;
    const auto to = timeParameter(request, "to");
    if (to.has_error())
        return to.error();
    query.to = *to;
    return query;
}

template <class T>
Response answer(const Request &request, const Result<T> &result, http::status code = http::status::ok)
{
    return result.has_error() ? http::problem(request, result.error()) : http::json(writeJson(*result), code);
}

Actor actorOf(const Request &request, std::optional<std::string> reason)
{
    return {request.principal, std::move(reason).value_or("")};
}

} // namespace

void UserAdminRoutes::mount(http::Router &router)
{
    mountUsers(router);
    mountParts(router);
    const http::Access reading{Role::Operator, Category::Admin};
    router.get("/api/admin/audit", reading, [this](Request &r) { return audit(r); },
               {"Who changed what, newest first: actor_id, action, subject, from, to, limit, cursor", {}, {}});
}

void UserAdminRoutes::mountUsers(http::Router &router)
{
    const http::Access reading{Role::Operator, Category::Admin};
    const http::Access changing{Role::Admin, Category::Admin};
    router.get("/api/admin/users", reading, [this](Request &r) { return page(r); },
               {"Finds users: search, match=contains|prefix, role, disabled, "
                "order=created|address|role|state|last-sign-in, ascending, limit, cursor",
                {},
                {}});
    router.post("/api/admin/users", changing, [this](Request &r) { return create(r); },
                {"Makes a user",
                 R"({"type":"object","required":["email"],"additionalProperties":false,"properties":{)"
                 R"("email":{"type":"string"},"password":{"type":"string"},)"
                 R"("role":{"enum":["user","operator","admin"]},"reason":{"type":"string"}}})",
                 {}});
    router.get("/api/admin/users/{id}", reading, [this](Request &r) { return user(r); }, {"One user", {}, {}});
    router.patch("/api/admin/users/{id}", changing, [this](Request &r) { return change(r); },
                 {"Changes a user; a new role or password and disabling end the user's sessions",
                  R"({"type":"object","additionalProperties":false,"properties":{"email":{"type":"string"},)"
                  R"("password":{"type":"string"},"role":{"enum":["user","operator","admin"]},)"
                  R"("disabled":{"type":"boolean"},"reason":{"type":"string"}}})",
                  {}});
    router.del("/api/admin/users/{id}", changing, [this](Request &r) { return remove(r); },
               {"Deletes a user with sessions and limits", {}, {}});
}

void UserAdminRoutes::mountParts(http::Router &router)
{
    const http::Access reading{Role::Operator, Category::Admin};
    const http::Access changing{Role::Admin, Category::Admin};
    http::Access changingLimits = changing;
    changingLimits.maxBody = 16 * 1024; // windows of every category at their longest
    router.get("/api/admin/users/{id}/limits", reading, [this](Request &r) { return limits(r); },
               {"The user's own windows, by category", {}, {}});
    router.put("/api/admin/users/{id}/limits", changingLimits, [this](Request &r) { return setLimits(r); },
               {"Replaces the user's own windows",
                R"({"type":"object","required":["limits"],"additionalProperties":false,"properties":{"limits":{)"
                R"("type":"object","additionalProperties":{"type":"string"}},"reason":{"type":"string"}}})",
                {}});
    router.del("/api/admin/users/{id}/limits", changing, [this](Request &r) { return dropLimits(r); },
               {"Gives the user the tier's windows again", {}, {}});
    router.get("/api/admin/users/{id}/sessions", reading, [this](Request &r) { return sessions(r); },
               {"The user's sign-ins, last seen first", {}, {}});
    router.del("/api/admin/users/{id}/sessions", changing, [this](Request &r) { return signOut(r); },
               {"Signs the user out everywhere", {}, {}});
}

awaitable<Response> UserAdminRoutes::page(Request &request)
{
    auto query = userQuery(request);
    if (query.has_error())
        co_return http::problem(request, query.error());
    const auto found = co_await m_users.page(std::move(*query));
    co_return answer(request, found);
}

awaitable<Response> UserAdminRoutes::create(Request &request)
{
    auto body = readJson<CreateBody>(request.body, JsonMode::Strict);
    if (body.has_error())
        co_return http::problem(request, body.error());
    Actor actor = actorOf(request, std::move(body->reason));
    UserAdminService::NewUser wanted{std::move(body->email), std::move(body->password),
                                     body->role.value_or(Role::User)};
    const auto created = co_await m_users.create(std::move(actor), std::move(wanted));
    Response response = answer(request, created, http::status::created);
    if (!created.has_error())
        response.with("Location", "/api/admin/users/" + formatId(created->id));
    co_return response;
}

awaitable<Response> UserAdminRoutes::user(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    const auto found = co_await m_users.user(*id);
    if (found.has_error())
        co_return http::problem(request, found.error());
    co_return http::json(writeJson(**found));
}

awaitable<Response> UserAdminRoutes::change(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    auto body = readJson<ChangeBody>(request.body, JsonMode::Strict);
    if (body.has_error())
        co_return http::problem(request, body.error());
    Actor actor = actorOf(request, std::move(body->reason));
    UserAdminService::Change wanted{std::move(body->email), std::move(body->password), body->role, body->disabled};
    const auto changed = co_await m_users.change(std::move(actor), *id, std::move(wanted));
    co_return answer(request, changed);
}

awaitable<Response> UserAdminRoutes::remove(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    Actor actor = actorOf(request, request.queryParam("reason"));
    const auto done = co_await m_users.remove(std::move(actor), *id);
    co_return done.has_error() ? http::problem(request, done.error()) : http::noContent();
}

awaitable<Response> UserAdminRoutes::limits(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    auto found = co_await m_users.limits(*id);
    if (found.has_error())
        co_return http::problem(request, found.error());
    co_return http::json(writeJson(LimitsAnswer{std::move(*found)}));
}

awaitable<Response> UserAdminRoutes::setLimits(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    auto body = readJson<LimitsBody>(request.body, JsonMode::Strict);
    if (body.has_error())
        co_return http::problem(request, body.error());
    Actor actor = actorOf(request, std::move(body->reason));
    auto set = co_await m_users.setLimits(std::move(actor), *id, std::move(body->limits));
    if (set.has_error())
        co_return http::problem(request, set.error());
    co_return http::json(writeJson(LimitsAnswer{std::move(*set)}));
}

awaitable<Response> UserAdminRoutes::dropLimits(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    Actor actor = actorOf(request, request.queryParam("reason"));
    UserAdminService::Limits none;
    const auto set = co_await m_users.setLimits(std::move(actor), *id, std::move(none));
    co_return set.has_error() ? http::problem(request, set.error()) : http::noContent();
}

awaitable<Response> UserAdminRoutes::sessions(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    const auto list = co_await m_users.sessions(*id);
    if (list.has_error())
        co_return http::problem(request, list.error());
    boost::json::object page{{"items", toJson(*list)}, {"next_cursor", nullptr}};
    co_return http::json(boost::json::value(std::move(page)));
}

awaitable<Response> UserAdminRoutes::signOut(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    Actor actor = actorOf(request, request.queryParam("reason"));
    const auto done = co_await m_users.signOut(std::move(actor), *id);
    co_return done.has_error() ? http::problem(request, done.error()) : http::noContent();
}

awaitable<Response> UserAdminRoutes::audit(Request &request)
{
    auto query = auditQuery(request);
    if (query.has_error())
        co_return http::problem(request, query.error());
    const auto found = co_await m_users.audit(std::move(*query));
    co_return answer(request, found);
}

} // namespace portolan::portal
