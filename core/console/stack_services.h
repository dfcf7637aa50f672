// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/base/asio.h"

#include <functional>
#include <memory>

namespace portolan {
class Clock;
class Logger;
} // namespace portolan
namespace portolan::monitor {
class History;
class KeyFamilies;
class RedisAdmin;
} // namespace portolan::monitor
namespace portolan::redis {
class Client;
}
namespace portolan::stack {
struct WatchFile;
struct WatchRights;
} // namespace portolan::stack
namespace portolan::storage {
class AuditStore;
}

namespace portolan::console {

class SnapshotFeed;

/// What a console may use of a watch of somebody else's stack, in this process. Good until the watch's stop(); calls
/// are coroutines on `executor`.
struct StackServices
{
    Executor executor;
    const stack::WatchFile &file;
    const Clock &clock;
    SnapshotFeed &snapshots;
    monitor::History &history;
    storage::AuditStore &audit;
    const Logger &logger;
    const monitor::KeyFamilies &families;
    monitor::RedisAdmin &redis;
    redis::Client *redisClient = nullptr; ///< null: the file has no Redis
    /// What that Redis refuses; null before it was first asked.
    std::function<std::shared_ptr<const stack::WatchRights>()> rights;
};

} // namespace portolan::console
