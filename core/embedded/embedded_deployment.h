// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/base/calls.h"
#include "core/console/portal_services.h"

#include <QTimer>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace portolan::server {
class PortalServer;
}

namespace portolan::embedded {

/// A portal in this process as a deployment. Stays the same object while portals come and go: attach() one that has
/// started, detach() before it stops. Everything on the GUI thread; the work runs as coroutines on the portal's I/O
/// threads, and samples come from there as queued events, never more than one on its way.
class EmbeddedDeployment final : public Deployment
{
    Q_OBJECT

public:
    /// `lostAfter`: without a sample for so long the link is Lost.
    explicit EmbeddedDeployment(std::chrono::milliseconds lostAfter = std::chrono::seconds(5),
                                QObject *parent = nullptr);
    ~EmbeddedDeployment() override; ///< detach()

    /// A portal is being started; `settings`, where known, are shown until it is there.
    void expect(std::string tier, bool production);                   ///< what the portal will be, before it runs
    void setName(std::string name) { m_info.name = std::move(name); } ///< "Local portal" otherwise
    void connecting();
    /// Uses this one, which outlives it or the next detach().
    void attach(const server::PortalServer &portal);
    /// Uses none any more: calls answer Unavailable at once, no signal of it comes afterwards. `why`: linkReason() from
    /// now on. What is under way goes on; cancelCalls() gives it up.
    void detach(LinkReason why);
    /// Calls under way answer Cancelled.
    void cancelCalls();

    DeploymentInfo info() const override { return m_info; }
    LinkState link() const override { return m_link; }
    LinkReason linkReason() const override { return m_reason; }
    std::shared_ptr<const Snapshot> latest() const override { return m_latest; }
    Capability capability(const Action &action) const override;

    QFuture<Result<ActionPreview>> preview(Action action) override;
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override;

protected:
    void answer(AnyAsked asked) override;

private:
    /// `work` is called on the portal's executor with its services.
    template <class T> QFuture<Result<T>> call(std::function<awaitable<Result<T>>(console::PortalServices)> work);
    void take();
    void setLink(LinkState link, LinkReason reason);

    /// The one sample on its way to the GUI thread; a newer one takes its place.
    struct Inbox
    {
        std::mutex mutex;
        std::shared_ptr<const Snapshot> sample;
    };

    const std::chrono::milliseconds m_lostAfter;
    std::optional<console::PortalServices> m_services;
    std::shared_ptr<Inbox> m_inbox;
    std::shared_ptr<void> m_subscription;
    std::shared_ptr<const Snapshot> m_latest;
    DeploymentInfo m_info;
    LinkState m_link = LinkState::Off;
    LinkReason m_reason = LinkReason::NotRunning;
    QTimer m_silence;
    Calls m_calls;
};

} // namespace portolan::embedded
