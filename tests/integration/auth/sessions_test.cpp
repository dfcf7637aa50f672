// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/sessions.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/redis/client.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>
#include <mutex>
#include <optional>

using namespace portolan;
using namespace portolan::auth;
using namespace std::chrono_literals;

namespace {

/// One instance of the portal, as far as sessions go.
struct Instance
{
    SystemClock clock;
    redis::Client client;
    redis::Subscriber subscriber;
    Sessions sessions;
    std::mutex mutex;
    std::vector<Sessions::Ended> ended;
    Executor executor;

    Instance(Executor where, const redis::Endpoint &endpoint)
        : client(where, endpoint, {.name = "test", .connectTimeout = 500ms, .backoffMax = 100ms}),
          subscriber(where, endpoint, {.name = "test", .connectTimeout = 500ms, .backoffMax = 100ms}),
          sessions(client, clock, {24h, 1000, 200ms}),
          executor(where)
    {
        sessions.onEnded([this](const Sessions::Ended &what) {
            const std::lock_guard lock(mutex);
            ended.push_back(what);
        });
        for (const auto *script : sessions.scripts())
            client.preload(*script);
        sessions.connect(where, &subscriber);
        client.start();
        subscriber.start();
        ready();
    }

    ~Instance()
    {
        subscriber.stop();
        client.stop();
    }

    void ready()
    {
        QTRY_VERIFY_WITH_TIMEOUT(client.state() == redis::Client::State::Ready, 10'000);
        QTRY_VERIFY_WITH_TIMEOUT(subscriber.state() == redis::Client::State::Ready, 10'000);
    }

    template <class F> auto await(F work)
    {
        using T = typename std::invoke_result_t<F>::value_type;
        std::optional<T> result; // not every T can be made from nothing, as co_spawn() would
        runSync<void>(executor, [&]() -> awaitable<void> {
            auto value = co_await work();
            result.emplace(std::move(value));
        });
        return std::move(*result);
    }

    Result<Sessions::Created> create(Id user, Role role = Role::User)
    {
        return await([&] { return sessions.create(user, role); });
    }
    /// "user 7", "nobody", or the code of the error.
    QString find(const SessionId &id)
    {
        const auto found = await([&] { return sessions.find(id); });
        if (!found)
            return QString::fromStdString(found.error().code);
        return *found ? QString("user %1").arg((*found)->userId) : QString("nobody");
    }
    void destroy(const SessionId &id)
    {
        QVERIFY(await([&] { return sessions.destroy(id); }));
    }
    void destroyAll(Id user)
    {
        QVERIFY(await([&] { return sessions.destroyAll(user); }));
    }
    std::size_t endings()
    {
        const std::lock_guard lock(mutex);
        return ended.size();
    }
};

} // namespace

class SessionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void createsFindsAndDestroys();
    void slidesForADay();
    void endsAllOfAUserAtOnceEverywhere();
    void makesNewSessionsAfterARevocationValid();
    void goesOnFromMemoryWhileRedisIsAway();
    void movesSessionsBack();
    void endsWhileRedisIsAway();
    void bringsBackWhatRedisLostInItsLastSecond();
    void doesNotBringBackWhatAnotherEndedMeanwhile();
    void stopsWhileRedisIsAway();
    void endsAllOfAUserWhileRedisIsFull();
    void doesNotHangWithAStoppedRedis();
    void saysWhenRedisIsFull();
};

void SessionsTest::createsFindsAndDestroys()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    const auto one = here.create(7, Role::Operator);
    QVERIFY(one);
    const auto two = here.create(7);
    QVERIFY(one->id != two->id);
    QCOMPARE(there.find(one->id), "user 7");
    QCOMPARE(there.find(SessionToken::random().id()), "nobody");
    there.destroy(one->id);
    QCOMPARE(here.find(one->id), "nobody");
    QCOMPARE(here.find(two->id), "user 7");
    QTRY_COMPARE(here.endings(), std::size_t(1)); // told by the other instance
    QVERIFY(here.ended[0].id == one->id);
    there.destroy(one->id); // twice is harmless
}

void SessionsTest::slidesForADay()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto one = here.create(7);
    const auto ttl = QString::fromStdString(server.command("TTL " + sessionKey(one->id))).mid(1).trimmed().toInt();
    QVERIFY(ttl > 86'390 && ttl <= 86'400);
    const auto bytes = QString::fromStdString(server.command("STRLEN " + sessionKey(one->id)));
    QCOMPARE(bytes, ":12\r\n");
}

void SessionsTest::endsAllOfAUserAtOnceEverywhere()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    std::vector<SessionId> mine;
    for (int i = 0; i < 5; ++i)
        mine.push_back((i % 2 ? here : there).create(7)->id);
    const auto other = here.create(8)->id;
    here.destroyAll(7);
    for (const auto &id : mine) {
        QCOMPARE(here.find(id), "nobody");
        QCOMPARE(there.find(id), "nobody");
    }
    QCOMPARE(there.find(other), "user 8");
    QTRY_COMPARE(there.endings(), std::size_t(1));
    QCOMPARE(there.ended[0].userId, Id(7));
}

void SessionsTest::makesNewSessionsAfterARevocationValid()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    for (int i = 0; i < 5; ++i) { // all within a second or two, so that seconds alone could not tell them apart
        const auto before = here.create(7)->id;
        here.destroyAll(7);
        const auto after = here.create(7)->id;
        QCOMPARE(here.find(before), "nobody");
        QCOMPARE(here.find(after), "user 7");
    }
}

