// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/clock.h"
#include "core/api/secret.h"
#include "core/base/asio.h"
#include "core/http/message.h"
#include "core/http/router.h"
#include "core/http/socket_watch.h"
#include "core/monitor/health.h"
#include "core/monitor/stream.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
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

/// Who may read /metrics.
struct MetricsAccess
{
    enum Mode : std::uint8_t { Open, Loopback, Token };
    Mode mode = Loopback; ///< Loopback: this machine, not through a proxy; and whoever has the token
    Secret token{};       ///< empty: nobody has it
};

/// The routes of what is measured: /health, /ready, /metrics, /api/admin/snapshot, /api/admin/stream,
/// /api/admin/queues, /api/admin/redis/families, /api/admin/redis/cleanup. The first three tell of this process,
/// whoever asks adds them up; the others of all instances.
///
/// In this order: construct; mount() (so that HttpMetrics, which the sampler needs, can count these routes too);
/// connect(); mountStream(); then start sampler and server. Requests before connect() are answered 503.
class MonitorRoutes final
{
public:
    /// References outlive it; it outlives the server and the sampler's start(). Registers the metrics of
    /// snapshot_metrics.h.
    MonitorRoutes(telemetry::Registry &registry, RedisAdmin &admin, const Clock &clock, std::string version,
                  MetricsAccess metrics = {});

    void mount(http::Router &router);
    /// `allowed`: whether a watcher's session still lives, asked every `interval`; closed with 4001 when it does not.
    void mountStream(http::Server &server, http::StillAllowed allowed,
                     std::chrono::milliseconds interval = std::chrono::seconds(8));
    /// Subscribes to the sampler. Before sampler.start().
    void connect(Sampler &sampler);

    /// Whether somebody looks at what is measured: a stream of every second or two is open, or it was asked for within
    /// the last ten seconds. A fleet that wants a verdict now and then makes nobody measure more often.
    bool watched() const;

    /// Somebody looks, elsewhere than here. Any thread.
    void looked();

    /// /ready says no from now on.
    void stopping() { m_health.stopping(); }

private:
    std::shared_ptr<const Snapshot> own() const;
    bool mayReadMetrics(const http::Request &request) const;
    std::shared_ptr<const std::string> metricsText();
    awaitable<http::Response> families(http::Request &request);
    awaitable<http::Response> cleanUp(http::Request &request);
    awaitable<http::Response> queues(http::Request &request);
    void mountOperations(http::Router &router);
    void mountRedis(http::Router &router);

    telemetry::Registry &m_registry;
    RedisAdmin &m_admin;
    const Clock &m_clock;
    const MetricsAccess m_metrics;
    std::mutex m_mutex; ///< of the two below
    std::shared_ptr<const std::string> m_metricsText;
    SteadyTime m_metricsTime{};
    std::atomic<SteadyTime::rep> m_lookedAt{SteadyTime::min().time_since_epoch().count()};
    Health m_health;
    SnapshotStream m_stream;
    mutable std::mutex m_ownMutex; ///< of the one below
    std::shared_ptr<const Snapshot> m_own;
};

} // namespace portolan::monitor
