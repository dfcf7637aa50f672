// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/merge.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/monitor/instances_shares.h"

#include <QTest>
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

using namespace portolan;
using namespace portolan::monitor::instances;
using namespace std::chrono_literals;
using telemetry::Unanswered;
using telemetry::WindowFigures;

namespace {

constexpr std::size_t streamRoute = 3;

/// As the other processes have it: written and read.
std::shared_ptr<const Share> heard(const Share &share)
{
    const auto bytes = encodeShare(share);
    auto message = bytes ? decodeMessage(*bytes) : Result<Message>(bytes.error());
    if (!message || !message->share)
        qFatal("a share was not understood");
    return std::make_shared<const Share>(std::move(*message->share));
}

double exact(std::vector<double> values, double share)
{
    std::ranges::sort(values);
    return values[std::size_t(std::ceil(share * double(values.size()))) - 1];
}

bool same(const WindowFigures &a, const WindowFigures &b)
{
    return a.count == b.count && a.unanswered == b.unanswered && std::abs(a.perSecond - b.perSecond) < 1e-9 &&
           a.p50 == b.p50 && a.p95 == b.p95 && a.p99 == b.p99;
}

bool same(const Merged &a, const Merged &b)
{
    const auto routes = std::ranges::equal(a.routes, b.routes, [](const MergedRoute &x, const MergedRoute &y) {
        return x.route == y.route && same(x.figures, y.figures);
    });
    const auto parts = std::ranges::equal(a.instances, b.instances, [](const InstancePart &x, const InstancePart &y) {
        return x.who == y.who && x.there == y.there && x.age == y.age && same(x.traffic, y.traffic) &&
               x.fraction == y.fraction && x.answered == y.answered && x.zone == y.zone;
    });
    return same(a.traffic, b.traffic) && a.timed == b.timed && routes && a.answered == b.answered &&
           a.unanswered == b.unanswered && a.connections.connections == b.connections.connections &&
           a.tasks == b.tasks && a.workers == b.workers && a.dbPools == b.dbPools && a.disk == b.disk &&
           a.zones == b.zones && parts;
}

/// Answers of a minute, each by one of several processes, and by one that answered all of them.
struct Split
{
    Split(std::size_t processes, std::uint32_t seed, double median, double spread, double perSecond)
    {
        std::mt19937 random(seed);
        std::lognormal_distribution<double> duration(std::log(median), spread);
        for (std::size_t i = 0; i < processes; ++i)
            parts.push_back(std::make_unique<Process>("web-" + std::to_string(i), i + 1));
        for (int second = 0; second < 60; ++second) {
            for (auto left = std::poisson_distribution<int>(perSecond)(random); left > 0; --left) {
                // Uneven: the first answers most.
                const std::size_t who = std::min<std::size_t>(random() % processes, random() % processes);
                const std::size_t route = random() % (streamRoute + 1);
                const unsigned status = std::array{200u, 200u, 404u, 429u, 503u}[random() % 5];
                const auto took = std::chrono::nanoseconds(std::llround(duration(random) * 1e9));
                parts[who]->answer(route, status, took);
                whole.answer(route, status, took);
                if (route != streamRoute)
                    timed.push_back(double(took.count()) * 1e-9);
            }
            for (auto &part : parts)
                part->advance(clock.steady());
            whole.advance(clock.steady());
            if (second < 59)
                clock.advance(1s);
        }
    }
    std::vector<Told> others()
    {
        std::vector<Told> result;
        for (std::size_t i = 1; i < parts.size(); ++i)
            result.push_back({heard(parts[i]->share(clock.steady())), 0ms, true});
        return result;
    }
    Share own() { return parts.front()->share(clock.steady()); }

    ManualClock clock;
    std::vector<std::unique_ptr<Process>> parts;
    Process whole{"all"};
    std::vector<double> timed; ///< seconds
};

} // namespace

