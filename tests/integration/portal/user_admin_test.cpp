// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/passwords.h"
#include "core/base/ids.h"
#include "core/base/logging.h"
#include "core/base/runtime.h"
#include "core/console/action_routes.h"
#include "core/console/question_routes.h"
#include "core/console/service_actions.h"
#include "core/http/router.h"
#include "core/portal/user_admin_routes.h"
#include "core/portal/user_admin_service.h"
#include "core/storage/audit_store.h"
#include "core/storage/limits_store.h"
#include "core/storage/migrations.h"
#include "core/storage/session_list_store.h"
#include "core/storage/user_cache.h"
#include "core/storage/users_store.h"
#include "tests/fakes/manual_clock.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace std::chrono_literals;
using http::verb;

namespace {

struct Answer
{
    unsigned status = 0;
    boost::json::value body;
    std::string at(std::string_view pointer) const
    {
        boost::system::error_code failed;
        const auto *found = body.find_pointer(pointer, failed);
        if (!found)
            return "absent";
        return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
    }
};

/// The service, its routes, its actions' and its questions over an SQLite file of their own; requests go to the
/// handlers as admission lets them.
struct Admin
{
    QTemporaryDir directory;
    ManualClock clock;
    Logger logger{clock, {.write = [](std::string_view) {}}};
    Runtime runtime{1};
    IdGenerator ids{clock};
    storage::Database database;
    storage::UserCache cache;
    storage::UsersStore users;
    storage::LimitsStore limits;
    storage::SessionListStore sessions;
    storage::AuditStore audit;
    auth::Passwords passwords{{1, 64 * 1024, 1, 64}};
    portal::AuditLog log;
    std::vector<Id> signedOut;
    std::vector<Id> limitsChanged;
    bool sessionsAway = false;
    portal::UserAdminService service;
    portal::UserAdminRoutes routes;
    console::ActionRoutes actionRoutes;
    http::Router router;
    Id boss = 0;

    Admin()
        : database(*storage::DatabaseUrl::parse("sqlite:" + directory.filePath("test.db").toStdString())),
          cache(clock, 1000, 60s),
          users(database, &cache),
          limits(database),
          sessions(database),
          audit(database),
          log(audit, users, ids, clock, logger, "test portal"),
          service(users, limits, sessions, audit, passwords, log, ids, clock,
                  {[this](Id user) { return signOut(user); }, [this](Id user) { limitsChanged.push_back(user); }}),
          routes(service),
          actionRoutes([this](Action action, Actor actor) { return perform(std::move(action), std::move(actor)); })
    {
        (void)storage::migrate(database, clock).value();
        routes.mount(router);
        actionRoutes.mount(router);
        console::mountQuestion<UsersQuestion>(router, [this](const Principal &, UsersQuestion question) {
            return service.page(std::move(question.query));
        });
        console::mountQuestion<SessionsQuestion>(
            router, [this](const Principal &, SessionsQuestion question) { return service.sessions(question.id); });
        console::mountQuestion<AuditQuestion>(router, [this](const Principal &, AuditQuestion question) {
            return service.audit(std::move(question.query));
        });
        boss = add("boss@example.com", Role::Admin);
    }

    awaitable<Result<ActionOutcome>> perform(Action action, Actor actor)
    {
        if (auto *one = std::get_if<DeleteUser>(&action))
            return console::carryOut(service, *one, std::move(actor));
        return console::carryOut(service, std::get<SignOutUser>(action), std::move(actor));
    }

    awaitable<Result<void>> signOut(Id user)
    {
        if (sessionsAway)
            co_return failure(ErrorKind::Unavailable, "Redis is away.");
        signedOut.push_back(user);
        co_return Result<void>();
    }

    Id add(const std::string &email, Role role = Role::User)
    {
        storage::UserRecord user;
        user.id = ids.next();
        user.email = email;
        user.role = role;
        return users.addBlocking(user).value().id;
    }

