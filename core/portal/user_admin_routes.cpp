// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/user_admin_routes.h"

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/json_schema.h"
#include "core/http/actor.h"
#include "core/http/problem.h"
#include "core/portal/user_admin_service.h"

namespace portolan::portal {
namespace {

using http::Request;
using http::Response;

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

/// The `{id}` of the path. What is no id names nobody.
Result<Id> pathId(const Request &request)
{
    auto id = parseId(request.param("id"));
    if (id.has_error())
        return failure(ErrorKind::NotFound, "There is no such user.");
    return id;
}

template <class T>
Response answer(const Request &request, const Result<T> &result, http::status code = http::status::ok)
{
    return result.has_error() ? http::problem(request, result.error()) : http::json(writeJson(*result), code);
}

} // namespace

void UserAdminRoutes::mount(http::Router &router)
{
    mountUsers(router);
    mountParts(router);
}

void UserAdminRoutes::mountUsers(http::Router &router)
{
    const http::Access reading{Role::Operator, Category::Admin};
    const http::Access changing{Role::Admin, Category::Admin};
    router.post("/api/admin/users", changing, [this](Request &r) { return create(r); },
                {"Makes a user", requestSchema<CreateBody>(), answerSchema<User>()});
    router.get("/api/admin/users/{id}", reading, [this](Request &r) { return user(r); },
               {"One user", {}, answerSchema<User>()});
    router.patch("/api/admin/users/{id}", changing, [this](Request &r) { return change(r); },
                 {"Changes a user; a new role or password and disabling end the user's sessions",
                  requestSchema<ChangeBody>(), answerSchema<User>()});
}

void UserAdminRoutes::mountParts(http::Router &router)
{
    const http::Access reading{Role::Operator, Category::Admin};
    const http::Access changing{Role::Admin, Category::Admin};
    http::Access changingLimits = changing;
    changingLimits.maxBody = 16 * 1024; // windows of every category at their longest
    router.get("/api/admin/users/{id}/limits", reading, [this](Request &r) { return limits(r); },
               {"The user's own windows, by category", {}, answerSchema<LimitsAnswer>()});
    router.put("/api/admin/users/{id}/limits", changingLimits, [this](Request &r) { return setLimits(r); },
               {"Replaces the user's own windows", requestSchema<LimitsBody>(), answerSchema<LimitsAnswer>()});
    router.del("/api/admin/users/{id}/limits", changing, [this](Request &r) { return dropLimits(r); },
               {"Gives the user the tier's windows again", {}, {}});
}

awaitable<Response> UserAdminRoutes::create(Request &request)
{
    auto body = readJson<CreateBody>(request.body, JsonMode::Strict);
    if (body.has_error())
        co_return http::problem(request, body.error());
    auto actor = http::actorOf(request, std::move(body->reason));
    if (!actor)
        co_return http::problem(request, actor.error());
    UserAdminService::NewUser wanted{std::move(body->email), std::move(body->password),
                                     body->role.value_or(Role::User)};
    const auto created = co_await m_users.create(std::move(*actor), std::move(wanted));
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
    auto actor = http::actorOf(request, std::move(body->reason));
    if (!actor)
        co_return http::problem(request, actor.error());
    UserAdminService::Change wanted{std::move(body->email), std::move(body->password), body->role, body->disabled};
    const auto changed = co_await m_users.change(std::move(*actor), *id, std::move(wanted));
    co_return answer(request, changed);
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
    auto actor = http::actorOf(request, std::move(body->reason));
    if (!actor)
        co_return http::problem(request, actor.error());
    auto set = co_await m_users.setLimits(std::move(*actor), *id, std::move(body->limits));
    if (set.has_error())
        co_return http::problem(request, set.error());
    co_return http::json(writeJson(LimitsAnswer{std::move(*set)}));
}

awaitable<Response> UserAdminRoutes::dropLimits(Request &request)
{
    const auto id = pathId(request);
    if (id.has_error())
        co_return http::problem(request, id.error());
    auto actor = http::actorOf(request, request.queryParam("reason"));
    if (!actor)
        co_return http::problem(request, actor.error());
    UserAdminService::Limits none;
    const auto set = co_await m_users.setLimits(std::move(*actor), *id, std::move(none));
    co_return set.has_error() ? http::problem(request, set.error()) : http::noContent();
}

} // namespace portolan::portal