class InstancesMergeTest final : public QObject
{
    Q_OBJECT

private slots:
    void partsAreTheWhole_data()
    {
        QTest::addColumn<int>("processes");
        QTest::addColumn<double>("median");
        QTest::addColumn<double>("spread");
        QTest::addColumn<double>("perSecond");
        for (int seed = 0; seed < 4; ++seed) {
            const auto row = [seed](const char *name, int processes, double median, double spread, double rate) {
                QTest::addRow("%s, %d", name, seed) << processes << median << spread << rate;
            };
            row("one alone", 1, 0.02, 1.0, 50);
            row("three, quiet", 3, 0.02, 1.0, 3);
            row("three, waiting for a database", 3, 0.1, 0.7, 300);
            row("eight, fast", 8, 300e-6, 0.4, 100);
            row("twenty, long tail", 20, 0.9, 1.3, 400);
        }
    }
    void partsAreTheWhole()
    {
        QFETCH(int, processes);
        QFETCH(double, median);
        QFETCH(double, spread);
        QFETCH(double, perSecond);
        const auto seed = std::uint32_t(qHash(QString(QTest::currentDataTag())));
        Split split(std::size_t(processes), seed, median, spread, perSecond);
        const Merged result = merged(split.own(), split.others());
        const auto whole = split.whole.window(split.clock.steady());
        QVERIFY(same(result.traffic, whole.all));
        QCOMPARE(result.timed, std::uint64_t(split.timed.size()));
        QCOMPARE(result.answered, whole.all.count); // nothing has left the window yet
        QVERIFY(result.unanswered == whole.all.unanswered);
        for (const auto &[share, value] :
             {std::pair{0.5, result.traffic.p50}, {0.95, result.traffic.p95}, {0.99, result.traffic.p99}}) {
            const double wanted = exact(split.timed, share);
            QVERIFY2(value && std::abs(*value - wanted) <= wanted / 32 + 1e-6, qPrintable(QString::number(share)));
        }
        QCOMPARE(result.routes.size(), whole.routes.size());
        for (const auto &[route, figures] : result.routes) {
            const auto one = std::ranges::find_if(whole.routes, [&](const auto &w) {
                return w.route->method == route.method && w.route->path == route.path;
            });
            QVERIFY(one != whole.routes.end());
            QVERIFY(same(figures, one->figures));
        }
        double fractions = 0;
        for (const InstancePart &part : result.instances)
            fractions += part.fraction.value_or(0);
        QVERIFY(std::abs(fractions - 1) < 1e-9);
    }

    void averagesWouldNotDo()
    {
        ManualClock clock;
        Process fast("fast");
        Process slow("slow");
        for (int i = 0; i < 990; ++i)
            fast.answer(0, 200, 1ms);
        for (int i = 0; i < 10; ++i)
            slow.answer(0, 200, 2s);
        fast.advance(clock.steady());
        slow.advance(clock.steady());
        const Told other{heard(slow.share(clock.steady())), 0ms, true};
        const Merged result = merged(fast.share(clock.steady()), {&other, 1});
        QVERIFY(*result.traffic.p95 < 0.0011);
        QVERIFY(std::abs(*result.instances[1].traffic.p95 - 2) < 0.04);
    }

    void orderLossAndRepetitionDoNotMatter()
    {
        std::mt19937 random(3);
        Split split(6, 17, 0.05, 1.0, 60);
        const std::vector<Told> before = split.others(); // an older word of each
        split.clock.advance(1s);
        for (auto &part : split.parts) {
            part->answer(1, 500, 30ms);
            part->advance(split.clock.steady());
        }
        const Share own = split.own();
        std::vector<Told> last = split.others();
        for (Told &told : last)
            told.age = 300ms;
        const Merged wanted = merged(own, last);
        for (int i = 0; i < 50; ++i) {
            std::vector<Told> others = last;
            for (const Told &told : before)
                if (random() % 2) // the rest was lost
                    others.push_back({told.share, std::chrono::milliseconds(random() % 2000), true}); // late, perhaps
            for (const Told &told : last)
                if (random() % 2)
                    others.push_back({told.share, std::chrono::milliseconds(300 + random() % 5000), random() % 2 == 0});
            others.push_back({heard(own), 700ms, true}); // one's own comes back
            std::ranges::shuffle(others, random);
            QVERIFY(same(merged(own, others), wanted));
        }
    }

    void everyInstanceSeesTheSame()
    {
        Split split(4, 23, 0.05, 1.0, 80);
        std::vector<std::shared_ptr<const Share>> all;
        for (auto &part : split.parts)
            all.push_back(heard(part->share(split.clock.steady())));
        const auto seenFrom = [&](std::size_t self) {
            std::vector<Told> others;
            for (std::size_t i = 0; i < all.size(); ++i)
                if (i != self)
                    others.push_back({all[i], 0ms, true});
            return merged(*all[self], others);
        };
        for (std::size_t self = 1; self < all.size(); ++self)
            QVERIFY(same(seenFrom(self), seenFrom(0)));
    }

