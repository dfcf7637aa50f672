// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/console/actions.h"
#include "core/console/redis_actions.h"
#include "core/console/task_board.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/api_token_service.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/queue/broker.h"
#include "core/queue/results.h"
#include "core/queue/worker_pool.h"

#include <algorithm>

namespace portolan::console {
namespace {

constexpr std::size_t mostSamples = 20;

void addSample(ActionPreview &preview, Touched touched)
{
    if (preview.sample.size() < mostSamples)
        preview.sample.push_back(std::move(touched));
}

template <class A>
concept OfRedis = requires(monitor::RedisAdmin &redis, A action)
{
    previewOf(redis, std::move(action));
};

template <OfRedis A> awaitable<Result<ActionPreview>> preview(PortalServices services, A action)
{
    return previewOf(services.redis, std::move(action));
}

awaitable<Result<ActionPreview>> previewStop(PortalServices services, portal::WorkerAdminService::Worker worker)
{
    auto queues = worker.queues.empty() ? services.pool.options().queues : worker.queues;
    const auto backlog = co_await services.broker.backlog(std::move(queues));
    ActionPreview seen;
    Fact stopped{.kind = FactKind::WorkerStopped, .name = worker.node};
    if (backlog)
        stopped.amounts.push_back({Counted::Waiting, backlog->waiting()});
    stopped.amounts.push_back({Counted::Running, worker.active});
    seen.facts.push_back(std::move(stopped));
    seen.count = worker.active + (backlog ? backlog->waiting() : 0);
    addSample(seen, {.name = worker.node});
    co_return seen;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, ResizeWorker action)
{
    const auto workers = co_await services.workers.workers();
    if (!workers)
        co_return workers.error();
    const auto found = std::ranges::find_if(
        *workers, [&](const auto &worker) { return action.node.empty() ? worker.here : worker.node == action.node; });
    if (found == workers->end())
        co_return failure(ErrorKind::NotFound, "No worker named '" + action.node + "' answers.");
    if (action.concurrency == 0)
        co_return co_await previewStop(services, *found);
    ActionPreview seen;
    seen.facts.push_back({.kind = FactKind::WorkerResized,
                          .name = found->node,
                          .count = action.concurrency,
                          .before = found->concurrency});
    seen.count = found->active;
    addSample(seen, {.name = found->node});
    co_return seen;
}

constexpr std::size_t idPart = 8; ///< enough of an id to find it by

awaitable<Touched> touchedTask(PortalServices services, TaskInfo task)
{
    Touched touched{.name = task.name, .id = task.id.substr(0, idPart), .detail = task.arguments};
    if (task.owner != 0) {
        const auto owner = co_await services.users.user(task.owner);
        touched.owner = owner ? (*owner)->email : "user:" + formatId(task.owner); // who is gone has only that
    }
    co_return touched;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, RevokeTasks action)
{
    if (const auto fit = checkNumber(action.ids); !fit)
        co_return fit.error();
    ActionPreview found;
    std::uint64_t running = 0, held = 0, ended = 0;
    for (const auto &id : action.ids) {
        auto task = co_await findTask(services, id);
        if (!task)
            co_return task.error();
        (task->place == TaskPlace::Ended ? ended : task->place == TaskPlace::Running ? running : held) += 1;
        addSample(found, co_await touchedTask(services, std::move(*task)));
    }
    found.count = held + (action.terminate ? running : 0);
    found.nothing = held + running == 0; // those that run on do not start again
    if (running > 0)
        found.facts.push_back(
            {.kind = action.terminate ? FactKind::RunningTasksEnded : FactKind::RunningTasksGoOn, .count = running});
    if (held > 0)
        found.facts.push_back({.kind = FactKind::TasksKeptFromStart, .count = held});
    if (ended > 0)
        found.facts.push_back(
            {.kind = ended == action.ids.size() ? FactKind::AllTasksOver : FactKind::TasksOver, .count = ended});
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, RerunTasks action)
{
    if (const auto fit = checkNumber(action.ids); !fit)
        co_return fit.error();
    ActionPreview found;
    for (const auto &id : action.ids) {
        auto task = co_await findTask(services, id);
        if (!task)
            co_return task.error();
        if (task->name.empty() && task->state == queue::state::pending)
            co_return failure(ErrorKind::NotFound, "There is no such task, or its result is no longer kept.");
        addSample(found, co_await touchedTask(services, std::move(*task)));
    }
    found.count = action.ids.size();
    found.facts.push_back({.kind = FactKind::TasksEnqueued, .count = found.count});
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices, CreateUser action)
{
    ActionPreview found;
    found.facts.push_back({.kind = FactKind::AccountMade, .name = action.email, .role = action.role});
    found.count = 1;
    co_return found;
}

/// The user and what is open of them: what actions on users end.
struct UserSessions
{
    std::string email;
    std::vector<SessionEntry> sessions;
};

awaitable<Result<UserSessions>> sessionsOf(PortalServices services, Id id)
{
    const auto user = co_await services.users.user(id);
    if (!user)
        co_return user.error();
    auto sessions = co_await services.users.sessions(id);
    if (!sessions)
        co_return sessions.error();
    UserSessions found;
    found.email = (*user)->email;
    found.sessions = std::move(*sessions);
    co_return found;
}

void addSessions(ActionPreview &preview, const UserSessions &user)
{
    preview.count = user.sessions.size();
    for (const auto &session : user.sessions)
        addSample(preview, {.name = session.address, .detail = session.agent});
}

/// Of what ends them beside what it is for.
void endSessions(ActionPreview &preview, const UserSessions &user)
{
    if (!user.sessions.empty())
        preview.facts.push_back({.kind = FactKind::SessionsEnded, .name = user.email, .count = user.sessions.size()});
    addSessions(preview, user);
}

awaitable<Result<ActionPreview>> preview(PortalServices services, ChangeUser action)
{
    if (!action.role && !action.disabled)
        co_return failure(ErrorKind::Invalid, "There is nothing to change.", "Name a role, or whether it is disabled.");
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    if (action.role)
        found.facts.push_back({.kind = FactKind::RoleGiven, .name = user->email, .role = action.role});
    if (action.disabled)
        found.facts.push_back(
            {.kind = *action.disabled ? FactKind::AccountDisabled : FactKind::AccountEnabled, .name = user->email});
    if (action.role || action.disabled.value_or(false))
        endSessions(found, *user);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, SignOutUser action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    found.nothing = user->sessions.empty();
    if (found.nothing)
        found.facts.push_back({.kind = FactKind::NoSession, .name = user->email});
    endSessions(found, *user);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, ResetPassword action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    found.facts.push_back({.kind = FactKind::PasswordMade, .name = user->email});
    endSessions(found, *user);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, DeleteUser action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    found.facts.push_back({.kind = FactKind::AccountDeleted, .name = user->email, .count = user->sessions.size()});
    addSessions(found, *user);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, RevokeToken action)
{
    const auto token = co_await services.tokens.find(std::move(action.name));
    if (!token)
        co_return token.error();
    ActionPreview found;
    found.facts.push_back({.kind = FactKind::TokenRevoked, .name = token->name, .role = token->role});
    found.count = 1;
    addSample(found, {.name = token->name});
    co_return found;
}

} // namespace

awaitable<Result<ActionPreview>> previewAction(PortalServices services, Action action)
{
    return std::visit([&](auto &one) { return preview(services, std::move(one)); }, action);
}

} // namespace portolan::console
