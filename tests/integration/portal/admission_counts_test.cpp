// SPDX-License-Identifier: GPL-3.0-or-later
// What a request uses up of its limits, and what it costs Redis to find out who asks.

#include "tests/fakes/manual_clock.h"
#include "tests/integration/portal/admission_harness.h"

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

namespace {

const std::map<Category, std::string> plenty{{Category::Api, "1000 per day; 900 per hour; 800 per minute"},
                                             {Category::Default, "500 per minute"},
                                             {Category::Auth, "400 per minute"}};

/// A cookie that could be a session, and is none.
Headers unknownSession() { return {{"Cookie", "sid=" + std::string(auth::SessionToken::random().reveal())}}; }

} // namespace

class AdmissionCountsTest final : public QObject
{
    Q_OBJECT
private slots:
    void givesBackWhatIsRefusedForItsForm_data();
    void givesBackWhatIsRefusedForItsForm();
    void givesBackInMemoryWhileRedisIsAway();
    void countsFailedSignInsOnly();
    void countsSignInsByAddressWhoeverIsSignedIn();
    void givesNothingBackToALaterWindow();
    void countsInEveryWindowOrInNone_data();
    void countsInEveryWindowOrInNone();
    void usesNothingUpWithoutCsrfToken();
    void triesEachSessionCookie();
    void asksRedisNothingForNobody();
    void boundsWhatUnknownSessionsCost();
    void boundsWhatRefusedFormsCost();
    void boundsWhatFailuresGiveBack();
    void looksWithoutUsingAnythingUp();
};

void AdmissionCountsTest::givesBackWhatIsRefusedForItsForm_data()
{
    QTest::addColumn<QString>("windows");
    QTest::addColumn<QString>("perAddress");
    QTest::addColumn<bool>("signedIn");
    QTest::newRow("fixed") << "9 per hour; 4 per minute"
                           << "" << true;
    QTest::newRow("moving") << "9 per hour moving; 4 per minute moving"
                            << "" << true;
    QTest::newRow("large and moving") << "4000 per hour moving; 4 per minute"
                                      << "" << true;
    QTest::newRow("both, and of the address") << "9 per hour moving; 4 per minute"
                                              << "5 per minute; 9 per hour moving" << true;
    QTest::newRow("nobody") << "9 per hour moving; 4 per minute"
                            << "" << false;
    QTest::newRow("nobody, and of the address") << "9 per hour; 4 per minute moving"
                                                << "5 per minute; 9 per hour moving" << false;
}

void AdmissionCountsTest::givesBackWhatIsRefusedForItsForm()
{
    QFETCH(QString, windows);
    QFETCH(QString, perAddress);
    QFETCH(bool, signedIn);
    RedisServerFixture server;
    Runtime runtime(1);
    std::map<Category, std::string> limits, addresses;
    for (const auto category : {Category::Api, Category::Default}) {
        limits[category] = windows.toStdString();
        if (!perAddress.isEmpty())
            addresses[category] = perAddress.toStdString();
    }
    Instance portal(runtime.at(0), server.endpoint(), limits, addresses);
    mountRoutes(portal);
    const std::string path = signedIn ? "/api/form" : "/form";
    Headers headers = signedIn ? portal.signIn(1) : Headers{};
    if (signedIn)
        headers.emplace_back("X-CSRF-Token", portal.csrf.of(*portal.last));
    const auto post = [&](const std::string &code) { return portal.ask(verb::post, path, headers, code); };
    QCOMPARE(post("200").remaining(), 3);
    for (const auto *form : {"400", "413", "415", "422", "400", "400", "500", "503", "504"}) {
        const auto refused = post(form);
        QCOMPARE(refused.status, unsigned(std::stoi(form)));
        QCOMPARE(refused.remaining(), 3);
    }
    QCOMPARE(post("404").remaining(), 2);
    QCOMPARE(post("200").remaining(), 1);
    QCOMPARE(post("400").remaining(), 1);
    QCOMPARE(post("200").remaining(), 0);
    QCOMPARE(post("400").status, 429u); // whoever has no room is not let in to find out
}

