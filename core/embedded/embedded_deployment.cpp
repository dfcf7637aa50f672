// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/embedded_deployment.h"

#include "core/api/post_to.h"
#include "core/base/settings.h"
#include "core/base/version.h"
#include "core/console/actions.h"
#include "core/console/snapshot_feed.h"
#include "core/console/task_board.h"
#include "core/limits/limit_use.h"
#include "core/monitor/history.h"
#include "core/monitor/redis_admin.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/redis/client.h"
#include "core/server/portal_server.h"

#include <numeric>

namespace portolan::embedded {
namespace {

Error notThere(LinkState link)
{
    if (link == LinkState::Connecting)
        return failure(ErrorKind::Unavailable, "The portal is starting.", "Wait until it runs.");
    return failure(ErrorKind::Unavailable, "The portal is not running.", "Start it.");
}

DeploymentInfo localPortal()
{
    DeploymentInfo info;
    info.name = "Local portal";
    info.version = version();
    info.role = Role::Admin;
    return info;
}

awaitable<Result<std::vector<ClientInfo>>> listClients(console::PortalServices services)
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

awaitable<Result<std::vector<WorkerInfo>>> listWorkers(console::PortalServices services)
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

awaitable<Result<std::vector<LimitUse>>> limitUseOf(console::PortalServices services, Id id)
{
    const auto user = co_await services.users.user(id);
    if (!user)
        co_return user.error();
    co_return co_await services.limitUse.of(id);
}

} // namespace

EmbeddedDeployment::EmbeddedDeployment(std::chrono::milliseconds lostAfter, QObject *parent)
    : Deployment(parent), m_lostAfter(lostAfter), m_info(localPortal())
{
    m_silence.setSingleShot(true);
    connect(&m_silence, &QTimer::timeout, this, [this] {
        take(); // it may be on its way: then it was this thread that was late
        if (!m_silence.isActive())
            setLink(LinkState::Lost, LinkReason::Silent);
    });
}

EmbeddedDeployment::~EmbeddedDeployment()
{
    m_subscription.reset();
    m_calls.cancelAll();
}

void EmbeddedDeployment::expect(std::string tier, bool production)
{
    m_info.tier = std::move(tier);
    m_info.production = production;
}

void EmbeddedDeployment::connecting() { setLink(LinkState::Connecting, LinkReason::Starting); }

void EmbeddedDeployment::attach(const server::PortalServer &portal)
{
    m_services.emplace(portal.services());
    m_info.url = portal.url();
    m_info.tier = m_services->settings.tier().name;
    m_info.production = m_services->settings.production();
    m_inbox = std::make_shared<Inbox>();
    m_subscription = m_services->snapshots.subscribe(
        [this, inbox = m_inbox](const std::shared_ptr<const Snapshot> &sample) { // dropped before `this` goes
            {
                const std::lock_guard lock(inbox->mutex);
                const bool underWay = inbox->sample != nullptr;
                inbox->sample = sample;
                if (underWay)
                    return;
            }
            postTo(this, [this] { take(); });
        });
    m_link = LinkState::Connecting;
    m_reason = LinkReason::FirstSample;
    m_silence.start(m_lostAfter);
    emit changed();
}

void EmbeddedDeployment::detach(LinkReason why)
{
    m_subscription.reset();
    m_inbox.reset();
    m_services.reset();
    m_silence.stop();
    m_info.url.clear();
    m_link = LinkState::Off;
    m_reason = why;
    emit changed();
}

void EmbeddedDeployment::cancelCalls() { m_calls.cancelAll(); }

void EmbeddedDeployment::take()
{
    if (!m_inbox)
        return;
    std::shared_ptr<const Snapshot> sample;
    {
        const std::lock_guard lock(m_inbox->mutex);
        sample.swap(m_inbox->sample);
    }
    if (!sample)
        return;
    m_latest = std::move(sample);
    m_silence.start(m_lostAfter);
    setLink(LinkState::Live, LinkReason::No);
    emit sampled(m_latest);
}

void EmbeddedDeployment::setLink(LinkState link, LinkReason reason)
{
    if (m_link == link && m_reason == reason)
        return;
    m_link = link;
    m_reason = reason;
    emit changed();
}

Capability EmbeddedDeployment::capability(const Action &action) const
{
    if (!m_services)
        return {.why = m_link == LinkState::Connecting ? WhyNot::Starting : WhyNot::NotRunning};
    return console::whyNot(*m_services, action);
}

template <class T>
QFuture<Result<T>> EmbeddedDeployment::call(std::function<awaitable<Result<T>>(console::PortalServices)> work)
{
    if (!m_services)
        return answered<T>(notThere(m_link));
    return m_calls.start<T>(m_services->executor,
                            [services = *m_services, work = std::move(work)] { return work(services); });
}

QFuture<Result<std::vector<Series>>> EmbeddedDeployment::history(HistoryQuery query)
{
    return call<std::vector<Series>>(
        [query](console::PortalServices services) { return services.history.query(query); });
}

QFuture<Result<std::vector<Event>>> EmbeddedDeployment::events(WallTime from, WallTime to)
{
    return call<std::vector<Event>>(
        [from, to](console::PortalServices services) { return services.history.events(from, to); });
}

QFuture<Result<std::vector<ClientInfo>>> EmbeddedDeployment::clients()
{
    return call<std::vector<ClientInfo>>(listClients);
}

QFuture<Result<TaskList>> EmbeddedDeployment::tasks(TaskQuery query)
{
    return call<TaskList>([query](console::PortalServices services) { return console::listTasks(services, query); });
}

QFuture<Result<std::vector<WorkerInfo>>> EmbeddedDeployment::workers()
{
    return call<std::vector<WorkerInfo>>(listWorkers);
}

QFuture<Result<UserPage>> EmbeddedDeployment::users(UserQuery query)
{
    return call<UserPage>([query](console::PortalServices services) { return services.users.page(query); });
}

QFuture<Result<std::vector<LimitUse>>> EmbeddedDeployment::limitUse(Id user)
{
    return call<std::vector<LimitUse>>([user](console::PortalServices services) { return limitUseOf(services, user); });
}

QFuture<Result<std::vector<SessionEntry>>> EmbeddedDeployment::sessions(Id user)
{
    return call<std::vector<SessionEntry>>(
        [user](console::PortalServices services) { return services.users.sessions(user); });
}

QFuture<Result<AuditPage>> EmbeddedDeployment::audit(AuditQuery query)
{
    return call<AuditPage>([query](console::PortalServices services) { return services.users.audit(query); });
}

QFuture<Result<ActionPreview>> EmbeddedDeployment::preview(Action action)
{
    return call<ActionPreview>(
        [action](console::PortalServices services) { return console::previewAction(services, action); });
}

QFuture<Result<ActionOutcome>> EmbeddedDeployment::perform(Action action, Permit permit)
{
    return call<ActionOutcome>([action, reason = std::move(permit).reason()](console::PortalServices services) {
        return console::performAction(services, action, reason);
    });
}

} // namespace portolan::embedded
