#include "core/server/environment.h"

#include "core/base/data_directory.h"

#include <algorithm>
#include <iostream>

namespace portolan::server {

namespace fs = std::filesystem;

fs::path dataDirectoryPath(const Settings &settings)
{
    return settings.isSet("data_dir") ? fs::path(settings.text("data_dir")) : defaultDataDirectory(processEnvironment);
}

Result<storage::DatabaseUrl> databaseUrl(const Settings &settings)
{
    if (settings.isSet("database.url"))
        return storage::DatabaseUrl::parse(settings.text("database.url"));
    return storage::DatabaseUrl::parse("sqlite:" + fs::absolute(dataDirectoryPath(settings) / "portal.db").string());
}

Result<void> databaseIsThere(const storage::DatabaseUrl &url)
{
    std::error_code ignored;
    if (url.dialect != storage::Dialect::Sqlite || fs::exists(url.path, ignored))
        return {};
    return failure(ErrorKind::NotFound, "There is no database at " + url.path + ".",
                   "Name the right place with --data-dir or --database; the first start of the portal makes it.");
}

fs::path redisSocketNote(const Settings &settings) { return dataDirectoryPath(settings) / "redis.socket"; }

fs::path controlSocketPath(const Settings &settings) { return dataDirectoryPath(settings) / "control.sock"; }

Result<redis::Endpoint> runningRedis(const Settings &settings)
{
    if (settings.isSet("redis.url"))
        return redis::Endpoint::parse(settings.text("redis.url"));
    const auto note = readFile(redisSocketNote(settings), 4096);
    if (!note)
        return failure(ErrorKind::NotFound, "No Redis of this data directory is running.");
    redis::Endpoint endpoint;
    endpoint.transport = redis::Endpoint::Transport::Unix;
    endpoint.path = *note;
    return endpoint;
}

Result<void> checkQueueSettings(const Settings &settings)
{
    for (const std::string key : {"celery.broker_url", "celery.result_backend"}) {
        if (!settings.isSet(key))
            continue;
        const auto named = redis::Endpoint::parse(settings.text(key));
        if (!named)
            return failure(ErrorKind::Invalid, "The setting '" + key + "': " + named.error().message,
                           named.error().hint);
        const auto own = redis::Endpoint::parse(settings.text("redis.url"));
        if (!settings.isSet("redis.url") || !own || !(*own == *named))
            return failure(ErrorKind::Unsupported,
                           "The setting '" + key + "' names " + named->display() + ", which is not redis.url" +
                               (own && settings.isSet("redis.url") ? " (" + own->display() + ")." : "."),
                           "Queue, results and the rest share one Redis here: give the same URL to --redis.");
    }
    return {};
}

std::vector<std::string> unusedSettings(const Settings &settings)
{
    std::vector<std::string> unused;
    for (const std::string key : {"database.replica_urls", "mail.smtp_url", "mail.from", "identity.issuers"}) {
        if (settings.isSet(key))
            unused.push_back(key);
    }
    return unused;
}

int report(const Error &error)
{
    std::string line = "portoland: " + inWords(error);
    std::ranges::replace(line, '\n', ' ');
    std::cerr << line << std::endl;
    return error.kind == ErrorKind::Invalid || error.kind == ErrorKind::Unsupported ? 2 : 1;
}

} // namespace portolan::server