    Answer ask(verb method, const std::string &target, const std::string &body = {})
    {
        http::Request request;
        request.method = method;
        request.target = target;
        const std::string_view whole = request.target;
        const auto mark = whole.find('?');
        request.path = whole.substr(0, mark);
        request.query = mark == whole.npos ? std::string_view() : whole.substr(mark + 1);
        request.body = body;
        request.principal = {boss, Role::Admin};
        const auto match = router.match(request);
        if (!match.route)
            return {404, {}};
        const auto response = runSync<http::Response>(
            runtime.at(0), [&]() -> awaitable<http::Response> { return match.route->handler(request); });
        return {static_cast<unsigned>(response.code),
                response.body.empty() ? boost::json::value() : boost::json::parse(response.body)};
    }

    /// The newest entry of the audit log, as "action|subject|outcome|reason|detail".
    std::string lastEntry(std::size_t &count)
    {
        const auto page = runSync<Result<AuditPage>>(runtime.at(0), [&] { return audit.page({}); });
        count = page->items.size();
        if (count == 0)
            return {};
        const auto &entry = page->items.front();
        return entry.action + '|' + entry.subject + '|' + entry.outcome + '|' + entry.reason + '|' + entry.detail;
    }
};

std::string usersPath(Id id, const std::string &rest = {}) { return "/api/admin/users/" + formatId(id) + rest; }

} // namespace

class UserAdminTest final : public QObject
{
    Q_OBJECT
private slots:
    void operatorsReadAndAdminsChange();
    void createsAUser();
    void refusesABadUser_data();
    void refusesABadUser();
    void changesAUserAndWritesItDownOnce_data();
    void changesAUserAndWritesItDownOnce();
    void changesNothingOfARefusedChange();
    void saysWhenSessionsCouldNotBeEnded();
    void findsUsers();
    void refusesABadQuery_data();
    void refusesABadQuery();
    void setsLimits();
    void refusesBadLimits();
    void listsAndEndsSessions();
    void answersNotFound_data();
    void answersNotFound();
    void readsTheAudit();
};

void UserAdminTest::operatorsReadAndAdminsChange()
{
    Admin admin;
    std::size_t ofUsers = 0;
    for (const auto &route : admin.router.routes()) {
        QCOMPARE(route->access.category, Category::Admin);
        QVERIFY(!route->doc.summary.empty());
        const bool machinery = route->path.find("/users") == std::string::npos;
        const bool tokens = route->path.find("token") != std::string::npos; // who has one gets in
        const bool reads = route->method == verb::get;
        QCOMPARE(route->access.role, !tokens && (reads || machinery) ? Role::Operator : Role::Admin);
        ofUsers += !machinery;
    }
    QCOMPARE(ofUsers, std::size_t{10});
}

void UserAdminTest::createsAUser()
{
    Admin admin;
    const auto made =
        admin.ask(verb::post, "/api/admin/users",
                  R"({"email":" New@Example.com","password":"correct horse","role":"operator","reason":"hired"})");
    QCOMPARE(made.status, 201u);
    QCOMPARE(made.at("/email"), std::string("new@example.com"));
    QCOMPARE(made.at("/role"), std::string("operator"));
    QCOMPARE(made.at("/password_hash"), std::string("absent"));
    const auto read = admin.ask(verb::get, "/api/admin/users/" + made.at("/id"));
    QCOMPARE(read.status, 200u);
    QVERIFY(read.body == made.body);
    std::size_t entries = 0;
    QCOMPARE(admin.lastEntry(entries),
             "user.create|user:" + made.at("/id") + "|done|hired|email:  New@Example.com; role: operator");
    QCOMPARE(entries, std::size_t{1});
}

void UserAdminTest::refusesABadUser_data()
{
    QTest::addColumn<QString>("body");
    QTest::addColumn<int>("status");
    QTest::addColumn<QString>("pointer");
    QTest::newRow("not JSON") << "{" << 400 << "";
    QTest::newRow("no address") << R"({})" << 400 << "/email";
    QTest::newRow("bad address") << R"({"email":"x"})" << 400 << "/email";
    QTest::newRow("short password") << R"({"email":"a@x.org","password":"short"})" << 400 << "/password";
    QTest::newRow("unknown member") << R"({"email":"a@x.org","admin":true})" << 400 << "/admin";
    QTest::newRow("unknown role") << R"({"email":"a@x.org","role":"root"})" << 400 << "/role";
    QTest::newRow("no role") << R"({"email":"a@x.org","role":"anonymous"})" << 400 << "/role";
    QTest::newRow("taken") << R"({"email":"BOSS@example.com"})" << 409 << "";
}

