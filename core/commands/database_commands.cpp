// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "core/base/system_clock.h"
#include "core/commands/commands.h"
#include "core/commands/report.h"
#include "core/server/environment.h"
#include "core/server/mending.h"
#include "core/server/portal_server.h"
#include "core/storage/backup.h"
#include "core/storage/migrations.h"

#include <functional>
#include <iostream>
#include <optional>

namespace portolan::commands {
namespace {

/// What a command needs of the database.
enum class Need {
    Data,  ///< it must be there
    Alone, ///< made when it is missing; no portal may be using it
};

int withDatabase(const SettingSources &sources, Need need, const std::function<Result<void>(storage::Database &)> &work)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    auto url = server::databaseUrl(*settings);
    if (!url)
        return report(url.error());
    std::optional<DataDirectory> directory; // its lock is the portal's
    if (need == Need::Alone && !settings->isSet("database.url")) {
        auto opened = DataDirectory::open(server::dataDirectoryPath(*settings));
        if (!opened)
            return report(opened.error());
        directory.emplace(std::move(*opened));
    }
    if (const auto there = server::databaseIsThere(*url); need == Need::Data && !there)
        return report(there.error());
    const std::string file = url->dialect == storage::Dialect::Sqlite ? url->path : std::string();
    if (const auto left = server::checkDatabaseIsLeft(*settings, server::dataDirectoryPath(*settings), file);
        need == Need::Data && !left)
        return report(left.error());
    storage::PoolOptions options;
    options.connections = 1;
    storage::Database database(std::move(*url), options);
    if (const auto opened = database.open(); !opened)
        return report(opened.error());
    const auto done = work(database);
    return done ? 0 : report(done.error());
}

} // namespace

int migrateDatabase(const SettingSources &sources)
{
    return withDatabase(sources, Need::Data, [](storage::Database &database) -> Result<void> {
        const auto migrated = storage::migrate(database, SystemClock());
        if (!migrated)
            return migrated.error();
        if (migrated->applied.empty())
            std::cout << "portoland: the database is up to date (version " << migrated->to << ")" << std::endl;
        for (const auto &name : migrated->applied)
            std::cout << "portoland: applied " << name << std::endl;
        return {};
    });
}

int backupDatabase(const SettingSources &sources, const FileRequest &request)
{
    return withDatabase(sources, Need::Data, [&](storage::Database &database) -> Result<void> {
        const auto done = storage::backup(database, request.file, {.force = request.force});
        if (done)
            std::cout << "portoland: the database was copied to " << request.file << std::endl;
        return done;
    });
}

int restoreDatabase(const SettingSources &sources, const FileRequest &request)
{
    return withDatabase(sources, Need::Alone, [&](storage::Database &database) -> Result<void> {
        const auto done = storage::restore(database, request.file, {.force = request.force});
        if (done)
            std::cout << "portoland: the database was restored from " << request.file << std::endl;
        return done;
    });
}

int checkConfig(const SettingSources &sources)
{
    const auto settings = Settings::load(sources);
    if (!settings)
        return report(settings.error());
    std::cout << settings->render() << std::flush;
    const auto fit = server::checkSettings(*settings);
    if (!fit)
        return report(fit.error());
    std::cout << '\n' << server::consequences(*settings);
    for (const auto &note : server::settingNotes(*settings, SystemClock().wall()))
        std::cout << note << '\n';
    return outputWritten();
}

} // namespace portolan::commands
