// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/redis_admin.h"
#include "core/stack/redis/watch_rights.h"
#include "tests/fakes/redis_monitor.h"
#include "tests/integration/stack/watched_stack.h"

#include <QTest>
#include <algorithm>
#include <set>

using namespace portolan;
using namespace portolan::stack;
using namespace std::chrono_literals;

namespace {

void makeUser(const RedisServerFixture &redis, const std::string &rules)
{
    QCOMPARE(redis.command("ACL SETUSER shop reset on >word"), std::string("+OK\r\n"));
    for (std::size_t at = 0, end = 0; at < rules.size(); at = end + 1) {
        end = std::min(rules.find('\n', at), rules.size());
        QCOMPARE(redis.command(rules.substr(at, end - at)), std::string("+OK\r\n"));
    }
}

const std::string everything = "ACL SETUSER shop ~* &* +@all";

std::string printed() { return aclToLook("shop") + "\n" + aclToAct("shop"); }

std::set<std::string> namesOf(bool acting)
{
    std::set<std::string> names;
    for (const RedisCommand &command : redisCommands())
        if (!command.acts || acting)
            names.insert(std::string(command.name));
    return names;
}

const Reading &readingOf(const Snapshot &snapshot, Resource resource)
{
    return *std::ranges::find(snapshot.readings, resource, &Reading::resource);
}

bool refuses(const Snapshot &snapshot, std::string_view part)
{
    return std::ranges::find(snapshot.notTold, part, &NotTold::part) != snapshot.notTold.end();
}

const FamilyFigures *familyOf(const Snapshot &snapshot, std::string_view name)
{
    const auto found = std::ranges::find(snapshot.families.families, name, &FamilyFigures::family);
    return found == snapshot.families.families.end() ? nullptr : &*found;
}

std::string keyCount(std::size_t count) { return ":" + std::to_string(count) + "\r\n"; }

} // namespace

