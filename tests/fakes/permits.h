// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/gate.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

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
    QFuture<Result<std::vector<Series>>> history(HistoryQuery) override { return none<std::vector<Series>>(); }
    QFuture<Result<std::vector<Event>>> events(WallTime, WallTime) override { return none<std::vector<Event>>(); }
    QFuture<Result<std::vector<ClientInfo>>> clients() override { return none<std::vector<ClientInfo>>(); }
    QFuture<Result<TaskList>> tasks(TaskQuery) override { return none<TaskList>(); }
    QFuture<Result<std::vector<WorkerInfo>>> workers() override { return none<std::vector<WorkerInfo>>(); }
    QFuture<Result<UserPage>> users(UserQuery) override { return none<UserPage>(); }
    QFuture<Result<std::vector<LimitUse>>> limitUse(Id) override { return none<std::vector<LimitUse>>(); }
    QFuture<Result<std::vector<SessionEntry>>> sessions(Id) override { return none<std::vector<SessionEntry>>(); }
    QFuture<Result<AuditPage>> audit(AuditQuery) override { return none<AuditPage>(); }
    QFuture<Result<ActionPreview>> preview(Action) override { return none<ActionPreview>(); }
    QFuture<Result<ActionOutcome>> perform(Action, Permit) override { return none<ActionOutcome>(); }

private:
    template <class T> static QFuture<Result<T>> none() { return QtFuture::makeReadyFuture(Result<T>(T{})); }
};

/// Leave for what is to be tried behind the gate, whatever the deployment there would have let through.
inline Permit permitted(std::string reason = {})
{
    const WillingDeployment willing;
    return std::get<Permit>(Gate().permit(willing, SignOutUser{1}, Confirmed{std::move(reason)}));
}

} // namespace portolan