    void whatIsTooOldLeavesThoughNobodySaysSo()
    {
        ManualClock clock;
        Process gone("gone");
        Process here("here");
        for (int second = 0; second < 20; ++second) {
            gone.answer(0, second % 2 ? 200 : 500, 5ms);
            gone.advance(clock.steady());
            here.advance(clock.steady());
            clock.advance(1s);
        }
        const auto last = heard(gone.share(clock.steady()));
        for (int silent = 0; silent <= 70; ++silent) {
            const Told told{last, std::chrono::seconds(silent), false};
            const Merged result = merged(here.share(clock.steady()), {&told, 1});
            // The youngest is a second old already, the oldest twenty.
            const auto left = std::uint64_t(std::clamp(59 - silent, 0, 20));
            QCOMPARE(result.traffic.count, left);
            QVERIFY(result.traffic.unanswered.errors == left / 2);
            QCOMPARE(result.traffic.p95.has_value(), left > 0);
            QCOMPARE(result.answered, std::uint64_t{0}); // of those that are there
            QCOMPARE(result.instances.front().answered, std::uint64_t{20});
            // 20 answers in the 20 s and since: no faster than that.
            QVERIFY(result.traffic.perSecond <= 20.0 / std::min(20.0 + silent, 60.0) + 1e-9);
            clock.advance(1s);
        }
    }

    void whoTellsRarelyAnswersAsItDidUntilItIsLate()
    {
        ManualClock clock;
        Process rare("rare");
        Process here("here");
        for (int second = 0; second < 60; ++second) {
            for (int i = 0; i < 100; ++i)
                rare.answer(0, 200, 5ms);
            clock.advance(1s);
            rare.advance(clock.steady());
            here.advance(clock.steady());
        }
        Share share = rare.share(clock.steady());
        share.who.every = 60s;
        const auto last = heard(share);
        const auto seen = [&](std::chrono::milliseconds age, bool there) {
            const Told told{last, age, there};
            return merged(here.share(clock.steady()), {&told, 1}).traffic;
        };
        const WindowFigures whole = rare.window(clock.steady()).all;
        QVERIFY(whole.count >= 5900);
        for (const auto age : {0ms, 1000ms, 50'000ms, 60'000ms}) {
            QVERIFY(same(seen(age, true), whole));
            QVERIFY(std::abs(seen(age, true).perSecond - 100) < 2);
        }
        QVERIFY(seen(80s, true).count <= whole.count * 3 / 4); // its next word is 20 s late
        QVERIFY(seen(80s, true).count >= whole.count / 2);
        QVERIFY(seen(30s, false).count < whole.count * 3 / 4); // gone
        QCOMPARE(seen(60s, false).count, std::uint64_t{0});
    }

    void routesBeyondCountAsOther()
    {
        std::vector<Told> others;
        std::uint64_t sum = 0;
        for (int who = 0; who < 5; ++who) {
            Share share;
            share.who = {"web-" + std::to_string(who), "1.2.0", 1, 1};
            share.traffic.covered = 60s;
            auto &slice = share.traffic.slices.emplace_back();
            for (std::uint32_t route = 0; route < 200; ++route) {
                const bool stream = route % 10 == 9;
                share.traffic.routes.push_back(
                    {"GET", '/' + std::to_string(who) + '/' + std::to_string(route), stream});
                slice.parts.push_back({route, {1, 0, 0}, {{40, route == 7 ? 50u : 2u}}});
                sum += route == 7 ? 50 : 2;
            }
            others.push_back({heard(share), 0ms, true});
        }
        Share own;
        own.who = {"own", "1.2.0", 1, 1};
        const Merged result = merged(own, others);
        QCOMPARE(result.traffic.count, sum);
        QCOMPARE(result.routes.size(), maxRoutes + 2);
        std::uint64_t counted = 0;
        std::uint64_t streamed = 0;
        std::uint64_t errors = 0;
        for (const auto &[route, figures] : result.routes) {
            counted += figures.count;
            streamed += route.stream ? figures.count : 0;
            errors += figures.unanswered.errors;
        }
        QCOMPARE(counted, sum);
        QCOMPARE(streamed, std::uint64_t{5 * 20 * 2});
        QCOMPARE(errors, std::uint64_t{1000});
        QVERIFY(std::ranges::is_sorted(result.routes, std::ranges::greater(),
                                       [](const MergedRoute &one) { return one.figures.count; }));
        const auto named = [&](const std::string &path) {
            return std::ranges::any_of(result.routes, [&](const MergedRoute &one) { return one.route.path == path; });
        };
        for (int who = 0; who < 5; ++who)
            QVERIFY(named('/' + std::to_string(who) + "/7"));
        QVERIFY(named("other"));
    }

