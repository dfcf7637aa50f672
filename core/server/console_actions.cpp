#include "core/server/console_actions.h"

#include "core/api/history.h"
#include "core/base/ids.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/server/words.h"

namespace portolan::server {
namespace {

constexpr std::chrono::seconds cleanupPatience{20};

portal::Actor actorOf(std::string reason) { return {{0, Role::Admin}, std::move(reason)}; }

ActionOutcome outcome(std::string summary, std::string subject = {})
{
    ActionOutcome done;
    done.summary = std::move(summary);
    done.subject = std::move(subject);
    return done;
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, CloseClients action, std::string reason)
{
    monitor::Asker asker{{0, Role::Admin}, std::move(reason)};
    const auto closed = co_await services.redis.closeClients(std::move(asker), std::move(action.ids));
    if (!closed)
        co_return closed.error();
    co_return outcome(counted(*closed, "connection is", "connections are") + " closed.");
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, CleanUpFamily action, std::string reason)
{
    const auto run = co_await runCleanup(services, action, false, std::move(reason), cleanupPatience);
    if (!run)
        co_return run.error();
    const auto &status = *run;
    if (status.state == monitor::CleanupState::Failed)
        co_return failure(ErrorKind::Internal, "The cleanup failed: " + status.detail);
    if (status.state == monitor::CleanupState::Cancelled)
        co_return failure(ErrorKind::Cancelled, "The cleanup was cancelled after " +
                                                    counted(status.removed, "key", "keys") + " had been deleted.");
    const auto removed = counted(status.removed, "key", "keys") + " of " + action.family;
    if (status.state == monitor::CleanupState::Running)
        co_return outcome(removed + " are deleted so far; the cleanup goes on.", status.id);
    co_return outcome(removed + (status.removed == 1 ? " is deleted." : " are deleted."), status.id);
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, ResizeWorker action, std::string reason)
{
    const auto done = co_await services.workers.resize(actorOf(std::move(reason)), action.concurrency, action.node);
    if (!done)
        co_return done.error();
    const std::string who = action.node.empty() ? "The worker" : action.node;
    co_return outcome(who + " runs " + counted(action.concurrency, "task", "tasks") + " at once.");
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, RevokeTask action, std::string reason)
{
    const auto done = co_await services.workers.revoke(actorOf(std::move(reason)), action.id, true);
    if (!done)
        co_return done.error();
    co_return outcome("The task is revoked.");
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, RerunTask action, std::string reason)
{
    auto again = co_await services.workers.rerun(actorOf(std::move(reason)), action.id);
    if (!again)
        co_return again.error();
    co_return outcome("The task is enqueued again.", std::move(*again));
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, ChangeUser action, std::string reason)
{
    portal::UserAdminService::Change change;
    change.role = action.role;
    change.disabled = action.disabled;
    const auto user = co_await services.users.change(actorOf(std::move(reason)), action.id, std::move(change));
    if (!user)
        co_return user.error();
    std::string summary = user->email + " is " + roleWord(user->role);
    summary += user->disabled ? " and cannot sign in." : " and can sign in.";
    co_return outcome(std::move(summary), formatId(user->id));
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, SignOutUser action, std::string reason)
{
    const auto done = co_await services.users.signOut(actorOf(std::move(reason)), action.id);
    if (!done)
        co_return done.error();
    co_return outcome("The user is signed out everywhere.", formatId(action.id));
}

} // namespace

awaitable<Result<ActionOutcome>> performAction(PortalServices services, Action action, std::string reason)
{
    auto work = std::visit([&](auto &one) { return perform(services, std::move(one), std::move(reason)); }, action);
    auto done = co_await std::move(work);
    if (done) {
        Event event{services.clock.wall(), EventKind::Action, done->summary};
        services.history.note(std::move(event));
    }
    co_return done;
}

awaitable<Result<monitor::CleanupStatus>> runCleanup(PortalServices services, CleanUpFamily action, bool dryRun,
                                                     std::string reason, std::chrono::seconds patience)
{
    monitor::Asker asker{{0, Role::Admin}, std::move(reason)};
    monitor::CleanupRequest wanted{std::move(action.family), dryRun, action.idle};
    auto started = co_await services.redis.cleanUp(std::move(asker), std::move(wanted));
    if (!started)
        co_return started.error();
    co_return co_await services.redis.settled(std::move(*started), patience);
}

std::string whyNot(const Action &action, bool hasRedis)
{
    return hasRedis || !traitsOf(action).needsRedis ? std::string() : "This portal runs without Redis.";
}

} // namespace portolan::server
