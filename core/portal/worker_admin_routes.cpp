// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/worker_admin_routes.h"

#include "core/base/json.h"
#include "core/base/json_schema.h"
#include "core/http/problem.h"
#include "core/portal/worker_admin_service.h"

namespace portolan::portal {
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

} // namespace

void WorkerAdminRoutes::mount(http::Router &router)
{
    const http::Access access{Role::Operator, Category::Admin};
    router.put("/api/admin/workers", access, [this](Request &r) { return resize(r); },
               {"Sets how many tasks run at once", requestSchema<Resize>(), {}});
    router.post("/api/admin/tasks/{id}/revoke", access, [this](Request &r) { return revoke(r); },
                {"Ends a task as REVOKED", requestSchema<Revoke>(), {}});
    router.post("/api/admin/tasks/{id}/rerun", access, [this](Request &r) { return rerun(r); },
                {"Runs a task again with its original arguments", requestSchema<Rerun>(), {}});
}

awaitable<Response> WorkerAdminRoutes::resize(Request &request)
{
    auto wanted = readJson<Resize>(request.body, JsonMode::Strict);
    if (!wanted)
        co_return http::problem(request, wanted.error());
    Actor actor{request.principal, wanted->reason.value_or("")};
    const auto done =
        co_await m_workers.resize(std::move(actor), wanted->concurrency, wanted->node.value_or(std::string()));
    if (!done)
        co_return http::problem(request, done.error());
    boost::json::object answer{{"concurrency", wanted->concurrency}};
    co_return http::json(boost::json::value(std::move(answer)));
}

awaitable<Response> WorkerAdminRoutes::revoke(Request &request)
{
    auto wanted = readOptional<Revoke>(request.body);
    if (!wanted)
        co_return http::problem(request, wanted.error());
    Actor actor{request.principal, wanted->reason};
    const auto done = co_await m_workers.revoke(std::move(actor), std::string(request.param("id")), wanted->terminate);
    co_return done ? http::noContent() : http::problem(request, done.error());
}

awaitable<Response> WorkerAdminRoutes::rerun(Request &request)
{
    auto wanted = readOptional<Rerun>(request.body);
    if (!wanted)
        co_return http::problem(request, wanted.error());
    Actor actor{request.principal, wanted->reason};
    const auto id = co_await m_workers.rerun(std::move(actor), std::string(request.param("id")));
    if (!id)
        co_return http::problem(request, id.error());
    boost::json::object answer{{"task_id", *id}};
    co_return http::json(boost::json::value(std::move(answer)), http::status::accepted);
}

} // namespace portolan::portal
