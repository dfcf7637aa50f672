#pragma once

#include "core/api/result.h"
#include "core/base/settings.h"
#include "core/redis/endpoint.h"
#include "core/storage/database.h"

#include <filesystem>
#include <string>
#include <vector>

/// What a process finds around it, derived from the settings the same way by every command.
namespace portolan::server {

/// `data_dir`, or this user's default.
std::filesystem::path dataDirectoryPath(const Settings &settings);

/// `database`; without it `portal.db` in the data directory.
Result<storage::DatabaseUrl> databaseUrl(const Settings &settings);

/// NotFound where a SQLite file is meant that is not there: a mistyped folder must not become an empty database.
Result<void> databaseIsThere(const storage::DatabaseUrl &url);

/// Where an embedded Redis leaves the path of its socket for other commands of the same user.
std::filesystem::path redisSocketNote(const Settings &settings);

/// `redis`; without it the embedded one that runs now. NotFound: none runs.
Result<redis::Endpoint> runningRedis(const Settings &settings);

/// Unsupported where Celery's settings put the queue or its results elsewhere than the rest: taking, ending and
/// acknowledging a task are one step in one Redis.
Result<void> checkQueueSettings(const Settings &settings);

/// Settings that are set, but that nothing of this version acts on.
std::vector<std::string> unusedSettings(const Settings &settings);

/// The Unix socket of LocalSocket.
std::filesystem::path controlSocketPath(const Settings &settings);

/// Prints "portoland: message hint" to standard error as one line and answers the exit code: 2 for what is wrong
/// with the words or the configuration (Invalid, Unsupported), otherwise 1.
int report(const Error &error);

} // namespace portolan::server
