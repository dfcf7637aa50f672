// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/audit.h"
#include "core/api/result.h"
#include "core/base/kept_file.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

namespace portolan::portal {

/// Audit entries that no database took, kept in a file until one does, also over a restart. The file's room is taken
/// when it is opened, so that an entry still fits when the disk is full.
///
/// The file is JSON lines, one entry each, and NUL bytes behind them. A line is synced before add() returns; one that a
/// crash cut short is dropped. Entries are only taken out all together, when all are stored: whoever stores them meets
/// an entry twice if the process dies between, and tells so by its id. A file that was deleted or replaced meanwhile is
/// made anew with the next entry.
///
/// Blocks on the disk; from any thread that may.
class AuditSpool final
{
public:
    explicit AuditSpool(std::filesystem::path file, std::size_t bytes = 1024 * 1024);
    ~AuditSpool();
    AuditSpool(const AuditSpool &) = delete;
    AuditSpool &operator=(const AuditSpool &) = delete;

    /// Full: there is no room to take. Unavailable: the file cannot be used.
    Result<void> open();
    /// Full: the spool is.
    Result<void> add(const AuditEntry &entry);
    std::vector<AuditEntry> entries() const; ///< oldest first
    std::size_t size() const;
    /// Takes out the first `count` entries, which are stored now, if nothing was added meanwhile: all or none.
    void clear(std::size_t count);

private:
    Result<void> write(std::size_t at, std::string_view bytes);
    Result<void> makeAnew();

    const std::filesystem::path m_file;
    const std::size_t m_bytes;
    mutable std::mutex m_mutex;
    std::optional<KeptFile> m_kept; ///< as it was opened
    int m_descriptor = -1;
    std::size_t m_end = 0; ///< of what is written
    std::vector<AuditEntry> m_entries;
};

} // namespace portolan::portal
