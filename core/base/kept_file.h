// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

namespace portolan {

/// The file or directory that is at a path now, to be told from what is there later. Who holds a file open goes on
/// writing to it after it was deleted, moved or replaced, and nothing fails; only its path tells. Any thread.
class KeptFile final
{
public:
    explicit KeptFile(std::filesystem::path path); ///< remembers what is there; nothing may be

    const std::filesystem::path &path() const { return m_path; }
    /// "is gone" or "was replaced by another"; empty: it is still there, or is again, or nothing was there.
    std::string_view change() const;

private:
    std::filesystem::path m_path;
    bool m_known = false;
    dev_t m_device = 0;
    ino_t m_inode = 0;
};

} // namespace portolan
