// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fakes/manual_clock.h"
#include "tests/integration/portal/admission_harness.h"

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

namespace {

const std::map<Category, std::string> narrow{{Category::Api, "2 per hour"}, {Category::Default, "2 per hour"}};

/// Every kind of route that a portal has.
void mountAll(Instance &portal)
{
    mountRoutes(portal);
    for (const auto method : {verb::post, verb::put, verb::patch, verb::delete_})
        portal.answerWith200(method, "/api/admin/changes", {Role::Operator, Category::Admin});
    for (const auto method : {verb::post, verb::delete_})
        portal.answerWith200(method, "/api/admin/users/{id}", {Role::Admin, Category::Admin});
    portal.answerWith200(verb::get, "/api/administration", {Role::User, Category::Api});
    portal.answerWith200(verb::get, "/ws", {Role::User, Category::Unlimited});
}

Headers bearer(const std::string &text) { return {{"Authorization", "Bearer " + text}}; }
Headers unknownToken() { return bearer(std::string(auth::newApiToken().reveal())); }

} // namespace

/// What API tokens open, what they cost, and how they end.
class TokensTest final : public QObject
{
    Q_OBJECT
private slots:
    void opensTheAdminRoutesOnly_data();
    void opensTheAdminRoutesOnly();
    void tellsWhoAsks();
    void isNothingWithoutBeingOne_data();
    void isNothingWithoutBeingOne();
    void takesOneRoundTripAndNoQuery();
    void hasAGuardOfItsOwn();
    void boundsGuesses();
    void endsWhenItIsRevoked();
    void endsWhenItExpires();
    void goesOnWhileRedisIsAway();
    void saysThatNobodyCanSay();
};

void TokensTest::opensTheAdminRoutesOnly_data()
{
    QTest::addColumn<int>("role");
    QTest::addColumn<QString>("method");
    QTest::addColumn<QString>("path");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<QString>("problem");
    const auto row = [](Role role, const char *method, const char *path, unsigned status, const char *problem = "") {
        QTest::addRow("%s %s %s", role == Role::Admin ? "admin" : "operator", method, path)
            << int(role) << method << path << status << problem;
    };
    for (const Role role : {Role::Operator, Role::Admin}) {
        row(role, "GET", "/api/admin/thing", 200);
        for (const char *method : {"POST", "PUT", "PATCH", "DELETE"}) // without a CSRF token
            row(role, method, "/api/admin/changes", 200);
        const bool admin = role == Role::Admin;
        for (const char *method : {"POST", "DELETE"})
            row(role, method, "/api/admin/users/7", admin ? 200 : 403, admin ? "" : "forbidden");
        row(role, "GET", "/api/admin/users", admin ? 200 : 403, admin ? "" : "forbidden");
        row(role, "GET", "/health", 200); // as for everybody
        row(role, "GET", "/", 403, "token-scope");
        row(role, "GET", "/ws", 403, "token-scope");
        row(role, "GET", "/api/thing", 403, "token-scope");
        row(role, "POST", "/api/thing", 403, "token-scope");
        row(role, "GET", "/api/free", 403, "token-scope");
        row(role, "GET", "/api/administration", 403, "token-scope");
        row(role, "POST", "/auth/login", 403, "token-scope");
        row(role, "POST", "/auth/logout", 403, "token-scope");
    }
}

void TokensTest::opensTheAdminRoutesOnly()
{
    QFETCH(int, role);
    QFETCH(QString, method);
    QFETCH(QString, path);
    QFETCH(unsigned, status);
    QFETCH(QString, problem);
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role(role));
    const auto how = boost::beast::http::string_to_verb(method.toStdString());
    // More often than any window has room for.
    for (int i = 0; i < 5; ++i) {
        const auto answer = portal.ask(how, path.toStdString(), token);
        QCOMPARE(answer.status, status);
        QCOMPARE(QString::fromStdString(answer.problem), problem);
    }
    // And with somebody's session beside it: it is the token that counts.
    auto both = portal.signIn(1, Role::Admin);
    both.push_back(token.front());
    QCOMPARE(portal.ask(how, path.toStdString(), both).status, status);
}

