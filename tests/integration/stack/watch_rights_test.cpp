// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "core/stack/redis/watch_rights.h"
#include "tests/fakes/redis_monitor.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <algorithm>
#include <memory>
#include <set>

using namespace portolan;
using namespace portolan::stack;
using namespace std::chrono_literals;

namespace {

constexpr RedisUse allUses[] = {RedisUse::Connection, RedisUse::Figures,      RedisUse::Clients, RedisUse::Families,
                                RedisUse::Queue,      RedisUse::CloseClients, RedisUse::CleanUp};

/// A client that signs in as `user`, and what it finds it may do.
struct Watch
{
    Watch(const RedisServerFixture &redis, const std::string &user) : client(runtime.at(0), endpoint(redis, user))
    {
        client.start();
    }
    ~Watch()
    {
        client.stop();
        runtime.stop();
    }
    static redis::Endpoint endpoint(const RedisServerFixture &redis, const std::string &user)
    {
        redis::Endpoint endpoint = redis.endpoint();
        endpoint.user = user;
        endpoint.password = user.empty() ? "" : "word";
        return endpoint;
    }
    WatchRights rights(bool acting = true)
    {
        return runSync<Result<WatchRights>>(runtime.at(0),
                                            [&]() -> awaitable<Result<WatchRights>> {
                                                const auto ready = co_await client.waitReady(5s);
                                                if (!ready)
                                                    co_return ready.error();
                                                co_return co_await watchRights(client, m_user(), 0, acting);
                                            })
            .value();
    }
    std::string m_user() const { return user; }

    std::string user;
    Runtime runtime{1};
    redis::Client client;
};

std::unique_ptr<Watch> watchAs(const RedisServerFixture &redis, const std::string &user)
{
    auto watch = std::make_unique<Watch>(redis, user);
    watch->user = user;
    return watch;
}

/// A user without any right, and then what the lines give.
void makeUser(const RedisServerFixture &redis, std::initializer_list<std::string> lines)
{
    QCOMPARE(redis.command("ACL SETUSER shop reset on >word"), std::string("+OK\r\n"));
    for (const std::string &line : lines)
        QCOMPARE(redis.command(line), std::string("+OK\r\n"));
}

bool isWrite(const std::string &command)
{
    const std::set<std::string> writes{"SET",  "DEL",   "UNLINK", "SADD",    "SREM",    "LPUSH",      "RPUSH",
                                       "HSET", "SETEX", "EXPIRE", "PEXPIRE", "PUBLISH", "CONFIG SET", "CLIENT KILL"};
    return writes.contains(command);
}

} // namespace

class WatchRightsTest final : public QObject
{
    Q_OBJECT

private slots:
    void thePrintedLinesAreEnough()
    {
        const RedisServerFixture redis;
        makeUser(redis, {aclToLook("shop"), aclToAct("shop")});
        const auto watch = watchAs(redis, "shop");
        const WatchRights rights = watch->rights();
        QVERIFY2(rights.refused.empty(), rights.refused.empty() ? "" : rights.refused.front().name.c_str());
        QVERIFY(!rights.untried);
        for (const RedisUse use : allUses)
            QVERIFY(rights.can(use).available());
        QCOMPARE(rights.user, std::string("shop"));
        QVERIFY(rights.limits.maxClients.value_or(0) > 0 && rights.limits.maxMemory == 0u);
        QCOMPARE(rights.limits.policy, std::string("noeviction"));
    }

    void theLineThatMakesAUserDoesToo()
    {
        const RedisServerFixture redis;
        std::string line = aclToLook("fresh", true);
        const std::string place = "<password>";
        QVERIFY(line.find(place) != line.npos);
        line.replace(line.find(place), place.size(), "word");
        QCOMPARE(redis.command(line), std::string("+OK\r\n"));
        const auto watch = watchAs(redis, "fresh");
        QVERIFY(watch->rights(false).refused.empty());
    }

    void whoMayOnlyLookIsToldWhatActingTakes()
    {
        const RedisServerFixture redis;
        makeUser(redis, {aclToLook("shop")});
        const auto watch = watchAs(redis, "shop");
        const WatchRights rights = watch->rights();
        QVERIFY(rights.refused.empty());
        for (const RedisUse use : {RedisUse::Figures, RedisUse::Clients, RedisUse::Families, RedisUse::Queue})
            QVERIFY(rights.can(use).available());
        for (const RedisUse use : {RedisUse::CloseClients, RedisUse::CleanUp}) {
            const Capability can = rights.can(use);
            QCOMPARE(can.why, WhyNot::CommandRefused);
            QCOMPARE(can.mend, aclToAct("shop"));
        }
        QCOMPARE(redis.command(aclToAct("shop")), std::string("+OK\r\n"));
        QVERIFY(watch->rights().can(RedisUse::CleanUp).available());
    }