void AdmissionCountsTest::givesBackInMemoryWhileRedisIsAway()
{
    for (const std::string windows : {"9 per hour; 4 per minute", "9 per hour moving; 4 per minute moving"}) {
        RedisServerFixture server;
        Runtime runtime(1);
        Instance portal(runtime.at(0), server.endpoint(), {{Category::Default, windows}, {Category::Auth, windows}});
        mountRoutes(portal);
        server.kill();
        for (int i = 0; i < 6; ++i)
            QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "200").remaining(), 4);
        QCOMPARE(portal.ask(verb::post, "/form", {}, "200").remaining(), 3);
        for (int i = 0; i < 6; ++i)
            QCOMPARE(portal.ask(verb::post, "/form", {}, "400").remaining(), 3);
        QCOMPARE(portal.ask(verb::post, "/form", {}, "404").remaining(), 2);
    }
}

void AdmissionCountsTest::countsFailedSignInsOnly()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Auth, "20 per day; 5 per hour; 2 per minute"}},
                    {{Category::Auth, "9 per minute"}});
    mountRoutes(portal);
    for (int person = 0; person < 12; ++person)
        QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "200").remaining(), 2);
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "401").remaining(), 1);
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "201").remaining(), 1);
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "401").remaining(), 0);
    const auto refused = portal.ask(verb::post, "/auth/login", {}, "200");
    QCOMPARE(refused.status, 429u);
    QVERIFY2(refused.body.find("Too many attempts to sign in or register from this address.") != std::string::npos,
             refused.body.c_str());
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "200", "192.0.2.2").status, 200u);
}

void AdmissionCountsTest::countsSignInsByAddressWhoeverIsSignedIn()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Auth, "3 per minute"}});
    mountRoutes(portal);
    // Accounts cost nothing, so those of one address must not add up to more guesses.
    for (Id id = 1; id <= 3; ++id)
        QCOMPARE(portal.ask(verb::post, "/auth/login", portal.signIn(id), "401").remaining(), 3 - int(id));
    QCOMPARE(portal.ask(verb::post, "/auth/login", portal.signIn(4), "401").status, 429u);
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "401").status, 429u);
}

void AdmissionCountsTest::givesNothingBackToALaterWindow()
{
    for (const std::string windows : {"3 per minute", "3 per minute moving"}) {
        RedisServerFixture server;
        Runtime runtime(1);
        ManualClock time;
        Instance portal(runtime.at(0), server.endpoint(), {{Category::Default, windows}}, {}, &time);
        mountRoutes(portal);
        http::Request slow;
        slow.method = verb::post;
        slow.target = "/form";
        slow.path = slow.target;
        slow.address = "192.0.2.1";
        const auto &route = *portal.router.match(slow).route;
        const auto admitted = portal.await([&] { return portal.admission.admit(slow, route); });
        QVERIFY(admitted.charge);
        time.advance(61s);
        QCOMPARE(portal.ask(verb::post, "/form", {}, "200").remaining(), 2);
        QVERIFY(portal.await(
            [&] { return portal.admission.giveBack(slow, route, *admitted.charge, http::status::bad_request); }));
        QCOMPARE(portal.ask(verb::post, "/form", {}, "200").remaining(), 1);
    }
}

