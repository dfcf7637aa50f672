// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/integration/monitor/monitored.h"

using namespace portolan;
using namespace portolan::monitor;
using namespace std::chrono_literals;

namespace {

constexpr PlanLimits freePlan{100, 5.0 * 1024 * 1024 * 1024};

} // namespace

/// What a sampler finds in a Redis that others use too, and how often it may ask.
class PlanTest final : public QObject
{
    Q_OBJECT

private slots:
    void showsEveryListInWhichTasksWait()
    {
        RedisServerFixture server;
        std::atomic<bool> taken = false;
        Sources sources;
        sources.queues = [&taken] {
            return taken ? std::vector<std::string>{"celery", "emails"} : std::vector<std::string>{"celery"};
        };
        Monitored monitored(server, std::move(sources));
        waitReady(monitored);
        const std::string separator("\x06\x16");
        redis::Command fill;
        for (int i = 0; i < 12; ++i)
            fill.add("LPUSH", "emails", message(std::to_string(i)));
        fill.add("SADD", "_kombu.binding.emails", "emails" + separator + separator + "emails");
        fill.add("LPUSH", "celery:5", message("a"), message("b"));
        fill.add("LPUSH", "celery" + separator + "4", message("c"));
        fill.add("SADD", "proj1__kombu.binding.celery", "celery" + separator + separator + "celery");
        fill.add("LPUSH", "proj1_celery", message("d"));
        fill.add("LPUSH", "unbound", message("e"));
        fill.add("LPUSH", "news", "no task", "no task either");
        fill.add("LPUSH", "celery", message("f"));
        monitored.run(std::move(fill));
        monitored.sampler.start();
        const auto snapshot = monitored.inbox.wait([](const Snapshot &s) { return s.queue.waiting == 18u; });
        QVERIFY(snapshot);
        const auto is = [&](const std::string &queue, std::uint64_t waiting, Untaken untaken) {
            const QueueLine *line = lineOf(*snapshot, queue);
            return line && line->waiting == waiting && line->untaken == untaken;
        };
        QCOMPARE(snapshot->queue.queues.size(), std::size_t(6));
        QCOMPARE(snapshot->queue.queues.front().queue, std::string("celery"));
        QVERIFY(is("celery", 1, Untaken::No));
        QVERIFY(is("emails", 12, Untaken::Queue));
        QVERIFY(is("celery:5", 2, Untaken::Separator));
        QVERIFY(is("celery\\x06\\x164", 1, Untaken::PriorityStep));
        QVERIFY(is("proj1_celery", 1, Untaken::KeyPrefix));
        QVERIFY(is("unbound", 1, Untaken::Queue));
        QVERIFY(monitored.inbox.wait([](const Snapshot &s) { return s.queue.complete == true; }));
        QVERIFY(monitored.sampler.queues().filled().size() >= 9);
        taken = true;
        QVERIFY(monitored.inbox.wait([](const Snapshot &s) {
            const QueueLine *line = lineOf(s, "emails");
            return line && line->untaken == Untaken::No && line->waiting == 12 && s.queue.waiting == 18u;
        }));
    }

    void knowsWhatItCanWithoutScripts()
    {
        RedisServerFixture server({"--rename-command", "EVALSHA", ""});
        Monitored monitored(server);
        waitReady(monitored);
        monitored.run(redis::Command("LPUSH", "celery", "a", "b"));
        monitored.sampler.start();
        const auto snapshot =
            monitored.inbox.wait([](const Snapshot &s) { return s.redis.usedMemory && s.queue.waiting == 2u; });
        QVERIFY(snapshot);
        QCOMPARE(snapshot->queue.unacked, std::optional<std::uint64_t>(0));
        QVERIFY(monitored.inbox.wait([](const Snapshot &s) { return s.clients.total == 1u; }));
    }

