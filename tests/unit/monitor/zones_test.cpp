// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/verdict.h"
#include "core/monitor/lights.h"
#include "core/monitor/trend.h"
#include "core/monitor/zones.h"
#include "tests/fakes/manual_clock.h"

#include <QTest>
#include <cmath>
#include <random>

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

constexpr double MiB = 1024.0 * 1024;
const ZoneLimits memory{20 * MiB, 25 * MiB};

/// A value held for some seconds; nullopt is unknown.
struct Hold
{
    std::optional<double> megabytes;
    int seconds;
};

/// One sample at the start of each second, and one at the very end.
Zone after(std::vector<Hold> holds)
{
    ManualClock clock;
    ZoneTracker tracker(memory);
    Zone zone = Zone::Unknown;
    for (const Hold &hold : holds) {
        const auto value = hold.megabytes ? std::optional(*hold.megabytes * MiB) : std::nullopt;
        for (int i = 0; i <= hold.seconds; ++i) {
            zone = tracker.update(value, clock.steady());
            if (i < hold.seconds)
                clock.advance(1s);
        }
    }
    return zone;
}

Reading reading(Zone zone, Unknown unknown = Unknown::No)
{
    Reading result;
    result.zone = zone;
    result.unknown = unknown;
    return result;
}

} // namespace

Q_DECLARE_METATYPE(std::vector<Hold>)
Q_DECLARE_METATYPE(portolan::Zone)
Q_DECLARE_METATYPE(std::vector<portolan::Reading>)

class ZonesTest final : public QObject
{
    Q_OBJECT

private slots:
    void oneValue_data()
    {
        QTest::addColumn<double>("megabytes");
        QTest::addColumn<Zone>("zone");
        QTest::newRow("nothing") << 0.0 << Zone::Green;
        QTest::newRow("just below yellow") << 19.999 << Zone::Green;
        QTest::newRow("at yellow") << 20.0 << Zone::Yellow;
        QTest::newRow("at red") << 25.0 << Zone::Yellow;
        QTest::newRow("just above red") << 25.001 << Zone::Red;
    }
    void oneValue()
    {
        QFETCH(double, megabytes);
        QTEST(zoneOf(megabytes * MiB, memory), "zone");
    }

    void reachingACeilingIsRed()
    {
        ManualClock clock;
        const ZoneLimits users{12, 15};
        QCOMPARE(zoneOf(15, users), Zone::Yellow);
        QCOMPARE(zoneOf(15, users, redWhenReached(Resource::Users)), Zone::Red);
        QVERIFY(!redWhenReached(Resource::RedisMemory));
        ZoneTracker tracker(users, true);
        tracker.update(15, clock.steady());
        clock.advance(5s);
        QCOMPARE(tracker.update(15, clock.steady()), Zone::Red);
        clock.advance(1s);
        tracker.update(14, clock.steady());
        clock.advance(10s);
        QCOMPARE(tracker.update(14, clock.steady()), Zone::Yellow);
    }

