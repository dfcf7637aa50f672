// SPDX-License-Identifier: GPL-3.0-or-later
// The snapshot of a deployment, as two of its processes make it from their own figures and what the other told.

#include "core/monitor/instances/together.h"
#include "core/monitor/key_families.h"
#include "core/monitor/snapshot_builder.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/monitor/instances_shares.h"

#include <QTest>
#include <algorithm>
#include <memory>

using namespace portolan;
using namespace portolan::monitor;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;

namespace {

Tier withZones()
{
    Tier tier;
    tier.zones = {{Resource::ErrorRate, {0.01, 0.05}}, {Resource::ResponseTime, {2, 5}},
                  {Resource::Refused, {0.05, 0.20}},   {Resource::FailedTasks, {0.05, 0.20}},
                  {Resource::DbPool, {0.80, 0.90}},    {Resource::Disk, {0.80, 0.95}}};
    return tier;
}

const Reading &light(const Snapshot &snapshot, Resource resource)
{
    return *std::ranges::find(snapshot.readings, resource, &Reading::resource);
}

/// One process of the two: its own counters, its own builder, and the message it told last.
class Side final
{
public:
    Side(std::string name, const ManualClock &clock)
        : m_clock(clock),
          m_tier(withZones()),
          m_families(m_tier),
          m_process(name),
          m_builder(m_tier, {"1.2.0", name}, m_families, clock),
          m_name(std::move(name))
    {
        sources.connections = [this] { return ConnectionFigures{connections, 0, 0, 0}; };
        sources.tasks = [this] { return tasks; };
        sources.workers = [this] {
            WorkerFigures figures;
            figures.node = m_name;
            figures.concurrency = figures.threads = 2;
            figures.busy = tasks.running;
            return figures;
        };
        sources.dbPools = [this] { return std::vector<DbPoolFigures>{{"primary", 10, busy, 0, 0, 0, 0}}; };
        sources.disk = [this] { return DiskFigures{100, available}; };
        m_process.advance(clock.steady());
    }

    void answer(int count, unsigned status, std::chrono::nanoseconds took = 10ms)
    {
        for (int i = 0; i < count; ++i)
            m_process.answer(0, status, took);
    }
    void advance() { m_process.advance(m_clock.steady()); }

    Share tell()
    {
        const auto own = m_builder.own();
        return shareOf({m_name, "1.2.0", 1, ++m_sequence}, m_process.share(m_clock.steady()).traffic, *own, tasks);
    }
    /// `others` as they stand, with what each told last.
    std::shared_ptr<const Snapshot> look(std::vector<Member> others = {}, bool gone = false)
    {
        return m_builder.build(m_process.window(m_clock.steady()), sources, [&](const Snapshot &own) {
            const Share mine = shareOf({m_name, "1.2.0", 1, 0}, m_process.share(m_clock.steady()).traffic, own, tasks);
            std::vector<Told> told;
            for (const Member &other : others)
                if (other.share)
                    told.push_back({other.share, 0ms, !gone});
            return Together{merged(mine, told), others};
        });
    }
    std::shared_ptr<const Snapshot> own() const { return m_builder.own(); }

    Sources sources;
    std::uint64_t connections = 1;
    TaskFigures tasks;
    std::uint64_t busy = 1;
    std::uint64_t available = 60;

private:
    const ManualClock &m_clock;
    const Tier m_tier;
    const KeyFamilies m_families;
    Process m_process;
    SnapshotBuilder m_builder;
    const std::string m_name;
    std::uint64_t m_sequence = 0;
};

Member memberOf(Share share)
{
    Member member;
    member.who = share.who;
    member.share = std::make_shared<const Share>(std::move(share));
    return member;
}

/// Both, in step with each other.
struct Two
{
    /// Each second both measure, and each hears of the other.
    void pass(std::chrono::seconds time)
    {
        for (auto passed = 0s; passed < time; ++passed) {
            clock.advance(1s);
            a.advance();
            b.advance();
            for (Side *side : {&a, &b})
                if (!side->own())
                    side->look(); // nobody has told anything yet
            const Member ofA = memberOf(a.tell());
            const Member ofB = memberOf(b.tell());
            atA = a.look({ofB});
            atB = b.look({ofA});
        }
    }

    ManualClock clock;
    Side a{"a", clock};
    Side b{"b", clock};
    std::shared_ptr<const Snapshot> atA;
    std::shared_ptr<const Snapshot> atB;
};

} // namespace

