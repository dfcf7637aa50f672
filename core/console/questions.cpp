// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/questions.h"

#include "core/console/snapshot_feed.h"
#include "core/console/task_board.h"
#include "core/limits/limit_use.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/redis/client.h"

#include <numeric>

namespace portolan::console {

awaitable<Result<std::vector<Series>>> answer(PortalServices services, HistoryQuestion question)
{
    return services.history.query(std::move(question.query));
}

awaitable<Result<std::vector<Event>>> answer(PortalServices services, EventsQuestion question)
{
    return services.history.events(question.from, question.to);
}

awaitable<Result<TaskList>> answer(PortalServices services, TasksQuestion question)
{
    return listTasks(services, std::move(question.query));
}

awaitable<Result<UserPage>> answer(PortalServices services, UsersQuestion question)
{
    return services.users.page(std::move(question.query));
}

awaitable<Result<std::vector<SessionEntry>>> answer(PortalServices services, SessionsQuestion question)
{
    return services.users.sessions(question.id);
}

awaitable<Result<AuditPage>> answer(PortalServices services, AuditQuestion question)
{
    return services.users.audit(std::move(question.query));
}

awaitable<Result<std::vector<ClientInfo>>> answer(PortalServices services, ClientsQuestion)
{
    if (!services.hasRedis)
        co_return failure(ErrorKind::Unavailable, "This portal runs without Redis.");
    if (services.redisClient.state() != redis::Client::State::Ready) {
        auto error = services.redisClient.problem();
        if (error)
            co_return std::move(*error);
        co_return failure(ErrorKind::Unavailable, "Redis is being connected to.");
    }
    const auto all = services.redis.clients();
    if (!all)
        co_return failure(ErrorKind::Unavailable, "The connections are not known yet.", "Try again in a second.");
    co_return *all;
}

awaitable<Result<std::vector<WorkerInfo>>> answer(PortalServices services, WorkersQuestion)
{
    const auto workers = co_await services.workers.workers();
    if (!workers)
        co_return workers.error();
    std::vector<WorkerInfo> all;
    for (const auto &worker : *workers) {
        const auto ended = std::accumulate(worker.totals.begin(), worker.totals.end(), std::uint64_t{0},
                                           [](auto sum, const auto &total) { return sum + total.second; });
        all.push_back({worker.node, worker.here, worker.concurrency, worker.active, ended, worker.queues});
    }
    co_return all;
}

awaitable<Result<std::vector<InstanceFigures>>> answer(PortalServices services, InstancesQuestion)
{
    const auto latest = services.snapshots.latest();
    if (!latest)
        co_return failure(ErrorKind::Unavailable, "The instances are not known yet.", "Try again in a second.");
    co_return latest->instances;
}

awaitable<Result<std::vector<LimitUse>>> answer(PortalServices services, LimitUseQuestion question)
{
    const auto user = co_await services.users.user(question.id);
    if (!user)
        co_return user.error();
    co_return co_await services.limitUse.of(question.id);
}

} // namespace portolan::console
