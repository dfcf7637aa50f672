// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/queue_work.h"

#include "core/base/settings.h"
#include "core/portal/analysis_task.h"
#include "core/portal/task_service.h"
#include "core/queue/broker.h"
#include "core/queue/keys.h"
#include "core/redis/client.h"
#include "core/storage/task_owner_store.h"

#include <chrono>

namespace portolan::showcase {
namespace {

constexpr int accepted = 202;
constexpr int tooMuch = 429;
constexpr int unavailable = 503;
constexpr std::chrono::minutes notLater{10}; ///< a task that waits so long is not run any more

std::string queueOf(const Settings &settings)
{
    const auto &routes = settings.tier().taskRoutes;
    const auto found = routes.find(std::string(portal::analysisTask));
    return found == routes.end() ? settings.tier().taskQueue : found->second;
}

queue::NewTask taskOf(const console::PortalServices &services, const Errand &errand, Id owner)
{
    queue::NewTask task;
    task.name = portal::analysisTask;
    task.id = errand.tasks.at(0);
    task.queue = queueOf(services.settings);
    task.kwargs = {{"symbol", errand.target}, {"horizon_days", programHorizon}, {"paths", errand.paths}};
    task.expires = services.clock.wall() + notLater;
    if (errand.softLimit.count() > 0)
        task.softLimit = errand.softLimit;
    if (owner != 0)
        task.notify = portal::TaskService::topicOf(owner);
    return task;
}

awaitable<Outcome> enqueue(console::PortalServices services, Errand errand, Id owner)
{
    queue::NewTask task = taskOf(services, errand, owner);
    std::vector<std::string> queues{task.queue};
    const auto backlog = co_await services.broker.backlog(std::move(queues));
    if (!backlog)
        co_return Outcome{unavailable};
    if (backlog->waiting() >= mostWaiting)
        co_return Outcome{tooMuch};
    const std::string id = task.id;
    if (owner != 0) {
        storage::TaskOwner row{id, owner, task.name, services.clock.wall(), {}, errand.target};
        const auto noted = co_await services.owners.add(std::move(row));
        if (!noted)
            co_return Outcome{unavailable};
    }
    const auto enqueued = co_await services.broker.enqueue(std::move(task));
    if (enqueued)
        co_return Outcome{accepted};
    if (owner != 0 && enqueued.error().kind != ErrorKind::Timeout) // after a time-out it may be queued all the same
        (void)co_await services.owners.remove(id);
    co_return Outcome{unavailable};
}

awaitable<Outcome> keep(console::PortalServices services, Errand errand)
{
    redis::Command command;
    for (const std::string &id : errand.tasks)
        command.add("EXPIRE", queue::keys::result(id), std::chrono::seconds(keptFor).count());
    if (errand.tasks.empty())
        co_return Outcome{accepted};
    const auto kept = co_await services.redisClient.pipeline(std::move(command));
    co_return Outcome{kept ? accepted : unavailable};
}

} // namespace

awaitable<Outcome> workOnQueue(console::PortalServices services, Errand errand, Id owner)
{
    if (errand.kind == StepKind::Keep)
        co_return co_await keep(services, std::move(errand));
    co_return co_await enqueue(services, std::move(errand), owner);
}

} // namespace portolan::showcase
