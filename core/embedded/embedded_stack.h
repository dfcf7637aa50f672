// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"
#include "core/base/calls.h"
#include "core/base/settings.h"
#include "core/embedded/embedded_deployment.h"
#include "core/embedded/stack_audit.h"
#include "core/embedded/stack_contents.h"

#include <QTimer>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace portolan {
class Clock;
}

namespace portolan::showcase {
class Demonstration;
}

namespace portolan::embedded {

class LogCollector;

/// The portal of this process. PortalServer starts and stops block, so one thread does them, one after the other;
/// everything else is on the GUI thread. A portal whose task threads do not return in time is left behind running
/// nothing (its memory and its data directory stay in use until the process ends), and the log says so.
class EmbeddedStack final : public LocalStack
{
    Q_OBJECT

public:
    struct Options
    {
        bool demonstration = false; ///< a portal that runs is seeded, and visited (demonstration.h)
        /// Told what kept a portal from starting, as the commands of a terminal say it; on a thread of this.
        std::function<void(const Error &)> notStarted = nullptr;
    };

    /// `sources`: what the process was told; LocalStackSettings go above them. What they say of tier, listen, Redis,
    /// database and data directory becomes settings(). `clock` outlives this, and the process should be about to end
    /// when a portal was left behind.
    EmbeddedStack(SettingSources sources, const Clock &clock, Options options, QObject *parent = nullptr);
    EmbeddedStack(SettingSources sources, const Clock &clock) : EmbeddedStack(std::move(sources), clock, Options{}) {}
    /// Waits until the portal has stopped: `shutdown.timeout`, and some seconds for the command under way, of which
    /// nothing is deleted any more. Calls answer Cancelled.
    ~EmbeddedStack() override;

    State state() const override { return m_state; }
    std::optional<Error> problem() const override { return m_problem; }
    const LocalStackSettings &settings() const override { return m_settings; }
    std::vector<TierChoice> tiers() const override;
    std::string dataDirectory() const override;
    std::optional<bool> seeded() const override;
    Deployment &deployment() override { return m_deployment; }

    QFuture<Result<void>> start(LocalStackSettings settings) override;
    QFuture<Result<ActionPreview>> preview(StackCommand command) override;
    QFuture<Result<ActionOutcome>> perform(StackCommand command, Permit permit) override;

private:
    struct Portal;  ///< one that runs, with its logger
    struct Seeding; ///< a seed under way
    using Seeded = std::atomic<std::optional<bool>>;
    /// How it ended; here. One that is dropped answers Cancelled to whoever asked.
    using Done = std::function<void(const Result<void> &)>;
    /// The entries of a start: none for nobody's, one when it is up, and always one when it failed.
    struct Trace
    {
        std::optional<StackEntry> entry;
        bool whenUp = true;
        /// Whose databases may take that of a failure, in this order.
        std::vector<LocalStackSettings> where = {};
    };

    using Outcome = QFuture<Result<ActionOutcome>>;

    Outcome carryOut(StartStack command, StackEntry entry);
    Outcome carryOut(StopStack command, StackEntry entry);
    Outcome carryOut(RestartStack command, StackEntry entry);
    Outcome carryOut(ResetStack command, StackEntry entry);
    Outcome carryOut(SeedStack command, StackEntry entry);
    Outcome carryOut(MendStack command, StackEntry entry);
    Outcome carryOut(UnseedStack command, StackEntry entry);
    static awaitable<Result<ActionOutcome>> runSeed(console::PortalServices services, std::shared_ptr<Seeding> seeding,
                                                    std::shared_ptr<Seeded> seeded, bool privileged, StackEntry entry);
    static awaitable<Result<ActionOutcome>> runUnseed(console::PortalServices services, std::shared_ptr<Seeded> seeded,
                                                      StackEntry entry);

    void begin(LocalStackSettings settings, Trace trace, Done done);
    void startPortal(Trace trace, Done done);
    void startFinished(const Result<std::string> &started, const Done &done);
    void checkThenRestart(LocalStackSettings settings, StackEntry entry, Done done);
    void restart(LocalStackSettings settings, StackEntry entry, Done done);
    /// To what ran before a restart failed: `why` it did is answered either way.
    void goBack(LocalStackSettings before, Error why, Done done);
    void stop(StackEntry entry, Done done);
    bool mayBeCalledOff() const { return m_checking || m_state == State::Starting; }
    void stopAsAsked(); ///< once what was called off has come to its end
    /// `before`, while it still runs, and `afterwards` are called on the thread, `done` here.
    void stopPortal(std::function<void()> before, std::function<Result<void>()> afterwards, Done done);
    Result<std::string> launch(const LocalStackSettings &settings, Trace trace); ///< on the thread; answers the URL
    Result<void> check(const LocalStackSettings &present, const LocalStackSettings &wanted) const; ///< on the thread
    Result<std::string> tryLaunch(Settings settings);
    /// On the thread; the portal does not run. Into the first of these databases that takes it, or else the log.
    void note(const std::vector<LocalStackSettings> &where, const StackEntry &entry);
    void noteHere(StackEntry entry);                             ///< on the thread; where the portal runs
    StackContents contents(const std::filesystem::path &folder); ///< on the thread
    void endSeed(const std::shared_ptr<Seeding> &seeding);       ///< on the thread
    bool seeding() const;
    void lookForSeed();
    /// At the end of what may have changed it; from any thread.
    static awaitable<Result<ActionPreview>> lookForSeed(console::PortalServices services,
                                                        std::shared_ptr<Seeded> seeded);
    std::optional<Error> notResettable() const;
    bool shutDown(); ///< on the thread; whether it was left behind
    bool ending();
    void setState(State state, std::optional<Error> problem = std::nullopt);
    /// On the thread, in order; what is left at destruction is not done.
    void post(std::function<void()> job);
    void work();
    void handOverLog();

    const SettingSources m_sources;
    const Clock &m_clock;
    const Options m_options;
    std::optional<Error> m_toldWrong; ///< what of m_sources is not valid, until something else was chosen
    LocalStackSettings m_settings;
    State m_state = State::Stopped;
    std::optional<Error> m_problem;
    bool m_busy = false;
    bool m_checking = false; ///< the settings of a restart, while the portal still serves
    /// Set by a stop while it starts or looks at settings: what it does then.
    std::function<void()> m_calledOff;
    std::shared_ptr<std::atomic<bool>> m_cancelCheck = std::make_shared<std::atomic<bool>>(false);
    Calls m_calls;
    std::shared_ptr<LogCollector> m_log;
    QTimer m_logTimer;
    EmbeddedDeployment m_deployment;

    /// Made and ended on the thread; looked at here only while no job is under way.
    std::unique_ptr<Portal> m_portal;
    std::unique_ptr<showcase::Demonstration> m_demonstration;
    std::shared_ptr<Seeding> m_seeding;                            ///< the last one
    std::shared_ptr<Seeded> m_seeded = std::make_shared<Seeded>(); ///< of the portal that was started last
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<std::function<void()>> m_jobs;
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace portolan::embedded