class StackWatchTest final : public QObject
{
    Q_OBJECT

private slots:
    /// With a user that may do everything, so that whatever is written would be.
    void whoOnlyLooksWritesNothing()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, everything);
        fillAsFlask(redis);
        const std::string keys = redis.command("DBSIZE");
        redis.command("CONFIG RESETSTAT");
        std::set<std::string> ran;
        {
            const RedisMonitor monitor(redis.socketPath());
            WatchedStack watched(shopFile(redis, "read_only = true"));
            const auto sample = watched.waitForAll();
            QVERIFY(sample);
            QVERIFY(sample->notTold.empty());
            for (const auto &action : {Action(CloseClients{{1}}), Action(CleanUpFamily{"results", {}})}) {
                QCOMPARE(watched.perform(action).error().kind, ErrorKind::Unsupported);
                QCOMPARE(watched.preview(action).error().kind, ErrorKind::Unsupported);
                QCOMPARE(console::whyNot(watched.services(), action).why, WhyNot::FileReadOnly);
            }
            const auto seen = sample->sequence;
            QVERIFY(watched.wait([&](const Snapshot &now) { return now.sequence >= seen + 5; }));
            ran = monitor.commands();
        }
        std::set<std::string> called = calledCommands(redis);
        for (const char *ours : {"CONFIG RESETSTAT", "MONITOR", "AUTH"})
            called.erase(ours);
        // Not one outside of the printed line, and the line asks for nothing that is not used.
        QVERIFY(called == namesOf(false));
        for (const std::string &command : ran)
            QVERIFY2(command == "AUTH" || called.contains(command), command.c_str());
        QCOMPARE(redis.command("DBSIZE"), keys);
    }

    void thePrintedLinesGreyNothing()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, printed());
        fillAsFlask(redis);
        WatchedStack watched(shopFile(redis));
        const auto sample = watched.waitForAll();
        QVERIFY(sample);
        QVERIFY2(sample->notTold.empty(), sample->notTold.empty() ? "" : sample->notTold.front().command.c_str());
        for (const Resource resource : {Resource::RedisMemory, Resource::RedisConnections, Resource::Queue})
            QVERIFY(readingOf(*sample, resource).value && readingOf(*sample, resource).zone != Zone::Unknown);
        QCOMPARE(sample->queue.unacked, std::optional<std::uint64_t>(1));
        QVERIFY(familyOf(*sample, "sessions")->keys && familyOf(*sample, "limits")->keys);
        const SourceFigures *source = sourceOf(*sample, "redis");
        QVERIFY(source && source->state == SourceState::Live && source->connections == 1 && source->code.empty());
        QTRY_VERIFY(watched.services().rights());
        const auto offers = watched.ask(DeploymentQuestion{});
        QVERIFY(offers.has_value());
        for (const QuestionOffer &offer : offers->questions)
            QVERIFY2(offer.capability.why != WhyNot::CommandRefused, offer.path.c_str());
        for (const Action &action : {Action(CloseClients{}), Action(CleanUpFamily{"limits", {}})})
            QVERIFY(console::whyNot(watched.services(), action).available());
        const auto ours = std::ranges::count(*watched.services().redis.clients(), true, &ClientInfo::own);
        QCOMPARE(ours, std::ptrdiff_t(1)); // one connection, which is known for ours
    }

    /// What may be done is done, once, and noted once.
    void actsWithThePrintedLines()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, printed());
        fillAsFlask(redis);
        WatchedStack watched(shopFile(redis));
        QVERIFY(watched.waitForAll());
        QTRY_VERIFY(watched.services().rights());
        const CleanUpFamily limits{"limits", {}};
        const auto seen = watched.preview(limits);
        QVERIFY2(seen.has_value(), seen ? "" : seen.error().message.c_str());
        QCOMPARE(seen->count, std::optional<std::uint64_t>(10));
        const auto done = watched.perform(limits);
        QVERIFY2(done.has_value(), done ? "" : done.error().message.c_str());
        QCOMPARE(done->facts.front().count, std::optional<std::uint64_t>(10));
        QCOMPARE(redis.command("EXISTS LIMITER/127.0.0.1/1"), keyCount(0));
        QCOMPARE(redis.command("EXISTS session:1"), keyCount(1));
        const auto audit = watched.ask(AuditQuestion{});
        QVERIFY(audit.has_value());
        QCOMPARE(audit->items.size(), std::size_t(1));
        QCOMPARE(audit->items.front().action, std::string("redis.cleanup"));
        QCOMPARE(audit->items.front().outcome, std::string("done"));
        QCOMPARE(audit->items.front().reason, std::string("for the test"));
        QCOMPARE(audit->items.front().deployment, std::string("shop"));
        const WallTime now = watched.services().clock.wall();
        const auto events = watched.ask(EventsQuestion{now - 1h, now + 1s});
        QVERIFY(events.has_value());
        QCOMPARE(std::ranges::count(*events, EventKind::Action, &Event::kind), std::ptrdiff_t(1));
        QCOMPARE(watched.perform(CleanUpFamily{"queue", {}}).error().kind, ErrorKind::Unsupported);
        QCOMPARE(redis.command("LLEN celery"), keyCount(3));
    }

    void aRefusedCommandGreysItsFigureAlone_data()
    {
        QTest::addColumn<std::string>("rule");
        QTest::addColumn<std::string>("part");
        QTest::newRow("CLIENT LIST") << std::string("-client|list") << std::string("clients");
        QTest::newRow("INFO") << std::string("-info") << std::string("redis");
        QTest::newRow("EVALSHA") << std::string("-evalsha") << std::string("families");
        QTest::newRow("MEMORY USAGE") << std::string("-memory|usage") << std::string("families");
        QTest::newRow("RANDOMKEY") << std::string("-randomkey") << std::string("families");
        QTest::newRow("HLEN") << std::string("-hlen") << std::string("queue");
        QTest::newRow("CONFIG GET") << std::string("-config|get") << std::string();
        QTest::newRow("CLIENT SETNAME") << std::string("-client|setname") << std::string();
        QTest::newRow("TIME") << std::string("-time") << std::string();
    }
    void aRefusedCommandGreysItsFigureAlone()
    {
        QFETCH(std::string, rule);
        QFETCH(std::string, part);
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, printed() + "\nACL SETUSER shop " + rule);
        fillAsFlask(redis);
        WatchedStack watched(shopFile(redis));
        const auto sample = watched.wait([&](const Snapshot &now) {
            return now.links.front().up == true && (part.empty() || refuses(now, part)) &&
                   (part == "clients" || now.clients.total) && (part == "redis" || now.redis.usedMemory) &&
                   (part == "families" || !now.families.families.empty()) &&
                   (part == "queue" || now.queue.waiting == 3u);
        });
        QVERIFY(sample);
        for (const char *other : {"clients", "redis", "families", "queue"})
            QCOMPARE(refuses(*sample, other), part == other);
        QCOMPARE(sourceOf(*sample, "redis")->state, SourceState::Live);
        if (part == "clients") {
            const auto answer = watched.ask(ClientsQuestion{});
            QTRY_COMPARE(watched.ask(ClientsQuestion{}).error().kind, ErrorKind::Unsupported);
            QCOMPARE(watched.ask(ClientsQuestion{}).error().mend, std::string("ACL SETUSER shop +client|list"));
        }
        if (part == "redis")
            QCOMPARE(readingOf(*sample, Resource::RedisMemory).unknown, Unknown::NotTold);
    }

    void aWrongPasswordIsToldAndMended()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, everything);
        WatchedStack watched(shopFile(redis), "wrong-word");
        const auto refused = watched.wait([](const Snapshot &now) {
            const SourceFigures *source = sourceOf(now, "redis");
            return source && source->state == SourceState::Refused;
        });
        QVERIFY(refused);
        QCOMPARE(sourceOf(*refused, "redis")->code, std::string("redis-auth"));
        QVERIFY(refused->links.front().up == false);
        QVERIFY(!refused->redis.usedMemory && !refused->queue.waiting && !refused->clients.total);
        QCOMPARE(refused->verdict, Zone::Red);
        QCOMPARE(watched.ask(ClientsQuestion{}).error().kind, ErrorKind::Unavailable);
        watched.setWord("word"); // it is read anew before each attempt
        QVERIFY(watched.wait([](const Snapshot &now) { return now.links.front().up == true; }));
    }

    void aSecretThatIsNotThereIsTold()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, everything);
        redis.command("CONFIG RESETSTAT");
        WatchedStack watched(shopFile(redis), "");
        const auto sample = watched.wait([](const Snapshot &now) {
            const SourceFigures *source = sourceOf(now, "redis");
            return source && source->state == SourceState::Refused;
        });
        QVERIFY(sample);
        QCOMPARE(sourceOf(*sample, "redis")->code, std::string("secret-missing"));
        QVERIFY(!calledCommands(redis).contains("PING")); // nobody has tried without
        watched.setWord("word");
        QVERIFY(watched.wait([](const Snapshot &now) { return now.links.front().up == true; }));
    }

    void comesBackWithRedis()
    {
        RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        auto file = shopFile(redis);
        file.redis->endpoint.user.clear();
        file.redis->password = {};
        WatchedStack watched(std::move(file));
        QVERIFY(watched.wait([](const Snapshot &now) { return now.links.front().up == true; }));
        redis.kill();
        QVERIFY(watched.wait([](const Snapshot &now) {
            return now.links.front().up == false && sourceOf(now, "redis")->state == SourceState::Failing;
        }));
        redis.start();
        QVERIFY(watched.wait([](const Snapshot &now) {
            return now.links.front().up == true && sourceOf(now, "redis")->state == SourceState::Live;
        }));
    }

    void withoutRedisItSaysSo()
    {
        WatchedStack watched(watchFile("name = \"shop\"\n[[probe]]\nurl = \"http://127.0.0.1:9/health\"\n"));
        const auto sample = watched.wait([](const Snapshot &now) { return now.sequence >= 2; });
        QVERIFY(sample && sample->links.empty());
        QCOMPARE(sample->sources.size(), std::size_t(1));
        QCOMPARE(sample->sources.front().name, std::string("probe:http://127.0.0.1:9/health"));
        QCOMPARE(sample->probes.size(), std::size_t(1));
        QVERIFY(sample->verdict != Zone::Green);
        for (const Reading &reading : sample->readings)
            QVERIFY(!reading.value && reading.zone == Zone::Unknown);
        QCOMPARE(sample->http.unknown, Unknown::NotAvailable);
        QCOMPARE(watched.ask(ClientsQuestion{}).error().kind, ErrorKind::Unsupported);
        const Capability can = console::whyNot(watched.services(), CloseClients{});
        QVERIFY(can.why == WhyNot::NotConfigured && can.about == "redis");
    }

    void keepsWhatItMeasured()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, everything);
        const QTemporaryDir folder;
        const std::string path = folder.filePath("shop").toStdString();
        {
            WatchedStack watched(shopFile(redis), "word", path);
            QVERIFY(watched.wait([](const Snapshot &now) { return now.redis.usedMemory && now.sequence >= 3; }));
            // Another one of this process or of another finds it in use, says so, and goes on.
            WatchedStack second(shopFile(redis), "word", path);
            const auto sample = second.wait([](const Snapshot &now) { return now.redis.usedMemory.has_value(); });
            QVERIFY(sample);
            const SourceFigures *history = sourceOf(*sample, "history");
            QVERIFY(history && history->state == SourceState::Refused && history->code == "data-dir-locked");
            QVERIFY(sample->verdict != Zone::Red); // nothing of the stack is wrong
        }
        WatchedStack again(shopFile(redis), "word", path);
        const WallTime now = again.services().clock.wall();
        const auto series =
            again.ask(HistoryQuestion{{{Metric(metric::redisMemory)}, now - 10min, now + 1min, 2000, {}}});
        QVERIFY2(series.has_value(), series ? "" : series.error().message.c_str());
        QVERIFY(!series->front().points.empty());
    }

    void asksForNothingBesideItsOwnConnection()
    {
        const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
        makeUser(redis, printed());
        fillAsFlask(redis);
        WatchedStack watched(shopFile(redis));
        QVERIFY(watched.waitForAll());
        const std::string clients = redis.command("CLIENT LIST");
        QVERIFY(clients.find("name=portolan-watch ") != std::string::npos);
        QCOMPARE(clients.find("name=portolan-watch ", clients.find("name=portolan-watch ") + 1), std::string::npos);
    }
};

QTEST_GUILESS_MAIN(StackWatchTest)
#include "stack_watch_test.moc"
