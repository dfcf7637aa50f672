// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"

#include <functional>
#include <memory>
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
    LinkState link() const override { return m_behind.link(); }
    LinkReason linkReason() const override { return m_behind.linkReason(); }
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
    bool m_holds = false;
    bool m_holdsOutcomes = false;
    std::vector<std::function<void()>> m_held;
};

} // namespace portolan::ui
