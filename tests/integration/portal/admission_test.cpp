// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/keys.h"
#include "tests/fakes/manual_clock.h"
#include "tests/integration/portal/admission_harness.h"

#include <cmath>
#include <future>

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

namespace {

const std::map<Category, std::string> plenty{{Category::Api, "1000 per day; 900 per hour; 800 per minute"},
                                             {Category::Default, "500 per minute"},
                                             {Category::Auth, "400 per minute"}};

/// A cookie that could be a session, and is none.
Headers unknownSession() { return {{"Cookie", "sid=" + std::string(auth::SessionToken::random().reveal())}}; }

std::int64_t number(const std::string &reply) { return std::stoll(reply.substr(1)); }

} // namespace

class AdmissionTest final : public QObject
{
    Q_OBJECT
private slots:
    void knowsWhoAsks();
    void asksTheRoleOfTheRoute_data();
    void asksTheRoleOfTheRoute();
    void limitsPerUserAndPerAddress();
    void saysHowLongToWait();
    void limitsTheAddressInAddition();
    void guardsTheAdminRoutesPerSession();
    void neverTouchesRedisForUnlimitedRoutes();
    void takesOneRoundTrip();
    void wantsACsrfTokenWithTheCookie();
    void endsTokensWithTheirSession();
    void endsSessionsOfAUser();
    void usesOverridesOfAUser();
    void boundsConcurrentUsers();
    void trustsNoTimeInTheFuture();
    void countsConcurrentUsersWithoutACeiling();
    void renewsASessionInUse();
    void letsExactlyTheCountThroughOnTwoInstances();
};

void AdmissionTest::knowsWhoAsks()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    Principal seen;
    bool bearer = false;
    portal.router.get("/who", {Role::User, Category::Api}, [&](http::Request &request) -> awaitable<http::Response> {
        seen = request.principal;
        bearer = portal::callerOf(request)->bearer;
        co_return http::json(std::string("{}"));
    });
    const auto cookie = portal.signIn(77, Role::Operator);
    QCOMPARE(portal.get("/who", cookie).status, 200u);
    QVERIFY(seen == (Principal{77, Role::Operator}));
    QVERIFY(!bearer);
    const auto token = portal.tokens.issue(*portal.last, 77, Role::Operator);
    QCOMPARE(portal.get("/who", {{"Authorization", "Bearer " + token}}).status, 200u);
    QVERIFY(bearer);
    QCOMPARE(portal.get("/who").problem, std::string("unauthenticated"));
    QCOMPARE(portal.get("/who", {{"Cookie", "sid=AAAAAAAAAAAAAAAAAAAAAA"}}).status, 401u);
    QCOMPARE(portal.get("/who", {{"Cookie", "sid=nonsense"}}).status, 401u);
    QCOMPARE(portal.get("/who", {{"Authorization", "Bearer nonsense"}}).status, 401u);
    // A bad token is not made good by a cookie: nobody smuggles a request past CSRF that way.
    QCOMPARE(portal.get("/who", {{"Authorization", "Bearer nonsense"}, cookie[0]}).status, 401u);
}

void AdmissionTest::asksTheRoleOfTheRoute_data()
{
    QTest::addColumn<int>("role");
    QTest::addColumn<QString>("path");
    QTest::addColumn<unsigned>("status");
    const auto row = [](Role role, const char *path, unsigned status) {
        QTest::addRow("%d %s", int(role), path) << int(role) << path << status;
    };
    row(Role::Anonymous, "/", 200);
    row(Role::Anonymous, "/api/thing", 401);
    row(Role::Anonymous, "/api/admin/thing", 401);
    row(Role::User, "/", 200);
    row(Role::User, "/api/thing", 200);
    row(Role::User, "/api/admin/thing", 403);
    row(Role::User, "/api/admin/users", 403);
    row(Role::Operator, "/api/thing", 200);
    row(Role::Operator, "/api/admin/thing", 200);
    row(Role::Operator, "/api/admin/users", 403);
    row(Role::Admin, "/api/admin/users", 200);
}

void AdmissionTest::asksTheRoleOfTheRoute()
{
    QFETCH(int, role);
    QFETCH(QString, path);
    QFETCH(unsigned, status);
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    const auto who = Role(role);
    const Headers headers = who == Role::Anonymous ? Headers{} : portal.signIn(1, who);
    QCOMPARE(portal.get(path.toStdString(), headers).status, status);
}