void SessionsTest::goesOnFromMemoryWhileRedisIsAway()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    const auto known = here.create(7)->id;
    const auto elsewhere = there.create(8)->id;
    server.kill();
    QCOMPARE(here.find(known), "user 7");
    QCOMPARE(here.find(elsewhere), "redis-away"); // not "nobody"
    const auto refused = here.await([&] { return here.sessions.find(elsewhere); });
    QVERIFY(refused.error().kind == ErrorKind::Unavailable);
    QVERIFY(refused.error().retryAfter.count() > 0);
    QVERIFY(here.create(9));
}

void SessionsTest::movesSessionsBack()
{
    RedisServerFixture server({"--appendonly", "yes", "--appendfsync", "always"});
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    const auto before = here.create(7)->id;
    server.kill();
    std::vector<SessionId> born;
    for (int i = 0; i < 20; ++i) {
        const auto created = here.create(Id(100 + i));
        QVERIFY(created);
        born.push_back(created->id);
        QCOMPARE(here.find(created->id), QString("user %1").arg(100 + i));
    }
    server.start();
    here.ready();
    there.ready();
    // Whoever asks first, finds Redis back and starts the move.
    QTRY_VERIFY_WITH_TIMEOUT(here.find(before) == "user 7" && !here.sessions.memory().hasPending(), 5000);
    for (std::size_t i = 0; i < born.size(); ++i)
        QTRY_COMPARE(there.find(born[i]), QString("user %1").arg(100 + i));
}

void SessionsTest::endsWhileRedisIsAway()
{
    RedisServerFixture server({"--appendonly", "yes", "--appendfsync", "always"});
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    const auto left = here.create(7)->id;
    const auto disabled = here.create(8)->id;
    const auto stays = here.create(9)->id;
    server.kill();
    QCOMPARE(here.find(left), "user 7");
    here.destroy(left);
    here.destroyAll(8);
    QCOMPARE(here.find(left), "nobody");
    QVERIFY(here.find(disabled) != "user 8");
    server.start();
    here.ready();
    there.ready();
    QTRY_VERIFY_WITH_TIMEOUT(here.find(stays) == "user 9" && !here.sessions.memory().hasPending(), 5000);
    QTRY_COMPARE(there.find(left), "nobody");
    QTRY_COMPARE(there.find(disabled), "nobody");
    QCOMPARE(there.find(stays), "user 9");
}

void SessionsTest::bringsBackWhatRedisLostInItsLastSecond()
{
    RedisServerFixture server; // nothing is persisted: it loses all
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto late = here.create(7)->id;
    server.kill();
    QCOMPARE(here.find(late), "user 7");
    server.start();
    here.ready();
    for (int i = 0; i < 200; ++i) // never "nobody", from memory, while it moves, and from Redis
        QCOMPARE(here.find(late), "user 7");
    QTRY_COMPARE((here.find(late), QString::fromStdString(server.command("EXISTS " + sessionKey(late)))), ":1\r\n");
}

void SessionsTest::doesNotBringBackWhatAnotherEndedMeanwhile()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint());
    Instance there(runtime.at(1), server.endpoint());
    const auto session = here.create(7)->id;
    QCOMPARE(here.find(session), QString("user 7"));
    there.destroy(session);
    QTRY_COMPARE(here.endings(), std::size_t{1});
    // As if `here` had not heard of it, and had lost Redis for a moment.
    here.sessions.memory().remember(session, Session{7, Role::User, 1'000'000'000});
    here.sessions.memory().distrust(1);
    QVERIFY(here.sessions.memory().hasPending());
    QVERIFY(runSync<bool>(runtime.at(0), [&] { return here.sessions.moveBack(); }));
    QCOMPARE(there.find(session), QString("nobody"));
    QCOMPARE(here.find(session), QString("nobody"));
    QVERIFY(!here.sessions.memory().find(session));
}

void SessionsTest::stopsWhileRedisIsAway()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto session = here.create(7)->id;
    server.kill();
    QTRY_COMPARE(here.find(session), QString("user 7"));
    QTRY_VERIFY(here.sessions.outage().away()); // it asks for Redis again and again from now on
    here.sessions.stop();
    here.sessions.stop();
}

void SessionsTest::endsAllOfAUserWhileRedisIsFull()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto session = here.create(7)->id;
    server.command("CONFIG SET maxmemory 1");
    here.destroyAll(7);
    QVERIFY(!here.sessions.memory().hasPending());
    QCOMPARE(here.find(session), QString("nobody"));
    const auto other = here.create(8);
    QCOMPARE(other.error().kind, ErrorKind::Full);
}

void SessionsTest::doesNotHangWithAStoppedRedis()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto known = here.create(7)->id;
    server.pause();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i)
        QCOMPARE(here.find(known), "user 7");
    // One call each pause of 250 ms costs its deadline of 200 ms; fifty in turn would take ten seconds.
    QVERIFY(std::chrono::steady_clock::now() - start < 5s);
    server.resume();
    QTRY_VERIFY_WITH_TIMEOUT(here.find(known) == "user 7" && !here.sessions.outage().away(), 5000);
}

void SessionsTest::saysWhenRedisIsFull()
{
    RedisServerFixture server({"--maxmemory-policy", "noeviction"});
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint());
    const auto before = here.create(7)->id;
    server.command("CONFIG SET maxmemory 1");
    const auto refused = here.create(8);
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().code, std::string("redis-full"));
    QVERIFY(refused.error().kind == ErrorKind::Full);
    QCOMPARE(here.find(before), "user 7");
    const auto other = here.await([&] { return here.sessions.find(before); });
    QVERIFY(other && *other);
    here.destroy(before); // frees memory, so it works; that of all a user's has a test of its own
    QCOMPARE(here.find(before), "nobody");
}

QTEST_GUILESS_MAIN(SessionsTest)
#include "sessions_test.moc"