void TokensTest::tellsWhoAsks()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    Principal seen;
    bool session = true;
    std::string hash;
    portal.router.get("/api/admin/who", {Role::Operator, Category::Admin},
                      [&](http::Request &request) -> awaitable<http::Response> {
                          seen = request.principal;
                          session = portal::callerOf(request) != nullptr;
                          hash = std::any_cast<portal::TokenCaller>(&request.admission)->hash;
                          co_return http::json(std::string("{}"));
                      });
    const auto token = portal.makeToken("ci", Role::Admin);
    QCOMPARE(portal.get("/api/admin/who", token).status, 200u);
    QVERIFY(seen == (Principal{0, Role::Admin, "ci"}));
    QVERIFY(!isSystem(seen));
    QVERIFY(!session);
    QVERIFY(portal.tokenRows.contains(hash));
    // The scheme in any case, as RFC 9110 has it.
    const std::string text = token.front().second.substr(7);
    QCOMPARE(portal.get("/api/admin/who", {{"Authorization", "bearer " + text}}).status, 200u);
}

void TokensTest::isNothingWithoutBeingOne_data()
{
    QTest::addColumn<QString>("header");
    QTest::newRow("prefix alone") << "Bearer pt_";
    QTest::newRow("too short") << "Bearer pt_" + QString(42, 'A');
    QTest::newRow("too long") << "Bearer pt_" + QString(44, 'A');
    QTest::newRow("huge") << "Bearer pt_" + QString(8000, 'A');
    QTest::newRow("loose bits") << "Bearer pt_" + QString(42, 'A') + "B";
    QTest::newRow("foreign characters") << "Bearer pt_" + QString(42, 'A') + "'";
}

void TokensTest::isNothingWithoutBeingOne()
{
    QFETCH(QString, header);
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto before = portal.client.counters().commands;
    auto headers = portal.signIn(1, Role::Admin); // a bad token is not made good by a cookie
    headers.push_back({"Authorization", header.toStdString()});
    const auto answer = portal.get("/api/admin/thing", headers);
    QCOMPARE(answer.status, 401u);
    QCOMPARE(answer.problem, std::string("unauthenticated"));
    QCOMPARE(portal.tokenReads.load(), 0);
    QCOMPARE(portal.client.counters().commands, before + 1); // signIn()
}

void TokensTest::takesOneRoundTripAndNoQuery()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role::Operator);
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    QCOMPARE(portal.tokenReads.load(), 1);
    auto before = portal.client.counters().commands;
    for (int i = 0; i < 10; ++i)
        QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    QCOMPARE(portal.client.counters().commands, before + 10);
    QCOMPARE(portal.tokenReads.load(), 1);
    // Of whoever comes without one nothing is asked more than before.
    const auto user = portal.signIn(1), admin = portal.signIn(2, Role::Admin);
    portal.get("/api/free", user);
    portal.get("/api/admin/thing", admin);
    before = portal.client.counters().commands;
    for (int i = 0; i < 10; ++i) {
        QCOMPARE(portal.get("/api/free", user).status, 200u);
        QCOMPARE(portal.get("/api/admin/thing", admin).status, 200u);
    }
    QCOMPARE(portal.client.counters().commands, before + 20);
    QCOMPARE(portal.tokenReads.load(), 1);
}