void AdmissionTest::limitsPerUserAndPerAddress()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "5 per hour; 3 per minute"}, {Category::Default, "2 per minute"}});
    mountRoutes(portal);
    const auto one = portal.signIn(1);
    const auto again = portal.signIn(1); // another session of the same user
    const auto two = portal.signIn(2);
    QCOMPARE(portal.get("/api/thing", one).remaining(), 2);
    QCOMPARE(portal.get("/api/thing", again, "192.0.2.9").remaining(), 1);
    QCOMPARE(portal.get("/api/thing", one).remaining(), 0);
    QCOMPARE(portal.get("/api/thing", one).status, 429u);
    QCOMPARE(portal.get("/api/thing", two).remaining(), 2);
    QCOMPARE(portal.get("/", one).remaining(), 1); // another category
    // Not signed in: per address, whatever the route wants.
    QCOMPARE(portal.get("/").remaining(), 1);
    QCOMPARE(portal.get("/").remaining(), 0);
    QCOMPARE(portal.get("/").status, 429u);
    QCOMPARE(portal.get("/", {}, "192.0.2.2").remaining(), 1);
    for (int i = 0; i < 3; ++i)
        QCOMPARE(portal.get("/api/thing", unknownSession(), "192.0.2.3").status, 401u);
    QCOMPARE(portal.get("/api/thing", unknownSession(), "192.0.2.3").status, 429u);
    const auto refused = portal.admission.refused();
    QCOMPARE(refused[std::size_t(Category::Api)], std::uint64_t(2));
    QCOMPARE(refused[std::size_t(Category::Default)], std::uint64_t(1));
}

void AdmissionTest::saysHowLongToWait()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Api, "5 per hour; 1 per minute"}});
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    const auto first = portal.get("/api/thing", cookie);
    QCOMPARE(first.header("X-RateLimit-Limit"), std::string("1"));
    QCOMPARE(first.header("X-RateLimit-Remaining"), std::string("0"));
    const auto reset = std::stoll(first.header("X-RateLimit-Reset"));
    const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    QVERIFY2(double(reset) >= now + 55 && double(reset) <= now + 61, qPrintable(QString::number(double(reset) - now)));
    const auto refused = portal.get("/api/thing", cookie);
    QCOMPARE(refused.status, 429u);
    QCOMPARE(refused.problem, std::string("rate-limited"));
    QCOMPARE(std::stoll(refused.header("X-RateLimit-Reset")), reset);
    const auto wait = std::stoll(refused.header("Retry-After"));
    QVERIFY(wait >= 50 && wait <= 60);
}

void AdmissionTest::limitsTheAddressInAddition()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "10 per minute"}, {Category::Default, "10 per minute"}},
                    {{Category::Api, "3 per minute"}, {Category::Default, "4 per minute"}});
    mountRoutes(portal);
    const auto one = portal.signIn(1), two = portal.signIn(2);
    QCOMPARE(portal.get("/api/thing", one).remaining(), 2);
    QCOMPARE(portal.get("/api/thing", two).remaining(), 1);
    QCOMPARE(portal.get("/api/thing", one).remaining(), 0);
    QCOMPARE(portal.get("/api/thing", two).status, 429u);
    QCOMPARE(portal.get("/api/thing", two).header("X-RateLimit-Limit"), std::string("3"));
    QCOMPARE(portal.get("/api/thing", two, "192.0.2.2").remaining(), 2);
    for (int left = 3; left >= 0; --left) // not signed in: both kinds in one key
        QCOMPARE(portal.get("/", {}, "2001:db8::5").remaining(), left);
    QCOMPARE(portal.get("/", {}, "2001:db8::6").status, 429u);
}