class InstancesTogetherTest final : public QObject
{
    Q_OBJECT

private slots:
    void lightsAreOfAllTogether()
    {
        Two two;
        two.a.answer(30, 200);
        two.b.answer(10, 500);
        two.pass(12s);
        for (const auto &snapshot : {two.atA, two.atB}) {
            QCOMPARE(snapshot->http.traffic.requests, std::uint64_t{40});
            QCOMPARE(*snapshot->http.errorRate, 0.25);
            QCOMPARE(*light(*snapshot, Resource::ErrorRate).value, 0.25);
            QCOMPARE(light(*snapshot, Resource::ErrorRate).zone, Zone::Red);
            QCOMPARE(light(*snapshot, Resource::ErrorRate).instance, std::string());
            QCOMPARE(snapshot->verdict, Zone::Red);
            QCOMPARE(snapshot->http.routes.size(), std::size_t{1});
            QCOMPARE(*snapshot->http.connections, std::uint64_t{2});
        }
        // Each alone knows but its own, which is what /metrics and /health tell.
        QCOMPARE(*two.a.own()->http.errorRate, 0.0);
        QCOMPARE(light(*two.a.own(), Resource::ErrorRate).zone, Zone::Green);
        QCOMPARE(two.a.own()->http.traffic.requests, std::uint64_t{30});
        QVERIFY(!two.b.own()->http.errorRate); // ten are too few
        QCOMPARE(*two.b.own()->http.connections, std::uint64_t{1});
    }

    void percentilesAreOfAllAnswersAsOne()
    {
        Two two;
        two.a.answer(90, 200, 10ms);
        two.b.answer(10, 200, 3s);
        two.pass(1s);
        for (const auto &snapshot : {two.atA, two.atB}) {
            QVERIFY(std::abs(*snapshot->http.traffic.p50 - 0.010) < 0.0004);
            QVERIFY(std::abs(*snapshot->http.traffic.p95 - 3.0) < 0.06); // a mean of both would be 0.3
            QVERIFY(std::abs(*light(*snapshot, Resource::ResponseTime).value - 3.0) < 0.06);
        }
    }

    void tasksAndWorkersAreSums()
    {
        Two two;
        two.a.tasks = {.taken = 8, .ended = 4, .failed = 0, .running = 2, .reserved = 1, .scheduled = 1, .parked = 2};
        two.b.tasks = {.taken = 3, .ended = 2, .failed = 2, .running = 1, .reserved = 0, .scheduled = 0, .parked = 2};
        two.pass(1s);
        two.a.tasks.ended = 9;
        two.b.tasks.ended = two.b.tasks.failed = 4;
        two.pass(11s);
        for (const auto &snapshot : {two.atA, two.atB}) {
            const QueueFigures &queue = snapshot->queue;
            QCOMPARE(*queue.running, std::uint64_t{3});
            QCOMPARE(*queue.reserved, std::uint64_t{1});
            QCOMPARE(*queue.scheduled, std::uint64_t{3}); // what is parked is the same for both
            QCOMPARE(*queue.endedLately, std::uint64_t{7});
            QCOMPARE(*queue.failedLately, std::uint64_t{2});
            QCOMPARE(*light(*snapshot, Resource::FailedTasks).value, 2.0 / 7.0);
            QCOMPARE(*snapshot->workers.threads, std::uint64_t{4});
            QCOMPARE(*snapshot->workers.busy, std::uint64_t{3});
        }
        QCOMPARE(two.atA->workers.node, std::string("a"));
    }

    void thePoolAndTheDiskAreThoseOfTheWorst()
    {
        Two two;
        two.a.busy = 2;
        two.b.busy = 10;
        two.a.available = 3; // of 100
        two.b.available = 60;
        two.pass(12s);
        for (const auto &snapshot : {two.atA, two.atB}) {
            const Reading &pool = light(*snapshot, Resource::DbPool);
            QCOMPARE(pool.instance, std::string("b"));
            QCOMPARE(*pool.value, 1.0);
            QCOMPARE(pool.zone, Zone::Red);
            QCOMPARE(pool.unknown, Unknown::No);
            QVERIFY(pool.age && *pool.age <= 1s);
            const Reading &disk = light(*snapshot, Resource::Disk);
            QCOMPARE(disk.instance, std::string("a"));
            QCOMPARE(*disk.value, 0.97);
            QCOMPARE(disk.zone, Zone::Red);
            QCOMPARE(snapshot->disk.available, std::optional<std::uint64_t>(3));
            QCOMPARE(snapshot->dbPools.size(), std::size_t{2});
            QCOMPARE(snapshot->dbPools[0].instance, std::string("b")); // the fullest first
            QCOMPARE(snapshot->dbPools[1].instance, std::string("a"));
        }
        QCOMPARE(light(*two.a.own(), Resource::DbPool).zone, Zone::Green);
        QCOMPARE(*light(*two.a.own(), Resource::DbPool).value, 0.2);
        QCOMPARE(light(*two.b.own(), Resource::Disk).zone, Zone::Green);
    }

