// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/no_deployment.h"

namespace portolan {

namespace {

Error nobody() { return failure(ErrorKind::Unavailable, "There is no portal that could answer."); }

} // namespace

DeploymentInfo NoDeployment::info() const
{
    DeploymentInfo info;
    info.role = Role::Admin; // what cannot be done here is not for want of a role
    return info;
}

QFuture<Result<ActionPreview>> NoDeployment::preview(Action) { return answered<ActionPreview>(nobody()); }

QFuture<Result<ActionOutcome>> NoDeployment::perform(Action, Permit) { return answered<ActionOutcome>(nobody()); }

void NoDeployment::answer(AnyAsked asked)
{
    std::visit([](auto &one) { one.reply->finish(nobody()); }, asked);
}

} // namespace portolan
