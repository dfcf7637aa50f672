// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/task.h"
#include "core/base/asio.h"
#include "core/base/kept_answer.h"

#include <string>

namespace portolan {
class Clock;
class Logger;
class Settings;
} // namespace portolan
namespace portolan::limits {
class LimitUseReader;
}
namespace portolan::monitor {
class History;
class RedisAdmin;
class RedisCheck;
} // namespace portolan::monitor
namespace portolan::portal {
class AccountService;
class ApiTokenService;
class AuditLog;
class TaskService;
class UserAdminService;
class WorkerAdminService;
} // namespace portolan::portal
namespace portolan::queue {
class Broker;
class WorkerPool;
} // namespace portolan::queue
namespace portolan::redis {
class Client;
}
namespace portolan::storage {
class Database;
class TaskOwnerStore;
} // namespace portolan::storage

namespace portolan::console {

class SnapshotFeed;

/// What a console in the same process may use of a running portal: the services that HTTP routes use too, none of how
/// they are made. Good until the portal's stop(); calls are coroutines on `executor`.
struct PortalServices
{
    Executor executor;
    const Settings &settings;
    const Clock &clock;
    SnapshotFeed &snapshots;
    portal::AccountService &accounts;
    portal::UserAdminService &users;
    portal::ApiTokenService &tokens;
    portal::TaskService &tasks;
    portal::WorkerAdminService &workers;
    monitor::RedisAdmin &redis;
    monitor::History &history;
    limits::LimitUseReader &limitUse;
    queue::Broker &broker;
    queue::WorkerPool &pool;
    storage::TaskOwnerStore &owners;
    redis::Client &redisClient;
    storage::Database &database;
    portal::AuditLog &audit;
    KeptAnswer<TaskQuery, TaskList> &taskLists;
    const Logger &logger;
    const monitor::RedisCheck *redisCheck = nullptr; ///< what Redis refuses; null: nobody looks
    bool hasRedis = true; ///< false: there is no redis-server, and everything lives in memory
};

} // namespace portolan::console