void AdmissionTest::guardsTheAdminRoutesPerSession()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock still;
    Instance portal(runtime.at(0), server.endpoint(), {}, {}, &still);
    mountRoutes(portal);
    const auto one = portal.signIn(1, Role::Admin), two = portal.signIn(1, Role::Admin);
    for (int i = 0; i < 50; ++i)
        QCOMPARE(portal.get("/api/admin/thing", one).status, 200u);
    const auto refused = portal.get("/api/admin/thing", one);
    QCOMPARE(refused.status, 429u);
    QCOMPARE(refused.header("Retry-After"), std::string("1"));
    QCOMPARE(portal.get("/api/admin/thing", two).status, 200u);
    still.advance(1s);
    QCOMPARE(portal.get("/api/admin/thing", one).status, 200u);
}

void AdmissionTest::neverTouchesRedisForUnlimitedRoutes()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    const auto before = portal.client.counters().commands;
    const auto answer = portal.get("/health", portal.signIn(1));
    QCOMPARE(answer.status, 200u);
    QCOMPARE(answer.remaining(), -1);
    QCOMPARE(portal.client.counters().commands, before + 1); // signIn()
}

void AdmissionTest::takesOneRoundTrip()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty, plenty);
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    portal.get("/api/thing", cookie);
    const auto before = portal.client.counters().commands;
    for (int i = 0; i < 10; ++i)
        portal.get("/api/thing", cookie);
    QCOMPARE(portal.client.counters().commands, before + 10);
    // An instance that sees the session for the first time asks whose it is before.
    Instance other(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(other);
    other.table.onLoadUser(
        [](Id) -> awaitable<Result<std::vector<LimitOverride>>> { co_return std::vector<LimitOverride>(); });
    const auto start = other.client.counters().commands;
    QCOMPARE(other.get("/api/thing", cookie).status, 200u);
    QCOMPARE(other.client.counters().commands, start + 2);
    QCOMPARE(other.get("/api/thing", cookie).remaining(), 787); // of 800: counted once each
    QCOMPARE(other.client.counters().commands, start + 3);
}

void AdmissionTest::wantsACsrfTokenWithTheCookie()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    const auto mine = *portal.last;
    const auto with = [&](const std::string &token) {
        return portal.ask(verb::post, "/api/thing", {cookie[0], {"X-CSRF-Token", token}});
    };
    QCOMPARE(portal.ask(verb::post, "/api/thing", cookie).problem, std::string("csrf"));
    QCOMPARE(portal.ask(verb::post, "/api/thing", cookie).status, 403u);
    QCOMPARE(with("").status, 403u);
    QCOMPARE(with(portal.csrf.of(auth::SessionToken::random().id())).status, 403u);
    QCOMPARE(with(portal.csrf.of(mine)).status, 200u);
    QCOMPARE(portal.get("/api/thing", cookie).status, 200u);               // a safe method
    QCOMPARE(portal.ask(verb::post, "/auth/login", cookie).status, 200u);  // said so by its route
    QCOMPARE(portal.ask(verb::post, "/auth/logout", cookie).status, 403u); // unlimited, not unprotected
    const auto token = portal.tokens.issue(mine, 1, Role::User);
    QCOMPARE(portal.ask(verb::post, "/api/thing", {{"Authorization", "Bearer " + token}}).status, 200u);
    QCOMPARE(portal.ask(verb::post, "/api/thing").status, 401u);
}

void AdmissionTest::endsTokensWithTheirSession()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    portal.signIn(1);
    const auto id = *portal.last;
    const Headers bearer{{"Authorization", "Bearer " + portal.tokens.issue(id, 1, Role::User)}};
    QCOMPARE(portal.get("/api/thing", bearer).status, 200u);
    QVERIFY(portal.await([&] { return portal.sessions.destroy(id); }));
    QCOMPARE(portal.get("/api/thing", bearer).status, 401u);
}

void AdmissionTest::endsSessionsOfAUser()
{
    RedisServerFixture server;
    Runtime runtime(2);
    Instance here(runtime.at(0), server.endpoint(), plenty), there(runtime.at(1), server.endpoint(), plenty);
    mountRoutes(here);
    mountRoutes(there);
    const auto one = here.signIn(5), two = there.signIn(5), other = there.signIn(6);
    for (auto *instance : {&here, &there})
        for (const auto &cookie : {one, two, other})
            QCOMPARE(instance->get("/api/thing", cookie).status, 200u);
    QVERIFY(here.await([&] { return here.sessions.destroyAll(5); }));
    for (auto *instance : {&there, &here}) {
        QCOMPARE(instance->get("/api/thing", one).status, 401u);
        QCOMPARE(instance->get("/api/thing", two).status, 401u);
        QCOMPARE(instance->get("/api/thing", other).status, 200u);
    }
    QCOMPARE(there.get("/api/thing", there.signIn(5)).status, 200u);
}

