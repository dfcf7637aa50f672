// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
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

/// Where a setting comes from, for a message: "ALLOWED_HOSTS", "portal.toml:3", or its key.
std::string placeOf(const Settings &settings, const std::string &key);

/// `database.url`; without it `portal.db` in the data directory. Invalid also where `sqlite:///name` means a file of
/// the working folder that is not there, while there is one of that name at the root, where it was looked for once.
Result<storage::DatabaseUrl> databaseUrl(const Settings &settings);

/// `redis.url` with `redis.password`. NotFound: none is named.
Result<redis::Endpoint> redisUrl(const Settings &settings);

/// What keeps a setting that is a URL from being one that any program reads, before anything connects: a character of
/// the password nobody escaped, and what `redis.url` and `database.url` cannot be.
Result<void> checkAddresses(const Settings &settings);

/// What whoever started this should know about its settings though nothing is wrong, at this time: one sentence
/// each.
std::vector<std::string> settingNotes(const Settings &settings, WallTime now);

/// What the settings come to, for check-config: aligned lines of the data directory, database, Redis, names and
/// proxies.
std::string consequences(const Settings &settings);

/// NotFound where a SQLite file is meant that is not there: a mistyped folder must not become an empty database.
/// Unavailable where this user may not look.
Result<void> databaseIsThere(const storage::DatabaseUrl &url);

/// Where an embedded Redis leaves the path of its socket for other commands of the same user.
std::filesystem::path redisSocketNote(const Settings &settings);

/// `redis`; without it the embedded one that runs now. NotFound: none runs.
Result<redis::Endpoint> runningRedis(const Settings &settings);

/// Unsupported where Celery's settings put the queue or its results elsewhere than the rest: taking, ending and
/// acknowledging a task are one step in one Redis.
Result<void> checkQueueSettings(const Settings &settings);

/// Whether Redis is named, and the tier's plan bounds how many commands or how much traffic it serves.
bool hasRedisPlan(const Settings &settings);

/// `instance.name`; without it the one of this host and the data directory (monitor/instances/instance_name.h).
/// Invalid: it is too long, or not all of it is visible ASCII.
Result<std::string> instanceNameOf(const Settings &settings);

/// The Unix socket of LocalSocket.
std::filesystem::path controlSocketPath(const Settings &settings);

} // namespace portolan::server
