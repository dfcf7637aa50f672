// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/embedded/embedded_deployment.h"

#include "core/api/post_to.h"
#include "core/base/settings.h"
#include "core/base/version.h"
#include "core/console/actions.h"
#include "core/console/questions.h"
#include "core/console/snapshot_feed.h"
#include "core/server/portal_server.h"

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

void EmbeddedDeployment::answer(AnyAsked asked)
{
    std::visit(
        [this]<class Q>(Asked<Q> &one) {
            if (!m_services)
                return one.reply->finish(notThere(m_link));
            m_calls.start<typename Q::Answer>(
                m_services->executor,
                [services = *m_services, question = std::move(one.question)] {
                    return console::answerTo(services, console::consoleActor({}).principal, question);
                },
                std::move(one.reply));
        },
        asked);
}

QFuture<Result<ActionPreview>> EmbeddedDeployment::preview(Action action)
{
    return call<ActionPreview>(
        [action](console::PortalServices services) { return console::previewAction(services, action); });
}

QFuture<Result<ActionOutcome>> EmbeddedDeployment::perform(Action action, Permit permit)
{
    return call<ActionOutcome>([action, reason = std::move(permit).reason()](console::PortalServices services) {
        return console::performAction(services, action, console::consoleActor(reason));
    });
}

} // namespace portolan::embedded
