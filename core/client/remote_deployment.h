// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/base/calls.h"
#include "core/client/clock_skew.h"
#include "core/client/far_end.h"

#include <QTimer>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace portolan::client {

/// A `portoland` somewhere else as a deployment, over HTTP and a WebSocket (far_end.h). It walks the tables that the
/// server's routes are made of, Questions and Action, and knows none of them by name. Everything on the GUI thread; the
/// work runs as coroutines on an I/O thread, JSON is read there too.
///
/// While it is not connected calls answer at once with what stands in the way, trouble(). Connecting: no sample has
/// come yet, whatever the reason; Lost: they came, and do not now. A question whose connection broke is asked again
/// once, an action never: it is Timeout "http-unknown" then, it may have been done. What the portal does not offer,
/// because it is of another version, is Unsupported "portal-version" and not asked for.
class RemoteDeployment final : public Deployment
{
    Q_OBJECT

public:
    struct Spec
    {
        std::string name; ///< for people; empty: its host and path
        PortalAddress address;
        TrustSpec trust;
        Secret token;  ///< an API token, or the access token of a sign-in; empty: `email` and `password`
        Reach reach{}; ///< the way there
        std::string email{};
        Secret password{};
    };

    /// `lostAfter`: without a sample for so long the link is Lost, where it is looked at closely; five times as long
    /// where it is not.
    RemoteDeployment(Spec spec, const FarEnd::Parts &parts,
                     std::chrono::milliseconds lostAfter = std::chrono::seconds(3), QObject *parent = nullptr);
    ~RemoteDeployment() override; ///< detach(), without a signal

    void attach(); ///< connects, and stays so; nothing while it is attached already
    void detach(); ///< calls under way answer Cancelled
    /// Closely, at first. AtAGlance latest() has only what sample_reader.h names; Closely again, all of it comes with
    /// the next sample.
    void look(Look look);

    DeploymentInfo info() const override { return m_info; }
    LinkState link() const override { return m_link; }
    LinkReason linkReason() const override { return m_reason; }
    std::optional<Error> trouble() const override { return m_trouble; }
    std::chrono::milliseconds skew() const override { return m_skew.skew(); }
    std::shared_ptr<const Snapshot> latest() const override { return m_latest; }
    Capability capability(const Action &action) const override;
    QFuture<Result<ActionPreview>> preview(Action action) override;
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override;

protected:
    void answer(AnyAsked asked) override;

private:
    void take();
    void takeOffer(DeploymentAnswer offer);
    void setLink(LinkState link, LinkReason reason, std::optional<Error> trouble = {});
    Error notThere() const;
    Error notKnownThere() const;
    void end();
    FarEnd::Spec farSpec() const;
    std::chrono::milliseconds silence() const { return m_lostAfter * everyOf(m_look).count(); }
    template <class T>
    QFuture<Result<T>> act(std::string_view path, const Action &action, const std::string &reason,
                           std::chrono::milliseconds deadline);

    const Spec m_spec;
    const FarEnd::Parts m_parts;
    const std::chrono::milliseconds m_lostAfter;
    std::shared_ptr<Mailbox> m_mailbox;
    std::shared_ptr<FarEnd> m_far; ///< null: detached
    Look m_look = Look::Closely;
    DeploymentInfo m_info;
    std::optional<DeploymentAnswer> m_offer;
    std::shared_ptr<const Snapshot> m_latest;
    LinkState m_link = LinkState::Off;
    LinkReason m_reason = LinkReason::Gone;
    std::optional<Error> m_trouble;
    ClockSkew m_skew;
    QTimer m_silence;
    Calls m_calls;
};

} // namespace portolan::client
