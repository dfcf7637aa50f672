// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"
#include "core/demo/demo_deployment.h"

#include <QTimer>
#include <optional>
#include <vector>

namespace portolan::demo {

/// A local portal that is a DemoDeployment: runs from the beginning, and does at once what it is told.
class DemoStack final : public LocalStack
{
    Q_OBJECT

public:
    DemoStack(DemoOptions options, const Clock &clock, QObject *parent = nullptr);
    ~DemoStack() override;

    void play();                                 ///< samples and log lines come by themselves from here on
    void tick();                                 ///< one sample and its log lines, now
    void switchOff() { become(State::Stopped); } ///< as before it was started
    void failNext(Error error) { m_failNext = std::move(error); } ///< the next call answers this

    /// For tests: the names of the commands, as they were asked, whatever came of them.
    const std::vector<std::string> &calls() const { return m_calls; }

    State state() const override { return m_state; }
    std::optional<Error> problem() const override { return m_problem; }
    const LocalStackSettings &settings() const override { return m_settings; }
    std::vector<TierChoice> tiers() const override;
    std::string dataDirectory() const override;
    std::optional<bool> seeded() const override { return !m_deployment.seeded().empty(); }
    DemoDeployment &deployment() override { return m_deployment; }
    QFuture<Result<void>> start(LocalStackSettings settings) override;
    QFuture<Result<ActionPreview>> preview(StackCommand command) override;
    QFuture<Result<ActionOutcome>> perform(StackCommand command, Permit permit) override;

private:
    Result<ActionOutcome> carryOut(const StartStack &command);
    Result<ActionOutcome> carryOut(const StopStack &command);
    Result<ActionOutcome> carryOut(const RestartStack &command);
    Result<ActionOutcome> carryOut(const ResetStack &command);
    Result<ActionOutcome> carryOut(const SeedStack &command);
    Result<ActionOutcome> carryOut(const MendStack &command);
    Result<ActionOutcome> carryOut(const UnseedStack &command);
    std::optional<Error> refusal(const StackCommand &command) const;
    std::string detailBefore(const StackCommand &command) const;
    Result<ActionPreview> previewOfReset() const;
    Result<ActionPreview> previewOfUnseed() const;
    Result<void> begin(const LocalStackSettings &settings);
    void end();
    void become(State state);
    void logSample();
    void log(LogLine::Level level, std::string message);
    std::optional<Error> takeFailure() { return std::exchange(m_failNext, std::nullopt); }

    const Clock &m_clock;
    DemoDeployment m_deployment;
    State m_state = State::Running;
    std::optional<Error> m_problem;
    std::optional<Error> m_failNext;
    LocalStackSettings m_settings;
    std::vector<std::string> m_calls;
    std::uint64_t m_lines = 0;
    QTimer m_timer;
};

} // namespace portolan::demo
