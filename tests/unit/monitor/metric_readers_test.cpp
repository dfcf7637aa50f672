// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/catalogue.h"
#include "core/base/utf8.h"
#include "core/monitor/metric_readers.h"

#include <QTest>
#include <algorithm>
#include <limits>
#include <map>
#include <optional>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

Reading readingOf(Resource resource, double value)
{
    Reading reading;
    reading.resource = resource;
    reading.zone = Zone::Yellow;
    reading.unknown = Unknown::No;
    reading.value = value;
    reading.age = 0ms;
    return reading;
}

RouteFigures routeOf(const char *method, const char *path)
{
    RouteFigures route;
    route.method = method;
    route.route = path;
    route.traffic.requests = 120;
    route.traffic.errors = 30;
    route.traffic.perSecond = 2;
    route.traffic.p95 = 0.25;
    return route;
}

/// Everything is known.
Snapshot fullSnapshot()
{
    Snapshot snapshot;
    snapshot.uptime = 60s;
    snapshot.redis.age = snapshot.queue.age = snapshot.families.age = 0ms;
    snapshot.redis.usedMemory = 1'000'000;
    snapshot.redis.connectedClients = 5;
    snapshot.redis.fragmentation = 1.2;
    snapshot.redis.hitRatio = 0.9;
    snapshot.redis.evictedPerSecond = 0;
    snapshot.redis.commandsPerSecond = 40;
    snapshot.queue.waiting = snapshot.queue.unacked = 3;
    snapshot.queue.takenPerSecond = snapshot.queue.endedPerSecond = 0.5;
    snapshot.queue.queues = {{"celery", 2}, {"mail", 1}};
    snapshot.http.traffic.perSecond = 4;
    snapshot.http.traffic.p50 = snapshot.http.traffic.p95 = snapshot.http.traffic.p99 = 0.1;
    snapshot.http.errorRate = 0.01;
    snapshot.http.connections = 7;
    snapshot.http.routes = {routeOf("GET", "/api/tasks/{id}"), routeOf("other", "other")};
    snapshot.users.concurrent = snapshot.users.sessions = 6;
    snapshot.dbPools = {{"primary", 4, 1, 0}, {"reports", 2, 2, 9}};
    snapshot.families.families = {{"sessions", Estimate{10, 9, 11}, Estimate{3000, 2900, 3100}, {}, {}, {}}};
    for (const Resource resource : {Resource::Workers, Resource::OldestTask, Resource::FailedTasks, Resource::Refused,
                                    Resource::Disk, Resource::RedisOverhead, Resource::RedisTraffic})
        snapshot.readings.push_back(readingOf(resource, 0.5));
    return snapshot;
}

std::optional<double> valueOf(const Snapshot &snapshot, std::string_view name, std::string_view label = {})
{
    for (const Figure &figure : figuresOf(snapshot))
        if (figure.name == name && figure.label == label)
            return figure.value;
    return std::nullopt;
}

} // namespace

class MetricReadersTest final : public QObject
{
    Q_OBJECT

private slots:
    void eachMetricIsRead()
    {
        std::map<std::string_view, int> read;
        for (const Figure &figure : figuresOf(fullSnapshot())) {
            ++read[figure.name];
            QCOMPARE(findKind(figure.name)->label.empty(), figure.label.empty());
        }
        for (const MetricKind &kind : catalogue)
            QVERIFY2(read[kind.name] > 0 && (read[kind.name] == 1 || !kind.label.empty()), kind.name.data());
        QCOMPARE(read.size(), catalogue.size());
    }

    void nothingIsMadeUp() { QVERIFY(figuresOf({}).empty()); }

    void labelledFigures()
    {
        const Snapshot snapshot = fullSnapshot();
        QCOMPARE(valueOf(snapshot, metric::queueDepth, "mail"), std::optional(1.0));
        QCOMPARE(valueOf(snapshot, metric::routeP95, "GET /api/tasks/{id}"), std::optional(0.25));
        QCOMPARE(valueOf(snapshot, metric::routeErrors, "GET /api/tasks/{id}"), std::optional(0.5)); // a second
        QCOMPARE(valueOf(snapshot, metric::routeRequests, "other"), std::optional(2.0));
        QCOMPARE(valueOf(snapshot, metric::familyBytes, "sessions"), std::optional(3000.0));
        QCOMPARE(valueOf(snapshot, metric::familyKeys, "sessions"), std::optional(10.0));
        QCOMPARE(valueOf(snapshot, metric::dbPoolUse, "primary"), std::optional(0.25));
        QCOMPARE(valueOf(snapshot, metric::dbPoolWaiting, "reports"), std::optional(9.0));
        QCOMPARE(valueOf(snapshot, metric::dbPool), std::optional(1.0)); // the fullest
        QCOMPARE(valueOf(snapshot, metric::zone, "oldest_task"), std::optional(1.0));
        QVERIFY(!valueOf(snapshot, metric::zone, "redis_memory")); // has no reading here
    }

