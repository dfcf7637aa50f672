// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/units.h"
#include "core/console/actions.h"
#include "core/console/task_board.h"
#include "core/console/words.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/queue/broker.h"
#include "core/queue/results.h"
#include "core/queue/worker_pool.h"

#include <algorithm>

namespace portolan::console {
namespace {

constexpr std::size_t mostSamples = 20;
constexpr std::chrono::seconds previewPatience{10};

void addSample(ActionPreview &preview, std::string text)
{
    if (preview.sample.size() < mostSamples)
        preview.sample.push_back(std::move(text));
}

awaitable<Result<ActionPreview>> preview(PortalServices services, CloseClients action)
{
    const auto all = services.redis.clients();
    if (!all)
        co_return failure(ErrorKind::Unavailable, "The connections are not known yet.", "Try again in a second.");
    ActionPreview found;
    std::string name;
    bool sameName = true;
    std::uint64_t count = 0;
    for (const auto &client : *all) {
        if (std::ranges::find(action.ids, client.id) == action.ids.end())
            continue;
        sameName = sameName && (count == 0 || name == client.name);
        name = client.name;
        ++count;
        addSample(found, (client.name.empty() ? "(no name)" : client.name) + " " + client.address + ", last " +
                             client.command);
    }
    if (count == 0)
        co_return failure(ErrorKind::NotFound, "None of these connections exists any more.");
    found.summary = "Closes " + counted(count, "connection", "connections");
    if (sameName && !name.empty())
        found.summary += " of " + name;
    found.summary += ".";
    found.count = count;
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, CleanUpFamily action)
{
    const auto run = co_await runCleanup(services, action, true, {}, previewPatience);
    if (!run)
        co_return run.error();
    const auto &status = *run;
    if (status.state == monitor::CleanupState::Failed)
        co_return failure(ErrorKind::Internal, "The preview failed: " + status.detail);
    const bool all = status.state == monitor::CleanupState::Done;
    if (status.state == monitor::CleanupState::Running) // so that the cleanup itself need not wait for it
        (void)services.redis.cancelCleanup(status.id);
    ActionPreview found;
    found.summary = "Deletes " + std::string(all ? "" : "at least ") + counted(status.matched, "key", "keys") + " of " +
                    action.family + ", about " + bytesWord(status.bytes) + ".";
    if (action.idle)
        found.summary += " Only those nobody has used for " + humanDuration(*action.idle) + ".";
    if (const auto loss = lossOf(action.family); !loss.empty())
        found.summary.append(" ").append(loss);
    found.count = status.matched;
    found.nothing = all && status.matched == 0;
    if (found.nothing)
        found.summary = action.idle ? "No key of " + action.family + " was idle that long."
                                    : "There is no key of " + action.family + ".";
    found.bytes = status.bytes;
    for (const auto &key : status.sample)
        addSample(found, key);
    co_return found;
}

awaitable<Result<ActionPreview>> previewStop(PortalServices services, portal::WorkerAdminService::Worker worker)
{
    auto queues = worker.queues.empty() ? services.pool.options().queues : worker.queues;
    const auto backlog = co_await services.broker.backlog(std::move(queues));
    ActionPreview seen;
    seen.summary = worker.node + " takes no task any more: ";
    const std::string load = listed(
        {{backlog ? backlog->waiting() : 0, "task waits", "tasks wait"}, {worker.active, "task runs", "tasks run"}});
    if (!backlog)
        seen.summary += load.empty() ? "how many wait is not known" : "how many wait is not known, ";
    seen.summary += backlog && load.empty() ? "none waits or runs" : load;
    seen.summary += worker.active > 0 ? ". Those that run still end." : ".";
    seen.count = worker.active + (backlog ? backlog->waiting() : 0);
    addSample(seen, worker.node);
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
    seen.summary = found->node + " runs " + counted(found->concurrency, "task", "tasks") + " at once now, then " +
                   std::to_string(action.concurrency) + ".";
    seen.count = found->active;
    addSample(seen, found->node);
    co_return seen;
}

/// "portal.analysis 3f2a91c0, ada@example.com: [] {'symbol': 'AAPL'}"
awaitable<std::string> describe(PortalServices services, TaskInfo task)
{
    std::string line = (task.name.empty() ? std::string("task") : task.name) + " " + task.id.substr(0, 8);
    if (task.owner != 0) {
        const auto owner = co_await services.users.user(task.owner);
        line += ", " + (owner ? (*owner)->email : "an account that is gone");
    }
    if (!task.arguments.empty())
        line += ": " + task.arguments;
    co_return line;
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
        addSample(found, co_await describe(services, std::move(*task)));
    }
    found.count = running + held;
    found.nothing = *found.count == 0;
    if (running > 0)
        found.summary = "Ends " + counted(running, "task that runs", "tasks that run");
    if (held > 0)
        found.summary += (running > 0 ? " and keeps " : "Keeps ") + counted(held, "task", "tasks") + " from running";
    if (ended > 0 && !found.nothing)
        found.summary += "; " + counted(ended, "has", "have") + " ended already";
    if (found.nothing)
        found.summary = ended == 1 ? "The task has ended already" : "All of these tasks have ended already";
    found.summary += ".";
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
        addSample(found, co_await describe(services, std::move(*task)));
    }
    found.count = action.ids.size();
    found.summary =
        "Enqueues " + counted(*found.count, "task", "tasks") + " again with the original arguments, as new ones.";
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices, CreateUser action)
{
    ActionPreview found;
    found.summary =
        "Makes an account for " + action.email + ", " + roleWord(action.role) + ", with a password that is shown once.";
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

void addSessions(ActionPreview &preview, const std::vector<SessionEntry> &sessions)
{
    preview.count = sessions.size();
    for (const auto &session : sessions)
        addSample(preview, session.address + " " + session.agent);
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
        found.summary = "Makes " + user->email + " " + roleWord(*action.role);
    if (action.disabled) {
        const std::string does = *action.disabled ? "Keeps " : "Lets ";
        found.summary = found.summary.empty()
                            ? does + user->email
                            : found.summary + (*action.disabled ? ", keeps" : ", lets") + " the account";
        found.summary += *action.disabled ? " from signing in" : " sign in";
    }
    const bool ends = action.role || action.disabled.value_or(false);
    if (ends) {
        if (!user->sessions.empty())
            found.summary += "; ends " + counted(user->sessions.size(), "session", "sessions");
        addSessions(found, user->sessions);
    }
    found.summary += ".";
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, SignOutUser action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    found.nothing = user->sessions.empty();
    found.summary = found.nothing
                        ? user->email + " has no session."
                        : "Ends " + counted(user->sessions.size(), "session", "sessions") + " of " + user->email + ".";
    addSessions(found, user->sessions);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, ResetPassword action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    found.summary = "Gives " + user->email + " a new password, which is shown once";
    if (!user->sessions.empty())
        found.summary += ", and ends " + counted(user->sessions.size(), "session", "sessions");
    found.summary += ". The old password is of no use any more.";
    addSessions(found, user->sessions);
    co_return found;
}

awaitable<Result<ActionPreview>> preview(PortalServices services, DeleteUser action)
{
    const auto user = co_await sessionsOf(services, action.id);
    if (!user)
        co_return user.error();
    ActionPreview found;
    const std::string sessions = listed({{user->sessions.size(), "session", "sessions"}});
    found.summary = "Deletes the account " + user->email + " for good, with " +
                    (sessions.empty() ? "" : sessions + " and ") +
                    "its own limits. What the audit log says of it stays.";
    addSessions(found, user->sessions);
    co_return found;
}

} // namespace

awaitable<Result<ActionPreview>> previewAction(PortalServices services, Action action)
{
    return std::visit([&](auto &one) { return preview(services, std::move(one)); }, action);
}

} // namespace portolan::console
