#include "core/base/json.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/http/router.h"
#include "core/http/socket_watch.h"
#include "core/http/websocket.h"
#include "core/monitor/cleanup.h"
#include "core/monitor/monitor_routes.h"
#include "core/monitor/redis_admin.h"
#include "core/monitor/sampler.h"
#include "core/redis/client.h"
#include "core/telemetry/http_metrics.h"
#include "core/telemetry/portal_metrics.h"
#include "core/telemetry/registry.h"
#include "tests/fakes/redis_server_fixture.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTest>
#include <any>
#include <atomic>
#include <map>
#include <mutex>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

/// A watcher that stays until it is told to go.
class FakeSocket final : public http::WebSocket
{
public:
    explicit FakeSocket(Executor executor) : m_executor(executor) {}
    awaitable<Result<std::string>> receive() override
    {
        Timer timer(m_executor);
        while (!m_gone) {
            timer.expires_after(5ms);
            co_await timer.async_wait(use_awaitable);
        }
        co_return failure(ErrorKind::Cancelled, "gone");
    }
    void send(std::shared_ptr<const std::string> text) override
    {
        const std::lock_guard lock(m_mutex);
        m_texts.push_back(std::move(text));
    }
    void close(std::uint16_t code, std::string) override
    {
        m_code = code;
        m_gone = true;
    }
    int code() const { return m_code; }
    bool open() const override { return !m_gone; }
    Executor executor() const override { return m_executor; }
    std::vector<std::shared_ptr<const std::string>> texts() const
    {
        const std::lock_guard lock(m_mutex);
        return m_texts;
    }

private:
    const Executor m_executor;
    std::atomic<bool> m_gone = false;
    std::atomic<int> m_code = 0;
    mutable std::mutex m_mutex;
    std::vector<std::shared_ptr<const std::string>> m_texts;
};

Sources sourcesOf()
{
    Sources sources;
    sources.pingDatabase = []() -> awaitable<Result<void>> { co_return Result<void>(); };
    sources.tasks = [] { return TaskFigures{10, 8, 0, 1, 1, 0}; };
    sources.workers = [] {
        WorkerFigures workers;
        workers.threads = 2;
        workers.busy = 1;
        return workers;
    };
    sources.connections = [] { return ConnectionFigures{3, 1, 0, 0}; };
    sources.dbPools = [] { return std::vector<DbPoolFigures>{{"primary", 4, 1, 0}}; };
    sources.users = [] {
        UserFigures users;
        users.concurrent = 2;
        users.sessions = 5;
        return users;
    };
    return sources;
}

/// The routes on a real Redis, without the HTTP server around them.
struct Mounted
{
    explicit Mounted(MetricsAccess access = {})
        : client(runtime.at(0), server.endpoint()),
          metrics(registry),
          admin(&client,
                [this](AuditNote note) -> awaitable<void> {
                    const std::lock_guard lock(mutex);
                    audit.push_back(std::move(note));
                    co_return;
                }),
          routes(registry, admin, clock, "0.1.0", std::move(access))
    {
        tier.name = "small";
        tier.zones = {{Resource::RedisMemory, {20e6, 25e6}}, {Resource::Users, {10, 12}}};
        routes.mount(router);
        std::vector<telemetry::RouteName> names;
        for (const auto &route : router.routes())
            names.push_back({"GET", route->path, false});
        http.emplace(registry, std::move(names));
        SamplerOptions options{"0.1.0", "test", 100ms, 80ms};
        sampler.emplace(runtime.at(0), &client, *http, tier, clock, sourcesOf(), options);
        cleanup.emplace(runtime.at(0), client, sampler->families(), clock);
        admin.connect(*sampler, &*cleanup);
        routes.connect(*sampler);
        client.start();
    }
    ~Mounted()
    {
        sampler->stop();
        cleanup->stop();
        client.stop();
        runtime.stop();
    }

