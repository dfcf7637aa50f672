// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"
#include "core/base/logging.h"
#include "core/portal/account_routes.h"
#include "core/portal/account_service.h"
#include "core/portal/failed_sign_ins.h"
#include "core/storage/migrations.h"
#include "core/storage/query.h"
#include "core/storage/user_cache.h"
#include "tests/fakes/manual_clock.h"
#include "tests/integration/portal/admission_harness.h"

#include <boost/json/parse.hpp>

#include <QTemporaryDir>
#include <algorithm>
#include <mutex>

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

namespace {

const std::string good = R"({"email":"Ada@Example.org ","password":"correct horse"})";

/// A portal with accounts on a SQLite file of its own.
struct Accounts
{
    QTemporaryDir directory;
    RedisServerFixture server;
    Runtime runtime{2};
    Instance portal;
    IdGenerator ids;
    storage::Database database;
    storage::UserCache cache;
    storage::UsersStore users;
    storage::SessionListStore list;
    auth::Passwords passwords{{1, 64 * 1024, 1, 64}};
    portal::AccountService service;
    portal::AccountRoutes routes;

    explicit Accounts(bool production = false)
        : portal(runtime.at(0), server.endpoint(), {{Category::Api, "1000 per minute"}}),
          ids(portal.clock),
          database(*storage::DatabaseUrl::parse("sqlite:" + directory.filePath("test.db").toStdString())),
          cache(portal.clock, 1000, 60s),
          users(database, &cache),
          list(database),
          service(users, list, portal.sessions, passwords, portal.tokens, ids, portal.clock),
          routes(service, portal.csrf, 24h, production)
    {
        const auto opened = database.open();
        if (!opened)
            throw BadResult(opened.error());
        const auto migrated = storage::migrate(database, portal.clock);
        if (!migrated)
            throw BadResult(migrated.error());
        routes.mount(portal.router);
    }

    Answer post(const std::string &path, const std::string &body, Headers headers = {})
    {
        headers.emplace_back("Content-Type", "application/json");
        return portal.ask(verb::post, path, headers, body);
    }
    /// Signs in and returns the Cookie header.
    Headers login(const std::string &body = good)
    {
        const auto cookie = post("/auth/login", body).header("Set-Cookie");
        return {{"Cookie", cookie.substr(0, cookie.find(';'))}};
    }
    Id idOf(const std::string &email)
    {
        return portal.await([&] { return users.findByEmail(email); })->id;
    }
    std::size_t listed(Id user)
    {
        return portal.await([&] { return list.list(user); })->size();
    }
};

std::string text(const std::string &json, const char *member)
{
    return std::string(boost::json::parse(json).at(member).as_string());
}

} // namespace

class AccountsTest final : public QObject
{
    Q_OBJECT
private slots:
    void registersSignsInAndOut();
    void setsTheCookiesFlags();
    void refusesBadInput_data();
    void refusesBadInput();
    void tellsNobodyWhoHasAnAccount();
    void leavesATraceOfFailedSignIns();
    void makesANewSessionAtEachSignIn();
    void refreshesTokensByCookieOnly();
    void shutsDisabledUsersOut();
    void asksTheDatabaseOnceForMe();
    void hashesAgainWhenParametersChange();
    void listsSessionsAndEndsTheOldest();
    void writesUsersAsEverybodyElseDoes();
};