void TokensTest::hasAGuardOfItsOwn()
{
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock still;
    Instance portal(runtime.at(0), server.endpoint(), {}, {}, &still);
    mountAll(portal);
    const auto one = portal.makeToken("one", Role::Admin), two = portal.makeToken("two", Role::Admin);
    const auto session = portal.signIn(1, Role::Admin);
    for (int i = 0; i < 50; ++i) // whatever its address
        QCOMPARE(portal.get("/api/admin/thing", one, i % 2 ? "192.0.2.1" : "192.0.2.2").status, 200u);
    const auto refused = portal.get("/api/admin/thing", one);
    QCOMPARE(refused.status, 429u);
    QCOMPARE(refused.problem, std::string("rate-limited"));
    QCOMPARE(refused.header("Retry-After"), std::string("1"));
    QVERIFY(refused.body.find("address") == std::string::npos);
    QCOMPARE(portal.get("/api/admin/thing", two).status, 200u);
    QCOMPARE(portal.get("/api/admin/thing", session).status, 200u);
    still.advance(1s);
    QCOMPARE(portal.get("/api/admin/thing", one).status, 200u);
}

void TokensTest::boundsGuesses()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto good = portal.makeToken("good", Role::Operator), late = portal.makeToken("late", Role::Operator);
    QCOMPARE(portal.get("/api/admin/thing", good).status, 200u);
    const auto before = portal.client.counters().commands;
    const auto allowed = int(portal.options.unknownSessions);
    for (int i = 0; i < allowed; ++i)
        QCOMPARE(portal.get("/api/admin/thing", unknownToken()).status, 401u);
    QCOMPARE(portal.tokenReads.load(), 1 + allowed);
    for (int i = 0; i < 10; ++i)
        QCOMPARE(portal.get("/api/admin/thing", unknownToken()).status, 429u);
    QCOMPARE(portal.tokenReads.load(), 1 + allowed);
    QCOMPARE(portal.client.counters().commands, before); // Redis never heard of them
    QCOMPARE(portal.get("/api/admin/thing", good).status, 200u);
    QCOMPARE(portal.get("/api/admin/thing", late, "192.0.2.2").status, 200u);
    // One that was revoked and goes on asking is refused without being looked up, and keeps nobody else out.
    const auto old = unknownToken();
    for (int i = 0; i < 500; ++i)
        QCOMPARE(portal.get("/api/admin/thing", old, "192.0.2.3").status, 401u);
    QCOMPARE(portal.tokenReads.load(), 1 + allowed + 2);
    QCOMPARE(portal.get("/api/admin/thing", portal.makeToken("new", Role::Operator), "192.0.2.3").status, 200u);
}

void TokensTest::endsWhenItIsRevoked()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role::Operator);
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    portal.tokenRows.clear();
    portal.apiTokens.forget("ci");
    QCOMPARE(portal.get("/api/admin/thing", token).status, 401u);
    QCOMPARE(portal.get("/api/thing", token).problem, std::string("token-scope")); // whether it is one or not
}

void TokensTest::endsWhenItExpires()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role::Operator);
    portal.tokenRows.begin()->second.expires = portal.clock.wall() + 1s;
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    QTRY_COMPARE_WITH_TIMEOUT(portal.get("/api/admin/thing", token).status, 401u, 5000);
    QVERIFY(portal.clock.wall() >= *portal.tokenRows.begin()->second.expires);
    QCOMPARE(portal.tokenReads.load(), 1);
}

void TokensTest::goesOnWhileRedisIsAway()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role::Operator), later = portal.makeToken("later", Role::Admin);
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    server.kill();
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
    QCOMPARE(portal.get("/api/admin/thing", later).status, 200u); // the database knows it
    QCOMPARE(portal.get("/api/admin/thing", unknownToken()).status, 401u);
    QCOMPARE(portal.get("/api/admin/users", token).status, 403u);
}

void TokensTest::saysThatNobodyCanSay()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), narrow);
    mountAll(portal);
    const auto token = portal.makeToken("ci", Role::Operator);
    portal.tokenTrouble = failure(ErrorKind::Unavailable, "The database is away.");
    QCOMPARE(portal.get("/api/admin/thing", token).status, 503u); // which is no 401: it may be good
    portal.tokenTrouble.reset();
    QCOMPARE(portal.get("/api/admin/thing", token).status, 200u);
}

QTEST_GUILESS_MAIN(TokensTest)
#include "tokens_test.moc"
