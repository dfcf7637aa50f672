// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/router.h"
#include "core/http/uri.h"

#include <QTest>

using namespace portolan;
using namespace portolan::http;

class RouterTest final : public QObject
{
    Q_OBJECT
private slots:
    void findsRoutes_data();
    void findsRoutes();
    void tellsWhichMethodsAPathHas();
    void refusesBadTemplates_data();
    void refusesBadTemplates();
    void refusesATakenTemplate();
    void numbersRoutesDensely();
    void asksEachRouteForRoleAndLimit();
    void makesPathsPlain_data();
    void makesPathsPlain();
    void countsWhatIsLetIn_data();
    void countsWhatIsLetIn();
    void knowsWellFormedTargets_data();
    void knowsWellFormedTargets();
    void readsQueries_data();
    void readsQueries();
};

namespace {

constexpr Access everybody{Role::Anonymous, Category::Unlimited};

const Handler handler = [](Request &) -> awaitable<Response> { co_return noContent(); };

void fill(Router &router)
{
    router.get("/", everybody, handler);
    router.get("/health", everybody, handler);
    router.get("/api/tasks", everybody, handler);
    router.post("/api/tasks", everybody, handler);
    router.get("/api/tasks/{id}", everybody, handler);
    router.del("/api/tasks/{task}", everybody, handler);
    router.get("/api/tasks/latest", everybody, handler);
    router.put("/api/watchlists/{id}/symbols/{symbol}", everybody, handler);
    router.get("/api/{kind}/count", everybody, handler);
    router.get("/static/{path...}", everybody, handler);
}

Request requestFor(verb method, const std::string &target)
{
    Request request;
    request.method = method;
    request.target = target;
    return request;
}

} // namespace

void RouterTest::findsRoutes_data()
{
    QTest::addColumn<int>("method");
    QTest::addColumn<QByteArray>("path");
    QTest::addColumn<QByteArray>("route"); ///< empty: none
    QTest::addColumn<QByteArray>("params");
    const auto row = [](const char *name, verb method, QByteArray path, QByteArray route, QByteArray params = {}) {
        QTest::newRow(name) << static_cast<int>(method) << path << route << params;
    };
    row("root", verb::get, "/", "/");
    row("literal", verb::get, "/health", "/health");
    row("head is get", verb::head, "/health", "/health");
    row("parameter", verb::get, "/api/tasks/42", "/api/tasks/{id}", "id=42;");
    row("each method names its own parameter", verb::delete_, "/api/tasks/42", "/api/tasks/{task}", "task=42;");
    row("literal before parameter", verb::get, "/api/tasks/latest", "/api/tasks/latest");
    row("a method only the parameter has", verb::delete_, "/api/tasks/latest", "/api/tasks/{task}", "task=latest;");
    row("two parameters", verb::put, "/api/watchlists/7/symbols/AAPL", "/api/watchlists/{id}/symbols/{symbol}",
        "id=7;symbol=AAPL;");
    row("back from a literal that leads nowhere", verb::get, "/api/tasks/count", "/api/tasks/{id}", "id=count;");
    row("back to a parameter", verb::get, "/api/watchlists/count", "/api/{kind}/count", "kind=watchlists;");
    row("percent-decoded", verb::get, "/api/tasks/a%20b%2Fc", "/api/tasks/{id}", "id=a b/c;");
    row("percent in a literal", verb::get, "/he%61lth", "/health");
    row("plus is a plus", verb::get, "/api/tasks/a+b", "/api/tasks/{id}", "id=a+b;");
    row("rest", verb::get, "/static/css/a%20b.css", "/static/{path...}", "path=css/a b.css;");
    row("empty parameter", verb::get, "/api/tasks/", "");
    row("trailing slash", verb::get, "/health/", "");
    row("doubled slash", verb::get, "//health", "");
    row("longer", verb::get, "/health/x", "");
    row("case matters", verb::get, "/Health", "");
    row("traversal", verb::get, "/static/../etc/passwd", "");
    row("traversal encoded", verb::get, "/static/%2e%2e/etc", "");
    row("traversal half encoded", verb::get, "/static/.%2E/etc", "");
    row("slash hidden in the rest", verb::get, "/static/..%2fetc", "");
    row("backslash hidden in the rest", verb::get, "/static/..%5cetc", "");
    row("dot as a parameter", verb::get, "/api/tasks/..", "");
    row("encoded dot as a parameter", verb::get, "/api/tasks/%2e%2e", "");
    row("half a percent", verb::get, "/api/tasks/%4", "");
    row("no hex", verb::get, "/api/tasks/%zz", "");
    row("not a path", verb::get, "*", "");
    row("nothing", verb::get, "", "");
}

