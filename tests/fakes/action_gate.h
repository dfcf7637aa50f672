// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/api/local_stack.h"

#include <string>
#include <utility>

namespace portolan::ui {

/// Stands where the console's gate does, for tests of what is behind it: asks for an action without looking at roles or
/// read-only mode. Not to be linked together with the real one.
class ActionGate final
{
public:
    static QFuture<Result<ActionOutcome>> perform(Deployment &deployment, Action action, std::string reason)
    {
        return deployment.perform(std::move(action), std::move(reason));
    }
    static QFuture<Result<ActionOutcome>> perform(LocalStack &stack, StackCommand command, std::string reason)
    {
        return stack.perform(std::move(command), std::move(reason));
    }
};

} // namespace portolan::ui