    http::Response ask(http::verb method, const std::string &target, std::string body = {},
                       const std::map<std::string, std::string> &headers = {})
    {
        return runSync<http::Response>(runtime.at(0), [&]() -> awaitable<http::Response> {
            http::Request request;
            request.address = address;
            for (const auto &[name, value] : headers)
                request.headers.set(name, value);
            request.method = method;
            request.target = target;
            const std::size_t mark = target.find('?');
            request.path = std::string_view(request.target).substr(0, mark);
            if (mark != std::string::npos)
                request.query = std::string_view(request.target).substr(mark + 1);
            request.body = std::move(body);
            request.principal = {7, Role::Operator};
            const auto match = router.match(request);
            if (!match.route)
                throw std::runtime_error("no route for " + request.target);
            co_return co_await match.route->handler(request);
        });
    }
    boost::json::value get(const std::string &target) { return boost::json::parse(ask(http::verb::get, target).body); }
    std::vector<AuditNote> audited()
    {
        const std::lock_guard lock(mutex);
        return audit;
    }

    std::string address = "127.0.0.1"; ///< of who asks
    SystemClock clock;
    RedisServerFixture server;
    Tier tier;
    Runtime runtime{2};
    redis::Client client;
    telemetry::Registry registry;
    telemetry::PortalMetrics metrics;
    std::mutex mutex;
    std::vector<AuditNote> audit;
    RedisAdmin admin;
    MonitorRoutes routes;
    http::Router router;
    std::optional<telemetry::HttpMetrics> http;
    std::optional<Sampler> sampler;
    std::optional<Cleanup> cleanup;
};

bool healthy(Mounted &mounted) { return mounted.get("/health").at("status") == "healthy"; }

} // namespace