void AdmissionCountsTest::countsInEveryWindowOrInNone_data()
{
    QTest::addColumn<QString>("windows");
    QTest::addColumn<QString>("perAddress");
    QTest::addColumn<bool>("signedIn");
    for (const bool signedIn : {true, false}) {
        const auto row = [signedIn](const char *name, const char *windows, const char *perAddress) {
            QTest::addRow("%s, %s", name, signedIn ? "signed in" : "nobody") << windows << perAddress << signedIn;
        };
        row("fixed", "2 per minute; 5 per day", "");
        row("moving", "2 per minute moving; 5 per day moving", "");
        row("the longer one first", "5 per day moving; 2 per minute", "");
        row("both of the address", "900 per day", "2 per minute; 5 per day moving");
        row("the shorter one of the address", "5 per day", "2 per minute");
        row("the longer one of the address", "2 per minute moving", "5 per day");
    }
}

/// What the shorter window refuses takes nothing from the longer one.
void AdmissionCountsTest::countsInEveryWindowOrInNone()
{
    QFETCH(QString, windows);
    QFETCH(QString, perAddress);
    QFETCH(bool, signedIn);
    RedisServerFixture server;
    Runtime runtime(1);
    ManualClock time;
    std::map<Category, std::string> limits, addresses;
    for (const auto category : {Category::Api, Category::Default}) {
        limits[category] = windows.toStdString();
        if (!perAddress.isEmpty())
            addresses[category] = perAddress.toStdString();
    }
    Instance portal(runtime.at(0), server.endpoint(), limits, addresses, &time);
    mountRoutes(portal);
    const Headers headers = signedIn ? portal.signIn(1) : Headers{};
    const auto ask = [&] {
        return signedIn ? portal.get("/api/thing", headers) : portal.ask(verb::post, "/form", {}, "200");
    };
    for (const int left : {1, 0})
        QCOMPARE(ask().remaining(), left);
    for (int over = 0; over < 6; ++over)
        QCOMPARE(ask().status, 429u);
    time.advance(61s);
    for (const int left : {1, 0})
        QCOMPARE(ask().remaining(), left);
    for (int over = 0; over < 6; ++over)
        QCOMPARE(ask().status, 429u);
    time.advance(61s);
    QCOMPARE(ask().remaining(), 0); // the fifth of the day
    QCOMPARE(ask().status, 429u);
}

void AdmissionCountsTest::usesNothingUpWithoutCsrfToken()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Api, "3 per minute"}});
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    for (int i = 0; i < 5; ++i) {
        const auto refused = portal.ask(verb::post, "/api/form", cookie, "200");
        QCOMPARE(refused.problem, std::string("csrf"));
        QCOMPARE(refused.remaining(), -1);
    }
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 2);
    server.pause();
    for (int i = 0; i < 5; ++i)
        QCOMPARE(portal.ask(verb::post, "/api/form", cookie, "200").problem, std::string("csrf"));
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 2); // in memory, from the start
}

void AdmissionCountsTest::triesEachSessionCookie()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance here(runtime.at(0), server.endpoint(), plenty), there(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(here);
    mountRoutes(there);
    const auto cookie = here.signIn(1)[0].second; // "theme=dark; sid=…"
    const auto good = cookie.substr(cookie.find("sid="));
    const auto token = here.csrf.of(*here.last);
    const auto stale = [] { return unknownSession()[0].second; };
    for (const auto &value :
         {stale() + "; " + good, "sid=; " + good, "sid=nonsense; " + stale() + "; " + good, good + "; " + stale(),
          "sid=\"\"; " + good, "sid=1; sid=2; sid=3; sid=4; sid=5; " + good}) {
        for (auto *portal : {&here, &there}) {
            const Headers headers{{"Cookie", value}};
            QCOMPARE(portal->get("/api/thing", headers).status, 200u);
            QCOMPARE(portal->ask(verb::post, "/api/form", {headers[0], {"X-CSRF-Token", token}}).status, 200u);
            QCOMPARE(portal->ask(verb::post, "/auth/logout", {headers[0], {"X-CSRF-Token", token}}).status, 200u);
        }
    }
    QCOMPARE(here.get("/api/thing", {{"Cookie", stale()}, {"Cookie", good}}).status, 200u); // two headers
    const auto before = here.client.counters().commands;
    std::string many;
    for (int i = 0; i < 200; ++i)
        many += stale() + "; ";
    QCOMPARE(here.get("/api/thing", {{"Cookie", many}}).status, 401u);
    QVERIFY(here.client.counters().commands - before <= portal::RequestAdmission::mostSessions);
}