void AccountsTest::registersSignsInAndOut()
{
    Accounts accounts;
    const auto made = accounts.post("/auth/register", good);
    QCOMPARE(made.status, 201u);
    QCOMPARE(text(made.body, "email"), std::string("ada@example.org"));
    QCOMPARE(text(made.body, "role"), std::string("user"));
    QVERIFY(made.body.find("assword") == std::string::npos);
    QCOMPARE(accounts.post("/auth/register", good).status, 409u);
    QCOMPARE(accounts.post("/auth/register", good).problem, std::string("email-taken"));

    const auto in = accounts.post("/auth/login", good);
    QCOMPARE(in.status, 200u);
    const auto answer = boost::json::parse(in.body);
    QCOMPARE(answer.at("expires_in").as_int64(), std::int64_t(900));
    QCOMPARE(std::string(answer.at("user").at("email").as_string()), std::string("ada@example.org"));
    QVERIFY(answer.at("user").at("last_sign_in").is_string());
    const Headers bearer{{"Authorization", "Bearer " + std::string(answer.at("access_token").as_string())}};
    const auto setCookie = in.header("Set-Cookie");
    const Headers cookie{{"Cookie", setCookie.substr(0, setCookie.find(';'))}};

    QCOMPARE(text(accounts.portal.get("/api/me", cookie).body, "email"), std::string("ada@example.org"));
    QCOMPARE(accounts.portal.get("/api/me", bearer).status, 200u);
    QCOMPARE(accounts.portal.get("/api/me").status, 401u);

    const auto csrf = text(accounts.portal.get("/auth/csrf", cookie).body, "csrf_token");
    QCOMPARE(accounts.post("/auth/logout", "", cookie).problem, std::string("csrf"));
    const auto out = accounts.post("/auth/logout", "", {cookie[0], {"X-CSRF-Token", csrf}});
    QCOMPARE(out.status, 204u);
    QVERIFY(out.header("Set-Cookie").find("Max-Age=0") != std::string::npos);
    QCOMPARE(accounts.portal.get("/api/me", cookie).status, 401u);
    QCOMPARE(accounts.portal.get("/api/me", bearer).status, 401u); // the token died with its session
    QCOMPARE(accounts.listed(accounts.idOf("ada@example.org")), std::size_t(0));
}

void AccountsTest::setsTheCookiesFlags()
{
    Accounts development;
    development.post("/auth/register", good);
    const auto plain = development.post("/auth/login", good).header("Set-Cookie");
    QVERIFY2(plain.starts_with("sid="), plain.c_str());
    for (const char *part : {"; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age=86400"})
        QVERIFY2(plain.find(part) != std::string::npos, part);
    QVERIFY(plain.find("Secure") == std::string::npos);
    Accounts production(true);
    production.post("/auth/register", good);
    QVERIFY(production.post("/auth/login", good).header("Set-Cookie").find("; Secure") != std::string::npos);
}

void AccountsTest::refusesBadInput_data()
{
    QTest::addColumn<QString>("body");
    QTest::addColumn<QString>("pointers");
    QTest::newRow("not JSON") << "email=a"
                              << "";
    QTest::newRow("empty") << ""
                           << "";
    QTest::newRow("no password") << R"({"email":"a@b.c"})"
                                 << "/password";
    QTest::newRow("unknown member") << R"({"email":"a@b.c","password":"kx83mdq1","role":"admin"})"
                                    << "/role";
    QTest::newRow("number") << R"({"email":5,"password":"kx83mdq1"})"
                            << "/email";
    QTest::newRow("no address") << R"({"email":"nobody","password":"kx83mdq1"})"
                                << "/email";
    QTest::newRow("short password") << R"({"email":"a@b.c","password":"1234567"})"
                                    << "/password";
    QTest::newRow("both") << R"({"email":"nobody","password":"1234567"})"
                          << "/email /password";
    QTest::newRow("address as password") << R"({"email":"somebody@b.c","password":"Somebody@B.C"})"
                                         << "/password";
}

void AccountsTest::refusesBadInput()
{
    QFETCH(QString, body);
    QFETCH(QString, pointers);
    Accounts accounts;
    const auto answer = accounts.post("/auth/register", body.toStdString());
    QCOMPARE(answer.status, 400u);
    QStringList found;
    const auto problem = boost::json::parse(answer.body);
    if (const auto *errors = problem.as_object().if_contains("errors"))
        for (const auto &error : errors->as_array())
            if (!error.at("pointer").as_string().empty())
                found << QString::fromStdString(std::string(error.at("pointer").as_string()));
    QCOMPARE(found.join(' '), pointers);
}

