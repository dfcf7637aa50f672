// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/settings.h"

#include <filesystem>
#include <string>
#include <vector>

namespace portolan::server {

/// The command of a terminal that keeps a copy of a data directory's damaged files and mends them.
std::string mendCommand(const Settings &settings);

/// Mends what a portal does not start on: the append-only files of its private Redis (redis/append_only.h). `empty`:
/// moves them aside instead, and lets a missing database file be made anew. A copy is always kept. Answers what was
/// done, a sentence each. Blocks; while no portal uses the data directory (Conflict otherwise). Unsupported: Redis is
/// somebody else's.
Result<std::vector<std::string>> mendData(const Settings &settings, bool empty);

/// Lets a missing database file be made anew; what lies in its place is moved aside. Answers what that means.
Result<std::vector<std::string>> forgetDatabase(const Settings &settings);

/// Where it is noted what the private Redis has left (ServerProcessOptions::noteFile): not in Redis' own folder, which
/// may go as a whole.
std::filesystem::path redisNote(const std::filesystem::path &dataDirectory);

/// Notes in the data directory that the portal keeps its SQLite file at `path`, with tables in it.
Result<void> noteDatabase(const std::filesystem::path &dataDirectory, const std::string &path);
/// Whether a SQLite file that was noted is there, and is one: neither empty, nor something else, nor a directory. An
/// empty database in its place would be a portal without users. `path`: empty for what is no file. Reads the file: not
/// while this process has it open. Unavailable "database-missing".
Result<void> checkDatabaseIsLeft(const Settings &settings, const std::filesystem::path &dataDirectory,
                                 const std::string &path);

} // namespace portolan::server
