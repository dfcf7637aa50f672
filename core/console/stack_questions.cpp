// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/stack_questions.h"

#include "core/base/logging.h"
#include "core/base/version.h"
#include "core/console/questions.h"
#include "core/console/snapshot_feed.h"
#include "core/console/stack_actions.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/redis/client.h"
#include "core/stack/redis/watch_rights.h"
#include "core/stack/watch_file.h"
#include "core/storage/audit_store.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace portolan::console {

awaitable<Result<std::vector<Series>>> answer(StackServices services, HistoryQuestion question)
{
    return services.history.query(std::move(question.query));
}

awaitable<Result<std::vector<Event>>> answer(StackServices services, EventsQuestion question)
{
    return services.history.events(question.from, question.to);
}

awaitable<Result<ClientPage>> answer(StackServices services, ClientsQuestion question)
{
    if (services.redisClient->state() != redis::Client::State::Ready) {
        auto error = services.redisClient->problem();
        if (error)
            co_return std::move(*error);
        co_return failure(ErrorKind::Unavailable, "Redis is being connected to.");
    }
    const auto all = services.redis.clients();
    if (!all)
        co_return failure(ErrorKind::Unavailable, "The connections are not known yet.", "Try again in a second.");
    auto page = clientPage(*all, question);
    if (const auto latest = services.snapshots.latest(); page && latest && latest->clients.age) {
        const auto since = std::chrono::duration_cast<Age>(services.clock.wall() - latest->time);
        page->age = *latest->clients.age + std::max(since, Age(0));
    }
    co_return page;
}

awaitable<Result<std::vector<InstanceFigures>>> answer(StackServices, InstancesQuestion)
{
    co_return std::vector<InstanceFigures>();
}

awaitable<Result<AuditPage>> answer(StackServices services, AuditQuestion question)
{
    return services.audit.page(std::move(question.query));
}

awaitable<Result<LogPage>> answer(StackServices services, LogQuestion question)
{
    if (const std::string &name = question.query.instance; !name.empty() && name != services.file.name)
        co_return failure(ErrorKind::NotFound, "There is no instance of this name.");
    co_return services.logger.recent().page(question.query);
}

Capability whyNotAnswered(const StackServices &services, Tag<ClientsQuestion>)
{
    if (!services.redisClient)
        return {.why = WhyNot::NotConfigured, .about = "redis"};
    const auto rights = services.rights();
    return rights ? rights->can(stack::RedisUse::Clients) : Capability{};
}

Error unsupported(const Capability &why)
{
    Error error = failure(ErrorKind::Unsupported, "A watched stack does not have this.");
    switch (why.why) {
    case WhyNot::NotConfigured:
        if (!why.about.empty()) {
            error.message = "This deployment's file has no " + why.about + ".";
            error.hint = "Add [" + why.about + "] to it.";
        }
        break;
    case WhyNot::NotYetWatched:
        error.message = "This version does not ask it of a watched deployment.";
        break;
    case WhyNot::FileReadOnly:
        error.message = "This deployment's file says read_only.";
        break;
    case WhyNot::CommandRefused:
        error.message = "This Redis refuses " + why.about + ".";
        error.hint = why.mend.empty() ? std::string() : "Run `" + why.mend + "` in Redis.";
        break;
    default:
        break;
    }
    error.about = why.about;
    error.mend = why.mend;
    return error;
}

awaitable<Result<DeploymentAnswer>> answer(StackServices services, DeploymentQuestion, Principal asker)
{
    const auto offered = [&asker](Role least, Capability can) {
        return can.available() && asker.role < least ? Capability{.why = WhyNot::NeedsRole, .role = least} : can;
    };
    DeploymentAnswer told;
    told.name = services.file.name;
    told.tier = services.file.tier.name;
    told.version = version();
    told.production = services.file.production;
    told.role = asker.role;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&](auto tag) {
        const Route route = routeOf(tag);
        told.questions.push_back(
            {std::string(route.path), route.role, offered(route.role, whyNotAnswered(services, tag))});
    });
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Action>>([&]<class A>(Tag<A>) {
        const Action kind(A{});
        const Role least = leastRole(kind);
        told.actions.push_back({std::string(traitsOf(kind).name), least, offered(least, whyNot(services, kind))});
    });
    co_return told;
}

} // namespace portolan::console
