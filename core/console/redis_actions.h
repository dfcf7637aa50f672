// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/action.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/monitor/cleanup.h"

#include <chrono>

namespace portolan::monitor {
class RedisAdmin;
}

/// What operators do to Redis, a portal's own or a watched one. Coroutines; any executor. Errors are RedisAdmin's.
namespace portolan::console {

/// What it would touch. NotFound: nothing that is there (any more).
awaitable<Result<ActionPreview>> previewOf(monitor::RedisAdmin &redis, CloseClients action);
/// Walks through the keys for at most 10 s and then says what it has found so far.
awaitable<Result<ActionPreview>> previewOf(monitor::RedisAdmin &redis, CleanUpFamily action);

/// One that takes longer than 20 s goes on by itself; the outcome says so.
awaitable<Result<ActionOutcome>> carryOut(monitor::RedisAdmin &redis, CleanUpFamily action, Actor actor);

/// A cleanup, or the count of what it would delete, once it is over or as it stands after `patience`.
awaitable<Result<monitor::CleanupStatus>> runCleanup(monitor::RedisAdmin &redis, CleanUpFamily action, bool dryRun,
                                                     Actor actor, std::chrono::seconds patience);

} // namespace portolan::console
