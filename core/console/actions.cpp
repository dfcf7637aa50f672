// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/actions.h"

#include "core/api/history.h"
#include "core/base/names.h"
#include "core/console/redis_actions.h"
#include "core/console/service_actions.h"
#include "core/console/task_board.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/redis_check.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/redis/rights.h"

#include <optional>

namespace portolan::console {
namespace {

/// What accounts' own service does.
template <class A>
concept OfUsers = requires(portal::UserAdminService &users, A action, Actor actor)
{
    carryOut(users, std::move(action), std::move(actor));
};

template <OfUsers A> awaitable<Result<ActionOutcome>> perform(PortalServices services, A action, Actor actor)
{
    return carryOut(services.users, std::move(action), std::move(actor));
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, RevokeToken action, Actor actor)
{
    return carryOut(services.tokens, std::move(action), std::move(actor));
}

/// What is done to Redis.
template <class A>
concept OfRedis = requires(monitor::RedisAdmin &redis, A action, Actor actor)
{
    carryOut(redis, std::move(action), std::move(actor));
};

template <OfRedis A> awaitable<Result<ActionOutcome>> perform(PortalServices services, A action, Actor actor)
{
    return carryOut(services.redis, std::move(action), std::move(actor));
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, ResizeWorker action, Actor actor)
{
    const auto done = co_await services.workers.resize(std::move(actor), action.concurrency, action.node);
    if (!done)
        co_return done.error();
    const auto what = action.concurrency == 0 ? FactKind::WorkerStopped : FactKind::WorkerResized;
    co_return outcomeOf({.kind = what, .name = action.node, .count = action.concurrency});
}

constexpr std::size_t idPart = 8; ///< enough of an id to find it by

/// "portal.analysis 3f2a91c0"
std::string nameOf(const Result<TaskInfo> &task, std::string_view id)
{
    std::string name = task ? task->name : std::string();
    return name.append(name.empty() ? "" : " ").append(id.substr(0, idPart));
}

/// What became of several tasks: one by its name, more by their number, and why where none could be.
struct Tally
{
    explicit Tally(FactKind kind_) : kind(kind_) {}
    Result<ActionOutcome> end(std::string subject) const
    {
        if (done == 0 && goOn == 0 && problem)
            return *problem;
        ActionOutcome told;
        told.subject = std::move(subject);
        if (done > 0)
            told.facts.push_back({.kind = kind, .name = done == 1 ? name : "", .count = done});
        if (problem) {
            told.facts.push_back({.kind = FactKind::OthersRefused, .count = refused});
            told.refusal = problem;
        }
        if (goOn > 0)
            told.facts.push_back({.kind = FactKind::RunningTasksGoOn, .count = goOn});
        return told;
    }
    void refuse(Error why)
    {
        ++refused;
        problem = std::move(why);
    }

    FactKind kind;
    std::string name; ///< the latest it was done to
    std::size_t done = 0;
    std::size_t goOn = 0; ///< run on, but do not start again, should they mean to
    std::size_t refused = 0;
    std::optional<Error> problem; ///< the latest
};

awaitable<Result<ActionOutcome>> perform(PortalServices services, RevokeTasks action, Actor actor)
{
    if (const auto fit = checkNumber(action.ids); !fit)
        co_return fit.error();
    Tally tally(FactKind::TasksRevoked);
    std::size_t over = 0; // since it was chosen
    for (const auto &id : action.ids) {
        const auto task = co_await findTask(services, id);
        if (task && task->place == TaskPlace::Ended) {
            ++over;
            continue;
        }
        const auto done = co_await services.workers.revoke(actor, id, action.terminate);
        if (!done) {
            tally.refuse(done.error());
        } else if (!action.terminate && task && task->place == TaskPlace::Running) {
            ++tally.goOn;
        } else {
            ++tally.done;
            tally.name = nameOf(task, id);
        }
    }
    if (over == action.ids.size())
        co_return outcomeOf({.kind = FactKind::AllTasksOver, .count = over});
    co_return tally.end(action.ids.front());
}

awaitable<Result<ActionOutcome>> perform(PortalServices services, RerunTasks action, Actor actor)
{
    if (const auto fit = checkNumber(action.ids); !fit)
        co_return fit.error();
    Tally tally(FactKind::TasksEnqueued);
    std::string latest;
    for (const auto &id : action.ids) {
        if (action.ids.size() == 1) {
            const auto task = co_await findTask(services, id);
            tally.name = nameOf(task, id);
        }
        auto again = co_await services.workers.rerun(actor, id);
        if (again) {
            ++tally.done;
            latest = std::move(*again);
        } else {
            tally.refuse(again.error());
        }
    }
    co_return tally.end(std::move(latest));
}

} // namespace

Actor consoleActor(std::string reason) { return {{0, Role::Admin}, std::move(reason)}; }

awaitable<Result<ActionOutcome>> performAction(PortalServices services, Action action, Actor actor)
{
    const std::string name(traitsOf(action).name);
    if (actor.principal.role < leastRole(action))
        co_return failure(ErrorKind::Forbidden,
                          "The role " + std::string(enumName(actor.principal.role)) + " does not allow " + name + ".");
    // What others do is noted with its audit entry.
    const bool noted = isSystem(actor.principal);
    auto work = std::visit([&](auto &one) { return perform(services, std::move(one), std::move(actor)); }, action);
    auto done = co_await std::move(work);
    if (done && noted) {
        Event event{.time = services.clock.wall(), .kind = EventKind::Action};
        event.name = name;
        event.facts = done->facts;
        services.history.note(std::move(event));
    }
    co_return done;
}

Result<void> checkNumber(const std::vector<std::string> &ids)
{
    if (ids.empty() || ids.size() > mostTasksAtOnce)
        return failure(ErrorKind::Invalid,
                       "Between 1 and " + std::to_string(mostTasksAtOnce) + " tasks can be named at once.");
    return {};
}

Capability whyNot(const PortalServices &services, const Action &action)
{
    if (!services.hasRedis && traitsOf(action).needsRedis)
        return {.why = WhyNot::NoRedis};
    if (const auto rights = services.redisCheck ? services.redisCheck->rights() : nullptr) {
        std::optional<redis::Refusal> refusal;
        if (std::holds_alternative<CloseClients>(action))
            refusal = rights->refusal({"CLIENT LIST", "CLIENT KILL"});
        else if (std::holds_alternative<CleanUpFamily>(action))
            refusal = rights->refusal({"SCAN", "UNLINK"});
        if (refusal)
            return {.why = WhyNot::CommandRefused, .about = refusal->command, .mend = refusal->rule};
    }
    if (const auto *cleanUp = std::get_if<CleanUpFamily>(&action); cleanUp && !cleanUp->family.empty())
        return {.why = whyNotCleanedUp(cleanUp->family)};
    return {};
}

} // namespace portolan::console
