#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/http/message.h"
#include "core/http/router.h"
#include "core/http/socket_watch.h"
#include "core/monitor/health.h"
#include "core/monitor/stream.h"

#include <functional>
#include <optional>
#include <string>

namespace portolan::redis {
class Client;
}
namespace portolan::http {
class Server;
}
namespace portolan::telemetry {
class Registry;
}

namespace portolan::monitor {

class Cleanup;
class Sampler;

/// A change an operator made here, for the audit log.
struct AuditNote
{
    Principal principal;
    std::string reason;  ///< as given; may be empty
    std::string action;  ///< "redis.client.close", "redis.cleanup"
    std::string subject; ///< "client:42", "family:results"
    std::string detail;
    std::optional<Error> error; ///< nothing when it was done
};
/// Called on an I/O thread, once per change, also for one that failed. Must not fail.
using AuditSink = std::function<awaitable<void>(AuditNote)>;

/// The routes of what is measured: /health, /ready, /metrics, /api/admin/snapshot, /api/admin/stream,
/// /api/admin/queues, /api/admin/redis/families, /api/admin/redis/clients, /api/admin/redis/cleanup.
///
/// In this order: construct; mount() (so that HttpMetrics, which the sampler needs, can count these routes too);
/// connect(); mountStream(); then start sampler and server. Requests before connect() are answered 503.
class MonitorRoutes final
{
public:
    /// References outlive it; it outlives the server and the sampler's start(). Registers the metrics of
    /// snapshot_metrics.h. `redis` may be null: then there is nothing to close or clean up.
    MonitorRoutes(telemetry::Registry &registry, redis::Client *redis, const Clock &clock, std::string version,
                  AuditSink audit);

    void mount(http::Router &router);
    /// `allowed`: whether a watcher's session still lives, asked every `interval`; closed with 4001 when it does not.
    void mountStream(http::Server &server, http::StillAllowed allowed,
                     std::chrono::milliseconds interval = std::chrono::seconds(15));
    /// Subscribes to the sampler. Before sampler.start().
    void connect(Sampler &sampler, Cleanup *cleanup);

    /// /ready says no from now on.
    void stopping() { m_health.stopping(); }

private:
    awaitable<http::Response> families(http::Request &request);
    awaitable<http::Response> clients(http::Request &request);
    awaitable<http::Response> closeClient(http::Request &request);
    awaitable<http::Response> cleanUp(http::Request &request);
    awaitable<http::Response> queues(http::Request &request);
    void mountOperations(http::Router &router);
    void mountRedis(http::Router &router);

    telemetry::Registry &m_registry;
    redis::Client *const m_redis;
    const AuditSink m_audit;
    Health m_health;
    SnapshotStream m_stream;
    Sampler *m_sampler = nullptr;
    Cleanup *m_cleanup = nullptr;
};

} // namespace portolan::monitor
