// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/commands.h"
#include "core/commands/report.h"
#include "core/server/environment.h"
#include "core/server/mending.h"

#include <iostream>

namespace portolan::commands {

int mend(const SettingSources &sources, const MendRequest &request)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    const auto url = server::databaseUrl(*settings);
    const bool file = url && url->dialect == storage::Dialect::Sqlite;
    const auto left =
        server::checkDatabaseIsLeft(*settings, server::dataDirectoryPath(*settings), file ? url->path : std::string());
    auto done =
        request.empty && file && !left ? server::forgetDatabase(*settings) : server::mendData(*settings, request.empty);
    if (!done) {
        Error error = done.error();
        if (error.code == "redis-corrupt")
            error.hint = "Put back a copy; or run `" + server::mendCommand(*settings) +
                         " --empty`, which moves aside what is left and starts without: everybody signs in again, "
                         "waiting tasks are gone.";
        return report(error);
    }
    for (const auto &sentence : *done)
        std::cout << "portoland: " << sentence << std::endl;
    return left || request.empty ? 0 : report(left.error()); // which it does not bring back
}

} // namespace portolan::commands
