// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/monitor_routes.h"

#include "core/base/json.h"
#include "core/base/json_schema.h"
#include "core/http/actor.h"
#include "core/http/hosts.h"
#include "core/http/problem.h"
#include "core/http/server.h"
#include "core/http/uri.h"
#include "core/http/websocket.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/sampler.h"
#include "core/monitor/snapshot_metrics.h"
#include "core/telemetry/registry.h"

#include <algorithm>

namespace portolan::monitor {

namespace {

using http::Request;
using http::Response;

constexpr http::Access operatorAccess{Role::Operator, Category::Admin};
constexpr http::Access everybody{Role::Anonymous, Category::Unlimited};
constexpr std::chrono::milliseconds patience{2000};

/// The body of POST /api/admin/redis/cleanup: CleanupRequest and who says why.
struct CleanupBody
{
    std::string family;
    bool dryRun = true;
    std::optional<std::chrono::seconds> idle;
    std::string reason;
    static constexpr std::string_view jsonDefaulted[] = {"dryRun", "reason"};
};
BOOST_DESCRIBE_STRUCT(CleanupBody, (), (family, dryRun, idle, reason))

Error notYet()
{
    Error error = failure(ErrorKind::Unavailable, "Nothing has been measured yet.", "Try again in a second.");
    error.retryAfter = std::chrono::seconds(1);
    return error;
}

Error metricsClosed()
{
    return failure(
        ErrorKind::Forbidden, "Metrics are not for everybody here.",
        "Send Authorization: Bearer with metrics.token, or ask from the same machine as localhost (metrics.access).");
}

/// What a proxy on this machine hands on comes from elsewhere; so does the page that made a browser here ask for a name
/// of its own, which it had resolved to this machine.
bool fromThisMachine(const Request &request)
{
    if (request.address == "local") // the control socket
        return true;
    for (const std::string_view byProxy :
         {"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"})
        if (!request.header(byProxy).empty())
            return false;
    const auto host = request.header("Host");
    if (!host.empty() && !http::isLoopbackName(host) && !http::isAddressLiteral(host))
        return false;
    error_code invalid;
    const auto address = asio::ip::make_address(request.address, invalid);
    return !invalid &&
           (address.is_loopback() || (address.is_v6() && address.to_v6().is_v4_mapped() &&
                                      asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback()));
}

Response operations(const Health::Report &report)
{
    return http::json(*report.body, report.ok ? http::status::ok : http::status::service_unavailable)
        .with("Cache-Control", "no-store");
}

/// What the stream's address asks for.
Result<StreamWish> wishOf(const Request &request)
{
    const auto query = http::queryValues(request.query);
    if (!query)
        return failure(ErrorKind::Invalid, "The query of the address is malformed.");
    return readStreamWish(*query);
}

/// A list whose members lie beside other figures: they go under "items".
boost::json::value listed(boost::json::value figures, std::string_view member)
{
    boost::json::object &object = figures.as_object();
    boost::json::value items = std::move(object[member]); // before a new member may move all of them
    object.erase(member);
    object["items"] = std::move(items);
    object["next_cursor"] = nullptr;
    return figures;
}

} // namespace

MonitorRoutes::MonitorRoutes(telemetry::Registry &registry, RedisAdmin &admin, const Clock &clock, std::string version,
                             MetricsAccess metrics)
    : m_registry(registry),
      m_admin(admin),
      m_clock(clock),
      m_metrics(std::move(metrics)),
      m_health(std::move(version), clock),
      m_stream(clock)
{
    addSnapshotMetrics(registry, [this] { return own(); });
}

void MonitorRoutes::connect(Sampler &sampler)
{
    sampler.onSnapshot([this, &sampler](std::shared_ptr<const Snapshot> snapshot) {
        auto measured = sampler.own();
        m_health.update(*measured);
        {
            const std::lock_guard lock(m_ownMutex);
            m_own = std::move(measured);
        }
        m_stream.publish(std::move(snapshot));
    });
}

std::shared_ptr<const Snapshot> MonitorRoutes::own() const
{
    const std::lock_guard lock(m_ownMutex);
    return m_own;
}

void MonitorRoutes::looked() { m_lookedAt = m_clock.steady().time_since_epoch().count(); }

bool MonitorRoutes::watched() const
{
    const SteadyTime looked{SteadyTime::duration(m_lookedAt.load())};
    return m_stream.isWatchedClosely() ||
           (looked != SteadyTime::min() && m_clock.steady() - looked < std::chrono::seconds(10));
}

bool MonitorRoutes::mayReadMetrics(const Request &request) const
{
    if (m_metrics.mode == MetricsAccess::Open)
        return true;
    const std::string_view token = request.bearer();
    if (!m_metrics.token.empty() && m_metrics.token.equals(token))
        return true;
    return m_metrics.mode == MetricsAccess::Loopback && fromThisMachine(request);
}

/// Made at most once a second, whoever asks: it is a walk through all that is counted.
std::shared_ptr<const std::string> MonitorRoutes::metricsText()
{
    const std::lock_guard lock(m_mutex);
    const SteadyTime now = m_clock.steady();
    if (!m_metricsText || now - m_metricsTime >= std::chrono::seconds(1)) {
        m_metricsText = std::make_shared<const std::string>(m_registry.text());
        m_metricsTime = now;
    }
    return m_metricsText;
}

void MonitorRoutes::mount(http::Router &router)
{
    mountOperations(router);
    mountRedis(router);
}

void MonitorRoutes::mountOperations(http::Router &router)
{
    router.get("/health", everybody,
               [this](Request &) -> awaitable<Response> { co_return operations(m_health.health()); },
               {"Whether the portal can serve, and what it lacks", {}, {}});
    router.get("/ready", everybody,
               [this](Request &) -> awaitable<Response> { co_return operations(m_health.ready()); },
               {"Whether a load balancer should send requests here", {}, {}});
    router.get("/metrics", everybody,
               [this](Request &request) -> awaitable<Response> {
                   if (!mayReadMetrics(request))
                       co_return http::problem(request, metricsClosed());
                   co_return http::text(*metricsText(), http::status::ok, telemetry::Registry::contentType);
               },
               {"Metrics for Prometheus", {}, {}});
    router.get("/api/admin/snapshot", operatorAccess,
               [this](Request &request) -> awaitable<Response> {
                   looked();
                   const auto text = m_stream.text();
                   if (!text)
                       co_return http::problem(request, notYet());
                   co_return http::json(*text).with("Cache-Control", "no-store");
               },
               {"Everything that is measured, as of the last second", {}, {}});
    router.get("/api/admin/queues", operatorAccess, [this](Request &request) { return queues(request); },
               {"Queues and the true backlog", {}, {}});
}

void MonitorRoutes::mountRedis(http::Router &router)
{
    router.get("/api/admin/redis/families", operatorAccess, [this](Request &request) { return families(request); },
               {"Memory by key family, estimated from samples with its error", {}, {}});
    router.post("/api/admin/redis/cleanup", operatorAccess, [this](Request &request) { return cleanUp(request); },
                {"Delete the keys of a family, or count what that would delete (dry_run)", requestSchema<CleanupBody>(),
                 answerSchema<CleanupStatus>()});
    router.get("/api/admin/redis/cleanup", operatorAccess,
               [this](Request &request) -> awaitable<Response> {
                   const auto status = m_admin.cleanupStatus();
                   if (!status)
                       co_return http::problem(request, failure(ErrorKind::NotFound, "There was no cleanup yet."));
                   co_return http::json(writeJson(*status));
               },
               {"The cleanup under way, or the last one", {}, {}});
    router.del("/api/admin/redis/cleanup", operatorAccess,
               [this](Request &request) -> awaitable<Response> {
                   const auto id = request.queryParam("id");
                   if (id && id->empty()) // an empty variable in a script does not mean any
                       co_return http::problem(request, failure(ErrorKind::Invalid, "The id of the cleanup is empty."));
                   const Result<void> cancelled = m_admin.cancelCleanup(id.value_or(""));
                   if (cancelled.has_error())
                       co_return http::problem(request, cancelled.error());
                   co_return http::noContent();
               },
               {"Cancel the cleanup under way; with ?id= only if it is that one", {}, {}});
}

void MonitorRoutes::mountStream(http::Server &server, http::StillAllowed allowed, std::chrono::milliseconds interval)
{
    server.onWebSocket(
        "/api/admin/stream", operatorAccess,
        [this, allowed = std::move(allowed), interval](Request &request,
                                                       std::shared_ptr<http::WebSocket> socket) -> awaitable<void> {
            const auto watch = http::watchSocket(socket, request.admission, allowed, interval);
            auto wish = wishOf(request);
            co_await m_stream.serve(std::move(socket), std::move(*wish));
        },
        {"WebSocket: the snapshot whenever there is a new one, or a part of it more rarely",
         {},
         {},
         streamParameters()},
        [](const Request &request) -> std::optional<Response> {
            if (const auto wish = wishOf(request); !wish)
                return http::problem(request, wish.error());
            return std::nullopt;
        });
}

awaitable<Response> MonitorRoutes::families(Request &request)
{
    looked();
    const auto snapshot = m_stream.latest();
    if (!snapshot || !snapshot->families.age)
        co_return http::problem(request, notYet());
    co_return http::json(listed(toJson(snapshot->families), "families"));
}

awaitable<Response> MonitorRoutes::queues(Request &request)
{
    looked();
    const auto snapshot = m_stream.latest();
    if (!snapshot || !snapshot->queue.age)
        co_return http::problem(request, notYet());
    co_return http::json(listed(toJson(snapshot->queue), "queues"));
}

awaitable<Response> MonitorRoutes::cleanUp(Request &request)
{
    Result<CleanupBody> body = readJson<CleanupBody>(request.body, JsonMode::Strict);
    if (body.has_error())
        co_return http::problem(request, body.error());
    auto actor = http::actorOf(request, std::move(body->reason));
    if (!actor)
        co_return http::problem(request, actor.error());
    CleanupRequest wanted{std::move(body->family), body->dryRun, body->idle};
    const auto started = co_await m_admin.cleanUp(std::move(*actor), std::move(wanted));
    if (started.has_error())
        co_return http::problem(request, started.error());
    // A small one is over in a moment: its answer is the result. A long one goes on, GET has its progress.
    const CleanupStatus status = co_await m_admin.settled(*started, patience);
    const bool over = status.state != CleanupState::Running;
    co_return http::json(writeJson(status), over ? http::status::ok : http::status::accepted);
}

} // namespace portolan::monitor
