// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/result.h"
#include "core/console/portal_services.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

/// What a reset of the portal deletes: what its private Redis and its SQLite file hold. What was measured (the history)
/// and the signing key stay.
namespace portolan::embedded {

struct StackContents
{
    struct Counts
    {
        std::uint64_t users = 0;
        std::uint64_t sessions = 0;
        std::uint64_t tasks = 0;   ///< that wait or run
        std::uint64_t results = 0; ///< keys in Redis
        std::uint64_t auditEntries = 0;
    };
    std::filesystem::path folder;
    std::uint64_t databaseBytes = 0; ///< of the files, as all sizes here
    std::uint64_t redisBytes = 0;
    bool running = false;
    std::optional<Counts> counts; ///< only a portal that runs can say; nothing: not in time
};

/// Blocks, for at most some seconds. `portal`: null where it does not run.
StackContents contentsOf(const std::filesystem::path &folder, const console::PortalServices *portal);

/// `demonstration`: made-up users come back after it.
ActionPreview previewOfReset(const StackContents &contents, bool demonstration = false);
/// For the audit entry: "users: 40, sessions: 8, …, folder: /var/lib/portolan".
std::string describeDeleted(const StackContents &contents);

/// Deletes it; the portal does not run. The lock of the data directory is held meanwhile, so that no other process's
/// portal loses its files. Blocks.
Result<void> wipe(const std::filesystem::path &folder);

} // namespace portolan::embedded