void AccountsTest::tellsNobodyWhoHasAnAccount()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto wrong = accounts.post("/auth/login", R"({"email":"ada@example.org","password":"wrong horse"})");
    const auto nobody = accounts.post("/auth/login", R"({"email":"bob@example.org","password":"wrong horse"})");
    const auto nonsense = accounts.post("/auth/login", R"({"email":"nonsense","password":"wrong horse"})");
    QCOMPARE(wrong.status, 401u);
    QCOMPARE(wrong.problem, std::string("bad-credentials"));
    QCOMPARE(nobody.body, wrong.body);
    QCOMPARE(nonsense.body, wrong.body);
    QVERIFY(wrong.header("Set-Cookie").empty());
    const auto longOne =
        accounts.post("/auth/login", R"({"email":"ada@example.org","password":")" + std::string(3000, 'x') + "\"}");
    QCOMPARE(longOne.body, wrong.body);
}

void AccountsTest::leavesATraceOfFailedSignIns()
{
    Accounts accounts;
    ManualClock time;
    std::string log;
    std::mutex mutex;
    LogOptions options;
    options.write = [&](std::string_view line) {
        const std::lock_guard lock(mutex);
        log.append(line).append("\n");
    };
    Logger logger(time, options);
    portal::FailedSignIns failed(time, logger);
    accounts.service.onSignInFailed([&](portal::SignInFailure reason, std::string_view email,
                                        std::string_view address) { failed.note(reason, email, address); });
    accounts.post("/auth/register", good);
    accounts.post("/auth/login", good);
    QCOMPARE(failed.recent(), std::uint64_t(0));
    const auto attempt = [&](const std::string &email, const std::string &password) {
        const std::string body = R"({"email":")" + email + R"(","password":")" + password + R"("})";
        QCOMPARE(accounts.post("/auth/login", body).status, 401u);
    };
    attempt("ada@example.org", "wrong horse");
    for (int i = 0; i < 4; ++i)
        attempt("bob@example.org", "wrong horse");
    attempt("my secret in the wrong field", "wrong horse");
    time.advance(1s);
    attempt("ada@example.org", std::string(600, 'x'));
    QVERIFY(failed.counts() == (std::array<std::uint64_t, 3>{5, 2, 0}));
    QCOMPARE(failed.recent(), std::uint64_t(7));
    time.advance(std::chrono::minutes(11));
    QCOMPARE(failed.recent(), std::uint64_t(0));
    QVERIFY(logger.flush());
    const std::lock_guard lock(mutex);
    QCOMPARE(std::count(log.begin(), log.end(), '\n'), 2); // one a second
    QVERIFY2(log.find("a***@example.org") != std::string::npos, log.c_str());
    QVERIFY2(log.find(R"("address":"192.0.2.1")") != std::string::npos, log.c_str());
    QVERIFY2(log.find(R"("more_since":5)") != std::string::npos, log.c_str());
    QVERIFY(log.find("secret") == std::string::npos && log.find("horse") == std::string::npos);
    QCOMPARE(portal::maskedAccount("Ada@Example.org"), std::string("a***@example.org"));
    QCOMPARE(portal::maskedAccount("hunter2"), std::string("***"));
}

void AccountsTest::makesANewSessionAtEachSignIn()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto first = accounts.login();
    // A cookie planted before signing in is not taken over, and the old session ends.
    const auto answer = accounts.post("/auth/login", good, first);
    const auto second = answer.header("Set-Cookie");
    QVERIFY(!second.starts_with(first[0].second));
    QCOMPARE(accounts.portal.get("/api/me", first).status, 401u);
    QCOMPARE(accounts.portal.get("/api/me", {{"Cookie", second.substr(0, second.find(';'))}}).status, 200u);
    const auto planted = accounts.post("/auth/login", good, {{"Cookie", "sid=AAAAAAAAAAAAAAAAAAAAAA"}});
    QVERIFY(!planted.header("Set-Cookie").starts_with("sid=AAAAAAAAAAAAAAAAAAAAAA"));
}

