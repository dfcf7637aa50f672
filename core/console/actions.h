// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/action.h"
#include "core/api/result.h"
#include "core/console/portal_services.h"

#include <string>
#include <string_view>
#include <vector>

/// What actions mean for a portal in this process, asked for by its own console or over HTTP. Coroutines; any executor.
/// Every action goes through the service that executes it, which writes the one audit entry.
namespace portolan::console {

/// What an action would touch; touches nothing and leaves no entry. A preview of a cleanup walks through the keys for
/// at most 10 s and then says what it has found so far. NotFound: there is nothing (no more) to do it to.
awaitable<Result<ActionPreview>> previewAction(PortalServices services, Action action);

/// The console in the portal's own process: the system itself with the rights of an admin, since whoever owns the
/// process may do anything.
Actor consoleActor(std::string reason);

/// Does it. A cleanup that takes longer than 20 s goes on by itself; the outcome says so. Forbidden: the actor's role
/// is not enough.
awaitable<Result<ActionOutcome>> performAction(PortalServices services, Action action, Actor actor);

/// Whether an action may name so many tasks: Invalid, if not.
Result<void> checkNumber(const std::vector<std::string> &ids);

/// Whether a portal can do this kind of action at all, as its Redis is and with the rights it has there; else why not.
Capability whyNot(const PortalServices &services, const Action &action);

} // namespace portolan::console