void AdmissionTest::usesOverridesOfAUser()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "2 per minute"}, {Category::Default, "9 per minute"}});
    mountRoutes(portal);
    std::string windows = "5 per minute";
    int loads = 0;
    portal.table.onLoadUser([&](Id user) -> awaitable<Result<std::vector<LimitOverride>>> {
        ++loads;
        std::vector<LimitOverride> overrides;
        if (user == 7)
            overrides.push_back({Category::Api, windows});
        co_return overrides;
    });
    const auto special = portal.signIn(7), usual = portal.signIn(8);
    QCOMPARE(portal.get("/api/thing", special).remaining(), 4);
    QCOMPARE(portal.get("/api/thing", special).remaining(), 3);
    QCOMPARE(portal.get("/", special).remaining(), 8);
    QCOMPARE(portal.get("/api/thing", usual).remaining(), 1);
    QCOMPARE(loads, 2);
    windows = "3 per minute";
    portal.table.forget(7);
    QCOMPARE(portal.get("/api/thing", special).remaining(), 0); // two were used before

    // A category that the plan says nothing of is not counted.
    Instance open(runtime.at(0), server.endpoint(), {{Category::Api, "2 per minute"}});
    mountRoutes(open);
    const auto anybody = open.signIn(9);
    QCOMPARE(open.get("/", anybody).remaining(), -1);
    QCOMPARE(open.get("/api/thing", anybody).remaining(), 1);
}

void AdmissionTest::boundsConcurrentUsers()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock time;
    time.advance(std::chrono::system_clock::now() - time.wall() + 1h); // sessions are dated by Redis
    Instance portal(runtime.at(0), server.endpoint(), plenty, {}, &time);
    mountRoutes(portal);
    portal.options.usersCeiling = 3;
    std::vector<Headers> users;
    for (Id id = 1; id <= 4; ++id)
        users.push_back(portal.signIn(id));
    for (int i = 0; i < 3; ++i)
        QCOMPARE(portal.get("/api/thing", users[std::size_t(i)]).status, 200u);
    const auto crowded = portal.get("/api/thing", users[3]);
    QCOMPARE(crowded.status, 429u);
    QCOMPARE(crowded.problem, std::string("concurrency"));
    QVERIFY(!crowded.header("Retry-After").empty());
    QCOMPARE(portal.get("/api/thing", portal.signIn(1)).status, 200u); // another session of somebody who is in
    QCOMPARE(portal.get("/api/admin/thing", portal.signIn(9, Role::Operator)).status, 200u);
    time.advance(200s);
    QCOMPARE(portal.get("/api/thing", users[0]).status, 200u);
    QCOMPARE(portal.get("/api/thing", users[3]).status, 429u);
    time.advance(111s); // users 2 and 3 have asked nothing for five minutes, and the operator
    QCOMPARE(portal.get("/api/thing", users[3]).status, 200u);
    QCOMPARE(portal.get("/api/thing", users[1]).status, 200u);
    QCOMPARE(portal.get("/api/thing", users[2]).status, 429u);
    QCOMPARE(portal.get("/api/thing", users[0]).status, 200u);
    QCOMPARE(number(server.command("ZCARD l:u")), 3);
}

