// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/stack_actions.h"

#include "core/api/history.h"
#include "core/base/names.h"
#include "core/console/redis_actions.h"
#include "core/console/service_actions.h"
#include "core/console/stack_questions.h"
#include "core/monitor/history.h"
#include "core/monitor/key_families.h"
#include "core/monitor/redis_admin.h"
#include "core/stack/redis/watch_rights.h"
#include "core/stack/watch_file.h"

#include <optional>
#include <string>
#include <variant>

namespace portolan::console {
namespace {

/// What is done to Redis, the same for everybody.
template <class A>
concept OfRedis = requires(monitor::RedisAdmin &redis, A action)
{
    previewOf(redis, std::move(action));
};

std::optional<stack::RedisUse> useOf(const Action &action)
{
    if (std::holds_alternative<CloseClients>(action))
        return stack::RedisUse::CloseClients;
    if (std::holds_alternative<CleanUpFamily>(action))
        return stack::RedisUse::CleanUp;
    return std::nullopt;
}

bool isOfWorkers(const Action &action)
{
    return std::holds_alternative<ResizeWorker>(action) || std::holds_alternative<RevokeTasks>(action) ||
           std::holds_alternative<RerunTasks>(action);
}

template <class A> awaitable<Result<ActionPreview>> preview(StackServices services, A action)
{
    if constexpr (OfRedis<A>) {
        auto work = previewOf(services.redis, std::move(action));
        co_return co_await std::move(work);
    } else {
        co_return unsupported(whyNot(services, Action(std::move(action))));
    }
}

template <class A> awaitable<Result<ActionOutcome>> perform(StackServices services, A action, Actor actor)
{
    if constexpr (OfRedis<A>) {
        auto work = carryOut(services.redis, std::move(action), std::move(actor));
        co_return co_await std::move(work);
    } else {
        co_return unsupported(whyNot(services, Action(std::move(action))));
    }
}

} // namespace

awaitable<Result<ActionPreview>> previewAction(StackServices services, Action action)
{
    if (const Capability can = whyNot(services, action); !can.available())
        co_return unsupported(can);
    auto work = std::visit([&](auto &one) { return preview(services, std::move(one)); }, action);
    co_return co_await std::move(work);
}

awaitable<Result<ActionOutcome>> performAction(StackServices services, Action action, Actor actor)
{
    const std::string name(traitsOf(action).name);
    if (actor.principal.role < leastRole(action))
        co_return failure(ErrorKind::Forbidden,
                          "The role " + std::string(enumName(actor.principal.role)) + " does not allow " + name + ".");
    if (const Capability can = whyNot(services, action); !can.available())
        co_return unsupported(can);
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

Capability whyNot(const StackServices &services, const Action &action)
{
    const auto use = useOf(action);
    if (!use && !isOfWorkers(action))
        return {.why = WhyNot::NotConfigured}; // of a portal's own users
    if (!services.redisClient)
        return {.why = WhyNot::NotConfigured, .about = "redis"};
    if (services.file.readOnly)
        return {.why = WhyNot::FileReadOnly};
    if (!use)
        return {.why = WhyNot::NotYetWatched, .about = "celery"};
    if (const auto rights = services.rights())
        if (const Capability can = rights->can(*use); !can.available())
            return can;
    if (const auto *cleanUp = std::get_if<CleanUpFamily>(&action); cleanUp && !cleanUp->family.empty()) {
        const WhyNot why = whyNotCleanedUp(cleanUp->family);
        if (why == WhyNot::No && !services.families.cleanable(cleanUp->family))
            return {.why = WhyNot::NobodyKnows};
        return {.why = why};
    }
    return {};
}

} // namespace portolan::console
