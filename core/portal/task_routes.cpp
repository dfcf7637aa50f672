// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/task_routes.h"

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/http/problem.h"
#include "core/portal/analysis_task.h"
#include "core/portal/page_query.h"
#include "core/portal/task_service.h"

#include <optional>

namespace portolan::portal {
namespace {

using http::Request;
using http::Response;

struct StartAnalysis
{
    std::string symbol;
    std::optional<std::uint32_t> horizonDays;
    std::optional<std::uint32_t> paths;
};
BOOST_DESCRIBE_STRUCT(StartAnalysis, (), (symbol, horizonDays, paths))

} // namespace

void TaskRoutes::mount(http::Router &router)
{
    router.post(
        "/start-analysis", {Role::User, Category::Analysis}, [this](Request &r) { return startAnalysis(r); },
        {"Starts the analysis of a stock",
         R"({"type":"object","required":["symbol"],"properties":{"symbol":{"type":"string","pattern":"^[A-Z]{1,5}$"},)"
         R"("horizon_days":{"type":"integer"},"paths":{"type":"integer"}}})",
         R"({"type":"object","properties":{"task_id":{"type":"string"}}})"});
    router.get("/api/tasks", {Role::User, Category::Api}, [this](Request &r) { return list(r); },
               {"One's own tasks, newest first", {}, {}});
    router.get("/api/tasks/{id}", {Role::User, Category::Api},
               [this](Request &request) -> awaitable<Response> {
                   const auto task = co_await m_tasks.find(request.principal.userId, std::string(request.param("id")));
                   co_return task ? http::json(writeJson(*task)) : http::problem(request, task.error());
               },
               {"State, progress and result of a task", {}, {}});
    router.del("/api/tasks/{id}", {Role::User, Category::Api},
               [this](Request &request) -> awaitable<Response> {
                   const auto done =
                       co_await m_tasks.revoke(request.principal.userId, std::string(request.param("id")));
                   co_return done ? http::noContent() : http::problem(request, done.error());
               },
               {"Revokes a task, also while it runs", {}, {}});
}

awaitable<Response> TaskRoutes::startAnalysis(Request &request)
{
    auto wanted = readJson<StartAnalysis>(request.body, JsonMode::Strict);
    if (!wanted)
        co_return http::problem(request, wanted.error());
    AnalysisRequest analysis;
    analysis.symbol = std::move(wanted->symbol);
    analysis.horizonDays = wanted->horizonDays.value_or(analysis.horizonDays);
    analysis.paths = wanted->paths.value_or(analysis.paths);
    if (const auto valid = validate(analysis); !valid)
        co_return http::problem(request, valid.error());

    boost::json::object kwargs{{"symbol", analysis.symbol},
                               {"horizon_days", analysis.horizonDays},
                               {"paths", analysis.paths},
                               {"user_id", formatId(request.principal.userId)}};
    const auto id = co_await m_tasks.start(request.principal.userId, "portal.analysis", std::move(kwargs));
    if (!id)
        co_return http::problem(request, id.error());
    boost::json::object accepted{{"task_id", *id}};
    co_return http::json(boost::json::value(std::move(accepted)), http::status::accepted)
        .with("Location", "/api/tasks/" + *id);
}

awaitable<Response> TaskRoutes::list(Request &request)
{
    const auto limit = pageLimit(request, 20, 100);
    if (!limit)
        co_return http::problem(request, limit.error());
    const auto page =
        co_await m_tasks.list(request.principal.userId, *limit, request.queryParam("cursor").value_or(""));
    co_return page ? http::json(writeJson(*page)) : http::problem(request, page.error());
}

} // namespace portolan::portal
