// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/action.h"
#include "core/api/result.h"
#include "core/base/asio.h"

#include <string>

namespace portolan::monitor {
class RedisAdmin;
}
namespace portolan::portal {
class ApiTokenService;
class UserAdminService;
} // namespace portolan::portal

/// Actions that one service carries out alone, for which the others need not be there. Roles are performAction()'s.
/// Coroutines; any executor. Errors are the service's.
namespace portolan::console {

/// One fact, and what came of it.
ActionOutcome outcomeOf(Fact fact, std::string subject = {});

awaitable<Result<ActionOutcome>> carryOut(monitor::RedisAdmin &redis, CloseClients action, Actor actor);

awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, CreateUser action, Actor actor);
awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, ChangeUser action, Actor actor);
awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, ResetPassword action, Actor actor);
awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, SignOutUser action, Actor actor);
awaitable<Result<ActionOutcome>> carryOut(portal::UserAdminService &users, DeleteUser action, Actor actor);

awaitable<Result<ActionOutcome>> carryOut(portal::ApiTokenService &tokens, RevokeToken action, Actor actor);

} // namespace portolan::console
