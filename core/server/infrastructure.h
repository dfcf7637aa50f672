// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/blocking_pool.h"
#include "core/base/data_directory.h"
#include "core/base/dial.h"
#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/base/settings.h"
#include "core/base/trust.h"
#include "core/redis/client.h"
#include "core/redis/server_process.h"
#include "core/redis/subscriber.h"
#include "core/storage/api_token_store.h"
#include "core/storage/audit_store.h"
#include "core/storage/database.h"
#include "core/storage/limits_store.h"
#include "core/storage/session_list_store.h"
#include "core/storage/task_owner_store.h"
#include "core/storage/user_cache.h"
#include "core/storage/users_store.h"
#include "core/telemetry/portal_metrics.h"
#include "core/telemetry/registry.h"

#include <memory>
#include <optional>
#include <string>

namespace portolan::server {

/// What every service of a portal stands on: the data directory, I/O threads, Redis (a private child unless one is
/// named) and the database with its stores. Made first, stopped last.
class Infrastructure final
{
public:
    /// Locks the data directory, starts Redis, opens and migrates the database. Blocks. A Redis that is missing or away
    /// is no error: it is logged, and the portal serves what it can without.
    static Result<std::unique_ptr<Infrastructure>> open(const Settings &settings, const Clock &clock, Logger &logger);
    ~Infrastructure();

    /// Begins to connect to Redis; after every script was preloaded.
    void connect();
    /// Disconnects and stops the I/O threads: no coroutine runs after it.
    void stop();

    std::string redisName() const;    ///< "embedded", "memory" (there is none), or the URL without user information
    std::string databaseName() const; ///< "sqlite" (with its path where it was named) or "postgresql"

    DataDirectory directory;
    Runtime runtime;
    BlockingPool files; ///< for reading and writing files
    std::shared_ptr<Dialer> way = std::make_shared<DirectDialer>(std::make_shared<Resolver>()); ///< to other hosts
    std::shared_ptr<TlsClients> trust = std::make_shared<TlsClients>();                         ///< in them
    std::unique_ptr<redis::ServerProcess> redisProcess; ///< null: Redis is somebody else's, or missing
    redis::Endpoint redisEndpoint;
    std::unique_ptr<redis::Client> redis;
    std::unique_ptr<redis::Subscriber> subscriber;

    telemetry::Registry registry;
    telemetry::PortalMetrics metrics;

    storage::Database database;
    storage::UserCache userCache;
    storage::UsersStore users;
    storage::LimitsStore limitOverrides;
    storage::SessionListStore sessionList;
    storage::TaskOwnerStore taskOwners;
    storage::AuditStore auditLog;
    storage::ApiTokenStore apiTokens;
    IdGenerator ids;

private:
    Infrastructure(const Settings &settings, DataDirectory directory, storage::DatabaseUrl url, const Clock &clock);
    Result<void> startRedis(const Settings &settings, Logger &logger);

    std::filesystem::path m_socketNote;
    bool m_databaseNamed = false; ///< by somebody, rather than chosen here
    bool m_redisMissing = false;
    bool m_stopped = false;
};

/// Whether a Redis that is not to be had for this reason may be later: not where it refuses us.
bool mayComeBack(const Error &why);

/// Invalid where it drops keys that are still wanted. One that does not say is taken.
awaitable<Result<void>> checkEviction(redis::Client &client, redis::Endpoint endpoint);

} // namespace portolan::server
