// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/http/socket_watch.h"
#include "core/http/websocket.h"
#include "mounted_routes.h"
#include "tests/fakes/fake_socket.h"

#include <boost/json/serialize.hpp>

#include <QTest>
#include <any>
#include <atomic>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

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
        QVERIFY(families.at("items").as_array().size() == 9);
    }

    void streamsOneTextToAll()
    {
        Mounted mounted;
        SnapshotStream stream(mounted.clock);
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
};

QTEST_GUILESS_MAIN(MonitorRoutesTest)
#include "routes_test.moc"
