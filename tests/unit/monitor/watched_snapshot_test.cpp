// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/metric.h"
#include "core/base/names.h"
#include "core/monitor/metric_readers.h"
#include "core/monitor/snapshot_builder.h"
#include "core/redis/reply.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

queue::KeyLayout shop()
{
    queue::KeyLayout layout;
    layout.prefix = "it's:";
    layout.unacked = "un\x01"
                     "1acked";
    return layout;
}

/// A watch of somebody else's stack, without Redis.
struct Watched
{
    explicit Watched(Tier with = {}) : tier(std::move(with)) {}

    const Reading &reading(const Snapshot &snapshot, Resource resource) const
    {
        return *std::ranges::find(snapshot.readings, resource, &Reading::resource);
    }

    ManualClock clock;
    Tier tier;
    KeyFamilies families{tier, shop()};
    SnapshotBuilder builder{
        tier, {.version = "1", .instance = "shop", .interval = 1s, .watch = shop()}, families, clock};
};

bool measuresRequests(const Snapshot &snapshot)
{
    const auto all = figuresOf(snapshot);
    return std::ranges::any_of(all, [](const Figure &figure) { return figure.name == metric::requestRate; });
}

} // namespace

class WatchedSnapshotTest final : public QObject
{
    Q_OBJECT

private slots:
    void whatNobodyMeasuresIsUnknown()
    {
        Tier tier;
        for (const auto &[resource, name] : enumNames<Resource>)
            tier.zones[resource] = {1, 2};
        Watched watched(tier);
        watched.clock.advance(5min);
        const auto snapshot = watched.builder.build(Sources{});
        QCOMPARE(snapshot->http.unknown, Unknown::NotAvailable);
        for (const Resource resource : {Resource::ErrorRate, Resource::Refused, Resource::ResponseTime, Resource::Users,
                                        Resource::DbPool, Resource::Disk, Resource::FailedTasks}) {
            const Reading &reading = watched.reading(*snapshot, resource);
            QCOMPARE(reading.zone, Zone::Unknown);
            QVERIFY(!reading.value);
            QCOMPARE(reading.unknown, Unknown::NotAvailable);
        }
        QVERIFY(!measuresRequests(*snapshot));
        QVERIFY(snapshot->instances.empty() && snapshot->dbPools.empty());
    }

    void whatOthersCountIsTaken()
    {
        Tier tier;
        for (const auto &[resource, name] : enumNames<Resource>)
            tier.zones[resource] = {1, 2};
        Watched watched(tier);
        watched.clock.advance(5min);
        Sources sources;
        std::optional<HttpFigures> told;
        sources.traffic = [&told] { return told; };
        QCOMPARE(watched.builder.build(sources)->http.unknown, Unknown::Away);
        told.emplace();
        told->traffic.requests = 1000;
        told->traffic.errors = 20;
        told->traffic.perSecond = 16.7;
        told->traffic.p95 = 0.25;
        told->errorRate = 0.02;
        watched.clock.advance(1s);
        const auto snapshot = watched.builder.build(sources);
        QCOMPARE(snapshot->http.unknown, Unknown::No);
        QCOMPARE(snapshot->http.errorRate, std::optional(0.02));
        QCOMPARE(watched.reading(*snapshot, Resource::ResponseTime).value, std::optional(0.25));
        QCOMPARE(watched.reading(*snapshot, Resource::ErrorRate).value, std::optional(0.02));
        told->errorRate.reset(); // as of a proxy that counts requests, and not what they were answered
        told->traffic.errors = 0;
        watched.clock.advance(1min);
        const auto half = watched.builder.build(sources);
        QVERIFY(!half->http.errorRate);
        QCOMPARE(watched.reading(*half, Resource::ErrorRate).zone, Zone::Unknown);
        QCOMPARE(watched.reading(*half, Resource::ErrorRate).unknown, Unknown::NotAvailable);
        QCOMPARE(watched.reading(*half, Resource::Refused).zone, Zone::Unknown);
        QVERIFY(measuresRequests(*snapshot));
        told.reset();
        watched.clock.advance(1min);
        QCOMPARE(watched.reading(*watched.builder.build(sources), Resource::ResponseTime).zone, Zone::Unknown);
    }