    /// What takes ten minutes to be known, or is not told, must not hide that all else is green.
    void theVerdictWaitsForNoFigureOfThePlan_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<Unknown>("commands");
        QTest::addColumn<Unknown>("traffic");
        QTest::newRow("all is told") << QStringList{} << Unknown::No << Unknown::TooFew;
        QTest::newRow("INFO is not told")
            << QStringList{"--rename-command", "INFO", ""} << Unknown::NotTold << Unknown::NotTold;
    }
    void theVerdictWaitsForNoFigureOfThePlan()
    {
        QFETCH(QStringList, options);
        std::vector<std::string> arguments;
        std::ranges::transform(options, std::back_inserter(arguments), &QString::toStdString);
        QFETCH(Unknown, commands);
        QFETCH(Unknown, traffic);
        RedisServerFixture server(arguments);
        Monitored monitored(server, {}, true, std::make_unique<SystemClock>(), freePlan);
        waitReady(monitored);
        monitored.sampler.start();
        const auto snapshot = monitored.inbox.wait([](const Snapshot &s) { return s.redis.age && s.queue.waiting; });
        QVERIFY(snapshot);
        const auto unknown = [&](Resource resource) {
            return std::ranges::find(snapshot->readings, resource, &Reading::resource)->unknown;
        };
        QCOMPARE(unknown(Resource::RedisCommands), commands);
        QCOMPARE(unknown(Resource::RedisOverhead), commands);
        QCOMPARE(unknown(Resource::RedisTraffic), traffic);
        QCOMPARE(snapshot->verdict, Zone::Green);
    }

    void theFirstLookTellsTheFamilies()
    {
        RedisServerFixture server;
        Monitored monitored(server, {}, true, std::make_unique<SystemClock>(), freePlan);
        waitReady(monitored);
        monitored.sampler.start();
        const auto family = [](const Snapshot &s) {
            return std::ranges::find(s.families.families, "other", &FamilyFigures::family);
        };
        // Of an empty database that there is nothing; what comes then is looked at with the next round.
        QVERIFY(monitored.inbox.wait([&](const Snapshot &s) {
            return !s.families.families.empty() && family(s)->keys && family(s)->keys->value == 0;
        }));
        redis::Command fill;
        for (int i = 0; i < 300; ++i)
            fill.add("SET", "shop:cart:" + std::to_string(i), std::string(20'000, 'x'));
        monitored.run(std::move(fill));
        const auto snapshot = monitored.inbox.wait([&](const Snapshot &s) {
            return s.redis.keys == 300u && family(s)->bytes && family(s)->keys->value == 300;
        });
        QVERIFY(snapshot);
        QVERIFY(family(*snapshot)->bytes->value > 6'000'000);
        QVERIFY(snapshot->families.samples < FamilyOptions{}.least);
    }

    void asksAsRarelyAsThePlanWants()
    {
        RedisServerFixture server;
        std::atomic<bool> watched = false;
        Sources sources;
        sources.watched = [&watched] { return watched.load(); };
        Monitored monitored(server, std::move(sources), true, std::make_unique<SystemClock>(), freePlan);
        waitReady(monitored);
        monitored.sampler.start();
        const auto first = monitored.inbox.wait([](const Snapshot &s) { return s.redis.usedMemory.has_value(); });
        QVERIFY(first);
        QCOMPARE(first->sampling.pace, SamplingPace::Idle);
        QCOMPARE(first->plan.commandsLimit, std::optional<double>(100));
        QVERIFY(first->sampling.interval >= 5s);
        QVERIFY(first->sampling.staleAfter > 2 * first->sampling.interval);
        // Snapshots go on, and say how old it is; what Redis said stays known until two samples were missed.
        const auto aged = monitored.inbox.wait([](const Snapshot &s) { return s.redis.age > 4s; });
        QVERIFY(aged);
        QVERIFY(aged->sequence > first->sequence + 10);
        QCOMPARE(aged->readings.at(0).unknown, Unknown::No);
        QCOMPARE(aged->verdict, Zone::Green);
        watched = true;
        const auto closer = monitored.inbox.wait([](const Snapshot &s) { return s.redis.age < 1s; }, 4s);
        QVERIFY(closer);
        QCOMPARE(closer->sampling.pace, SamplingPace::Watched);
        QVERIFY(closer->sampling.left > 0.0);
        // An outage is told at once all the same.
        watched = false;
        server.kill();
        QVERIFY(monitored.inbox.wait([](const Snapshot &s) { return linkUp(s, false); }, 4s));
    }
};

QTEST_GUILESS_MAIN(PlanTest)
#include "plan_test.moc"