void UserAdminTest::refusesABadUser()
{
    QFETCH(QString, body);
    QFETCH(int, status);
    QFETCH(QString, pointer);
    Admin admin;
    const auto refused = admin.ask(verb::post, "/api/admin/users", body.toStdString());
    if (status == 400) // which 4xx stands for invalid is http's choice
        QVERIFY2(refused.status == 400 || refused.status == 422, QByteArray::number(refused.status));
    else
        QCOMPARE(refused.status, static_cast<unsigned>(status));
    if (!pointer.isEmpty())
        QCOMPARE(refused.at("/errors/0/pointer"), pointer.toStdString());
}

void UserAdminTest::changesAUserAndWritesItDownOnce_data()
{
    QTest::addColumn<QString>("body");
    QTest::addColumn<QString>("entry"); // action, outcome, reason, detail
    QTest::addColumn<bool>("signsOut");
    QTest::newRow("role") << R"({"role":"operator","reason":"promoted"})"
                          << "user.role|done|promoted|role: user → operator" << true;
    QTest::newRow("the same role") << R"({"role":"user"})"
                                   << "user.role|done||role: user → user" << false;
    QTest::newRow("disable") << R"({"disabled":true})"
                             << "user.disable|done||disabled: no → yes" << true;
    QTest::newRow("enable") << R"({"disabled":false})"
                            << "user.enable|done||disabled: no → no" << false;
    QTest::newRow("address") << R"({"email":"Anna@example.com"})"
                             << "user.email|done||email: ann@example.com → anna@example.com" << false;
    QTest::newRow("password") << R"({"password":"correct horse"})"
                              << "user.password|done||new password" << true;
    QTest::newRow("several") << R"({"disabled":true,"role":"admin"})"
                             << "user.change|done||role: user → admin; disabled: no → yes" << true;
}

void UserAdminTest::changesAUserAndWritesItDownOnce()
{
    QFETCH(QString, body);
    QFETCH(QString, entry);
    QFETCH(bool, signsOut);
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    const auto changed = admin.ask(verb::patch, usersPath(ann), body.toStdString());
    QCOMPARE(changed.status, 200u);
    QVERIFY(admin.ask(verb::get, usersPath(ann)).body == changed.body);
    std::size_t entries = 0;
    const auto written = QString::fromStdString(admin.lastEntry(entries));
    QCOMPARE(written, QString(entry).replace("|done", "|user:" + QString::number(ann) + "|done"));
    QCOMPARE(entries, std::size_t{1});
    QCOMPARE(!admin.signedOut.empty(), signsOut);
}

void UserAdminTest::changesNothingOfARefusedChange()
{
    Admin admin;
    const auto refused = admin.ask(verb::patch, usersPath(admin.boss), R"({"email":"new@example.com","role":"user"})");
    QCOMPARE(refused.status, 409u);
    QCOMPARE(admin.ask(verb::get, usersPath(admin.boss)).at("/email"), std::string("boss@example.com"));
    std::size_t entries = 0;
    QVERIFY(admin.lastEntry(entries).find("|last-admin|") != std::string::npos);
    QVERIFY(admin.signedOut.empty());
    QVERIFY(admin.ask(verb::patch, usersPath(admin.boss), "{}").status >= 400);
}

void UserAdminTest::saysWhenSessionsCouldNotBeEnded()
{
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    admin.sessionsAway = true;
    const auto half = admin.ask(verb::patch, usersPath(ann), R"({"disabled":true})");
    QCOMPARE(half.status, 503u);
    QVERIFY(half.at("/detail").find("could not be ended") != std::string::npos);
    QCOMPARE(admin.ask(verb::get, usersPath(ann)).at("/disabled"), std::string("true"));
    for (const auto *again : {"", "", "/sessions"}) // the row goes at the first
        QCOMPARE(admin.ask(verb::delete_, usersPath(ann, again)).status, 503u);
    admin.sessionsAway = false;
    QCOMPARE(admin.ask(verb::delete_, usersPath(ann)).status, 404u);
    QCOMPARE(admin.ask(verb::delete_, usersPath(ann, "/sessions")).status, 404u);
    QVERIFY(admin.signedOut == (std::vector<Id>{ann, ann}));
}