    void twoLivesOfANameBothCount()
    {
        ManualClock clock;
        Process before("web", 1);
        Process after("web", 2);
        Process here("here");
        before.answer(0, 200, 5ms);
        after.answer(0, 200, 5ms);
        for (Process *process : {&before, &after, &here})
            process->advance(clock.steady());
        Share dead = before.share(clock.steady());
        dead.connections.connections = 100;
        Share alive = after.share(clock.steady());
        alive.connections.connections = 3;
        const std::vector<Told> others{{heard(dead), 4s, false}, {heard(alive), 0ms, true}};
        const Merged result = merged(here.share(clock.steady()), others);
        QCOMPARE(result.traffic.count, std::uint64_t{2});
        QCOMPARE(*result.connections.connections, std::uint64_t{3});
        QCOMPARE(result.instances.size(), std::size_t{3});
        QVERIFY(!result.instances[1].there && result.instances[2].there);
    }

    void stateIsAddedUpAndUnknownStaysUnknown()
    {
        Share own = fullShare();
        own.who.name = "a";
        own.connections.webSockets.reset();
        Share other = fullShare();
        other.who.name = "b";
        other.tasks->ratesOver = 10s;
        other.tasks->endedLately.reset();
        other.workers->refused = {{"not-registered", 5}, {"zz", 1}};
        other.workers->holdingBack = false;
        const Told told{heard(other), 0ms, true};
        const Merged result = merged(own, {&told, 1});
        QCOMPARE(*result.connections.connections, std::uint64_t{24});
        QCOMPARE(*result.connections.webSockets, std::uint64_t{3});
        QVERIFY(!result.connections.cut);
        QCOMPARE(result.tasks->taken, std::uint64_t{200});
        QCOMPARE(*result.tasks->endedLately, std::uint64_t{30});
        QCOMPARE(*result.tasks->takenPerSecond, 1.0);
        QVERIFY(result.tasks->ratesOver == 120s);
        QCOMPARE(result.workers->concurrency, std::uint64_t{8});
        QVERIFY(result.workers->refused ==
                (std::vector<RefusedFigures>{{"bad-body", 2}, {"not-registered", 6}, {"zz", 1}}));
        QVERIFY(result.workers->holdingBack);
        QCOMPARE(result.dbPools.size(), std::size_t{2});
        QCOMPARE(result.dbPools[1].instance, std::string("b"));
        QCOMPARE(*result.failedSignIns, std::uint64_t{10});
        QCOMPARE(result.answered, std::uint64_t{2 * 123'456'789});
        Share bare;
        bare.who = own.who;
        const Merged nothing = merged(bare, {});
        QVERIFY(!nothing.connections.connections && !nothing.tasks && !nothing.workers && !nothing.disk);
        QVERIFY(!nothing.failedSignIns && nothing.zones.empty() && !nothing.traffic.p95);
        QVERIFY(!nothing.instances.front().fraction);
    }

    void theWorstSaysWhoseItIs()
    {
        const auto with = [](const char *name, Zone zone, std::optional<double> value, std::uint64_t available) {
            Share share = fullShare();
            share.who.name = name;
            share.zones = {{Resource::DbPool, zone, value}};
            share.disk = {1000, available};
            return share;
        };
        const std::vector<Told> others{{heard(with("b", Zone::Yellow, 0.7, 100)), 0ms, true},
                                       {heard(with("c", Zone::Yellow, 0.8, 50)), 0ms, true},
                                       {heard(with("d", Zone::Yellow, 0.8, 50)), 0ms, true},
                                       {heard(with("e", Zone::Red, 1.0, 1)), 0ms, false}}; // gone
        const Merged result = merged(with("a", Zone::Green, 0.9, 900), others);
        QCOMPARE(result.zones.size(), std::size_t{1});
        QCOMPARE(result.zones[0].instance, std::string("c"));
        QVERIFY(result.zones[0].light == (ZoneShare{Resource::DbPool, Zone::Yellow, 0.8}));
        QCOMPARE(result.disk->instance, std::string("c"));
        const Told unknown{heard(with("b", Zone::Unknown, std::nullopt, 900)), 0ms, true};
        QVERIFY(merged(with("a", Zone::Green, 0.1, 900), {&unknown, 1}).zones[0].light.zone == Zone::Green);
    }
};

QTEST_GUILESS_MAIN(InstancesMergeTest)
#include "instances_merge_test.moc"
