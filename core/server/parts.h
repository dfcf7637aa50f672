// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/auth/csrf.h"
#include "core/auth/passwords.h"
#include "core/auth/secret_key.h"
#include "core/auth/sessions.h"
#include "core/auth/tokens.h"
#include "core/console/action_routes.h"
#include "core/console/console_routes.h"
#include "core/console/snapshot_feed.h"
#include "core/http/server.h"
#include "core/limits/ceilings.h"
#include "core/limits/limit_use.h"
#include "core/limits/limits_table.h"
#include "core/market/quotes.h"
#include "core/monitor/cleanup.h"
#include "core/monitor/history.h"
#include "core/monitor/instances/backfill.h"
#include "core/monitor/instances/roll.h"
#include "core/monitor/monitor_routes.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/redis_check.h"
#include "core/monitor/sampler.h"
#include "core/portal/account_routes.h"
#include "core/portal/account_service.h"
#include "core/portal/admission.h"
#include "core/portal/api_token_service.h"
#include "core/portal/audit_log.h"
#include "core/portal/audit_spool.h"
#include "core/portal/failed_sign_ins.h"
#include "core/portal/market_routes.h"
#include "core/portal/page_routes.h"
#include "core/portal/realtime.h"
#include "core/portal/seen_sessions.h"
#include "core/portal/task_routes.h"
#include "core/portal/task_service.h"
#include "core/portal/task_topic.h"
#include "core/portal/user_admin_routes.h"
#include "core/portal/user_admin_service.h"
#include "core/portal/worker_admin_service.h"
#include "core/queue/broker.h"
#include "core/queue/gone_tasks.h"
#include "core/queue/neighbours.h"
#include "core/queue/remote_client.h"
#include "core/queue/remote_control.h"
#include "core/queue/results.h"
#include "core/queue/schedule.h"
#include "core/queue/visibility_check.h"
#include "core/queue/worker_pool.h"
#include "core/server/http_observer.h"
#include "core/server/infrastructure.h"
#include "core/server/local_socket.h"
#include "core/server/memory_trim.h"
#include "core/server/portal_server.h"
#include "core/server/storage_watch.h"
#include "core/telemetry/http_metrics.h"

#include <optional>

namespace portolan::server {

/// What the HTTP server is told by the settings. Invalid: `listen` is no ADDR:PORT, or only one of both TLS files.
Result<http::ServerOptions> serverOptions(const Settings &settings);

/// Whether there is where prices come from. Unsupported: a provider this version does not have. Invalid:
/// `market.csv_dir` is missing, or no folder.
Result<void> checkPrices(const Settings &settings);

/// Where prices come from; what checkPrices() refuses is refused.
Result<std::unique_ptr<market::QuoteProvider>> quoteProvider(const Settings &settings, const Clock &clock,
                                                             Logger &logger);

/// Every service of the portal, in the order in which they are made; each is given what it uses and nothing else.
struct PortalServer::Parts
{
    Parts(Settings settings, const Clock &clock, Logger &logger, std::unique_ptr<Infrastructure> infrastructure,
          Secret key, limits::LimitsPlan plan, std::unique_ptr<market::QuoteProvider> quotes,
          http::ServerOptions options);

    Result<void> start();
    std::size_t stop();
    std::string url() const;
    console::PortalServices services();

    const Settings settings;
    const Clock &clock;
    Logger &logger;
    std::unique_ptr<Infrastructure> infrastructure;
    const std::string instanceName;

    auth::SecretKey secretKey;
    http::WatchedSockets sockets; ///< that end with a session; before what tells of endings
    auth::Sessions sessions;
    auth::Passwords passwords;
    auth::AccessTokens accessTokens;
    auth::ApiTokens apiTokens;
    auth::CsrfTokens csrfTokens;

    limits::LimitsTable limitsTable;
    limits::LimitUseReader limitUse;
    queue::GoneTasks goneTasks;
    limits::Ceilings ceilings;
    portal::AdmissionOptions admissionOptions;
    portal::RequestAdmission admission;
    portal::SeenSessions seenSessions;