void UserAdminTest::findsUsers()
{
    Admin admin;
    for (int i = 0; i < 5; ++i)
        admin.add("user" + std::to_string(i) + "@example.com", i == 0 ? Role::Operator : Role::User);
    const auto first = admin.ask(verb::get, "/api/admin/users?limit=4");
    QCOMPARE(first.at("/items/0/email"), std::string("user4@example.com"));
    const auto second = admin.ask(verb::get, "/api/admin/users?limit=4&cursor=" + first.at("/next_cursor"));
    QCOMPARE(second.at("/items/1/email"), std::string("boss@example.com"));
    QCOMPARE(second.at("/next_cursor"), std::string("null"));
    QCOMPARE(admin.ask(verb::get, "/api/admin/users?search=USER3").at("/items/0/email"),
             std::string("user3@example.com"));
    QCOMPARE(admin.ask(verb::get, "/api/admin/users?search=user&match=prefix").at("/items/0/email"),
             std::string("user0@example.com"));
    const auto operators = admin.ask(verb::get, "/api/admin/users?role=operator&disabled=false");
    QCOMPARE(operators.at("/items/0/email"), std::string("user0@example.com"));
    QCOMPARE(operators.at("/items/1"), std::string("absent"));
}

void UserAdminTest::refusesABadQuery_data()
{
    QTest::addColumn<QString>("target");
    QTest::addColumn<QString>("pointer");
    QTest::newRow("limit") << "/api/admin/users?limit=501"
                           << "/limit";
    QTest::newRow("cursor") << "/api/admin/users?cursor=zz"
                            << "/cursor";
    QTest::newRow("role") << "/api/admin/users?role=root"
                          << "/role";
    QTest::newRow("disabled") << "/api/admin/users?disabled=perhaps"
                              << "/disabled";
    QTest::newRow("match") << "/api/admin/users?match=regex"
                           << "/match";
    QTest::newRow("twice") << "/api/admin/users?limit=1&limit=2"
                           << "/limit";
    QTest::newRow("unknown") << "/api/admin/users?limit=1&serach=x"
                             << "/serach";
    QTest::newRow("audit time") << "/api/admin/audit?from=yesterday"
                                << "/from";
    QTest::newRow("audit actor") << "/api/admin/audit?actor_id=-1"
                                 << "/actor_id";
}

void UserAdminTest::refusesABadQuery()
{
    QFETCH(QString, target);
    QFETCH(QString, pointer);
    Admin admin;
    const auto refused = admin.ask(verb::get, target.toStdString());
    QVERIFY(refused.status == 400 || refused.status == 422);
    QCOMPARE(refused.at("/errors/0/pointer"), pointer.toStdString());
}

void UserAdminTest::setsLimits()
{
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    QCOMPARE(admin.ask(verb::get, usersPath(ann, "/limits")).at("/limits"), std::string("{}"));
    const auto set =
        admin.ask(verb::put, usersPath(ann, "/limits"),
                  R"({"limits":{"api":"400/day","analysis":"3 per minute moving"},"reason":"heavy user"})");
    QCOMPARE(set.status, 200u);
    QCOMPARE(set.at("/limits/api"), std::string("400 per day"));
    QVERIFY(admin.ask(verb::get, usersPath(ann, "/limits")).body == set.body);
    QCOMPARE(admin.limitsChanged.size(), std::size_t{1});
    std::size_t entries = 0;
    QVERIFY(admin.lastEntry(entries).find("|done|heavy user|the tier's → api 400 per day") != std::string::npos);
    QCOMPARE(admin.ask(verb::delete_, usersPath(ann, "/limits?reason=back%20to%20normal")).status, 204u);
    QVERIFY(admin.lastEntry(entries).find("|done|back to normal|") != std::string::npos);
    QCOMPARE(entries, std::size_t{2});
    QCOMPARE(admin.ask(verb::get, usersPath(ann, "/limits")).at("/limits"), std::string("{}"));
}