    void overTime_data()
    {
        QTest::addColumn<std::vector<Hold>>("holds");
        QTest::addColumn<Zone>("zone");
        const auto row = [](const char *name, std::vector<Hold> holds, Zone zone) {
            QTest::newRow(name) << holds << zone;
        };
        row("green at once", {{10, 0}}, Zone::Green);
        row("a first value beyond is not judged yet", {{26, 4}}, Zone::Unknown);
        row("a first value beyond, long enough", {{26, 5}}, Zone::Red);
        row("a first value in the yellow, long enough", {{22, 5}}, Zone::Yellow);
        row("yellow not before 5 s", {{10, 1}, {22, 4}}, Zone::Green);
        row("yellow after 5 s", {{10, 1}, {22, 5}}, Zone::Yellow);
        row("red not before 5 s", {{10, 1}, {26, 4}}, Zone::Green);
        row("red after 5 s, without a stop in yellow", {{10, 1}, {26, 5}}, Zone::Red);
        row("an interruption starts anew", {{10, 1}, {22, 4}, {19, 1}, {22, 4}}, Zone::Green);
        row("yellow's time counts for red's part too", {{10, 1}, {22, 3}, {26, 3}}, Zone::Yellow);
        row("at the red threshold is yellow", {{10, 1}, {25, 60}}, Zone::Yellow);
        row("24.9 MB keeps red", {{26, 5}, {24.9, 60}}, Zone::Red);
        row("24.25 MB keeps red", {{26, 5}, {24.25, 60}}, Zone::Red);
        row("24 MB leaves red", {{26, 5}, {24, 10}}, Zone::Yellow);
        row("24 MB leaves red not before 10 s", {{26, 5}, {24, 9}}, Zone::Red);
        row("leaving starts anew above the margin", {{26, 5}, {24, 9}, {24.5, 1}, {24, 9}}, Zone::Red);
        row("from red to green in one step", {{26, 5}, {10, 10}}, Zone::Green);
        row("19.5 MB keeps yellow", {{22, 5}, {19.5, 60}}, Zone::Yellow);
        row("19.3 MB leaves yellow", {{22, 5}, {19.3, 10}}, Zone::Green);
        row("unknown is unknown at once", {{10, 1}, {{}, 0}}, Zone::Unknown);
        row("a short gap keeps the zone", {{26, 5}, {{}, 3}, {24.9, 0}}, Zone::Red);
        row("a long gap forgets it", {{26, 5}, {{}, 10}, {24.9, 0}}, Zone::Unknown);
        row("after a long gap it is found again", {{26, 5}, {{}, 10}, {24.9, 5}}, Zone::Yellow);
        row("a gap starts the time to leave anew", {{26, 5}, {24, 9}, {{}, 1}, {24, 9}}, Zone::Red);
    }
    void overTime()
    {
        QFETCH(std::vector<Hold>, holds);
        QTEST(after(holds), "zone");
    }

    void knowsSinceWhen()
    {
        ManualClock clock;
        ZoneTracker tracker(memory);
        tracker.update(10 * MiB, clock.steady());
        const auto start = clock.steady();
        clock.advance(3s);
        tracker.update(11 * MiB, clock.steady());
        QVERIFY(tracker.since() == start);
    }

    void verdicts_data()
    {
        QTest::addColumn<std::vector<Reading>>("readings");
        QTest::addColumn<std::optional<bool>>("answers");
        QTest::addColumn<Zone>("zone");
        const std::optional<bool> yes = true;
        const std::optional<bool> no = false;
        const std::optional<bool> notKnown;
        const Reading green = reading(Zone::Green);
        const Reading yellow = reading(Zone::Yellow);
        const Reading away = reading(Zone::Unknown, Unknown::Away);
        const Reading tooFew = reading(Zone::Unknown, Unknown::TooFew);
        QTest::newRow("none") << std::vector<Reading>{} << notKnown << Zone::Unknown;
        QTest::newRow("the worst") << std::vector{green, reading(Zone::Red), yellow} << yes << Zone::Red;
        QTest::newRow("too few requests do not matter") << std::vector{green, tooFew} << yes << Zone::Green;
        QTest::newRow("away hides green") << std::vector{green, away} << yes << Zone::Unknown;
        QTest::newRow("away does not hide yellow") << std::vector{yellow, away} << yes << Zone::Yellow;
        const Reading noLimit = reading(Zone::Unknown, Unknown::NoLimit);
        QTest::newRow("no limit does not matter") << std::vector{green, noLimit} << yes << Zone::Green;
        QTest::newRow("only too few") << std::vector{tooFew} << yes << Zone::Unknown;
        QTest::newRow("nobody knows whether it answers") << std::vector{green} << notKnown << Zone::Green;
        QTest::newRow("it does not answer, all else is green") << std::vector{green} << no << Zone::Red;
        QTest::newRow("it does not answer, nothing is known") << std::vector{away} << no << Zone::Red;
    }
    void verdicts()
    {
        QFETCH(std::vector<Reading>, readings);
        QFETCH(std::optional<bool>, answers);
        const std::vector<LinkStatus> links{{"database", true, {}, {}, {}}, {"redis", answers, {}, {}, {}}};
        QTEST(verdict(readings, links), "zone");
    }