void AdmissionCountsTest::asksRedisNothingForNobody()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Api, "3 per minute"}});
    mountRoutes(portal);
    const auto before = portal.client.counters().commands;
    for (int i = 0; i < 20; ++i) {
        QCOMPARE(portal.get("/api/thing").status, 401u);
        QCOMPARE(portal.get("/api/admin/thing", {{"Cookie", "sid=nonsense; theme=dark"}}).status, 401u);
        QCOMPARE(portal.ask(verb::post, "/auth/logout", {{"Authorization", "Bearer nonsense"}}).status, 401u);
    }
    QCOMPARE(portal.client.counters().commands, before);
    server.kill();
    QCOMPARE(portal.get("/api/thing").status, 401u); // nor is it waited for
}

void AdmissionCountsTest::boundsWhatUnknownSessionsCost()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    const auto signedIn = portal.signIn(1);
    const auto token = portal.csrf.of(*portal.last);
    const auto logout = [&](Headers headers, std::string_view address = "192.0.2.1") {
        headers.emplace_back("X-CSRF-Token", token);
        return portal.ask(verb::post, "/auth/logout", headers, {}, address); // never limited by a window
    };
    const auto before = portal.client.counters().commands;
    unsigned refused = 0;
    for (int i = 0; i < 300; ++i)
        refused += logout(unknownSession()).status == 429 ? 1 : 0;
    QCOMPARE(refused, 240u);
    QCOMPARE(portal.client.counters().commands - before, std::uint64_t(60));
    const auto again = logout(unknownSession());
    QCOMPARE(again.problem, std::string("rate-limited"));
    QVERIFY(!again.header("Retry-After").empty());
    QCOMPARE(logout(signedIn).status, 200u); // who is known here is not kept out
    QCOMPARE(portal.ask(verb::post, "/auth/login", unknownSession()).status, 200u);
    QCOMPARE(logout(unknownSession(), "192.0.2.2").status, 401u);
    // Nor is who has signed in at another instance, or here before a restart; by cookie or by token.
    {
        Instance elsewhere(runtime.at(0), server.endpoint(), plenty);
        QCOMPARE(portal.get("/api/thing", elsewhere.signIn(2)).status, 200u);
        elsewhere.signIn(3);
        const auto bearer = "Bearer " + elsewhere.tokens.issue(*elsewhere.last, 3, Role::User);
        QCOMPARE(portal.get("/api/thing", {{"Authorization", bearer}}).status, 200u);
        // A session that has ended costs no more for having been given out.
        const auto over = elsewhere.signIn(4);
        QVERIFY(elsewhere.await([&] { return elsewhere.sessions.destroy(*elsewhere.last); }));
        const auto asked = portal.client.counters().commands;
        for (int i = 0; i < 300; ++i)
            QCOMPARE(portal.get("/api/thing", over).status, 401u);
        QVERIFY(portal.client.counters().commands - asked <= 20);
    }

    // One that goes on with a session that has ended is looked up once in a while, and counts then only.
    const auto ended = unknownSession();
    const auto start = portal.client.counters().commands;
    for (int i = 0; i < 300; ++i)
        QCOMPARE(logout(ended, "192.0.2.3").status, 401u);
    QVERIFY(portal.client.counters().commands - start <= 20);

    // People who come with sessions of another instance do not count.
    Instance other(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(other);
    for (Id id = 10; id < 110; ++id)
        QCOMPARE(other.get("/api/thing", portal.signIn(id)).status, 200u);
}