void UserAdminTest::refusesBadLimits()
{
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    const auto refused = admin.ask(verb::put, usersPath(ann, "/limits"),
                                   R"({"limits":{"api":"often","admin":"1 per day","upload":"1 per day"}})");
    QVERIFY(refused.status == 400 || refused.status == 422);
    QCOMPARE(refused.at("/errors/0/pointer"), std::string("/limits/api"));
    QCOMPARE(refused.at("/errors/1/pointer"), std::string("/limits/admin"));
    QCOMPARE(admin.ask(verb::get, usersPath(ann, "/limits")).at("/limits"), std::string("{}"));
    QVERIFY(admin.limitsChanged.empty());
}

void UserAdminTest::listsAndEndsSessions()
{
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    const SessionEntry entry{"hash", ann, admin.clock.wall(), admin.clock.wall(), "203.0.113.7", "Firefox"};
    QVERIFY(runSync<Result<std::vector<SessionEntry>>>(admin.runtime.at(0), [&] {
                return admin.sessions.add(entry);
            }).has_value());
    const auto list = admin.ask(verb::get, usersPath(ann, "/sessions"));
    QCOMPARE(list.at("/items/0/address"), std::string("203.0.113.7"));
    QCOMPARE(list.at("/items/0/user_id"), formatId(ann));
    QCOMPARE(admin.ask(verb::delete_, usersPath(ann, "/sessions")).status, 204u);
    QVERIFY(admin.signedOut == std::vector<Id>{ann});
    QCOMPARE(admin.ask(verb::get, usersPath(ann, "/sessions")).at("/items"), std::string("[]"));
    std::size_t entries = 0;
    QVERIFY(admin.lastEntry(entries).starts_with("user.sign-out|"));
    QCOMPARE(entries, std::size_t{1});
}

void UserAdminTest::answersNotFound_data()
{
    QTest::addColumn<QString>("method");
    QTest::addColumn<QString>("rest");
    QTest::newRow("user") << "GET"
                          << "";
    QTest::newRow("change") << "PATCH"
                            << "";
    QTest::newRow("limits") << "GET"
                            << "/limits";
    QTest::newRow("set limits") << "PUT"
                                << "/limits";
    QTest::newRow("drop limits") << "DELETE"
                                 << "/limits";
    QTest::newRow("sessions") << "GET"
                              << "/sessions";
    QTest::newRow("sign out") << "DELETE"
                              << "/sessions";
}

void UserAdminTest::answersNotFound()
{
    QFETCH(QString, method);
    QFETCH(QString, rest);
    Admin admin;
    const auto how = boost::beast::http::string_to_verb(method.toStdString());
    const std::string body = method == "PATCH" ? R"({"disabled":true})" : method == "PUT" ? R"({"limits":{}})" : "";
    for (const char *id : {"4711", "0", "ann", "-1", "99999999999999999999"})
        QCOMPARE(admin.ask(how, "/api/admin/users/" + std::string(id) + rest.toStdString(), body).status, 404u);
    const bool endsWhatIsLeft = method == "DELETE" && rest == "/sessions"; // of an account that was there once
    QVERIFY(admin.signedOut == (endsWhatIsLeft ? std::vector<Id>{4711} : std::vector<Id>()));
}

void UserAdminTest::readsTheAudit()
{
    Admin admin;
    const Id ann = admin.add("ann@example.com");
    (void)admin.ask(verb::patch, usersPath(ann), R"({"disabled":true})");
    admin.clock.advance(1h);
    (void)admin.ask(verb::delete_, usersPath(ann, "/sessions"));
    const auto all = admin.ask(verb::get, "/api/admin/audit");
    QCOMPARE(all.at("/items/0/action"), std::string("user.sign-out"));
    QCOMPARE(all.at("/items/0/actor"), std::string("boss@example.com"));
    QCOMPARE(all.at("/items/0/actor_id"), formatId(admin.boss));
    QCOMPARE(all.at("/items/0/deployment"), std::string("test portal"));
    QCOMPARE(all.at("/items/1/action"), std::string("user.disable"));
    const auto early = admin.ask(verb::get, "/api/admin/audit?to=2026-01-01T00:30:00Z&action=user.");
    QCOMPARE(early.at("/items/0/action"), std::string("user.disable"));
    QCOMPARE(early.at("/items/1"), std::string("absent"));
}

QTEST_GUILESS_MAIN(UserAdminTest)
#include "user_admin_test.moc"
