// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/api/local_stack.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace portolan::ui {

/// Another deployment, which answers at once, whose answers come when they are let come.
class HeldDeployment final : public Deployment
{
public:
    explicit HeldDeployment(Deployment &behind) : m_behind(behind)
    {
        connect(&behind, &Deployment::sampled, this, &Deployment::sampled);
        connect(&behind, &Deployment::changed, this, &Deployment::changed);
    }

    void hold() { m_holds = m_holdsOutcomes = true; } ///< from here on
    void holdOutcomes() { m_holdsOutcomes = true; }   ///< of actions alone
    void release() { m_holds = m_holdsOutcomes = false; }
    /// Its clock is so much ahead, as it stands with one elsewhere.
    void setAhead(std::chrono::milliseconds skew) { m_skew = skew; }
    /// No sample comes from here on.
    void lose(LinkReason reason, Error trouble)
    {
        m_reason = reason;
        m_trouble = std::move(trouble);
        emit changed();
    }
    std::size_t outstanding() const { return m_held.size(); }
    /// Answers what was asked until now; how many.
    std::size_t answerAll()
    {
        const auto held = std::exchange(m_held, {});
        for (const auto &answer : held)
            answer();
        return held.size();
    }

    DeploymentInfo info() const override { return m_behind.info(); }
    LinkState link() const override { return m_trouble ? LinkState::Lost : m_behind.link(); }
    LinkReason linkReason() const override { return m_trouble ? m_reason : m_behind.linkReason(); }
    std::optional<Error> trouble() const override { return m_trouble; }
    std::chrono::milliseconds skew() const override { return m_skew; }
    std::shared_ptr<const Snapshot> latest() const override { return m_behind.latest(); }
    Capability capability(const Action &action) const override { return m_behind.capability(action); }
    QFuture<Result<ActionPreview>> preview(Action action) override
    {
        return later(m_holds, m_behind.preview(std::move(action)));
    }
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override
    {
        return later(m_holdsOutcomes, m_behind.perform(std::move(action), std::move(permit)));
    }

protected:
    void answer(AnyAsked asked) override
    {
        std::visit([this](auto &one) { pass(m_holds, one.reply, m_behind.ask(std::move(one.question)).result()); },
                   asked);
    }

private:
    template <class T> void pass(bool hold, std::shared_ptr<Promised<T>> reply, Result<T> result)
    {
        std::function<void()> give = [reply = std::move(reply), result = std::move(result)] { reply->finish(result); };
        if (hold)
            m_held.push_back(std::move(give));
        else
            give();
    }
    template <class T> QFuture<Result<T>> later(bool hold, const QFuture<Result<T>> &future)
    {
        auto reply = std::make_shared<Promised<T>>();
        auto told = reply->future();
        pass(hold, std::move(reply), future.result());
        return told;
    }

    Deployment &m_behind;
    std::chrono::milliseconds m_skew{0};
    LinkReason m_reason = LinkReason::No;
    std::optional<Error> m_trouble;
    bool m_holds = false;
    bool m_holdsOutcomes = false;
    std::vector<std::function<void()>> m_held;
};

/// The same for a stack: the outcomes of its commands come when they are let come.
class HeldStack final : public LocalStack
{
public:
    explicit HeldStack(LocalStack &behind) : m_behind(behind)
    {
        connect(&behind, &LocalStack::stateChanged, this, &LocalStack::stateChanged);
        connect(&behind, &LocalStack::logged, this, &LocalStack::logged);
    }

    void holdOutcomes() { m_holds = true; }
    std::size_t outstanding() const { return m_held.size(); }
    void answerAll()
    {
        for (const auto &answer : std::exchange(m_held, {}))
            answer();
    }

    State state() const override { return m_behind.state(); }
    std::optional<Error> problem() const override { return m_behind.problem(); }
    const LocalStackSettings &settings() const override { return m_behind.settings(); }
    std::vector<TierChoice> tiers() const override { return m_behind.tiers(); }
    std::string dataDirectory() const override { return m_behind.dataDirectory(); }
    std::optional<bool> seeded() const override { return m_behind.seeded(); }
    Deployment &deployment() override { return m_behind.deployment(); }
    QFuture<Result<void>> start(LocalStackSettings settings) override { return m_behind.start(std::move(settings)); }
    QFuture<Result<ActionPreview>> preview(StackCommand command) override
    {
        return m_behind.preview(std::move(command));
    }
    QFuture<Result<ActionOutcome>> perform(StackCommand command, Permit permit) override
    {
        auto reply = std::make_shared<Promised<ActionOutcome>>();
        auto told = reply->future();
        std::function<void()> give = [reply,
                                      result = m_behind.perform(std::move(command), std::move(permit)).result()] {
            reply->finish(result);
        };
        if (m_holds)
            m_held.push_back(std::move(give));
        else
            give();
        return told;
    }

private:
    LocalStack &m_behind;
    bool m_holds = false;
    std::vector<std::function<void()>> m_held;
};

} // namespace portolan::ui