void AdmissionTest::trustsNoTimeInTheFuture()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock time;
    time.advance(std::chrono::system_clock::now() - time.wall() + 1h); // sessions are dated by Redis
    Instance portal(runtime.at(0), server.endpoint(), plenty, {}, &time);
    mountRoutes(portal);
    portal.options.usersCeiling = 3;
    std::vector<Headers> users;
    for (Id id = 1; id <= 4; ++id)
        users.push_back(portal.signIn(id));
    time.jump(10 * 24h);
    for (int i = 0; i < 3; ++i)
        QCOMPARE(portal.get("/api/thing", users[std::size_t(i)]).status, 200u);
    time.jump(-10 * 24h);
    // Places of ten days from now are nobody's, and sessions that were used then go on.
    QCOMPARE(portal.get("/api/thing", users[3]).status, 200u);
    QCOMPARE(portal.get("/api/thing", users[0]).status, 200u);
    QCOMPARE(number(server.command("ZCARD l:u")), 2);
    // Signed out everywhere by a clock that was ahead: what is signed in afterwards stays, however often it is used.
    const auto sessionSeconds = [&](std::chrono::seconds from) {
        return static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>((time.wall() + from).time_since_epoch()).count() -
            auth::sessionEpoch);
    };
    const std::uint32_t ahead = sessionSeconds(10 * 24h);
    const std::string packed(reinterpret_cast<const char *>(&ahead), sizeof ahead);
    const auto revoked = portal.await([&]() -> awaitable<Result<redis::Reply>> {
        redis::Command command("SET", auth::revocationKey(1), packed);
        co_return co_await portal.client.run(std::move(command));
    });
    QVERIFY(revoked);
    QCOMPARE(portal.get("/api/thing", users[0]).status, 401u);
    const auto again = portal.signIn(1);
    for (int i = 0; i < 3; ++i) {
        QCOMPARE(portal.get("/api/thing", again).status, 200u);
        time.advance(30s);
    }
}

void AdmissionTest::countsConcurrentUsersWithoutACeiling()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    for (Id id = 1; id <= 50; ++id)
        QCOMPARE(portal.get("/api/thing", portal.signIn(id)).status, 200u);
    const auto users = portal.await([&] { return portal.admission.concurrentUsers(); });
    QVERIFY2(*users >= 48 && *users <= 52, qPrintable(QString::number(*users)));
    portal.options.usersCeiling = 100;
    for (Id id = 1; id <= 20; ++id)
        QCOMPARE(portal.get("/api/thing", portal.signIn(id)).status, 200u);
    QCOMPARE(*portal.await([&] { return portal.admission.concurrentUsers(); }), std::uint64_t(20));
}

void AdmissionTest::renewsASessionInUse()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    int seen = 0;
    portal.admission.onSeen([&](const auth::SessionId &, WallTime) { ++seen; });
    const auto cookie = portal.signIn(1);
    const auto key = auth::sessionKey(*portal.last);
    server.command("EXPIRE " + key + " 100");
    QCOMPARE(portal.get("/api/thing", cookie).status, 200u);
    QVERIFY(number(server.command("TTL " + key)) > 86'000);
    QCOMPARE(seen, 1);
    server.command("EXPIRE " + key + " 100");
    QCOMPARE(portal.get("/api/thing", cookie).status, 200u); // noted a moment ago: nothing is written
    QVERIFY(number(server.command("TTL " + key)) <= 100);
    QCOMPARE(seen, 1);
}

void AdmissionTest::letsExactlyTheCountThroughOnTwoInstances()
{
    RedisServerFixture server;
    Runtime runtime(2);
    const std::map<Category, std::string> limits{{Category::Api, "500 per day; 333 per hour; 400 per minute moving"}};
    Instance here(runtime.at(0), server.endpoint(), limits), there(runtime.at(1), server.endpoint(), limits);
    mountRoutes(here);
    mountRoutes(there);
    const auto cookie = here.signIn(1);
    std::atomic<int> passed{0}, refused{0};
    const auto client = [&](Instance &instance) -> awaitable<void> {
        for (int i = 0; i < 16; ++i) {
            http::Request request;
            request.target = "/api/thing";
            request.path = request.target;
            request.address = "192.0.2.1";
            request.headers.set(cookie[0].first, cookie[0].second);
            const auto match = instance.router.match(request);
            const auto admitted = co_await instance.admission.admit(request, *match.route);
            ++(admitted.refusal ? refused : passed);
        }
    };
    std::vector<std::future<void>> running;
    for (int i = 0; i < 64; ++i) {
        auto &instance = i % 2 ? here : there;
        running.push_back(asio::co_spawn(instance.executor, client(instance), asio::use_future));
    }
    for (auto &one : running)
        one.get();
    QCOMPARE(passed.load(), 333);
    QCOMPARE(refused.load(), 64 * 16 - 333);
}

QTEST_GUILESS_MAIN(AdmissionTest)
#include "admission_test.moc"
