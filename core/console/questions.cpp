// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/questions.h"

#include "core/base/logging.h"
#include "core/base/settings.h"
#include "core/base/version.h"
#include "core/console/actions.h"
#include "core/console/snapshot_feed.h"
#include "core/console/task_board.h"
#include "core/limits/limit_use.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/redis_check.h"
#include "core/portal/api_token_service.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/redis/client.h"
#include "core/redis/rights.h"

#include <algorithm>
#include <charconv>
#include <chrono>
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

awaitable<Result<LogPage>> answer(PortalServices services, LogQuestion question)
{
    if (const std::string &name = question.query.instance; !name.empty()) {
        const auto latest = services.snapshots.latest();
        if (!latest)
            co_return failure(ErrorKind::Unavailable, "The instances are not known yet.", "Try again in a second.");
        if (std::ranges::find(latest->instances, name, &InstanceFigures::name) == latest->instances.end())
            co_return failure(ErrorKind::NotFound, "There is no instance of this name.");
        if (name != latest->instance)
            co_return failure(ErrorKind::Unsupported,
                              "This is instance " + latest->instance + ", which has no log of " + name + ".",
                              "Ask " + name + " at its own address.");
    }
    co_return services.logger.recent().page(question.query);
}

awaitable<Result<ClientPage>> answer(PortalServices services, ClientsQuestion question)
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
    auto page = clientPage(*all, question);
    if (const auto latest = services.snapshots.latest(); page && latest && latest->clients.age) {
        const auto since = std::chrono::duration_cast<Age>(services.clock.wall() - latest->time);
        page->age = *latest->clients.age + std::max(since, Age(0));
    }
    co_return page;
}

/// Redis numbers its clients as they come, so the oldest has the lowest id, and a page stays put.
Result<ClientPage> clientPage(const std::vector<ClientInfo> &all, const ClientsQuestion &question)
{
    if (question.limit < 1 || question.limit > ClientsQuestion::most)
        return badField("A page has 1 to 10,000 connections.", "/limit", "must be 1–10000");
    std::uint64_t after = 0;
    if (!question.cursor.empty()) {
        const char *const end = question.cursor.data() + question.cursor.size();
        const auto [read, wrong] = std::from_chars(question.cursor.data(), end, after);
        if (wrong != std::errc() || read != end)
            return badField("That is no cursor of connections.", "/cursor", "must be a next_cursor of this list");
    }
    std::vector<const ClientInfo *> rest;
    for (const ClientInfo &client : all)
        if (client.id > after)
            rest.push_back(&client);
    std::ranges::sort(rest, {}, [](const ClientInfo *client) { return client->id; });
    ClientPage page;
    page.total = all.size();
    for (std::size_t i = 0; i < std::min<std::size_t>(rest.size(), question.limit); ++i)
        page.items.push_back(*rest[i]);
    if (page.items.size() < rest.size())
        page.nextCursor = std::to_string(page.items.back().id);
    return page;
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

std::vector<InstanceOffer> instancesUp(const std::vector<InstanceFigures> &all)
{
    std::vector<InstanceOffer> up;
    for (const InstanceFigures &one : all)
        if (one.up)
            up.push_back({one.name, one.version});
    return up;
}

Capability whyNotAnswered(const PortalServices &services, Tag<ClientsQuestion>)
{
    if (!services.hasRedis)
        return {.why = WhyNot::NoRedis};
    const auto rights = services.redisCheck ? services.redisCheck->rights() : nullptr;
    if (const auto refusal = rights ? rights->refusal({"CLIENT LIST"}) : std::nullopt)
        return {.why = WhyNot::CommandRefused, .about = refusal->command, .mend = refusal->rule};
    return {};
}

awaitable<Result<std::vector<ApiToken>>> answer(PortalServices services, TokensQuestion)
{
    return services.tokens.list();
}

awaitable<Result<DeploymentAnswer>> answer(PortalServices services, DeploymentQuestion, Principal asker)
{
    const auto offered = [&asker](Role least, bool needsSession, Capability can) {
        if (can.available() && asker.role < least)
            return Capability{.why = WhyNot::NeedsRole, .role = least};
        if (can.available() && needsSession && !asker.token.empty())
            return Capability{.why = WhyNot::NeedsSession};
        return can;
    };
    DeploymentAnswer told;
    told.name = services.settings.text("listen");
    told.tier = services.settings.tier().name;
    told.version = version();
    told.production = services.settings.production();
    if (const auto latest = services.snapshots.latest())
        told.instances = instancesUp(latest->instances);
    told.role = asker.role;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&](auto tag) {
        const Route route = routeOf(tag);
        told.questions.push_back({std::string(route.path), route.role,
                                  offered(route.role, route.needsSession, whyNotAnswered(services, tag))});
    });
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Action>>([&]<class A>(Tag<A>) {
        const Action kind(A{});
        const Role least = leastRole(kind);
        const ActionTraits traits = traitsOf(kind);
        told.actions.push_back(
            {std::string(traits.name), least, offered(least, traits.needsSession, whyNot(services, kind))});
    });
    co_return told;
}

} // namespace portolan::console
