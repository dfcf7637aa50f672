// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/storage/database.h"

#include <chrono>
#include <string>
#include <vector>

namespace portolan::storage {

/// Runs pg_dump or pg_restore of the PATH against the server of `url` and waits for it. The password goes through the
/// environment only, never to the list of processes. Not through QProcess, whose vfork thread sanitizers cannot follow.
/// Unavailable: not installed. Timeout: killed at the deadline. Full: it says there is no room. Internal: it failed,
/// with its words. Blocks.
Result<void> runPostgresTool(const std::string &program, std::vector<std::string> arguments, const DatabaseUrl &url,
                             std::chrono::milliseconds deadline);

} // namespace portolan::storage