    void asksByTheKeysOfTheLayout()
    {
        Watched watched;
        queue::QueueDirectory queues(watched.clock, shop());
        const auto plan = watched.builder.plan(queues, true);
        QVERIFY(plan.has_value());
        QCOMPARE(plan->unacked, std::string("it's:un\x01"
                                            "1acked"));
        QCOMPARE(plan->unackedIndex, std::string("it's:unacked_index"));
        const std::string source = samplingScript(shop()).source();
        QVERIFY(source.find(R"(, 'it\039s:un\0011acked', 'it\039s:unacked_index')") != std::string::npos);
        RoundPlan plain;
        plain.plain = true;
        plain.unacked = "shop:unacked";
        QVERIFY(roundCommand(plain, samplingScript()).bytes().find("shop:unacked") != std::string::npos);
    }

    void limitsThatInfoLeavesOutAreTaken()
    {
        Watched watched;
        watched.builder.setRedisLimits({25 << 20, 30, "allkeys-lru"});
        queue::QueueDirectory queues(watched.clock);
        RoundAnswer answer;
        watched.builder.redisAnswered(*watched.builder.plan(queues, true), answer, 1ms, queues);
        auto snapshot = watched.builder.build(Sources{});
        QCOMPARE(snapshot->redis.maxmemory, std::optional<std::uint64_t>(25 << 20));
        QCOMPARE(snapshot->redis.maxClients, std::optional<std::uint64_t>(30));
        QCOMPARE(snapshot->redis.maxmemoryPolicy, std::string("allkeys-lru"));
        answer.info.memory.max = 7 << 20;
        answer.info.clients.max = 100;
        watched.clock.advance(1min);
        watched.builder.redisAnswered(*watched.builder.plan(queues, true), answer, 1ms, queues);
        snapshot = watched.builder.build(Sources{});
        QCOMPARE(snapshot->redis.maxmemory, std::optional<std::uint64_t>(7 << 20));
        QCOMPARE(snapshot->redis.maxClients, std::optional<std::uint64_t>(100));
    }

    /// That nothing waits where nobody has a queue is no good news.
    void withoutAQueueNothingIsSaidOfOne()
    {
        Watched watched;
        queue::QueueDirectory queues(watched.clock, shop());
        RoundAnswer answer;
        answer.unacked = 0;
        watched.builder.redisAnswered(*watched.builder.plan(queues, true), answer, 1ms, queues);
        auto snapshot = watched.builder.build(Sources{});
        for (const Resource resource : {Resource::Queue, Resource::Workers, Resource::OldestTask}) {
            QCOMPARE(watched.reading(*snapshot, resource).zone, Zone::Unknown);
            QVERIFY(!watched.reading(*snapshot, resource).value);
        }
        QVERIFY(!snapshot->queue.waiting && !snapshot->queue.unacked && !snapshot->queue.untaken);
        queues.setTaken({"celery"});
        for (const queue::WaitingList &list : queues.lists())
            answer.lists.push_back({list, list.key == "it's:celery" ? 2u : 0u, {}, {}});
        watched.clock.advance(1min);
        watched.builder.redisAnswered(*watched.builder.plan(queues, true), answer, 1ms, queues);
        snapshot = watched.builder.build(Sources{});
        QCOMPARE(snapshot->queue.waiting, std::optional<std::uint64_t>(2));
        QCOMPARE(watched.reading(*snapshot, Resource::Queue).value, std::optional(2.0));
    }

    void theMostLiteralPatternCounts()
    {
        Tier tier;
        tier.familyPatterns = {{"cache", {":[0-9]*:*"}},
                               {"queue", {"_kombu.binding.*"}},
                               {"sessions", {":[0-9]*:django.contrib.sessions*"}},
                               {"limits", {"LIMITER/*"}}};
        const KeyFamilies families(tier, shop());
        const std::vector<std::string> queues{"LIMITER/jobs"};
        const auto of = [&](std::string_view key) { return families.names()[families.indexOf(key, queues)]; };
        QCOMPARE(of(":1:django.contrib.sessions.cachex"), std::string("sessions"));
        QCOMPARE(of(":1:page"), std::string("cache"));
        QCOMPARE(of("it's:LIMITER/jobs"), std::string("queue")); // whatever it is called
        QCOMPARE(of("LIMITER/a"), std::string("limits"));
        QCOMPARE(of("anything"), std::string("other"));
        // What could be anything is not deleted.
        QVERIFY(families.cleanable("limits"));
        QVERIFY(!families.cleanable("cache") && !families.cleanable("sessions") && !families.cleanable("queue"));
    }
};

QTEST_APPLESS_MAIN(WatchedSnapshotTest)
#include "watched_snapshot_test.moc"