void RouterTest::findsRoutes()
{
    QFETCH(int, method);
    QFETCH(QByteArray, path);
    QFETCH(QByteArray, route);
    QFETCH(QByteArray, params);
    Router router;
    fill(router);
    auto request = requestFor(static_cast<verb>(method), path.toStdString());
    request.path = request.target;
    const auto match = router.match(request);
    QCOMPARE(match.route ? QByteArray::fromStdString(match.route->path) : QByteArray(), route);
    QByteArray got;
    for (std::size_t i = 0; match.route && i < request.paramCount; ++i) {
        got += QByteArray(request.params[i].first.data(), static_cast<int>(request.params[i].first.size())) + '=' +
               QByteArray::fromStdString(request.params[i].second) + ';';
    }
    QCOMPARE(got, params);
}

void RouterTest::tellsWhichMethodsAPathHas()
{
    Router router;
    fill(router);
    auto request = requestFor(verb::put, "/api/tasks/latest");
    request.path = request.target;
    const auto match = router.match(request);
    QVERIFY(!match.route);
    QCOMPARE(match.allowed, (std::vector{verb::delete_, verb::get}));
    auto elsewhere = requestFor(verb::put, "/nowhere");
    elsewhere.path = elsewhere.target;
    QVERIFY(router.match(elsewhere).allowed.empty());
}

void RouterTest::refusesBadTemplates_data()
{
    QTest::addColumn<QByteArray>("path");
    for (const char *path : {"", "api", "/a//b", "/{}", "/{1a}", "/{a b}", "/{a", "/a}", "/x{a}", "/{a}x", "/{a...}/b",
                             "/{a}/{a}", "/..", "/a?b", "/a%20b", "/{a}/{b}/{c}/{d}/{e}"})
        QTest::newRow(path) << QByteArray(path);
}

void RouterTest::refusesBadTemplates()
{
    QFETCH(QByteArray, path);
    Router router;
    QVERIFY_EXCEPTION_THROWN(router.get(path.toStdString(), everybody, handler), std::logic_error);
}

void RouterTest::refusesATakenTemplate()
{
    Router router;
    fill(router);
    QVERIFY_EXCEPTION_THROWN(router.get("/health", everybody, handler), std::logic_error);
    QVERIFY_EXCEPTION_THROWN(router.get("/api/tasks/{other}", everybody, handler), std::logic_error);
    router.patch("/api/tasks/{other}", everybody, handler);
}

void RouterTest::numbersRoutesDensely()
{
    Router router;
    fill(router);
    for (std::size_t i = 0; i < router.routes().size(); ++i)
        QCOMPARE(router.routes()[i]->index, i);
}

template <class... Args>
concept IsRoute = requires(Router &router, Args... args)
{
    router.get("/x", Access(args...), handler);
};

void RouterTest::asksEachRouteForRoleAndLimit()
{
    static_assert(IsRoute<Role, Category>);
    static_assert(IsRoute<Role, Category, std::size_t>);
    static_assert(!IsRoute<>, "a route without role and limit category is open to everybody");
    static_assert(!IsRoute<Role>);
    static_assert(!IsRoute<Category>);
    static_assert(!std::is_aggregate_v<Access>, "{} would be one");
}

void RouterTest::makesPathsPlain_data()
{
    QTest::addColumn<QString>("path");
    QTest::addColumn<QString>("plain");
    QTest::newRow("root") << "/"
                          << "/";
    QTest::newRow("plain") << "/a/b"
                           << "/a/b";
    QTest::newRow("slash at the end") << "/health/"
                                      << "/health";
    QTest::newRow("slashes at the end") << "/health///"
                                        << "/health";
    QTest::newRow("two at the start") << "//health"
                                      << "/health";
    QTest::newRow("two within") << "/api//tasks"
                                << "/api/tasks";
    QTest::newRow("a host") << "//evil.example/"
                            << "/evil.example";
    QTest::newRow("nothing but slashes") << "////"
                                         << "/";
    QTest::newRow("an encoded slash is none") << "/%2F/evil"
                                              << "/%2F/evil";
}

