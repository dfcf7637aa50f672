#pragma once

#include "core/api/result.h"
#include "core/server/portal_services.h"

#include <string>

namespace portolan::server {

/// Adds what makes a portal worth a first look: some 40 users, sign-ins of a few, a handful of finished analyses, all
/// through the services that serve real ones. Who is there already is left alone, so it may be done again. Nobody knows
/// the users' passwords. Takes at most some 20 s; what could not be done by then is missing from the sentence it
/// answers. A coroutine on the services' executor. Errors: those of the database.
awaitable<Result<std::string>> seedPortal(PortalServices services);

} // namespace portolan::server
