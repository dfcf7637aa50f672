// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/environment.h"

#include "core/base/asio.h"
#include "core/base/data_directory.h"
#include "core/base/masking.h"
#include "core/base/url_text.h"
#include "core/monitor/instances/instance_name.h"

#include <boost/asio/ip/host_name.hpp>

namespace portolan::server {

namespace fs = std::filesystem;

fs::path dataDirectoryPath(const Settings &settings)
{
    return settings.isSet("data_dir") ? fs::path(settings.text("data_dir")) : defaultDataDirectory(processEnvironment);
}

std::string placeOf(const Settings &settings, const std::string &key)
{
    for (const auto &line : settings.lines())
        if (line.key == key && !line.where.empty())
            return line.where;
    return key;
}

Result<storage::DatabaseUrl> databaseUrl(const Settings &settings)
{
    if (!settings.isSet("database.url"))
        return storage::DatabaseUrl::parse("sqlite:" +
                                           fs::absolute(dataDirectoryPath(settings) / "portal.db").string());
    const std::string &text = settings.text("database.url");
    auto url = storage::DatabaseUrl::parse(text);
    if (!url) {
        auto error = url.error();
        error.about = placeOf(settings, "database.url");
        error.message = error.about + ": " + error.message;
        return ofSettings(std::move(error), {"database.url"});
    }
    const auto slashes = text.find(":///");
    if (url->dialect != storage::Dialect::Sqlite || slashes == std::string::npos)
        return url;
    const std::string atRoot = text.substr(slashes + 3, text.find('?') - slashes - 3);
    std::error_code ignored;
    if (atRoot == url->path || fs::exists(url->path, ignored) || !fs::is_regular_file(atRoot, ignored))
        return url;
    const std::string place = placeOf(settings, "database.url");
    return ofSettings(aboutThat(failure(ErrorKind::Invalid,
                                        place + ": three slashes mean " + url->path +
                                            ", which is not there, while there is a file " + atRoot + ".",
                                        "Write sqlite:///" + atRoot +
                                            " (four slashes) for that file, or move it into the working folder."),
                                place),
                      {"database.url"});
}

Result<redis::Endpoint> redisUrl(const Settings &settings)
{
    if (!settings.isSet("redis.url"))
        return failure(ErrorKind::NotFound, "No Redis is named.");
    auto endpoint = redis::Endpoint::parse(settings.text("redis.url"), settings.secret("redis.password").reveal());
    if (endpoint)
        return endpoint;
    auto error = endpoint.error();
    error.about = placeOf(settings, "redis.url");
    error.message = error.about + ": " + error.message;
    return ofSettings(std::move(error), {"redis.url"});
}

Result<void> checkAddresses(const Settings &settings)
{
    for (const auto &spec : settingSchema()) {
        const std::string key(spec.key);
        if (!spec.address || !settings.isSet(key))
            continue;
        for (const auto item : splitAddresses(settings.text(key)))
            if (const auto characters = unescapedCharacters(item))
                return failure(ErrorKind::Invalid,
                               placeOf(settings, key) + ": the URL is not valid: " + *characters + ".",
                               key == "redis.url" ? "Escape it so, or put the password into REDIS_PASSWORD as it is."
                                                  : "Escape it so.");
    }
    if (const auto url = databaseUrl(settings); !url)
        return url.error();
    if (const auto endpoint = redisUrl(settings); !endpoint && endpoint.error().kind != ErrorKind::NotFound)
        return endpoint.error();
    return {};
}

Result<void> databaseIsThere(const storage::DatabaseUrl &url)
{
    std::error_code unseen;
    if (url.dialect != storage::Dialect::Sqlite || fs::exists(url.path, unseen))
        return {};
    if (unseen)
        return ofSettings(failure(ErrorKind::Unavailable,
                                  "Cannot look for the database at " + url.path + ": " + unseen.message() + ".",
                                  "Run as the user whose portal it is, or name another place."),
                          {"data_dir", "database.url"});
    return ofSettings(failure(ErrorKind::NotFound, "There is no database at " + url.path + ".",
                              "Name the right place; the first start of the portal makes it."),
                      {"data_dir", "database.url"});
}

fs::path redisSocketNote(const Settings &settings) { return dataDirectoryPath(settings) / "redis.socket"; }

fs::path controlSocketPath(const Settings &settings) { return dataDirectoryPath(settings) / "control.sock"; }

Result<redis::Endpoint> runningRedis(const Settings &settings)
{
    if (settings.isSet("redis.url"))
        return redisUrl(settings);
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
        const auto named = redis::Endpoint::parse(settings.text(key), settings.secret("redis.password").reveal());
        if (!named)
            return ofSettings(
                failure(ErrorKind::Invalid, "The setting '" + key + "': " + named.error().message, named.error().hint),
                {key});
        const auto own = redisUrl(settings);
        if (!settings.isSet("redis.url") || !own || !(*own == *named))
            return ofSettings(failure(ErrorKind::Unsupported,
                                      "The setting '" + key + "' names " + named->display() +
                                          ", which is not redis.url" +
                                          (own && settings.isSet("redis.url") ? " (" + own->display() + ")." : "."),
                                      "Queue, results and the rest share one Redis here: give both the same URL."),
                              {key, "redis.url"});
    }
    return {};
}

bool hasRedisPlan(const Settings &settings)
{
    const Tier::Redis &plan = settings.tier().redis;
    return settings.isSet("redis.url") && (plan.commandsPerSecond > 0 || plan.trafficPerMonth > 0);
}

Result<std::string> instanceNameOf(const Settings &settings)
{
    const std::string &given = settings.text("instance.name");
    if (given.empty()) {
        error_code unknown;
        const std::string host = asio::ip::host_name(unknown);
        return monitor::instances::instanceName(unknown ? std::string() : host, dataDirectoryPath(settings));
    }
    if (!monitor::instances::isInstanceName(given))
        return ofSettings(
            failure(ErrorKind::Invalid,
                    "The setting 'instance.name' is '" + quotable(given) + "', which is no name of an instance.",
                    "Write at most " + std::to_string(monitor::instances::maxNameBytes) +
                        " letters, digits and signs of ASCII, without blanks."),
            {"instance.name"});
    return given;
}

} // namespace portolan::server
