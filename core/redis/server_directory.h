// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/child_process.h"

#include <chrono>
#include <filesystem>

namespace portolan::redis {

/// The directory of an embedded Redis, held by a lock as long as this lives, and where its socket goes.
class ServerDirectory final
{
public:
    /// Makes and locks it. The socket is put beside the data; when that path is over the 107 bytes a socket's may have,
    /// in a private directory under $XDG_RUNTIME_DIR or /tmp, which goes again with this.
    static Result<ServerDirectory> open(const std::filesystem::path &path);

    ServerDirectory(ServerDirectory &&) noexcept = default;
    ServerDirectory &operator=(ServerDirectory &&) = delete;
    ~ServerDirectory();

    const std::filesystem::path &path() const { return m_path; }
    std::filesystem::path pidFile() const { return m_path / "redis.pid"; }
    std::filesystem::path manifest() const { return m_path / "appendonlydir" / "appendonly.aof.manifest"; }
    const std::filesystem::path &socketPath() const { return m_socket; }

    /// Ends a redis-server that still runs here although its parent is gone: SIGTERM, after `patience` SIGKILL.
    Result<void> endLeftOver(std::chrono::milliseconds patience) const;

private:
    ServerDirectory(std::filesystem::path path, FileDescriptor lock) : m_path(std::move(path)), m_lock(std::move(lock))
    {}
    Result<void> chooseSocket();
    bool runsHere(pid_t pid) const;

    std::filesystem::path m_path;
    FileDescriptor m_lock;
    std::filesystem::path m_socket;
    std::filesystem::path m_temporary; ///< only for the socket; empty: none
};

} // namespace portolan::redis
