// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/action.h"
#include "core/api/result.h"
#include "core/console/stack_services.h"

/// What actions mean for a watch of somebody else's stack in this process. Coroutines; any executor.
namespace portolan::console {

/// What an action would touch; touches nothing and leaves no entry. Unsupported: whyNot().
awaitable<Result<ActionPreview>> previewAction(StackServices services, Action action);

/// Does it, and writes the one audit entry. Unsupported: whyNot(). Forbidden: the actor's role is not enough.
awaitable<Result<ActionOutcome>> performAction(StackServices services, Action action, Actor actor);

/// Whether a watch can do this kind of action at all, as its file is and with the rights it has there; else why not.
Capability whyNot(const StackServices &services, const Action &action);

} // namespace portolan::console
