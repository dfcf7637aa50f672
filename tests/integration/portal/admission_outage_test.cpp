// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/integration/portal/admission_harness.h"

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

/// What requests get while Redis is away, hangs, is full or takes no writes.
class AdmissionOutageTest final : public QObject
{
    Q_OBJECT
private slots:
    void goesOnWhileRedisIsAway();
    void goesOnWhenRedisIsFull();
    void goesOnWhenRedisTakesNoWrites();
};

void AdmissionOutageTest::goesOnWhileRedisIsAway()
{
    RedisServerFixture server({"--appendonly", "yes", "--appendfsync", "always"});
    Runtime runtime(2);
    const std::map<Category, std::string> limits{
        {Category::Api, "3 per hour"}, {Category::Default, "2 per hour"}, {Category::Auth, "9 per hour"}};
    Instance here(runtime.at(0), server.endpoint(), limits), there(runtime.at(1), server.endpoint(), limits);
    mountRoutes(here);
    mountRoutes(there);
    const auto known = here.signIn(1), elsewhere = there.signIn(2);
    QCOMPARE(here.get("/api/thing", known).remaining(), 2);
    server.pause(); // answers nothing, keeps the connection
    const auto start = std::chrono::steady_clock::now();
    QCOMPARE(here.get("/api/thing", known).remaining(), 2); // counted in memory, from the start
    QCOMPARE(here.get("/api/thing", known).remaining(), 1);
    QCOMPARE(here.get("/api/thing", known).remaining(), 0);
    QCOMPARE(here.get("/api/thing", known).status, 429u);
    QVERIFY(std::chrono::steady_clock::now() - start < 4s);
    server.kill();
    const auto unknown = here.get("/api/thing", elsewhere);
    QCOMPARE(unknown.status, 503u);
    QVERIFY(!unknown.header("Retry-After").empty());
    QVERIFY(unknown.header("Set-Cookie").empty());
    QCOMPARE(here.ask(verb::post, "/auth/login", elsewhere).status, 200u); // for everybody, so for them too
    QCOMPARE(here.get("/").remaining(), 1);
    QCOMPARE(here.get("/api/thing").status, 401u);
    const auto born = here.signIn(3);
    QCOMPARE(here.get("/api/thing", born).remaining(), 2);
    server.start();
    here.ready();
    there.ready();
    QTRY_COMPARE_WITH_TIMEOUT(here.get("/api/free", known).status, 200u, 5000);
    QTRY_VERIFY_WITH_TIMEOUT(!here.sessions.outage().away(), 5000);             // also when nobody asks
    QTRY_COMPARE_WITH_TIMEOUT(there.get("/api/free", born).status, 200u, 5000); // moved to Redis
    QCOMPARE(here.get("/api/thing", known).remaining(), 1);                     // what Redis had counted
    QCOMPARE(here.get("/api/thing", elsewhere).status, 200u);
}

void AdmissionOutageTest::goesOnWhenRedisIsFull()
{
    RedisServerFixture server({"--maxmemory-policy", "noeviction"});
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "3 per hour"}, {Category::Default, "2 per hour"}});
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 2);
    server.command("CONFIG SET maxmemory 1");
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 2); // counted in memory
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 1);
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 0);
    QCOMPARE(portal.get("/api/thing", cookie).status, 429u);
    QCOMPARE(portal.get("/").remaining(), 1);
    QVERIFY(portal.signIn(2).empty());
    server.command("CONFIG SET maxmemory 0");
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 1);
}

void AdmissionOutageTest::goesOnWhenRedisTakesNoWrites()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Api, "2 per hour"}});
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    server.command("CONFIG SET min-replicas-to-write 1"); // NOREPLICAS: like MISCONF when the disk is full
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 1);
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 0);
    QCOMPARE(portal.get("/api/thing", cookie).status, 429u);
}

QTEST_GUILESS_MAIN(AdmissionOutageTest)
#include "admission_outage_test.moc"
