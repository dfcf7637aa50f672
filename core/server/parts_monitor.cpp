// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/log_error.h"
#include "core/base/names.h"
#include "core/base/version.h"
#include "core/limits/keys.h"
#include "core/monitor/instances/merge.h"
#include "core/monitor/printable.h"
#include "core/queue/task_registry.h"
#include "core/server/environment.h"
#include "core/server/parts.h"
#include "core/server/still_allowed.h"
#include "core/storage/write_check.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/verb.hpp>

#include <algorithm>

/// How the portal is measured: what the sampler is told, what is counted, and who hears of it; and what it does by the
/// clock.
namespace portolan::server {

/// From so many on, counting them is work for the database, and the figure may lag.
static constexpr std::int64_t manyUsers = 10'000;

/// What pages ask for again and again is asked of a Redis with a plan so often at most.
static constexpr std::chrono::milliseconds keptUnderPlan{5000};
static constexpr unsigned usersEveryUnderPlan = 5; ///< seconds

/// Names that others gave.
static std::vector<std::string> shown(const std::vector<std::string> &names)
{
    std::vector<std::string> all;
    for (const std::string &name : names)
        all.push_back(monitor::printable(name));
    return all;
}

monitor::RedisCheck::Options PortalServer::Parts::redisCheckOptions()
{
    monitor::RedisCheck::Options check;
    check.instance = workers.node();
    check.user = infrastructure->redisEndpoint.user;
    check.queues = [this] { return workers.options().queues; };
    check.keys.push_back({std::string(limits::keys::activeUsers), "ZCARD", redis::Use::Sessions});
    if (settings.tier().ceilings.analysis > 0)
        check.keys.push_back({ceilings.keyOf("analysis"), "ZCARD", redis::Use::Queue});
    check.sessions = [this] { return storageWatch.redisMoved(); };
    check.queue = [this] {
        if (auto moved = storageWatch.redisMoved())
            return moved;
        if (auto felt = workers.problem(); felt || !neighbours)
            return felt;
        auto now = neighbours->status(); // nothing is taken before it has looked
        return now.holdingBack && !now.looked ? std::move(now.problem) : std::nullopt;
    };
    check.memory = [this]() -> std::optional<redis::Info::Memory> {
        const auto sample = sampler->latest();
        if (!sample || sample->redis.maxmemoryPolicy.empty())
            return std::nullopt;
        redis::Info::Memory memory;
        memory.max = sample->redis.maxmemory;
        memory.policy = sample->redis.maxmemoryPolicy;
        return memory;
    };
    return check;
}

void PortalServer::Parts::makeMonitor()
{
    std::vector<telemetry::RouteName> names;
    for (const auto &route : router.routes()) {
        const bool probe = std::ranges::find(m_options.probes, route->path) != m_options.probes.end();
        names.push_back({std::string(boost::beast::http::to_string(route->method)), route->path, false, probe});
    }
    httpMetrics.emplace(infrastructure->registry, std::move(names));
    observer.emplace(*httpMetrics, clock, logger, settings.tier().logHealth);
    auto &base = *infrastructure;
    redisCheck.emplace(base.runtime.at(0), *base.redis, base.subscriber.get(), clock, logger, redisCheckOptions());
    workers.takeWhile([this] {
        const auto rights = redisCheck->rights();
        return !rights || !rights->lacks(redis::Use::Queue);
    });
    monitor::SamplerOptions options;
    options.version = version();
    options.instance = instanceName;
    options.planned = settings.isSet("redis.url");
    options.details = settings.boolean("monitoring");
    if (m_hasPlan) {
        const Tier::Redis &plan = settings.tier().redis;
        options.limits = {double(plan.commandsPerSecond), double(plan.trafficPerMonth)};
    }
    sampler.emplace(base.runtime.at(0), base.redis.get(), *httpMetrics, settings.tier(), clock, monitorSources(),
                    options);
    cleanup.emplace(base.runtime.at(0), *base.redis, sampler->families(), clock, [this] {
        std::vector<std::string> queues = workers.options().queues;
        for (queue::WaitingList &list : sampler->queues().lists()) {
            queues.push_back(std::move(list.queue));
            queues.push_back(std::move(list.key));
        }
        return queues;
    });
    redisAdmin.connect(*sampler, &*cleanup);
    workerAdmin.connect(sampler->queues(), m_hasPlan ? keptUnderPlan : std::chrono::milliseconds(0));
    taskLists.setLife(m_hasPlan ? keptUnderPlan : std::chrono::milliseconds(0));
    monitorRoutes.connect(*sampler);
    // What a console in this process does is noted with its outcome by the console's actions.
    auditLog.onRecorded([this](const AuditEntry &entry, const Principal &by) {
        if (isSystem(by))
            return;
        history.note({.time = entry.at,
                      .kind = EventKind::Action,
                      .name = entry.action,
                      .reason = entry.outcome == "done" ? std::string() : entry.outcome,
                      .actor = entry.actor,
                      .subject = entry.subject,
                      .detail = entry.detail});
    });
    sampler->onSnapshot([this](const std::shared_ptr<const Snapshot> &snapshot) {
        history.record(*snapshot);
        const std::uint64_t errors = sampler->own()->http.traffic.errors;
        if (errors > m_serverErrors)
            m_pagesDoubtful = true;
        m_serverErrors = errors;
        snapshots.publish(snapshot);
    });
    if (settings.isSet("redis.url")) {
        makeRoll();
        makeBackfill();
    }
}

void PortalServer::Parts::makeRoll()
{
    auto &base = *infrastructure;
    monitor::instances::RollOptions options;
    options.name = instanceName;
    options.version = version();
    options.database = base.redisEndpoint.database;
    // Without a plan nothing bounds it, but it is told all the same what the portal asks of Redis itself.
    options.pace = [this](std::uint64_t commands, std::uint64_t bytes) { return sampler->exchanged(commands, bytes); };
    roll.emplace(base.runtime.at(0), *base.redis, *base.subscriber, clock, std::move(options),
                 [this](monitor::instances::Identity who) { return sampler->share(std::move(who)); });
    roll->onChange([this](const monitor::instances::Change &change) { instanceChanged(change); });
}

void PortalServer::Parts::makeBackfill()
{
    auto &base = *infrastructure;
    monitor::instances::BackfillOptions options;
    options.name = instanceName;
    options.database = base.redisEndpoint.database;
    options.plan = m_hasPlan;
    options.paid = [this](std::uint64_t commands, std::uint64_t bytes) { sampler->paid(commands, bytes); };
    backfill.emplace(
        base.runtime.at(0), *base.redis, *base.subscriber, clock, logger, history, [this] { return roll->members(); },
        std::move(options));
    base.registry.counted("portal_history_refused_total",
                          "Pieces of history told by other instances that could not be read", {}, [this] {
                              return telemetry::Samples{{{}, double(backfill->counters().refused)}};
                          });
}

/// Another instance started, is silent, is gone: an event of the time line, and a line of the log.
void PortalServer::Parts::instanceChanged(const monitor::instances::Change &change)
{
    using Kind = monitor::instances::Change::Kind;
    namespace what = instance_event;
    const auto members = roll->members();
    const auto member =
        std::ranges::find(members, change.instance, [](const monitor::instances::Member &one) { return one.who.name; });
    const bool known = member != members.end();
    Event event{.time = clock.wall(), .kind = EventKind::Instance, .name = change.instance};
    event.detail = known ? member->who.version : std::string();
    event.reason = change.kind == Kind::Joined      ? what::started
                   : change.kind == Kind::Restarted ? what::restarted
                   : change.kind == Kind::Hangs     ? what::hangs
                   : change.kind == Kind::Back      ? what::back
                   : change.kind == Kind::Gone      ? what::gone
                   : change.kind == Kind::Stopped   ? what::stopped
                                                    : what::twice;
    const bool bad = change.kind == Kind::Hangs || change.kind == Kind::Gone || change.kind == Kind::Twice;
    logger.log(bad ? LogLevel::Warning : LogLevel::Info, "another instance of the deployment",
               {{"instance", event.name}, {"what", event.reason}, {"version", event.detail}});
    history.note(event);
    const bool fresh = change.kind == Kind::Joined || change.kind == Kind::Restarted;
    if (!fresh || !known || !member->otherVersion)
        return;
    event.reason = what::version;
    logger.warn("another instance runs another version", {{"instance", event.name}, {"version", event.detail}});
    history.note(std::move(event));
}

WorkerFigures PortalServer::Parts::workerFigures()
{
    const auto counters = workers.counters();
    WorkerFigures figures;
    figures.node = workers.node();
    const auto status = workers.status();
    figures.concurrency = status.concurrency;
    figures.threads = status.threads.size();
    figures.busy = counters.active;
    figures.abandoned = counters.abandoned;
    figures.succeeded = counters.succeeded;
    figures.failed = counters.failed;
    figures.retried = counters.retried;
    figures.revoked = counters.revoked;
    figures.rejected = counters.rejected;
    figures.restored = counters.restored;
    for (const auto &[reason, name] : enumNames<queue::Refused>)
        if (const auto messages = counters.refused[std::size_t(reason)]; messages > 0)
            figures.refused.push_back({std::string(name), messages});
    if (neighbours) {
        auto now = neighbours->status();
        figures.sharedQueue = SharedQueueFigures{now.holdingBack,
                                                 now.looked,
                                                 now.allowed,
                                                 shown(now.neighbours.workers),
                                                 shown(now.neighbours.silent),
                                                 shown(now.neighbours.tasks),
                                                 watchesResults() ? now.discarded : std::nullopt};
    }
    return figures;
}

void PortalServer::Parts::tokenEnded(std::string_view name)
{
    apiTokens.forget(name);
    sockets.askAbout([name](const std::any &admission) { return isOfToken(name, admission); });
}

console::PortalServices PortalServer::Parts::services()
{
    auto &base = *infrastructure;
    return {base.runtime.at(0),
            settings,
            clock,
            snapshots,
            accounts,
            userAdmin,
            tokenAdmin,
            tasks,
            workerAdmin,
            redisAdmin,
            history,
            limitUse,
            broker,
            workers,
            base.taskOwners,
            *base.redis,
            base.database,
            auditLog,
            taskLists,
            logger,
            redisCheck ? &*redisCheck : nullptr,
            base.redisName() != "memory"};
}

monitor::Sources PortalServer::Parts::monitorSources()
{
    monitor::Sources sources;
    sources.queues = [this] { return workers.status().queues; };
    sources.watched = [this] { return snapshots.watched() || monitorRoutes.watched(); };
    sources.tasks = [this] {
        const auto counters = workers.counters();
        monitor::TaskFigures figures{counters.taken,    counters.succeeded + counters.failed + counters.revoked,
                                     counters.failed,   counters.active,
                                     counters.reserved, counters.scheduled,
                                     counters.parked};
        figures.searching = {counters.ownCommands, counters.ownHits, counters.ownMisses, counters.ownBytes};
        return figures;
    };
    sources.workers = [this] { return workerFigures(); };
    sources.connections = [this] {
        if (!server)
            return monitor::ConnectionFigures{};
        const auto counters = server->counters();
        return monitor::ConnectionFigures{counters.connections, counters.webSockets, counters.refused, counters.cut};
    };
    sources.dbPools = [this] {
        const auto use = infrastructure->database.use();
        return std::vector<DbPoolFigures>{{"primary", use.connections, use.busy, use.waiting, use.waits,
                                           std::chrono::duration<double>(use.waited).count(), use.timedOut}};
    };
    sources.users = [this] {
        UserFigures figures;
        if (const auto users = m_concurrentUsers.load(); users >= 0)
            figures.concurrent = static_cast<std::uint64_t>(users);
        if (const auto sessions = m_sessions.load(); sessions >= 0)
            figures.sessions = static_cast<std::uint64_t>(sessions);
        if (const auto users = m_registeredUsers.load(); users >= 0)
            figures.registered = static_cast<std::uint64_t>(users);
        figures.failedSignIns = failedSignIns.recent();
        return figures;
    };
    sources.disk = [this] { return storageWatch.disk(); };
    sources.paths = [this] {
        std::vector<LinkStatus> paths = redisCheck->paths();
        paths.push_back(storageWatch.directory());
        return paths;
    };
    sources.together = [this](const monitor::instances::Share &own) {
        return roll ? roll->together(own) : monitor::instances::Together{monitor::instances::merged(own, {})};
    };
    sources.notTold = [this] {
        std::vector<NotTold> all = redisCheck->notTold();
        const auto problem = roll ? roll->problem() : std::nullopt;
        // What else keeps Redis from it is told elsewhere.
        if (problem && (problem->code == "redis-rights" || problem->code == "redis-auth") &&
            infrastructure->redis->state() == redis::Client::State::Ready)
            all.push_back({"instances", "PUBLISH", false, problem->message});
        if (roll && roll->full())
            all.push_back({"instances", "SUBSCRIBE", false,
                           "More than " + std::to_string(monitor::instances::Roster::maxMembers) +
                               " instances tell of themselves: the figures of those beyond are missing. Is each "
                               "instance.name kept over restarts?"});
        return all;
    };
    sources.pingDatabase = [this] { return checkDatabase(); };
    return sources;
}

/// Whether Redis tells this process of all results; where it refuses that, none seen is not none.
bool PortalServer::Parts::watchesResults() const
{
    const auto &subscriber = *infrastructure->subscriber;
    return subscriber.state() == redis::Client::State::Ready &&
           std::ranges::none_of(subscriber.refused(), &redis::Subscriber::Refused::pattern);
}

/// Answering is not enough: what users do is written. A change is logged.
awaitable<Result<void>> PortalServer::Parts::checkDatabase()
{
    auto checked = co_await checkPages();
    const std::string trouble = checked ? std::string() : inWords(checked.error());
    if (trouble != m_databaseTrouble) {
        if (!checked)
            logError(logger, LogLevel::Error, "the database does not keep what users write", checked.error());
        else
            logger.info("the database keeps again what users write");
    }
    m_databaseTrouble = trouble;
    co_return checked;
}

/// Damage inside the file shows only where somebody reads it, so a
/// server error is a reason to look at all of it, at most once a minute.
awaitable<Result<void>> PortalServer::Parts::checkPages()
{
    const bool again = !m_pagesChecked || clock.steady() - *m_pagesChecked >= std::chrono::minutes(1);
    const bool thoroughly = again && (m_pagesDamaged || m_pagesDoubtful.exchange(false));
    if (thoroughly)
        m_pagesChecked = clock.steady();
    auto checked = co_await storage::checkWrites(infrastructure->database, thoroughly);
    if (thoroughly || (!checked && checked.error().code == "database-corrupt"))
        m_pagesDamaged =
            !checked && checked.error().code == "database-corrupt" ? std::optional(checked.error()) : std::nullopt;
    if (checked && m_pagesDamaged)
        co_return *m_pagesDamaged;
    co_return checked;
}

void PortalServer::Parts::countTasks()
{
    infrastructure->registry.counted(
        "portal_tasks_rejected_total", "Task messages that were not run, by reason", {"reason"}, [this] {
            telemetry::Samples samples;
            const queue::RefusedCounts refused = workers.counters().refused;
            for (const auto &[reason, name] : enumNames<queue::Refused>)
                samples.push_back({{std::string(name)}, static_cast<double>(refused[std::size_t(reason)])});
            return samples;
        });
    using Type = queue::TaskEvent::Type;
    const auto executor = infrastructure->runtime.at(0);
    workers.observe([this, executor](const queue::TaskEvent &event) {
        const char *state = event.type == Type::Succeeded ? "SUCCESS"
                            : event.type == Type::Failed  ? "FAILURE"
                            : event.type == Type::Retried ? "RETRY"
                            : event.type == Type::Revoked ? "REVOKED"
                                                          : nullptr;
        tasks.observe(event, executor);
        if (!state)
            return;
        const bool known = workers.registry().find(event.message->task) != nullptr;
        infrastructure->metrics.tasks.with({known ? event.message->task : "other", state}).add();
        if (event.type == Type::Succeeded || event.type == Type::Failed)
            infrastructure->metrics.taskDuration.observe(event.runtime);
    });
}

void PortalServer::Parts::countNeighbours()
{
    auto &registry = infrastructure->registry;
    registry.counted(
        "portal_tasks_discarded_total",
        "Tasks of this portal that other programs' workers took and threw away; absent while none is there", {},
        [this] {
            const auto discarded = neighbours && watchesResults() ? neighbours->status().discarded : std::nullopt;
            return discarded ? telemetry::Samples{{{}, static_cast<double>(*discarded)}} : telemetry::Samples{};
        });
    registry.gauge("portal_worker_holding_back", "1 while the workers take nothing because others use their queues", {},
                   [this] {
                       const bool holding = neighbours && neighbours->status().holdingBack;
                       return telemetry::Samples{{{}, holding ? 1.0 : 0.0}};
                   });
}

void PortalServer::Parts::countCaches()
{
    auto &registry = infrastructure->registry;
    registry.counted("portal_rate_limited_total", "Requests refused by a limit, by category", {"category"}, [this] {
        telemetry::Samples samples;
        const auto refused = admission.refused();
        for (const auto &[category, name] : enumNames<Category>)
            samples.push_back({{std::string(name)}, static_cast<double>(refused[static_cast<std::size_t>(category)])});
        return samples;
    });
    registry.counted("portal_cache_requests_total", "Look-ups in caches, by outcome", {"cache", "outcome"}, [this] {
        const auto users = infrastructure->userCache.counts();
        return telemetry::Samples{{{"users", "hit"}, static_cast<double>(users.hits)},
                                  {{"users", "miss"}, static_cast<double>(users.misses)}};
    });
}

void PortalServer::Parts::countSignIns()
{
    infrastructure->registry.counted(
        "portal_sign_ins_failed_total", "Sign-ins that were not let in, by reason", {"reason"}, [this] {
            using Reason = portal::SignInFailure;
            const auto counts = failedSignIns.counts();
            const auto of = [&counts](Reason reason) {
                return static_cast<double>(counts[static_cast<std::size_t>(reason)]);
            };
            // One label for both: whoever may read this is not to learn by it which accounts there are.
            return telemetry::Samples{{{"bad-credentials"}, of(Reason::UnknownAccount) + of(Reason::WrongPassword)},
                                      {{"disabled"}, of(Reason::Disabled)}};
        });
}

void PortalServer::Parts::addPeriodicJobs()
{
    // Only a Redis that others may reach too has other workers.
    if (settings.isSet("redis.url"))
        schedule.add("visibility-timeouts", std::chrono::minutes(1), [this] { return visibilityCheck.run(); });
    schedule.add("trim-sessions", std::chrono::hours(1), [this]() -> awaitable<void> {
        const WallTime now = clock.wall();
        co_await infrastructure->sessionList.trim(now - settings.tier().sessionLifetime, now);
    });
    schedule.add("note-task-ends", std::chrono::minutes(1), [this] { return tasks.noteEnds(); });
    schedule.add("expire-task-owners", std::chrono::hours(1), [this]() -> awaitable<void> {
        co_await infrastructure->taskOwners.expire(clock.wall() - std::chrono::days(30));
    });
}

awaitable<void> PortalServer::Parts::everySecond()
{
    for (unsigned tick = 0; !m_stopping; ++tick) {
        storageWatch.look(infrastructure->runtime.at(0));
        if (!m_hasPlan || tick % usersEveryUnderPlan == 0) {
            const auto concurrent = co_await admission.concurrentUsers();
            m_concurrentUsers = concurrent ? static_cast<std::int64_t>(*concurrent) : -1;
        }
        const std::int64_t known = m_registeredUsers.load();
        if (tick % (known < manyUsers ? 5 : 60) == 0) {
            const auto registered = co_await infrastructure->users.count();
            m_registeredUsers = registered ? static_cast<std::int64_t>(*registered) : -1;
        }
        if (tick % 5 == 0) {
            co_await seenSessions.write();
            co_await apiTokens.writeUses();
            co_await ceilings.settle();
            co_await auditLog.deliver();
            const auto listed =
                co_await infrastructure->sessionList.count(clock.wall() - settings.tier().sessionLifetime);
            m_sessions = listed ? static_cast<std::int64_t>(*listed) : -1;
        }
        if (m_memoryTrim.due(server ? server->counters().connections : 0))
            (void)co_await infrastructure->files.run([] {
                MemoryTrim::trim();
                return true;
            });
        error_code cancelled;
        m_everySecond.expires_after(std::chrono::seconds(1));
        co_await m_everySecond.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
}

} // namespace portolan::server
