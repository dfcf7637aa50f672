// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/fact.h"
#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/console/portal_services.h"

#include <functional>
#include <string>
#include <vector>

namespace portolan::showcase {

struct SeedOptions
{
    /// Also those of the few that were there before sign in; for that they get another password.
    bool signInAgain = false;
    bool privileged = false; ///< the first is an admin and two are operators; otherwise all have the role user
    /// Asked between its steps, which take a tenth of a second: true ends it. Empty: nobody cancels.
    std::function<bool()> cancelled = {};
};

struct Seed
{
    struct Member
    {
        Id user = 0;
        Secret session; ///< value of the cookie `sid`
    };
    std::vector<Fact> facts;     ///< what was added
    std::vector<Member> members; ///< the users who signed in
};

/// Adds what makes a portal worth a first look: some 40 users, sign-ins of a few, a handful of finished analyses, all
/// through the services that serve real ones. Who is there already is left alone but for signInAgain, so it may be done
/// again. Nobody knows the users' passwords. Takes at most some 20 s, on a Redis plan that bounds its commands about a
/// minute, since it keeps to a part of these; what could not be done by then is missing from the facts. A coroutine on
/// the services' executor. Errors: those of the database; Cancelled, with what was added before, which stays.
awaitable<Result<Seed>> seedPortal(console::PortalServices services, SeedOptions options = {});

/// What that would add: who is there already is not counted. A coroutine as above; errors of the database.
awaitable<Result<ActionPreview>> previewSeed(console::PortalServices services, bool privileged);

/// Deletes the accounts that seedPortal() has made, as the audit log knows them, and no other: not one of the same
/// address that somebody else made. Answers how many, and LastAdminStays where one of them is the only admin who can
/// sign in. A coroutine as above; errors of the database, with how many were gone by then.
awaitable<Result<std::vector<Fact>>> unseedPortal(console::PortalServices services);
/// What that would delete.
awaitable<Result<ActionPreview>> previewUnseed(console::PortalServices services);

} // namespace portolan::showcase
