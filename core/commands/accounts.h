// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/ids.h"
#include "core/base/settings.h"
#include "core/storage/api_token_store.h"
#include "core/storage/audit_store.h"
#include "core/storage/users_store.h"

#include <functional>
#include <string>

namespace portolan::commands {

/// The stores that commands about accounts and tokens work with, whether the portal runs or not; what they change has
/// its audit entry by "system".
struct Accounts
{
    const Settings &settings;
    const Clock &clock;
    storage::UsersStore &users;
    storage::ApiTokenStore &tokens;
    storage::AuditStore &audit;
    IdGenerator &ids;

    /// `subject`: as the portal's own entries name it ("user:…"). Where it cannot be stored, standard error says so:
    /// what was done is done.
    void record(const std::string &action, const std::string &subject, const std::string &detail) const;
};

/// Opens the database that the settings name, brings its schema up to date and does the work. Blocks. Answers the exit
/// code, after the error was reported. `first`: the command may be the first of all, and makes what is missing.
int withAccounts(const SettingSources &sources, bool first, const std::function<Result<void>(const Accounts &)> &work);

} // namespace portolan::commands
