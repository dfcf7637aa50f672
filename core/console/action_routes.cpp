// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/action_routes.h"

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/json_schema.h"
#include "core/console/actions.h"
#include "core/http/actor.h"
#include "core/http/problem.h"

#include <charconv>

namespace portolan::console {
namespace {

using http::Request;
using http::Response;

struct Resize
{
    std::uint32_t concurrency = 0;
    std::optional<std::string> node;
    std::optional<std::string> reason;
};
BOOST_DESCRIBE_STRUCT(Resize, (), (concurrency, node, reason))

struct Revoke
{
    bool terminate = true;
    std::string reason;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Revoke, (), (terminate, reason))

struct Rerun
{
    std::string reason;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Rerun, (), (reason))

/// An absent body means all defaults.
template <class T> Result<T> readOptional(const std::string &body)
{
    if (body.empty())
        return T{};
    return readJson<T>(body, JsonMode::Strict);
}

template <class A> http::Access accessOf() { return {leastRole(A{}), Category::Admin}; }

std::vector<std::string> taskOf(const Request &request) { return {std::string(request.param("id"))}; }

Response noContent(const ActionOutcome &) { return http::noContent(); }

Response concurrency(const ActionOutcome &done)
{
    boost::json::object answer{{"concurrency", done.facts.front().count.value_or(0)}};
    return http::json(boost::json::value(std::move(answer)));
}

Response newTask(const ActionOutcome &done)
{
    boost::json::object answer{{"task_id", done.subject}};
    return http::json(boost::json::value(std::move(answer)), http::status::accepted);
}

} // namespace

Result<ActionRoutes::Asked> ActionRoutes::resize(const Request &request)
{
    auto wanted = readJson<Resize>(request.body, JsonMode::Strict);
    if (!wanted)
        return wanted.error();
    ResizeWorker action{wanted->concurrency, std::move(wanted->node).value_or("")};
    return Asked{std::move(action), std::move(wanted->reason).value_or("")};
}

Result<ActionRoutes::Asked> ActionRoutes::revoke(const Request &request)
{
    auto wanted = readOptional<Revoke>(request.body);
    if (!wanted)
        return wanted.error();
    return Asked{RevokeTasks{taskOf(request), wanted->terminate}, std::move(wanted->reason)};
}

Result<ActionRoutes::Asked> ActionRoutes::rerun(const Request &request)
{
    auto wanted = readOptional<Rerun>(request.body);
    if (!wanted)
        return wanted.error();
    return Asked{RerunTasks{taskOf(request)}, std::move(wanted->reason)};
}

template <class A> Result<ActionRoutes::Asked> ActionRoutes::ofUser(const Request &request)
{
    const auto id = parseId(request.param("id"));
    if (!id) // what is no id names nobody
        return failure(ErrorKind::NotFound, "There is no such user.");
    return Asked{A{*id}, request.queryParam("reason").value_or("")};
}

Result<ActionRoutes::Asked> ActionRoutes::closeClient(const Request &request)
{
    const auto text = request.param("id");
    std::uint64_t id = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (wrong != std::errc() || end != text.data() + text.size() || id == 0)
        return failure(ErrorKind::NotFound, "There is no such connection.");
    return Asked{CloseClients{{id}}, request.queryParam("reason").value_or("")};
}

Result<ActionRoutes::Asked> ActionRoutes::revokeToken(const Request &request)
{
    return Asked{RevokeToken{std::string(request.param("name"))}, request.queryParam("reason").value_or("")};
}

http::Handler ActionRoutes::handle(Read read, Answer answer)
{
    return [this, read, answer](Request &request) -> awaitable<Response> {
        auto asked = read(request);
        if (!asked)
            co_return http::problem(request, asked.error());
        auto actor = http::actorOf(request, std::move(asked->reason));
        if (!actor)
            co_return http::problem(request, actor.error());
        auto work = m_perform(std::move(asked->action), std::move(*actor));
        const auto done = co_await std::move(work);
        if (!done)
            co_return http::problem(request, done.error());
        co_return answer(*done);
    };
}

void ActionRoutes::mount(http::Router &router)
{
    router.put("/api/admin/workers", accessOf<ResizeWorker>(), handle(&resize, &concurrency),
               {"Sets how many tasks run at once", requestSchema<Resize>(), {}});
    router.post("/api/admin/tasks/{id}/revoke", accessOf<RevokeTasks>(), handle(&revoke, &noContent),
                {"Ends a task as REVOKED", requestSchema<Revoke>(), {}});
    router.post("/api/admin/tasks/{id}/rerun", accessOf<RerunTasks>(), handle(&rerun, &newTask),
                {"Runs a task again with its original arguments", requestSchema<Rerun>(), {}});
    router.del("/api/admin/users/{id}", accessOf<DeleteUser>(), handle(&ofUser<DeleteUser>, &noContent),
               {"Deletes a user with sessions and limits", {}, {}});
    router.del("/api/admin/users/{id}/sessions", accessOf<SignOutUser>(), handle(&ofUser<SignOutUser>, &noContent),
               {"Signs the user out everywhere", {}, {}});
    router.del("/api/admin/redis/clients/{id}", accessOf<CloseClients>(), handle(&closeClient, &noContent),
               {"Close a connection to Redis", {}, {}});
    router.del("/api/admin/tokens/{name}", accessOf<RevokeToken>(), handle(&revokeToken, &noContent),
               {"Ends an API token", {}, {}});
}

} // namespace portolan::console