    void whatIsDownIsRed()
    {
        Snapshot snapshot;
        for (const Resource resource : {Resource::RedisMemory, Resource::DbPool, Resource::ErrorRate}) {
            snapshot.readings.push_back(reading(Zone::Green));
            snapshot.readings.back().resource = resource;
        }
        snapshot.readings[2].zone = Zone::Yellow;
        snapshot.links = {{"redis", false, 9s, {}, "redis-away"}, {"database", true, 9s, {}, {}}};
        markDown(snapshot.readings, snapshot.links);
        snapshot.verdict = verdict(snapshot.readings, snapshot.links);
        QVERIFY(snapshot.readings[0].zone == Zone::Red && snapshot.readings[0].unknown == Unknown::Away);
        QVERIFY(snapshot.readings[1].zone == Zone::Green && snapshot.readings[2].zone == Zone::Yellow);
        const Standing standing = standingOf(snapshot);
        QVERIFY(standing.zone == Zone::Red && standing.down.size() == 1 && standing.down[0].name == "redis");
        QVERIFY(standing.causes.empty()); // the link says it all
    }

    /// Redis answers and refuses what the queue needs: neither it nor those who take from it are green.
    void whatTheQueueCarriesIsRedWithIt()
    {
        Snapshot snapshot;
        for (const Resource resource :
             {Resource::Workers, Resource::Queue, Resource::OldestTask, Resource::RedisMemory}) {
            snapshot.readings.push_back(reading(Zone::Green));
            snapshot.readings.back().resource = resource;
        }
        snapshot.links = {{"redis", true, 9s, {}, {}}, {"queue", false, 9s, {}, "redis-auth", "EVALSHA"}};
        markDown(snapshot.readings, snapshot.links);
        snapshot.verdict = verdict(snapshot.readings, snapshot.links);
        for (std::size_t i = 0; i < 3; ++i)
            QVERIFY(snapshot.readings[i].zone == Zone::Red && snapshot.readings[i].unknown == Unknown::Away);
        QCOMPARE(snapshot.readings[3].zone, Zone::Green);
        const Standing standing = standingOf(snapshot);
        QVERIFY(standing.down.size() == 1 && standing.causes.empty());
    }

    void countsWhatIsWatched()
    {
        Snapshot snapshot;
        snapshot.verdict = Zone::Green;
        snapshot.readings = {reading(Zone::Green), reading(Zone::Unknown, Unknown::TooFew),
                             reading(Zone::Unknown, Unknown::NoLimit), reading(Zone::Unknown, Unknown::NotAvailable)};
        const Standing standing = standingOf(snapshot);
        QCOMPARE(standing.watched, std::size_t(1));
        QCOMPARE(standing.total, std::size_t(4));
        QCOMPARE(standing.unknown.size(), std::size_t(1));
        QCOMPARE(standing.unlimited.size(), std::size_t(2));
    }

    void findsTheSlope()
    {
        ManualClock clock;
        Trend trend;
        std::mt19937 random(3);
        std::normal_distribution<double> noise(0, 0.05 * MiB);
        double value = 0;
        for (int i = 0; i < 60; ++i) {
            value = 10 * MiB + i * 5 * 0.01 * MiB; // 0.01 MB/s
            trend.add(i % 17 == 3 ? 100 * MiB : value + noise(random), clock.steady());
            clock.advance(5s);
        }
        QVERIFY(trend.line().has_value());
        QVERIFY(std::abs(trend.line()->slope - 0.01 * MiB) < 0.001 * MiB);
        QVERIFY(std::abs(trend.line()->now - value) < 0.1 * MiB);
        const auto left = trend.timeTo(20 * MiB, value);
        QVERIFY(left && std::abs(double(left->count()) - (20 * MiB - value) / (0.01 * MiB)) < 100);
        QVERIFY(!trend.timeTo(5 * MiB, value)); // it does not go there
        const double inAnHour = value + 3600 * 0.01 * MiB;
        QVERIFY(trend.timeTo(inAnHour, value));
        QVERIFY(
            !trend.timeTo(value + 4 * 3600 * 0.01 * MiB, value)); // five minutes do not tell what comes in four hours
    }

