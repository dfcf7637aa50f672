// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/snapshot.h"
#include "core/base/asio.h"

#include <functional>
#include <memory>
#include <optional>

namespace portolan {
class BlockingPool;
class DataDirectory;
class Logger;
} // namespace portolan

namespace portolan::redis {
class ServerProcess;
} // namespace portolan::redis

namespace portolan::server {

/// What the file system says of the files that a portal keeps besides the database.
struct StorageState
{
    DiskFigures disk;
    std::optional<Error> directory; ///< why another process could use the directory as well, or none can
    std::optional<Error> redis;     ///< why what a private Redis is told will be lost
};

/// Asks now. `redis` may be null: it keeps no files here. Blocks as long as the file system does.
StorageState lookAt(DataDirectory &directory, const redis::ServerProcess *redis);

/// Whether these files are where they were put, and how much room there is. The file system is asked on a pool: one
/// that hangs, as a network drive does whose server went away, would stop an I/O thread and every request on it. What
/// was found last is read from any thread.
class StorageWatch final
{
public:
    /// `ask` is lookAt(). All that it uses, and the rest, outlive what look() began.
    StorageWatch(BlockingPool &pool, std::function<StorageState()> ask, const Clock &clock, Logger &logger);

    /// Asks the file system once, and logs what changed. Does nothing while the answer before is still awaited. Call it
    /// every second, always on `executor`.
    void look(Executor executor);

    /// "data_dir" as Snapshot::links has it: down where the directory is gone, was replaced, or has not answered for
    /// 5 seconds. Not known before the first answer.
    LinkStatus directory() const;
    std::optional<Error> redisMoved() const; ///< StorageState::redis
    DiskFigures disk() const;                ///< nothing while the file system does not answer

private:
    struct State;
    std::shared_ptr<State> m_state;
};

} // namespace portolan::server