    std::unique_ptr<market::QuoteProvider> quotes;

    queue::Broker broker;
    queue::WorkerPool workers;
    queue::RemoteControl remoteControl;
    queue::RemoteClient remoteClient;
    queue::VisibilityCheck visibilityCheck;
    std::optional<queue::NeighbourWatch> neighbours; ///< not on a private Redis, where nobody else is
    queue::ResultEvents resultEvents;
    queue::Schedule schedule;

    portal::AuditSpool auditSpool;
    portal::AuditLog auditLog;
    portal::FailedSignIns failedSignIns;
    portal::AccountService accounts;
    portal::UserAdminService userAdmin;
    portal::ApiTokenService tokenAdmin;
    portal::TaskService tasks;
    portal::WorkerAdminService workerAdmin;
    KeptAnswer<TaskQuery, TaskList> taskLists;
    portal::TaskTopic taskTopic;
    portal::Realtime realtime;

    http::Router router;
    portal::AccountRoutes accountRoutes;
    portal::UserAdminRoutes userAdminRoutes;
    console::ActionRoutes actionRoutes;
    console::ConsoleRoutes consoleRoutes;
    portal::MarketRoutes marketRoutes;
    portal::TaskRoutes taskRoutes;
    portal::PageRoutes pageRoutes;
    monitor::RedisAdmin redisAdmin;
    monitor::MonitorRoutes monitorRoutes;
    std::optional<telemetry::HttpMetrics> httpMetrics; ///< after all routes are known
    StorageWatch storageWatch;
    console::SnapshotFeed snapshots;
    monitor::History history;
    std::optional<monitor::RedisCheck> redisCheck;
    std::optional<monitor::Sampler> sampler;
    std::optional<monitor::instances::Roll>
        roll; ///< not on a private Redis, where nobody else is; it reads the sampler
    std::optional<monitor::instances::Backfill> backfill; ///< where there is a roll
    std::optional<monitor::Cleanup> cleanup;
    std::optional<HttpObserver> observer;
    std::optional<http::Server> server;
    std::optional<LocalSocket> localSocket;

private:
    void mountRoutes();
    void tokenEnded(std::string_view name);
    void mountWebSockets();
    void makeMonitor();
    monitor::RedisCheck::Options redisCheckOptions();
    void makeRoll();
    void makeBackfill();
    void instanceChanged(const monitor::instances::Change &change);
    void countTasks();
    void addPeriodicJobs();
    awaitable<Result<std::vector<std::string>>> gone(std::vector<std::string> ids, std::vector<std::string> queues);
    void countCaches();
    bool watchesResults() const;
    void countNeighbours();
    void countSignIns();
    awaitable<void> everySecond();
    awaitable<Result<void>> checkDatabase();
    awaitable<Result<void>> checkPages();
    monitor::Sources monitorSources();
    WorkerFigures workerFigures();

    const http::ServerOptions m_options;
    Timer m_everySecond;
    std::atomic<bool> m_stopping{false};
    /// Asked for now and then, so that the sampler need not wait. Negative: not known.
    const bool m_hasPlan; ///< Redis is somebody else's, who bounds what is asked of it
    std::atomic<std::int64_t> m_concurrentUsers{-1};
    std::atomic<std::int64_t> m_registeredUsers{-1};
    std::atomic<std::int64_t> m_sessions{-1};
    std::uint64_t m_serverErrors = 0; ///< of the last snapshot
    std::atomic<bool> m_pagesDoubtful{false};
    std::optional<SteadyTime> m_pagesChecked; ///< of checkDatabase() alone, as the next
    std::optional<Error> m_pagesDamaged;
    std::string m_databaseTrouble; ///< as it was last logged
    std::shared_ptr<const std::string> m_openApi;
    MemoryTrim m_memoryTrim;
    std::optional<std::size_t> m_stopped;
};

} // namespace portolan::server
