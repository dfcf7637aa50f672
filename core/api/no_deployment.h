// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"

namespace portolan {

/// Stands where there is no deployment, or none any more: Off, and Unavailable to every question and action. So nobody
/// who shows one has to ask whether there is one.
class NoDeployment final : public Deployment
{
    Q_OBJECT

public:
    using Deployment::Deployment;

    DeploymentInfo info() const override;
    LinkState link() const override { return LinkState::Off; }
    LinkReason linkReason() const override { return LinkReason::Gone; }
    std::shared_ptr<const Snapshot> latest() const override { return nullptr; }
    Capability capability(const Action &) const override { return {.why = WhyNot::NotRunning}; }
    QFuture<Result<ActionPreview>> preview(Action) override;
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override;

protected:
    void answer(AnyAsked asked) override;
};

} // namespace portolan
