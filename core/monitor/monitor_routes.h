#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/http/message.h"
#include "core/http/router.h"
#include "core/http/socket_watch.h"
#include "core/monitor/health.h"
#include "core/monitor/stream.h"

#include <string>

namespace portolan::http {
class Server;
}
namespace portolan::telemetry {
class Registry;
}

namespace portolan::monitor {

class RedisAdmin;
class Sampler;

/// The routes of what is measured: /health, /ready, /metrics, /api/admin/snapshot, /api/admin/stream,
/// /api/admin/queues, /api/admin/redis/families, /api/admin/redis/clients, /api/admin/redis/cleanup.
///
/// In this order: construct; mount() (so that HttpMetrics, which the sampler needs, can count these routes too);
/// connect(); mountStream(); then start sampler and server. Requests before connect() are answered 503.
class MonitorRoutes final
{
public:
    /// References outlive it; it outlives the server and the sampler's start(). Registers the metrics of
    /// snapshot_metrics.h.
    MonitorRoutes(telemetry::Registry &registry, RedisAdmin &admin, const Clock &clock, std::string version);

    void mount(http::Router &router);
    /// `allowed`: whether a watcher's session still lives, asked every `interval`; closed with 4001 when it does not.
    void mountStream(http::Server &server, http::StillAllowed allowed,
                     std::chrono::milliseconds interval = std::chrono::seconds(15));
    /// Subscribes to the sampler. Before sampler.start().
    void connect(Sampler &sampler);

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
    RedisAdmin &m_admin;
    Health m_health;
    SnapshotStream m_stream;
};

} // namespace portolan::monitor