void RouterTest::makesPathsPlain()
{
    QFETCH(QString, path);
    QFETCH(QString, plain);
    QCOMPARE(QString::fromStdString(plainPath(path.toStdString())), plain);
}

void RouterTest::countsWhatIsLetIn_data()
{
    QTest::addColumn<unsigned>("code");
    QTest::addColumn<bool>("always");
    QTest::addColumn<bool>("identifies");
    for (const unsigned form : {400U, 413U, 415U, 422U, 429U})
        QTest::addRow("%u, not let in after all", form) << form << false << false;
    for (const unsigned ours : {500U, 501U, 502U, 503U, 504U})
        QTest::addRow("%u, the server failed at it", ours) << ours << false << false;
    for (const unsigned fine : {200U, 201U, 202U, 204U})
        QTest::addRow("%u, done", fine) << fine << true << false;
    for (const unsigned other : {304U, 401U, 403U, 404U, 408U, 409U})
        QTest::addRow("%u, worked on", other) << other << true << true;
}

void RouterTest::countsWhatIsLetIn()
{
    QFETCH(unsigned, code);
    QFETCH(bool, always);
    QFETCH(bool, identifies);
    Access access{Role::Anonymous, Category::Auth};
    QCOMPARE(countsFor(access, static_cast<status>(code)), always);
    access.identifies = true;
    QCOMPARE(countsFor(access, static_cast<status>(code)), identifies);
}

void RouterTest::knowsWellFormedTargets_data()
{
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<bool>("good");
    QTest::newRow("path") << QByteArray("/a/b?c=d&e=%20") << true;
    QTest::newRow("half") << QByteArray("/%4") << false;
    QTest::newRow("hex") << QByteArray("/%4g") << false;
    QTest::newRow("nul") << QByteArray("/%00") << false;
    QTest::newRow("fragment") << QByteArray("/a#b") << false;
    QTest::newRow("backslash") << QByteArray("/a\\b") << false;
    QTest::newRow("space") << QByteArray("/a b") << false;
    QTest::newRow("high") << QByteArray("/\xc3\xa4") << false;
}

void RouterTest::knowsWellFormedTargets()
{
    QFETCH(QByteArray, target);
    QFETCH(bool, good);
    QCOMPARE(wellFormedTarget(target.toStdString()), good);
}

void RouterTest::readsQueries_data()
{
    QTest::addColumn<QByteArray>("query");
    QTest::addColumn<QByteArray>("value"); ///< null: none
    QTest::newRow("plain") << QByteArray("a=1&b=2") << QByteArray("2");
    QTest::newRow("first of two") << QByteArray("b=1&b=2") << QByteArray("1");
    QTest::newRow("decoded") << QByteArray("b=a+b%2Bc%26") << QByteArray("a b+c&");
    QTest::newRow("encoded name") << QByteArray("%62=1") << QByteArray("1");
    QTest::newRow("empty") << QByteArray("b=") << QByteArray("");
    QTest::newRow("no equals") << QByteArray("a&b&c") << QByteArray("");
    QTest::newRow("absent") << QByteArray("a=b&bb=1") << QByteArray();
    QTest::newRow("malformed") << QByteArray("b=%4") << QByteArray();
    QTest::newRow("nothing") << QByteArray("") << QByteArray();
}

void RouterTest::readsQueries()
{
    QFETCH(QByteArray, query);
    QFETCH(QByteArray, value);
    const auto text = query.toStdString();
    Request request;
    request.query = text;
    const auto got = request.queryParam("b");
    QCOMPARE(got.has_value(), !value.isNull());
    QCOMPARE(QByteArray::fromStdString(got.value_or("")), value.isNull() ? QByteArray("") : value);
}

QTEST_GUILESS_MAIN(RouterTest)
#include "router_test.moc"