void AdmissionCountsTest::boundsWhatRefusedFormsCost()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), plenty);
    mountRoutes(portal);
    const auto most = portal.options.refusedForms;
    for (unsigned i = 0; i < most; ++i)
        QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "400").status, 400u);
    const auto before = portal.client.counters().commands;
    for (int i = 0; i < 300; ++i)
        QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "400").status, 429u);
    QCOMPARE(portal.ask(verb::post, "/auth/login", unknownSession(), "400").status, 429u);
    QVERIFY(portal.client.counters().commands - before <= 1);
    QCOMPARE(portal.get("/").status, 200u); // which has no form
    QCOMPARE(portal.ask(verb::post, "/auth/login", {}, "200", "192.0.2.2").status, 200u);
    Instance elsewhere(runtime.at(0), server.endpoint(), plenty);
    for (Instance *where : {&portal, &elsewhere}) { // who is signed in is counted for himself
        auto signedIn = where->signIn(1);
        signedIn.emplace_back("X-CSRF-Token", portal.csrf.of(*where->last));
        QCOMPARE(portal.ask(verb::post, "/api/form", signedIn, "200").status, 200u);
    }
}

void AdmissionCountsTest::boundsWhatFailuresGiveBack()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Auth, "1000 per hour"}, {Category::Api, "1000 per hour"}});
    portal.router.get("/api/bad", {Role::User, Category::Api}, [](http::Request &) -> awaitable<http::Response> {
        co_return http::json(std::string("{}"), http::status::bad_request);
    });
    mountRoutes(portal);
    const auto fail = [&](const char *address) {
        return portal.ask(verb::post, "/auth/login", {}, "503", address).remaining();
    };
    for (unsigned i = 0; i < portal.options.failures; ++i)
        QCOMPARE(fail("192.0.2.1"), 1000);
    QCOMPARE(fail("192.0.2.1"), 999); // from here on they count as everything else
    QCOMPARE(fail("192.0.2.1"), 998);
    QCOMPARE(fail("192.0.2.2"), 1000);

    // Reading what is refused for its form: nothing is refused before it is asked, so it counts at last.
    const auto cookie = portal.signIn(1);
    Answer read;
    for (unsigned i = 0; i < portal.options.refusedForms; ++i)
        read = portal.get("/api/bad", cookie);
    QCOMPARE(read.status, 400u);
    QCOMPARE(read.remaining(), 1000);
    QCOMPARE(portal.get("/api/bad", cookie).remaining(), 999);
}

void AdmissionCountsTest::looksWithoutUsingAnythingUp()
{
    RedisServerFixture server;
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(), {{Category::Api, "9 per hour moving; 3 per minute"}},
                    {{Category::Api, "100 per minute"}});
    mountRoutes(portal);
    const auto cookie = portal.signIn(1);
    for (int i = 0; i < 5; ++i)
        QCOMPARE(portal.look("/api/form", cookie).remaining(), 3);
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 2);
    QCOMPARE(portal.look("/api/form", cookie).remaining(), 2);
    QCOMPARE(portal.look("/api/form", cookie).header("X-RateLimit-Limit"), std::string("3"));
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 1);
    QCOMPARE(portal.get("/api/thing", cookie).remaining(), 0);
    QCOMPARE(portal.look("/api/form", cookie).remaining(), 0);
    QCOMPARE(portal.look("/api/form").remaining(), 3); // nobody: of the address
    QCOMPARE(portal.look("/auth/logout").remaining(), -1);
    server.pause();
    for (int i = 0; i < 3; ++i)
        QCOMPARE(portal.look("/api/form", cookie).remaining(), 3); // in memory
    unsigned refused = 0;
    for (int i = 0; i < 70; ++i)
        refused += portal.look("/api/form", {}, "192.0.2.7").status == 429 ? 1 : 0;
    QCOMPARE(refused, 10u); // looking has its bound as well
}

QTEST_GUILESS_MAIN(AdmissionCountsTest)
#include "admission_counts_test.moc"
