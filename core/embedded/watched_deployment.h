// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/base/blocking_pool.h"
#include "core/base/calls.h"
#include "core/base/credentials.h"
#include "core/base/latest_box.h"
#include "core/base/runtime.h"
#include "core/base/trust.h"
#include "core/console/stack_services.h"
#include "core/stack/watch_file.h"

#include <QTimer>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace portolan {
class Clock;
class Dialer;
} // namespace portolan
namespace portolan::server {
class StackWatch;
}

namespace portolan::embedded {

/// What the watches of a console share: one I/O thread, one that reads secrets, whom this machine trusts. Outlives
/// them; `clock` outlives it.
class Watching final
{
public:
    explicit Watching(const Clock &clock, SecretSources secrets = {});
    ~Watching();
    Watching(const Watching &) = delete;
    Watching &operator=(const Watching &) = delete;

private:
    friend class WatchedDeployment;
    const Clock &m_clock;
    const SecretSources m_secrets;
    // In the order in which they outlive each other.
    const std::shared_ptr<TlsClients> m_trust;
    const std::shared_ptr<Dialer> m_direct;
    Runtime m_runtime{1};
    BlockingPool m_files{"watch-files", 2, 64};
};

/// Somebody else's stack, watched in this process as its file says, as a deployment. Everything on the GUI thread; the
/// work runs as coroutines on the watches' I/O thread, and what blocks on the disk on a thread of its own.
///
/// Live: samples come, whatever Redis does; what it has to say of that stands in each sample. What this watch cannot
/// answer or do is Unsupported, with the reason.
class WatchedDeployment final : public Deployment
{
    Q_OBJECT

public:
    /// `folder`: where history and audit are kept; empty: in one that goes with it. `lostAfter`: without a sample for
    /// so long the link is Lost. `watching` outlives it.
    WatchedDeployment(stack::WatchFile file, Watching &watching, std::filesystem::path folder,
                      std::chrono::milliseconds lostAfter = std::chrono::seconds(5), QObject *parent = nullptr);
    ~WatchedDeployment() override; ///< stop(), and waits for it

    void start(); ///< once it has ended it may be started again
    /// Calls under way answer Cancelled; no signal of it comes afterwards but that it is Off.
    void stop();

    DeploymentInfo info() const override { return m_info; }
    LinkState link() const override { return m_link; }
    LinkReason linkReason() const override { return m_reason; }
    std::optional<Error> trouble() const override { return m_trouble; }
    std::shared_ptr<const Snapshot> latest() const override { return m_latest; }
    Capability capability(const Action &action) const override;

    QFuture<Result<ActionPreview>> preview(Action action) override;
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override;

protected:
    void answer(AnyAsked asked) override;

private:
    struct Running;
    template <class T> QFuture<Result<T>> call(std::function<awaitable<Result<T>>(console::StackServices)> work);
    void started(std::shared_ptr<Running> running, std::optional<Error> problem);
    void take();
    void setLink(LinkState link, LinkReason reason);
    void halt();

    const stack::WatchFile m_file;
    Watching &m_watching;
    const std::filesystem::path m_folder;
    const std::chrono::milliseconds m_lostAfter;
    DeploymentInfo m_info;
    LinkState m_link = LinkState::Off;
    LinkReason m_reason = LinkReason::NotRunning;
    std::optional<Error> m_trouble; ///< why it could not be started
    std::shared_ptr<const Snapshot> m_latest;
    std::shared_ptr<LatestBox<Snapshot>> m_inbox;
    std::shared_ptr<void> m_subscription;
    std::shared_ptr<Running> m_running;
    std::optional<console::StackServices> m_services;
    std::thread m_worker; ///< starts it, or stops it, once the one before has ended
    QTimer m_silence;
    Calls m_calls;
};

} // namespace portolan::embedded