    void theNarrowerOfPlanAndServerBounds_data()
    {
        QTest::addColumn<double>("told"); // 0: it has none
        QTest::addColumn<double>("limit");
        QTest::addColumn<double>("red");
        QTest::newRow("none") << 0.0 << 30.0 << 25.0;
        QTest::newRow("wider") << 64.0 << 30.0 << 25.0;
        QTest::newRow("narrower") << 15.0 << 15.0 << 12.5;
    }
    void theNarrowerOfPlanAndServerBounds()
    {
        QFETCH(double, told);
        QFETCH(double, limit);
        QFETCH(double, red);
        ManualClock clock;
        Tier tier;
        tier.redis.maxmemory = std::uint64_t(30 * MiB);
        tier.zones[Resource::RedisMemory] = memory;
        Lights lights(tier, clock);
        lights.bound(Resource::RedisMemory, told * MiB);
        lights.measure(Resource::RedisMemory, 14.9 * MiB, Unknown::NotAvailable);
        const auto found = [&] {
            const auto all = lights.readings();
            return *std::ranges::find(all, Resource::RedisMemory, &Reading::resource);
        };
        found();
        clock.advance(memory.enter);
        lights.measure(Resource::RedisMemory, 14.9 * MiB, Unknown::NotAvailable);
        const Reading light = found();
        QCOMPARE(*light.limit, limit * MiB);
        QCOMPARE(*light.red, red * MiB);
        QCOMPARE(light.zone, told == 15 ? Zone::Red : Zone::Green);
        lights.bound(Resource::RedisMemory, std::nullopt); // taken back
        QCOMPARE(*found().limit, 30 * MiB);
    }

    void saysNothingOfNoise()
    {
        int claims = 0;
        for (unsigned seed = 0; seed < 200; ++seed) {
            ManualClock clock;
            Trend trend;
            std::mt19937 random(seed);
            std::normal_distribution<double> noise(10, 1);
            for (int i = 0; i < 60; ++i) {
                trend.add(noise(random), clock.steady());
                clock.advance(5s);
            }
            claims += trend.line().has_value();
        }
        QVERIFY2(claims <= 6, qPrintable(QString::number(claims))); // 1 % expected
    }

    void saysNothingOfAStepThatWasTaken()
    {
        ManualClock clock;
        Trend trend;
        std::mt19937 random(5);
        std::normal_distribution<double> noise(0, 0.01);
        for (int i = 0; i < 60; ++i, clock.advance(5s)) {
            trend.add((i < 15 ? 2 : 4) + noise(random), clock.steady());
            QVERIFY2(i < 32 || !trend.line(), qPrintable(QString::number(i)));
        }
    }

    void saysNothingTooEarlyOrOfAConstant()
    {
        ManualClock clock;
        Trend trend;
        for (int i = 0; i < 23; ++i, clock.advance(5s))
            trend.add(i, clock.steady());
        QVERIFY(!trend.line());
        trend.add(23, clock.steady());
        QVERIFY(trend.line());
        trend.add(1e9, clock.steady()); // too soon after the last: skipped
        QVERIFY(std::abs(trend.line()->slope - 0.2) < 1e-9);
        trend.clear();
        for (int i = 0; i < 60; ++i, clock.advance(5s))
            trend.add(4, clock.steady());
        QVERIFY(!trend.line());
    }
};

QTEST_GUILESS_MAIN(ZonesTest)
#include "zones_test.moc"
