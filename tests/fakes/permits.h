// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/gate.h"

#include <string>
#include <utility>
#include <variant>

namespace portolan {

/// Lets everything through, and does nothing.
class WillingDeployment final : public Deployment
{
public:
    DeploymentInfo info() const override
    {
        DeploymentInfo info;
        info.role = Role::Admin;
        return info;
    }
    LinkState link() const override { return LinkState::Live; }
    LinkReason linkReason() const override { return LinkReason::No; }
    std::shared_ptr<const Snapshot> latest() const override { return nullptr; }
    Capability capability(const Action &) const override { return {}; }
    QFuture<Result<ActionPreview>> preview(Action) override { return none<ActionPreview>(); }
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override { return none<ActionOutcome>(); }

protected:
    void answer(AnyAsked) override {} // dropped, it answers Cancelled

private:
    template <class T> static QFuture<Result<T>> none() { return answered<T>(T{}); }
};

/// Leave for what is to be tried behind the gate, whatever the deployment there would have let through.
inline Permit permitted(std::string reason = {})
{
    const WillingDeployment willing;
    return std::get<Permit>(Gate().permit(willing, SignOutUser{1}, Confirmed{std::move(reason)}));
}

} // namespace portolan
