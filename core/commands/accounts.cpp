// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/accounts.h"

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/commands/hidden_typing.h"
#include "core/commands/report.h"
#include "core/server/environment.h"
#include "core/server/mending.h"
#include "core/storage/migrations.h"

#include <array>
#include <filesystem>
#include <iostream>
#include <optional>

namespace portolan::commands {

void Accounts::record(const std::string &action, const std::string &subject, const std::string &detail) const
{
    AuditEntry entry;
    entry.id = ids.next();
    entry.at = clock.wall();
    entry.actor = "system";
    entry.role = Role::Admin;
    entry.action = action;
    entry.subject = subject;
    entry.deployment = settings.text("listen");
    entry.outcome = "done";
    entry.reason = "command line";
    entry.detail = detail;
    if (const auto stored = audit.appendBlocking(std::move(entry)); !stored)
        std::cerr << "portoland: the audit entry could not be stored: " << stored.error().message << std::endl;
}

int withAccounts(const SettingSources &sources, bool first, const std::function<Result<void>(const Accounts &)> &work)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    auto url = server::databaseUrl(*settings);
    if (!url)
        return report(url.error());
    if (const auto there = server::databaseIsThere(*url); !first && !there)
        return report(there.error());
    const bool file = url->dialect == storage::Dialect::Sqlite;
    if (const auto left =
            server::checkDatabaseIsLeft(*settings, server::dataDirectoryPath(*settings), file ? url->path : "");
        !left)
        return report(left.error());
    if (file && !settings->isSet("database.url")) {
        std::error_code failed; // the first account is made before the first start
        std::filesystem::create_directories(server::dataDirectoryPath(*settings), failed);
        if (!failed)
            std::filesystem::permissions(server::dataDirectoryPath(*settings), std::filesystem::perms::owner_all,
                                         failed);
    }
    const SystemClock clock;
    storage::PoolOptions options;
    options.connections = 1;
    std::optional<HeldSignals> held(std::in_place); // a password may be asked for while the threads are there
    storage::Database database(std::move(*url), options);
    held.reset();
    if (const auto opened = database.open(); !opened)
        return report(opened.error());
    if (const auto migrated = storage::migrate(database, clock); !migrated)
        return report(migrated.error());
    storage::UsersStore users(database);
    storage::ApiTokenStore tokens(database);
    storage::AuditStore audit(database);
    std::array<std::byte, 2> random{};
    randomBytes(random);
    IdGenerator ids(clock, (std::to_integer<unsigned>(random[0]) << 8 | std::to_integer<unsigned>(random[1])) & 1023u);
    const auto done = work(Accounts{*settings, clock, users, tokens, audit, ids});
    return done ? 0 : report(done.error());
}

} // namespace portolan::commands