class MonitorRoutesTest final : public QObject
{
    Q_OBJECT

private slots:
    void tellsHealth()
    {
        Mounted mounted;
        QCOMPARE(mounted.ask(http::verb::get, "/health").code, http::status::service_unavailable);
        QCOMPARE(mounted.ask(http::verb::get, "/ready").code, http::status::service_unavailable);
        QCOMPARE(mounted.ask(http::verb::get, "/api/admin/snapshot").code, http::status::service_unavailable);
        mounted.sampler->start();
        QTRY_VERIFY_WITH_TIMEOUT(healthy(mounted), 10'000);
        const auto health = mounted.get("/health");
        QCOMPARE(QString::fromStdString(boost::json::serialize(health.at("checks"))),
                 QString(R"({"redis":"up","database":"up","queue":"up"})"));
        QVERIFY(health.at("version") == "0.1.0");
        QVERIFY(parseTime(std::string_view(health.at("timestamp").as_string())).has_value());
        QCOMPARE(mounted.ask(http::verb::get, "/ready").code, http::status::ok);

        mounted.server.kill();
        QTRY_VERIFY_WITH_TIMEOUT(mounted.get("/health").at("status") == "degraded", 10'000);
        QCOMPARE(mounted.ask(http::verb::get, "/health").code, http::status::ok);
        QVERIFY(mounted.get("/health").at("checks").at("redis") == "down");
        mounted.server.start();
        QTRY_VERIFY_WITH_TIMEOUT(healthy(mounted), 10'000);
        mounted.routes.stopping();
        QCOMPARE(mounted.ask(http::verb::get, "/ready").code, http::status::service_unavailable);
        QCOMPARE(mounted.ask(http::verb::get, "/health").code, http::status::ok);
    }

    void exposesEveryMetricOfTheApi()
    {
        Mounted mounted;
        mounted.sampler->start();
        QTRY_VERIFY_WITH_TIMEOUT(healthy(mounted), 10'000);
        mounted.http->answered(0, "GET", 200, 1ms);
        mounted.metrics.tasks.with({"portal.noop", "SUCCESS"}).add();
        mounted.registry.counters("portal_cache_requests_total", "Look-ups", {"cache", "outcome"})
            .with({"tickers", "hit"})
            .add();
        mounted.registry.counters("portal_rate_limited_total", "Refusals", {"category"}).with({"api"}).add();
        const std::string text = mounted.ask(http::verb::get, "/metrics").body;
        for (const char *name :
             {"portal_http_requests_total{method=", "portal_http_request_duration_seconds_bucket{route=",
              "portal_http_connections 3", "portal_redis_used_bytes ", "portal_redis_connections 1",
              "portal_redis_commands_total ", "portal_queue_depth{queue=\"celery\"} 0", "portal_queue_unacked 0",
              "portal_tasks_total{name=\"portal.noop\",state=\"SUCCESS\"} 1", "portal_task_duration_seconds_count 0",
              "portal_workers{state=\"busy\"} 1", "portal_workers{state=\"idle\"} 1",
              "portal_db_pool_connections{state=\"busy\"} 1", "portal_db_query_duration_seconds_count 0",
              "portal_cache_requests_total{cache=\"tickers\",outcome=\"hit\"} 1",
              "portal_rate_limited_total{category=\"api\"} 1", "portal_sessions 5",
              "portal_zone{resource=\"redis_memory\"} 0", "portal_zone{resource=\"users\"} 0"})
            QVERIFY2(text.find(std::string("\n") + name) != std::string::npos, name);
    }

    void metricsAreForWhoMayReadThem_data()
    {
        QTest::addColumn<int>("mode");
        QTest::addColumn<QString>("address");
        QTest::addColumn<QString>("header");
        QTest::addColumn<QString>("value");
        QTest::addColumn<bool>("allowed");
        const auto row = [](const char *name, MetricsAccess::Mode mode, const char *address, const char *header,
                            const char *value, bool allowed) {
            QTest::newRow(name) << int(mode) << address << header << value << allowed;
        };
        row("this machine", MetricsAccess::Loopback, "127.0.0.1", "", "", true);
        row("this machine, IPv6", MetricsAccess::Loopback, "::1", "", "", true);
        row("this machine, mapped", MetricsAccess::Loopback, "::ffff:127.0.0.1", "", "", true);
        row("control socket", MetricsAccess::Loopback, "local", "", "", true);
        row("elsewhere", MetricsAccess::Loopback, "192.0.2.7", "", "", false);
        row("elsewhere with the token", MetricsAccess::Loopback, "192.0.2.7", "Authorization", "Bearer scraper", true);
        row("elsewhere with another", MetricsAccess::Loopback, "192.0.2.7", "Authorization", "Bearer scrape", false);
        row("through a proxy here", MetricsAccess::Loopback, "127.0.0.1", "X-Real-IP", "192.0.2.7", false);
        row("through a proxy that only says so", MetricsAccess::Loopback, "127.0.0.1", "Via", "1.1 front", false);
        row("by another name at a proxy", MetricsAccess::Loopback, "127.0.0.1", "X-Forwarded-Host", "evil.example",
            false);
        row("by https at a proxy", MetricsAccess::Loopback, "127.0.0.1", "X-Forwarded-Proto", "https", false);
        row("a name of elsewhere", MetricsAccess::Loopback, "127.0.0.1", "Host", "evil.example:4000", false);
        row("localhost", MetricsAccess::Loopback, "127.0.0.1", "Host", "localhost:4000", true);
        row("by its address", MetricsAccess::Loopback, "127.0.0.1", "Host", "192.0.2.1:4000", true);
        row("by its address, IPv6", MetricsAccess::Loopback, "::1", "Host", "[::1]:4000", true);
        row("no address", MetricsAccess::Loopback, "", "", "", false);
        row("this machine, token wanted", MetricsAccess::Token, "127.0.0.1", "", "", false);
        row("token", MetricsAccess::Token, "192.0.2.7", "Authorization", "Bearer scraper", true);
        row("open", MetricsAccess::Open, "192.0.2.7", "", "", true);
    }
    void metricsAreForWhoMayReadThem()
    {
        QFETCH(int, mode);
        QFETCH(QString, address);
        QFETCH(QString, header);
        QFETCH(QString, value);
        QFETCH(bool, allowed);
        Mounted mounted({MetricsAccess::Mode(mode), Secret("scraper")});
        mounted.address = address.toStdString();
        std::map<std::string, std::string> headers;
        if (!header.isEmpty())
            headers[header.toStdString()] = value.toStdString();
        const auto answer = mounted.ask(http::verb::get, "/metrics", {}, headers);
        QCOMPARE(answer.code, allowed ? http::status::ok : http::status::forbidden);
    }

    void makesTheMetricsOnceASecond()
    {
        Mounted mounted;
        std::atomic<int> made = 0;
        mounted.registry.gauge("test_made", "How often the text was made", {}, [&made] {
            return telemetry::Samples{{{}, double(++made)}};
        });
        for (int i = 0; i < 500; ++i)
            QCOMPARE(mounted.ask(http::verb::get, "/metrics").code, http::status::ok);
        const int soon = made;
        QVERIFY2(soon < 20, qPrintable(QString::number(soon))); // one a second, however slow the machine
        QTRY_VERIFY_WITH_TIMEOUT(mounted.ask(http::verb::get, "/metrics").code == http::status::ok && made > soon,
                                 10'000);
    }

    void knowsWhetherSomebodyLooks()
    {
        Mounted mounted;
        QVERIFY(!mounted.routes.watched());
        mounted.ask(http::verb::get, "/metrics");
        mounted.ask(http::verb::get, "/health");
        QVERIFY(!mounted.routes.watched()); // probes are no people
        mounted.ask(http::verb::get, "/api/admin/queues");
        QVERIFY(mounted.routes.watched());
    }

    void servesTheSnapshotAndItsParts()
    {
        Mounted mounted;
        mounted.sampler->start();
        QTRY_VERIFY_WITH_TIMEOUT(healthy(mounted), 10'000);
        const auto snapshot =
            readJson<Snapshot>(mounted.ask(http::verb::get, "/api/admin/snapshot").body, JsonMode::Strict);
        QVERIFY2(snapshot.has_value(), snapshot.has_error() ? snapshot.error().message.c_str() : "");
        QCOMPARE(snapshot->verdict, Zone::Green);
        QCOMPARE(snapshot->users.concurrent, std::optional<std::uint64_t>(2));
        const auto queues = mounted.get("/api/admin/queues");
        QVERIFY(queues.at("items").at(0).at("queue") == "celery");
        QVERIFY(queues.at("next_cursor").is_null());
        const auto families = mounted.get("/api/admin/redis/families");
        QVERIFY(families.at("items").as_array().size() == 8);
    }

    void streamsOneTextToAll()
    {
        Mounted mounted;
        SnapshotStream stream;
        mounted.sampler->onSnapshot([&](std::shared_ptr<const Snapshot> s) { stream.publish(std::move(s)); });
        auto first = std::make_shared<FakeSocket>(mounted.runtime.at(1));
        auto second = std::make_shared<FakeSocket>(mounted.runtime.at(0));
        for (const auto &socket : {first, second})
            spawn(socket->executor(), [&stream, socket]() -> awaitable<void> { co_await stream.serve(socket); });
        QTRY_COMPARE(stream.watchers(), std::size_t{2});
        mounted.sampler->start();
        QTRY_VERIFY_WITH_TIMEOUT(first->texts().size() >= 3 && second->texts().size() >= 3, 10'000);
        QCOMPARE(first->texts()[1].get(), second->texts()[1].get());
        QVERIFY(readJson<Snapshot>(*first->texts()[2], JsonMode::Strict)->sequence == 3);
        first->close(1000, "");
        QTRY_COMPARE(stream.watchers(), std::size_t{1});
        second->close(1000, "");
        QTRY_COMPARE(stream.watchers(), std::size_t{0});
        mounted.sampler->stop();
    }

    void closesASocketWhoseSessionHasEnded()
    {
        Runtime runtime(1);
        auto socket = std::make_shared<FakeSocket>(runtime.at(0));
        std::atomic<bool> alive{true};
        std::atomic<int> asked{0};
        const auto allowed = [&](const std::any &admission) -> awaitable<bool> {
            asked += std::any_cast<int>(admission);
            co_return alive;
        };
        auto watch = http::watchSocket(socket, std::any(1), allowed, 5ms);
        QTRY_VERIFY(asked > 2);
        QVERIFY(socket->open());
        alive = false;
        QTRY_VERIFY(!socket->open());
        QCOMPARE(socket->code(), 4001);

        http::WatchedSockets sockets;
        const http::StillAllowed listed(allowed, &sockets);
        auto first = std::make_shared<FakeSocket>(runtime.at(0));
        auto second = std::make_shared<FakeSocket>(runtime.at(0));
        auto watchOfFirst = http::watchSocket(first, std::any(1), listed, 1h);
        auto watchOfSecond = http::watchSocket(second, std::any(2), listed, 1h);
        sockets.askAbout([](const std::any &admission) { return std::any_cast<int>(admission) == 2; });
        QTRY_VERIFY(!second->open());
        QCOMPARE(second->code(), 4001);
        QVERIFY(first->open());
        runSync<void>(runtime.at(0), [&]() -> awaitable<void> {
            watchOfFirst.reset();
            watchOfSecond.reset();
            co_return;
        });

        auto dropped = std::make_shared<FakeSocket>(runtime.at(0));
        auto brief = http::watchSocket(dropped, std::any(1), allowed, 1h);
        runSync<void>(runtime.at(0), [&]() -> awaitable<void> {
            brief.reset();
            co_return;
        });
        QTRY_COMPARE(dropped.use_count(), 1l);
        QVERIFY(dropped->open());
        runSync<void>(runtime.at(0), [&]() -> awaitable<void> {
            watch.reset();
            co_return;
        });
    }

    void listsAndClosesClients()
    {
        Mounted mounted;
        redis::Client other(mounted.runtime.at(1), mounted.server.endpoint(), {.name = "leaky"});
        other.start();
        QTRY_VERIFY_WITH_TIMEOUT(other.state() == redis::Client::State::Ready, 10'000);
        mounted.sampler->start();
        const auto leaky = [&]() -> std::string {
            const auto answer = mounted.ask(http::verb::get, "/api/admin/redis/clients");
            if (answer.code != http::status::ok)
                return {};
            const auto list = boost::json::parse(answer.body);
            for (const auto &client : list.at("items").as_array())
                if (client.at("name") == "leaky")
                    return std::string(client.at("id").as_string());
            return {};
        };
        QTRY_VERIFY_WITH_TIMEOUT(!leaky().empty(), 10'000);
        const std::string id = leaky();
        const auto page = mounted.get("/api/admin/redis/clients?limit=1");
        QCOMPARE(page.at("items").as_array().size(), std::size_t{1});
        QVERIFY(!page.at("next_cursor").is_null());
        const auto rest =
            mounted.get("/api/admin/redis/clients?limit=1&cursor=" + std::string(page.at("next_cursor").as_string()));
        QVERIFY(rest.at("items").at(0).at("id") != page.at("items").at(0).at("id"));
        QVERIFY(rest.at("next_cursor").is_null());
        for (const char *bad : {"?limit=0", "?limit=x", "?limit=99999", "?cursor=-1"})
            QVERIFY(mounted.ask(http::verb::get, std::string("/api/admin/redis/clients") + bad).code !=
                    http::status::ok);

        const std::string path = "/api/admin/redis/clients/";
        QCOMPARE(mounted.ask(http::verb::delete_, path + id + "?reason=leak").code, http::status::no_content);
        QCOMPARE(mounted.ask(http::verb::delete_, path + id).code, http::status::not_found);
        QCOMPARE(mounted.ask(http::verb::delete_, path + "x").code, http::status::not_found);
        const auto audit = mounted.audited();
        QCOMPARE(audit.size(), std::size_t{2});
        QCOMPARE(audit[0].subject, "client:" + id);
        QCOMPARE(audit[0].reason, std::string("leak"));
        QVERIFY(audit[0].detail.starts_with("leaky ") && !audit[0].error && audit[1].error);
        other.stop();
    }

    void closesManyAtOnce()
    {
        Mounted mounted;
        std::vector<std::unique_ptr<redis::Client>> others;
        for (int i = 0; i < 3; ++i) {
            others.push_back(std::make_unique<redis::Client>(mounted.runtime.at(1), mounted.server.endpoint(),
                                                             redis::ClientOptions{.name = "leaky"}));
            others.back()->start();
        }
        mounted.sampler->start();
        const auto leaky = [&] {
            std::vector<std::uint64_t> ids;
            if (const auto all = mounted.admin.clients())
                for (const auto &client : *all)
                    if (client.name == "leaky")
                        ids.push_back(client.id);
            return ids;
        };
        QTRY_COMPARE_WITH_TIMEOUT(leaky().size(), std::size_t{3}, 10'000);
        const auto close = [&](std::vector<std::uint64_t> ids) {
            return runSync<Result<std::size_t>>(mounted.runtime.at(0), [&]() -> awaitable<Result<std::size_t>> {
                return mounted.admin.closeClients({{0, Role::Admin}, "leak"}, ids);
            });
        };
        auto ids = leaky();
        ids.push_back(ids.front()); // named twice is closed once
        ids.push_back(999'999);
        QCOMPARE(close(ids).value(), std::size_t{3});
        QCOMPARE(close({999'999, 999'998}).error().kind, ErrorKind::NotFound);
        QCOMPARE(close({}).error().kind, ErrorKind::Invalid);
        const auto audit = mounted.audited();
        QCOMPARE(audit.size(), std::size_t{2}); // one entry each, also for what failed; what is no request leaves none
        QVERIFY2(audit[0].detail.starts_with("closed 3 of 4: leaky "), audit[0].detail.c_str());
        QVERIFY(audit[0].subject.starts_with("clients:") && !audit[0].error && audit[1].error);
        for (auto &other : others)
            other->stop();
    }

    void cleansUpAfterAPreview()
    {
        Mounted mounted;
        QTRY_VERIFY_WITH_TIMEOUT(mounted.client.state() == redis::Client::State::Ready, 10'000);
        for (int i = 0; i < 30; ++i)
            mounted.server.command("SET c:" + std::to_string(i) + " x");
        const std::string path = "/api/admin/redis/cleanup";
        QCOMPARE(mounted.ask(http::verb::get, path).code, http::status::not_found);
        const auto preview = mounted.ask(http::verb::post, path, R"({"family":"cache"})");
        QCOMPARE(preview.code, http::status::ok);
        const auto seen = boost::json::parse(preview.body);
        QVERIFY(seen.at("matched").to_number<int>() == 30 && seen.at("removed").to_number<int>() == 0);
        QVERIFY(seen.at("state") == "done" && seen.at("dry_run").as_bool());
        QVERIFY(mounted.audited().empty()); // looking is no change

        const auto done = boost::json::parse(
            mounted.ask(http::verb::post, path, R"({"family":"cache","dry_run":false,"reason":"full"})").body);
        QVERIFY(done.at("removed").to_number<int>() == 30);
        QTRY_COMPARE(mounted.audited().size(), std::size_t{1});
        QCOMPARE(mounted.audited()[0].subject, std::string("family:cache"));
        QVERIFY(mounted.audited()[0].detail.starts_with("deleted 30 keys"));
        QVERIFY(mounted.get(path).at("state") == "done");
        for (const char *bad : {R"({"family":"queue","dry_run":false})", R"({"family":"cache","x":1})", "{}", "no"})
            QVERIFY(mounted.ask(http::verb::post, path, bad).code != http::status::ok);
        QCOMPARE(mounted.ask(http::verb::delete_, path).code, http::status::not_found);
    }
};

QTEST_GUILESS_MAIN(MonitorRoutesTest)
#include "routes_test.moc"