    /// When another instance joins, the series of a pool goes on, and each one's own stands beside it.
    void aPoolKeepsItsNameWhoeverElseHasOne()
    {
        Snapshot snapshot = fullSnapshot();
        snapshot.dbPools = {{"primary", 4, 3, 1}, {"primary", 4, 1, 7}, {"primary", 0, 0, 0}};
        snapshot.dbPools[0].instance = "a";
        snapshot.dbPools[1].instance = "b";
        snapshot.dbPools[2].instance = "c"; // has no connections yet: how full it is nobody knows
        QCOMPARE(valueOf(snapshot, metric::dbPoolUse, "primary"), std::optional(0.75));
        QCOMPARE(valueOf(snapshot, metric::dbPoolWaiting, "primary"), std::optional(7.0));
        QCOMPARE(valueOf(snapshot, metric::dbPoolUse, "primary of a"), std::optional(0.75));
        QCOMPARE(valueOf(snapshot, metric::dbPoolUse, "primary of b"), std::optional(0.25));
        QVERIFY(!valueOf(snapshot, metric::dbPoolUse, "primary of c"));
        QCOMPARE(valueOf(snapshot, metric::dbPoolWaiting, "primary of c"), std::optional(0.0));
        const auto figures = figuresOf(snapshot, metric::dbPoolUse);
        QCOMPARE(figures.size(), std::size_t{3}); // each once
    }

    void staleValuesAreUnknown_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("label");
        QTest::newRow("redis") << std::string(metric::redisMemory) << std::string();
        QTest::newRow("queue") << std::string(metric::queueWaiting) << std::string();
        QTest::newRow("a queue") << std::string(metric::queueDepth) << std::string("celery");
        QTest::newRow("a family") << std::string(metric::familyBytes) << std::string("sessions");
        QTest::newRow("a reading") << std::string(metric::disk) << std::string();
    }
    void staleValuesAreUnknown()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, label);
        for (const auto &[age, known] : {std::pair(4999ms, true), std::pair(5000ms, false)}) {
            Snapshot snapshot = fullSnapshot();
            snapshot.redis.age = snapshot.queue.age = snapshot.families.age = age;
            for (Reading &reading : snapshot.readings)
                reading.age = age;
            QCOMPARE(valueOf(snapshot, name, label).has_value(), known);
        }
    }

    void ratesOfTheFirstSecondsAreUnknown()
    {
        Snapshot snapshot = fullSnapshot();
        snapshot.uptime = 9s;
        for (const auto &[name, label] : {std::pair(metric::requestRate, ""), std::pair(metric::routeRequests, "other"),
                                          std::pair(metric::routeErrors, "other")}) {
            snapshot.uptime = 9s;
            QVERIFY(!valueOf(snapshot, name, label));
            snapshot.uptime = 10s;
            QVERIFY(valueOf(snapshot, name, label));
        }
    }

    void onlyNumbersCount()
    {
        Snapshot snapshot = fullSnapshot();
        snapshot.http.traffic.p95 = std::numeric_limits<double>::quiet_NaN();
        snapshot.redis.fragmentation = std::numeric_limits<double>::infinity();
        QVERIFY(!valueOf(snapshot, metric::responseP95));
        QVERIFY(!valueOf(snapshot, metric::redisFragmentation));
    }

    void labelsAreCut_data()
    {
        QTest::addColumn<QByteArray>("given");
        QTest::addColumn<QByteArray>("kept");
        const QByteArray full(128, 'a');
        QTest::newRow("fits") << full << full;
        QTest::newRow("longer") << full + "b" << full;
        QTest::newRow("within a character") << full.left(127) + "\xc3\xa9x" << full.left(127);
        QTest::newRow("after a character") << full.left(126) + "\xc3\xa9x" << full.left(126) + "\xc3\xa9";
        QTest::newRow("no UTF-8") << QByteArray("a\xff") << QByteArray("a\xef\xbf\xbd");
        QTest::newRow("nothing but bad bytes") << QByteArray(1000, '\xff') << QByteArray("\xef\xbf\xbd").repeated(42);
        QTest::newRow("empty") << QByteArray() << QByteArray();
    }
    void labelsAreCut()
    {
        QFETCH(QByteArray, given);
        QFETCH(QByteArray, kept);
        const std::string label = labelOf(given.toStdString());
        QCOMPARE(QByteArray::fromStdString(label), kept);
        QVERIFY(label.size() <= longestLabel && isUtf8(label));
        Snapshot snapshot = fullSnapshot();
        snapshot.queue.queues = {{given.toStdString(), 5}};
        QCOMPARE(valueOf(snapshot, metric::queueDepth, label), std::optional(5.0));
    }
};

QTEST_GUILESS_MAIN(MetricReadersTest)
#include "metric_readers_test.moc"