void AccountsTest::refreshesTokensByCookieOnly()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto cookie = accounts.login();
    const auto csrf = text(accounts.portal.get("/auth/csrf", cookie).body, "csrf_token");
    QCOMPARE(accounts.post("/auth/token", "", cookie).status, 403u);
    const auto fresh = accounts.post("/auth/token", "", {cookie[0], {"X-CSRF-Token", csrf}});
    QCOMPARE(fresh.status, 200u);
    const Headers bearer{{"Authorization", "Bearer " + text(fresh.body, "access_token")}};
    QCOMPARE(accounts.portal.get("/api/me", bearer).status, 200u);
    QCOMPARE(accounts.post("/auth/token", "", bearer).status, 403u);
}

void AccountsTest::shutsDisabledUsersOut()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto cookie = accounts.login();
    const auto user = accounts.idOf("ada@example.org");
    const auto disable = [&](bool disabled) {
        return accounts.portal.await(
            [&] { return accounts.users.change(user, {.disabled = disabled}, accounts.portal.clock.wall()); });
    };
    QVERIFY(disable(true));
    QVERIFY(accounts.portal.await([&] { return accounts.service.signOutEverywhere(user); }));
    QCOMPARE(accounts.portal.get("/api/me", cookie).status, 401u);
    const auto again = accounts.post("/auth/login", good);
    QCOMPARE(again.status, 403u);
    QCOMPARE(again.problem, std::string("user-disabled"));
    QCOMPARE(accounts.post("/auth/login", R"({"email":"ada@example.org","password":"wrong horse"})").problem,
             std::string("bad-credentials"));
    QVERIFY(disable(false));
    QCOMPARE(accounts.portal.get("/api/me", accounts.login()).status, 200u);
}

void AccountsTest::asksTheDatabaseOnceForMe()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto cookie = accounts.login();
    QCOMPARE(accounts.portal.get("/api/me", cookie).status, 200u);
    // With the file unreadable the answer still comes: from the cache.
    const auto gone = accounts.portal.await([&]() -> awaitable<Result<void>> {
        auto rename = [](storage::DatabaseConnection &connection) {
            return storage::executeOnce(connection, "ALTER TABLE users RENAME TO users_elsewhere");
        };
        co_return co_await accounts.database.run(rename);
    });
    QVERIFY(gone);
    QCOMPARE(text(accounts.portal.get("/api/me", cookie).body, "email"), std::string("ada@example.org"));
}

void AccountsTest::hashesAgainWhenParametersChange()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto user = accounts.idOf("ada@example.org");
    auth::Passwords old({1, 8192, 1, 4});
    const auto weak = *old.hashBlocking(Secret("correct horse"));
    const auto changed = accounts.portal.await([&] { return accounts.users.find(user); })->passwordChanged;
    QVERIFY(accounts.portal.await([&] { return accounts.users.setPassword(user, weak, changed); }));
    QCOMPARE(accounts.post("/auth/login", good).status, 200u);
    const auto record = accounts.portal.await([&] { return accounts.users.find(user); });
    QVERIFY(record->passwordHash != weak);
    QVERIFY(record->passwordChanged == changed);
    QCOMPARE(accounts.post("/auth/login", good).status, 200u);
}

void AccountsTest::listsSessionsAndEndsTheOldest()
{
    Accounts accounts;
    accounts.post("/auth/register", good);
    const auto user = accounts.idOf("ada@example.org");
    const auto first = accounts.login();
    for (std::uint32_t i = 0; i < storage::SessionListStore::perUser; ++i)
        accounts.login();
    QCOMPARE(accounts.listed(user), std::size_t(storage::SessionListStore::perUser));
    QCOMPARE(accounts.portal.get("/api/me", first).status, 401u);
}

void AccountsTest::writesUsersAsEverybodyElseDoes()
{
    User user{77, "ada@example.org", Role::Operator, true, WallTime(1767225600123ms), WallTime(1767225601s)};
    QCOMPARE(portal::userJson(user), writeJson(user));
    user.lastSignIn.reset();
    user.email = "\"quoted\\ \x01\"@exämple.org";
    QCOMPARE(portal::userJson(user), writeJson(user));
}

QTEST_GUILESS_MAIN(AccountsTest)
#include "accounts_test.moc"