    void eachIsListedWithItsPart()
    {
        Two two;
        two.a.answer(30, 200);
        two.b.answer(10, 200);
        two.b.connections = 7;
        two.pass(1s);
        const auto &listed = two.atA->instances;
        QCOMPARE(listed.size(), std::size_t{2});
        QVERIFY(listed[0].name == "a" && listed[0].own && listed[0].up && listed[0].why == Absence::No);
        QVERIFY(listed[1].name == "b" && !listed[1].own && listed[1].up && listed[1].version == "1.2.0");
        QCOMPARE(*listed[0].share->fraction, 0.75);
        QCOMPARE(*listed[1].share->fraction, 0.25);
        QCOMPARE(listed[1].share->traffic.requests, std::uint64_t{10});
        QCOMPARE(listed[1].share->answered, std::uint64_t{10});
        QCOMPARE(*listed[1].share->connections, std::uint64_t{7});
        QCOMPARE(*listed[1].share->threads, std::uint64_t{2});
        QVERIFY(two.atB->instances[1].own && !two.atB->instances[0].own);
    }

    void oneThatIsGoneIsSaidAndItsStateCountsNoMore()
    {
        Two two;
        two.a.answer(30, 200);
        two.b.answer(10, 200);
        two.b.busy = 10;
        two.pass(12s);
        Member b = memberOf(two.b.tell());
        b.presence = Presence::Hangs;
        b.since = 4s;
        auto snapshot = two.a.look({b});
        QVERIFY(!snapshot->instances[1].up && snapshot->instances[1].why == Absence::Hangs);
        QCOMPARE(*snapshot->instances[1].since, 4s);
        b.presence = Presence::Gone;
        snapshot = two.a.look({b}, true);
        QVERIFY(!snapshot->instances[1].up && snapshot->instances[1].why == Absence::Gone);
        QCOMPARE(snapshot->http.traffic.requests, std::uint64_t{40}); // it did answer them
        QCOMPARE(*snapshot->http.connections, std::uint64_t{1});
        QCOMPARE(light(*snapshot, Resource::DbPool).zone, Zone::Green);
        QCOMPARE(light(*snapshot, Resource::DbPool).instance, std::string("a"));
        b.goodbye = true;
        QCOMPARE(two.a.look({b}, true)->instances[1].why, Absence::Stopped);
    }

    void oneOfAVersionThatCannotBeReadIsListedWithoutFigures()
    {
        ManualClock clock;
        Side a("a", clock);
        clock.advance(1s);
        a.advance();
        Member other;
        other.who = {"b", "9.0.0"};
        other.otherVersion = other.unreadable = true;
        const auto snapshot = a.look({other});
        QVERIFY(snapshot->instances[1].up && snapshot->instances[1].otherVersion && !snapshot->instances[1].share);
        QCOMPARE(snapshot->instances[1].version, std::string("9.0.0"));
    }

    void aloneEverythingIsAsItWas()
    {
        ManualClock clock;
        Side a("a", clock);
        a.answer(30, 500);
        a.busy = 10;
        for (int i = 0; i < 12; ++i) {
            clock.advance(1s);
            a.advance();
            a.look();
        }
        const auto snapshot = a.look();
        QCOMPARE(snapshot->instances.size(), std::size_t{1});
        QVERIFY(snapshot->instances[0].own && *snapshot->instances[0].share->fraction == 1.0);
        QVERIFY(snapshot->readings == a.own()->readings && snapshot->http == a.own()->http);
        QVERIFY(snapshot->dbPools == a.own()->dbPools && snapshot->dbPools[0].instance.empty());
        QCOMPARE(light(*snapshot, Resource::DbPool).zone, Zone::Red);
        QCOMPARE(light(*snapshot, Resource::DbPool).instance, std::string());
        QCOMPARE(snapshot->verdict, Zone::Red);
    }
};

QTEST_GUILESS_MAIN(InstancesTogetherTest)
#include "instances_together_test.moc"