    void eachCommandIsMissedByItself_data()
    {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const RedisCommand &command : redisCommands())
            QTest::newRow(std::string(command.name).c_str()) << index++;
    }
    void eachCommandIsMissedByItself()
    {
        QFETCH(int, index);
        const RedisCommand &command = redisCommands()[std::size_t(index)];
        std::string rule("-");
        for (const char c : command.name)
            rule += c == ' ' ? '|' : char(std::tolower(static_cast<unsigned char>(c)));
        const RedisServerFixture redis;
        makeUser(redis, {aclToLook("shop"), aclToAct("shop"), "ACL SETUSER shop " + rule});
        const auto watch = watchAs(redis, "shop");
        const WatchRights rights = watch->rights();
        for (const RedisUse use : allUses) {
            const Capability can = rights.can(use);
            QCOMPARE(can.available(), !command.is(use));
            if (!can.available())
                QCOMPARE(can.about, std::string(command.name));
        }
        // The mend mends it.
        const auto use = std::ranges::find_if(allUses, [&](RedisUse one) { return command.is(one); });
        QCOMPARE(redis.command(rights.can(*use).mend), std::string("+OK\r\n"));
        QVERIFY(watch->rights().can(*use).available());
    }

    void keysThatMayNotBeReadAreNoCommands()
    {
        const RedisServerFixture redis;
        std::string rules = aclToLook("shop");
        rules.replace(rules.find(" ~*"), 3, " ~session:*");
        makeUser(redis, {rules});
        const WatchRights rights = watchAs(redis, "shop")->rights(false);
        const Capability can = rights.can(RedisUse::Queue);
        QCOMPARE(can.mend, std::string("ACL SETUSER shop ~*"));
        QVERIFY(rights.can(RedisUse::Clients).available());
        QVERIFY(std::ranges::all_of(rights.refused, &RefusedCommand::keys));
    }

    void renamedCommandsHaveNoMend()
    {
        const RedisServerFixture redis({"--rename-command", "CLIENT", "", "--rename-command", "CONFIG", "hidden"});
        const WatchRights rights = watchAs(redis, "")->rights();
        for (const RedisUse use : {RedisUse::Clients, RedisUse::Figures, RedisUse::CloseClients}) {
            QVERIFY(!rights.can(use).available());
            QVERIFY(rights.can(use).mend.empty());
        }
        QVERIFY(rights.can(RedisUse::Families).available());
        QVERIFY(rights.can(RedisUse::CleanUp).available());
        QVERIFY(!rights.limits.maxClients);
    }

    void tryingDoesNothing()
    {
        const RedisServerFixture redis;
        QCOMPARE(redis.command("SET shop:1 x"), std::string("+OK\r\n"));
        const auto watch = watchAs(redis, "");
        (void)watch->rights(false);
        redis.command("CONFIG RESETSTAT");
        const RedisMonitor monitor(redis.socketPath());
        QVERIFY(watch->rights().refused.empty());
        QTRY_VERIFY(monitor.commands().contains("DISCARD"));
        for (const std::string &command : monitor.commands())
            QVERIFY2(!isWrite(command), command.c_str());
        const auto called = calledCommands(redis);
        QVERIFY(called.contains("MULTI") && called.contains("DISCARD") && called.contains("CLIENT LIST"));
        for (const RedisCommand &command : redisCommands())
            QVERIFY2(!command.acts || command.name == "MULTI" || command.name == "DISCARD" ||
                         !called.contains(std::string(command.name)),
                     std::string(command.name).c_str());
        QCOMPARE(watch->client.counters().reconnects, std::uint64_t(0));
        QCOMPARE(redis.command("DBSIZE"), std::string(":1\r\n"));
    }

    /// Then what acts would be done, not tried.
    void withoutTransactionsWhatActsIsNotSent()
    {
        for (const char *missing : {"MULTI", "DISCARD"}) {
            const RedisServerFixture redis({"--rename-command", missing, ""});
            const auto watch = watchAs(redis, "");
            const WatchRights rights = watch->rights();
            QVERIFY(rights.untried && rights.untried->unknown);
            const auto called = calledCommands(redis);
            QVERIFY(called.contains("SSCAN"));
            for (const char *acting : {"UNLINK", "CLIENT KILL", "OBJECT IDLETIME"})
                QVERIFY2(!called.contains(acting), acting);
            QVERIFY(rights.can(RedisUse::CleanUp).available()); // doing it will tell
        }
    }
};

QTEST_GUILESS_MAIN(WatchRightsTest)
#include "watch_rights_test.moc"
