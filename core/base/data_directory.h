// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/kept_file.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace portolan {

/// Where this user's portal keeps its files: $XDG_DATA_HOME/portolan, else ~/.local/share/portolan; for root or a user
/// without home /var/lib/portolan. `environment` reads a variable (nullopt: unset).
std::filesystem::path
defaultDataDirectory(const std::function<std::optional<std::string>(const std::string &)> &environment);

/// The data directory of a running portal: made with mode 0700, and locked, so that one process uses it at a time. The
/// lock goes with the process, however it ends.
class DataDirectory final
{
public:
    /// Invalid: not a directory, not ours, not writable. Conflict (code `data-dir-locked`): another process has it; the
    /// message names its pid.
    static Result<DataDirectory> open(const std::filesystem::path &path);

    DataDirectory(DataDirectory &&other) noexcept;
    DataDirectory &operator=(DataDirectory &&other) noexcept;
    ~DataDirectory();

    /// Whether the lock file is still the one that is locked, or another process could use the directory as well. One
    /// that was deleted is made again. Unavailable "data-dir-moved". By one thread at a time.
    Result<void> keep();

    const std::filesystem::path &path() const { return m_path; }
    std::filesystem::path file(std::string_view name) const { return m_path / name; }

private:
    DataDirectory(std::filesystem::path path, int lock);
    std::filesystem::path m_path;
    KeptFile m_folder;
    KeptFile m_lockFile;
    int m_lock = -1;
};

/// Replaces the file as a whole: a reader, and whoever comes after a crash, sees the old content or the new one.
/// Written to a temporary beside it, synced, renamed. Full: no room on the disk. Blocks.
Result<void> writeFileAtomically(const std::filesystem::path &path, std::string_view content, unsigned mode = 0600);

/// The whole file. NotFound, TooLarge (above `limit` bytes) or Unavailable (cannot be read, or is no regular file: a
/// pipe nobody writes into would never answer). Blocks.
Result<std::string> readFile(const std::filesystem::path &path, std::size_t limit = 16 * 1024 * 1024);

/// readFile() of one that somebody named, who may mean a pipe by it: /dev/stdin, what a shell makes of <(…). Waits for
/// whoever writes into it.
Result<std::string> readNamedFile(const std::filesystem::path &path, std::size_t limit);

/// Raises the limit of open files to the hard one and answers what it is now.
std::uint64_t raiseFileLimit();

} // namespace portolan
