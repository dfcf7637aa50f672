// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/address_table.h"
#include "core/http/cookie.h"
#include "core/http/entity_tag.h"
#include "core/http/file_limit.h"
#include "core/http/forwarded.h"
#include "core/http/problem.h"
#include "core/http/request_parser.h"
#include "core/http/response_head.h"

#include <boost/json/parse.hpp>

#include <sys/resource.h>

#include <QTest>

using namespace portolan;
using namespace portolan::http;

class MessagesTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsCookies_data();
    void readsCookies();
    void readsEachCookieOfAName();
    void writesCookies();
    void readsBearerTokens_data();
    void readsBearerTokens();
    void findsTheClientBehindProxies_data();
    void findsTheClientBehindProxies();
    void namesABadProxy();
    void mapsEveryErrorToAStatus_data();
    void mapsEveryErrorToAStatus();
    void writesProblems();
    void tellsOperatorsOnlyWhatThePortalStandsOn_data();
    void tellsOperatorsOnlyWhatThePortalStandsOn();
    void tellsOperatorsOnlyWhichSettingIsAtFault();
    void countsNetworksOfIpv6AsOneAddress_data();
    void countsNetworksOfIpv6AsOneAddress();
    void knowsWhoAsksForAPage_data();
    void knowsWhoAsksForAPage();
    void refusesHeadersThatBreakAMessage_data();
    void refusesHeadersThatBreakAMessage();
    void writesHeads();
    void scansHeads_data();
    void scansHeads();
    void knowsTheTagsOfACopy_data();
    void knowsTheTagsOfACopy();
    void raisesTheFileLimit();
};

void MessagesTest::knowsTheTagsOfACopy_data()
{
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<bool>("named");
    const auto row = [](const char *header, bool named) { QTest::newRow(header) << QByteArray(header) << named; };
    row(R"("a,1")", true);
    row(R"(W/"a,1")", true);
    row(R"("b", "a,1")", true);
    row(R"(W/"b",W/"a,1")", true);
    row(R"(, "b" ,, "a,1" )", true);
    row("*", true);
    row(" * ", true);
    row("", false);
    row(R"("b")", false);
    row(R"("a",1")", false);
    row("a,1", false);
    row(R"(w/"a,1")", false);
    row(R"("b" "a,1")", false);
    row(R"("b", *)", false);
    row(R"("a,1)", false);
    row(R"(*, "b")", false);
}

void MessagesTest::knowsTheTagsOfACopy()
{
    QFETCH(QByteArray, header);
    QFETCH(bool, named);
    QCOMPARE(namesTag(header.toStdString(), R"("a,1")"), named);
}

void MessagesTest::readsCookies_data()
{
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<QByteArray>("value");
    QTest::newRow("only") << QByteArray("sid=abc") << QByteArray("abc");
    QTest::newRow("among others") << QByteArray("a=1; sid=abc; b=2") << QByteArray("abc");
    QTest::newRow("no space") << QByteArray("a=1;sid=abc") << QByteArray("abc");
    QTest::newRow("quoted") << QByteArray("sid=\"abc\"") << QByteArray("abc");
    QTest::newRow("equals inside") << QByteArray("sid=a=b=") << QByteArray("a=b=");
    QTest::newRow("first of two") << QByteArray("sid=1; sid=2") << QByteArray("1");
    QTest::newRow("suffix of a name") << QByteArray("xsid=1") << QByteArray();
    QTest::newRow("case matters") << QByteArray("SID=1") << QByteArray();
    QTest::newRow("no value") << QByteArray("sid; a=1") << QByteArray();
    QTest::newRow("noise") << QByteArray(";;; =;= ; sid") << QByteArray();
}

void MessagesTest::readsCookies()
{
    QFETCH(QByteArray, header);
    QFETCH(QByteArray, value);
    Request request;
    request.headers.insert(field::cookie, header.toStdString());
    QCOMPARE(QByteArray::fromStdString(std::string(request.cookie("sid"))), value);
}

void MessagesTest::readsEachCookieOfAName()
{
    Request request;
    request.headers.insert(field::cookie, "sid=; theme=dark; sid=stale; sidecar=x; sid=\"good\"");
    request.headers.insert(field::cookie, "sid=stale; sid=third");
    const std::vector<std::string_view> all{"stale", "good", "stale", "third"};
    QVERIFY(request.cookies("sid") == all);
    QVERIFY(request.cookies("nobody").empty());
}

void MessagesTest::writesCookies()
{
    QCOMPARE(cookieHeader("sid", "abc"), std::string("sid=abc; Path=/; HttpOnly; SameSite=Lax"));
    CookieAttributes attributes;
    attributes.maxAge = std::chrono::hours(24);
    attributes.secure = true;
    attributes.httpOnly = false;
    attributes.sameSite = SameSite::Strict;
    attributes.domain = "example.com";
    QCOMPARE(cookieHeader("a", "", attributes),
             std::string("a=; Path=/; Domain=example.com; Max-Age=86400; Secure; SameSite=Strict"));
    for (const char *bad : {"a;b", "a b", "a\r\nb", "a\"b", "a,b", "a\\b"})
        QVERIFY_EXCEPTION_THROWN(cookieHeader("sid", bad), std::invalid_argument);
    for (const char *bad : {"", "a=b", "a b", "a;"})
        QVERIFY_EXCEPTION_THROWN(cookieHeader(bad, "x"), std::invalid_argument);
    attributes.domain = "a;b";
    QVERIFY_EXCEPTION_THROWN(cookieHeader("sid", "x", attributes), std::invalid_argument);
}

void MessagesTest::readsBearerTokens_data()
{
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<QByteArray>("token");
    QTest::newRow("usual") << QByteArray("Bearer a.b.c") << QByteArray("a.b.c");
    QTest::newRow("any case") << QByteArray("bEARER x") << QByteArray("x");
    QTest::newRow("more spaces") << QByteArray("Bearer   x ") << QByteArray("x");
    QTest::newRow("two words") << QByteArray("Bearer x y") << QByteArray();
    QTest::newRow("basic") << QByteArray("Basic eDp5") << QByteArray();
    QTest::newRow("nothing") << QByteArray("Bearer ") << QByteArray();
    QTest::newRow("glued") << QByteArray("Bearerx") << QByteArray();
}

void MessagesTest::readsBearerTokens()
{
    QFETCH(QByteArray, header);
    QFETCH(QByteArray, token);
    QCOMPARE(QByteArray::fromStdString(std::string(bearerToken(header.toStdString()))), token);
}

void MessagesTest::findsTheClientBehindProxies_data()
{
    QTest::addColumn<QByteArray>("peer");
    QTest::addColumn<QByteArray>("headers"); ///< "name: value" lines
    QTest::addColumn<QByteArray>("address");
    QTest::addColumn<bool>("secure");
    const auto row = [](const char *name, QByteArray peer, QByteArray headers, QByteArray address,
                        bool secure = false) { QTest::newRow(name) << peer << headers << address << secure; };
    row("stranger's headers are ignored", "9.9.9.9", "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https", "9.9.9.9");
    row("no header", "10.0.0.1", "", "10.0.0.1");
    row("one", "10.0.0.1", "X-Forwarded-For: 1.2.3.4\nX-Forwarded-Proto: https", "1.2.3.4", true);
    row("rightmost untrusted", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4");
    row("several headers are one list", "10.0.0.1", "X-Forwarded-For: 6.6.6.6\nX-Forwarded-For: 1.2.3.4", "1.2.3.4");
    row("all trusted", "10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2", "10.0.0.3");
    row("noise ends the search", "10.0.0.1", "X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2", "10.0.0.2");
    row("only noise", "10.0.0.1", "X-Forwarded-For: unknown", "10.0.0.1");
    row("with a port", "10.0.0.1", "X-Forwarded-For: 1.2.3.4:5678", "1.2.3.4");
    row("v6", "10.0.0.1", "X-Forwarded-For: 2001:db8::1", "2001:db8::1");
    row("v6 with a port", "10.0.0.1", "X-Forwarded-For: [2001:db8::1]:80", "2001:db8::1");
    row("v6 broken", "10.0.0.1", "X-Forwarded-For: [2001:db8::1", "10.0.0.1");
    row("v6 proxy", "fd00::7", "X-Forwarded-For: 1.2.3.4", "1.2.3.4");
    row("v6 stranger", "fe00::7", "X-Forwarded-For: 1.2.3.4", "fe00::7");
    row("mapped", "10.0.0.1", "X-Forwarded-For: ::ffff:1.2.3.4", "1.2.3.4");
    row("real ip", "192.168.1.1", "X-Real-IP: 1.2.3.4", "1.2.3.4");
    row("forwarded-for before real ip", "10.0.0.1", "X-Real-IP: 6.6.6.6\nX-Forwarded-For: 1.2.3.4", "1.2.3.4");
    row("last proto", "10.0.0.1", "X-Forwarded-Proto: https, http", "10.0.0.1", false);
}

void MessagesTest::findsTheClientBehindProxies()
{
    QFETCH(QByteArray, peer);
    QFETCH(QByteArray, headers);
    QFETCH(QByteArray, address);
    QFETCH(bool, secure);
    const auto proxies = TrustedProxies::parse({"10.0.0.0/8", "192.168.1.1", "fd00::/8"});
    QVERIFY(proxies.has_value());
    fields sent;
    for (const auto &line : headers.split('\n')) {
        if (const auto colon = line.indexOf(':'); colon > 0)
            sent.insert(line.left(colon).toStdString(), line.mid(colon + 2).toStdString());
    }
    const auto client = proxies->client(asio::ip::make_address(peer.toStdString()), false, sent);
    QCOMPARE(QByteArray::fromStdString(client.address), address);
    QCOMPARE(client.secure, secure);
}

void MessagesTest::namesABadProxy()
{
    for (const char *bad : {"", "proxy.example", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "/8"}) {
        const auto parsed = TrustedProxies::parse({"10.0.0.1", bad});
        QVERIFY2(parsed.has_error(), bad);
        QCOMPARE(parsed.error().kind, ErrorKind::Invalid);
        QVERIFY(parsed.error().message.find(bad) != std::string::npos);
    }
}

void MessagesTest::mapsEveryErrorToAStatus_data()
{
    QTest::addColumn<int>("kind");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<QByteArray>("name");
    const auto row = [](ErrorKind kind, unsigned status, const char *name) {
        QTest::newRow(name) << static_cast<int>(kind) << status << QByteArray(name);
    };
    row(ErrorKind::Invalid, 400, "invalid");
    row(ErrorKind::Unauthenticated, 401, "unauthenticated");
    row(ErrorKind::Forbidden, 403, "forbidden");
    row(ErrorKind::NotFound, 404, "not-found");
    row(ErrorKind::Conflict, 409, "conflict");
    row(ErrorKind::TooLarge, 413, "too-large");
    row(ErrorKind::RateLimited, 429, "rate-limited");
    row(ErrorKind::Unavailable, 503, "unavailable");
    row(ErrorKind::Full, 503, "full");
    row(ErrorKind::Timeout, 504, "timeout");
    row(ErrorKind::Cancelled, 503, "cancelled");
    row(ErrorKind::Protocol, 502, "protocol");
    row(ErrorKind::Unsupported, 501, "unsupported");
    row(ErrorKind::Internal, 500, "internal");
}

void MessagesTest::mapsEveryErrorToAStatus()
{
    QFETCH(int, kind);
    QFETCH(unsigned, status);
    QFETCH(QByteArray, name);
    const auto response = problem(Request{}, failure(static_cast<ErrorKind>(kind), "x"));
    QCOMPARE(static_cast<unsigned>(response.code), status);
    const auto body = boost::json::parse(response.body).as_object();
    QCOMPARE(std::string(body.at("type").as_string()), "https://portolan.invalid/problems/" + name.toStdString());
    const auto &headers = response.headers;
    const bool challenges = std::any_of(headers.begin(), headers.end(), [](const auto &header) {
        return header.first == "WWW-Authenticate" && header.second == "Bearer";
    });
    QCOMPARE(challenges, status == 401);
}

void MessagesTest::tellsOperatorsOnlyWhatThePortalStandsOn_data()
{
    QTest::addColumn<int>("kind");
    QTest::addColumn<QString>("code");
    QTest::addColumn<bool>("told");
    QTest::newRow("redis") << int(ErrorKind::Unavailable) << "redis-away" << false;
    QTest::newRow("full") << int(ErrorKind::Full) << "redis-full" << false;
    QTest::newRow("database") << int(ErrorKind::Unavailable) << "database-lost" << false;
    QTest::newRow("disk") << int(ErrorKind::Full) << "disk-full" << false;
    QTest::newRow("a driver's words") << int(ErrorKind::Internal) << "" << false;
    QTest::newRow("bad input") << int(ErrorKind::Invalid) << "" << true;
    QTest::newRow("a limit") << int(ErrorKind::RateLimited) << "rate-limited" << true;
    QTest::newRow("too busy, naming the inside") << int(ErrorKind::Unavailable) << "" << false;
}

void MessagesTest::tellsOperatorsOnlyWhatThePortalStandsOn()
{
    QFETCH(int, kind);
    QFETCH(QString, code);
    QFETCH(bool, told);
    const std::string secret = "postgresql://10.1.2.3/portal says no";
    Error error = failure(static_cast<ErrorKind>(kind), secret, "Check DATABASE_URL.");
    error.code = code.toStdString();
    for (const auto role : {Role::Anonymous, Role::User, Role::Operator, Role::Admin}) {
        Request request;
        request.principal.role = role;
        const auto response = problem(request, error);
        const bool tells = told || role >= Role::Operator;
        QCOMPARE(response.body.find(secret) != std::string::npos, tells);
        QCOMPARE(response.body.find("DATABASE_URL") != std::string::npos, tells);
        QCOMPARE(response.cause.find(secret) != std::string::npos, !tells);
        QCOMPARE(response.code, statusOf(error.kind));
    }
}

/// Whatever names a setting is a matter of who runs the server.
void MessagesTest::tellsOperatorsOnlyWhichSettingIsAtFault()
{
    const std::string words = "This version has no prices of that kind.";
    const Error plain = failure(ErrorKind::Unsupported, words);
    const Error ofSetting = ofSettings(plain, {"market.provider"});
    for (const auto role : {Role::User, Role::Operator}) {
        Request request;
        request.principal.role = role;
        const auto tells = [&](const Error &error) {
            return problem(request, error).body.find(words) != std::string::npos;
        };
        QVERIFY(tells(plain));
        QCOMPARE(tells(ofSetting), role == Role::Operator);
    }
}

void MessagesTest::countsNetworksOfIpv6AsOneAddress_data()
{
    QTest::addColumn<QString>("address");
    QTest::addColumn<QString>("place");
    QTest::newRow("v4") << "192.0.2.7"
                        << "192.0.2.7";
    QTest::newRow("v6") << "2001:db8:1:2:3:4:5:6"
                        << "2001:db8:1:2::/64";
    QTest::newRow("v6 neighbour") << "2001:db8:1:2::1"
                                  << "2001:db8:1:2::/64";
    QTest::newRow("v6 loopback") << "::1"
                                 << "::/64";
}

void MessagesTest::countsNetworksOfIpv6AsOneAddress()
{
    QFETCH(QString, address);
    QFETCH(QString, place);
    QCOMPARE(addressPlace(asio::ip::make_address(address.toStdString())), place.toStdString());
}

void MessagesTest::writesProblems()
{
    Request request;
    request.id = "r-1";
    const Error error{ErrorKind::Invalid,
                      "bad-watchlist",
                      "The watchlist is \"bad\".",
                      "Mend it.",
                      {{"/name", "is missing"}, {"/symbols/0", "is no symbol"}},
                      std::chrono::seconds{7}};
    const auto response = problem(request, error);
    QCOMPARE(response.contentType, std::string_view("application/problem+json"));
    const auto expected = boost::json::parse(R"({
        "type": "https://portolan.invalid/problems/bad-watchlist", "title": "Bad watchlist", "status": 400,
        "detail": "The watchlist is \"bad\". Mend it.", "request_id": "r-1",
        "errors": [{"pointer": "/name", "detail": "is missing"}, {"pointer": "/symbols/0", "detail": "is no symbol"}]})");
    QVERIFY(boost::json::parse(response.body) == expected);
    QCOMPARE(response.headers.size(), std::size_t{1});
    QCOMPARE(response.headers[0].first, std::string_view("Retry-After"));
    QCOMPARE(response.headers[0].second, std::string("7"));
}

void MessagesTest::knowsWhoAsksForAPage_data()
{
    QTest::addColumn<QByteArray>("accept");
    QTest::addColumn<bool>("page");
    const auto row = [](const char *accept, bool page) { QTest::newRow(accept) << QByteArray(accept) << page; };
    row("", false);
    row("text/html", true);
    row("TEXT/HTML ; Q=1", true);
    row("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true);
    row("text/html;level=1;q=0.5, */*", true);
    row("*/*", false);
    row("text/*", false);
    row("application/json", false);
    row("text/html;q=0", false);
    row("text/html;q=0.000", false);
    row("text/html; q=0.0, */*", false);
    row("text/html ;q=0,application/json", false);
    row("text/html;q=0.001", true);
    row("application/json, text/html;q=0.5", false);
    row("application/json;q=0.5, text/html", true);
    row("application/problem+json, text/html;q=0.9", false);
    row("text/htmlx", false);
    row("x/y;a=\"text/html\"", false);
    row("text/html;q=much", true);
    row(",;,text/html", true);
}

void MessagesTest::knowsWhoAsksForAPage()
{
    QFETCH(QByteArray, accept);
    QFETCH(bool, page);
    Request request;
    request.headers.set(field::accept, accept.toStdString());
    const auto response = problem(request, failure(ErrorKind::NotFound, "There is nothing at this path."));
    QCOMPARE(response.contentType.starts_with("text/html"), page);
}

void MessagesTest::refusesHeadersThatBreakAMessage_data()
{
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<bool>("good");
    QTest::newRow("plain") << QByteArray("a b\tc") << true;
    QTest::newRow("cr") << QByteArray("a\rb") << false;
    QTest::newRow("lf") << QByteArray("a\nSet-Cookie: x=y") << false;
    QTest::newRow("nul") << QByteArray("a\0b", 3) << false;
}

void MessagesTest::refusesHeadersThatBreakAMessage()
{
    QFETCH(QByteArray, value);
    QFETCH(bool, good);
    QCOMPARE(flawOf(noContent().with("X-Test", value.toStdString())).empty(), good);
    QVERIFY(!flawOf(noContent().with("content-length", "1")).empty());
    QVERIFY(!flawOf(noContent().with("X Test", "1")).empty());
    Response informational;
    informational.code = status::continue_;
    QVERIFY(!flawOf(informational).empty());
}

void MessagesTest::writesHeads()
{
    HeadFacts facts;
    facts.dateLine = "Date: now\r\n";
    facts.requestId = "id";
    facts.limits = LimitHeaders{8, 7, 1700000000};
    facts.allowedOrigin = "https://a.example";
    facts.varyOrigin = facts.strictTransport = facts.close = true;
    std::string out = "before";
    appendHead(out, json(std::string("{}"), status::created).with("Location", "/x"), facts);
    QCOMPARE(out, std::string("beforeHTTP/1.1 201 Created\r\nDate: now\r\nContent-Type: application/json\r\n"
                              "Content-Length: 2\r\nX-Request-Id: id\r\nX-Content-Type-Options: nosniff\r\n"
                              "X-RateLimit-Limit: 8\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Reset: 1700000000\r\n"
                              "Access-Control-Allow-Origin: https://a.example\r\n"
                              "Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: X-Request-Id, "
                              "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After\r\n"
                              "Vary: Origin\r\nStrict-Transport-Security: max-age=31536000\r\nLocation: /x\r\n"
                              "Connection: close\r\n\r\n"));
    out.clear();
    appendHead(out, noContent(), {"Date: now\r\n", "id", {}, {}, false, false, false, false});
    QCOMPARE(out, std::string("HTTP/1.1 204 No Content\r\nDate: now\r\nX-Request-Id: id\r\n"
                              "X-Content-Type-Options: nosniff\r\n\r\n"));
}

void MessagesTest::scansHeads_data()
{
    QTest::addColumn<QByteArray>("data");
    QTest::addColumn<int>("outcome");
    QTest::addColumn<int>("size");
    const auto row = [](const char *name, QByteArray data, HeadScanner::Outcome outcome, int size = 0) {
        QTest::newRow(name) << data << static_cast<int>(outcome) << size;
    };
    using Outcome = HeadScanner::Outcome;
    row("nothing", "", Outcome::Incomplete);
    row("whole", "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", Outcome::Complete, 27);
    row("no headers", "GET / HTTP/1.0\r\n\r\n", Outcome::Complete, 18);
    row("half", "GET / HTTP/1.1\r\nHost: a\r\n\r", Outcome::Incomplete);
    row("bare line feed", "GET / HTTP/1.1\nHost: a\n\n", Outcome::Malformed);
    row("bare line feed later", "GET / HTTP/1.1\r\nHost: a\n\r\n", Outcome::Malformed);
    row("folded", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Outcome::Malformed);
    row("folded by tab", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", Outcome::Malformed);
    row("tls greeting", QByteArray("\x16\x03\x01", 3), Outcome::Malformed);
    row("a proxy's line", "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n", Outcome::Malformed);
    row("a proxy's line before a request", "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Outcome::Malformed);
    row("a method like a proxy's line", "PROXYING / HTTP/1.1\r\nHost: a\r\n\r\n", Outcome::Complete, 32);
    row("leading space", " GET / HTTP/1.1", Outcome::Malformed);
}

void MessagesTest::scansHeads()
{
    QFETCH(QByteArray, data);
    QFETCH(int, outcome);
    QFETCH(int, size);
    const std::string_view all(data.constData(), static_cast<std::size_t>(data.size()));
    HeadScanner whole;
    QCOMPARE(static_cast<int>(whole.scan(all)), outcome);
    if (size > 0)
        QCOMPARE(static_cast<int>(whole.size()), size);
    HeadScanner dripped; // byte by byte it comes to the same
    auto last = HeadScanner::Outcome::Incomplete;
    for (std::size_t end = 0; end <= all.size() && last == HeadScanner::Outcome::Incomplete; ++end)
        last = dripped.scan(all.substr(0, end));
    QCOMPARE(static_cast<int>(last), outcome);
}

void MessagesTest::raisesTheFileLimit()
{
    rlimit before{};
    QCOMPARE(getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 256;
    QCOMPARE(setrlimit(RLIMIT_NOFILE, &low), 0);
    QCOMPARE(raiseFileLimit(), static_cast<std::size_t>(before.rlim_max));
    rlimit after{};
    getrlimit(RLIMIT_NOFILE, &after);
    QCOMPARE(after.rlim_cur, before.rlim_max);
}

QTEST_GUILESS_MAIN(MessagesTest)
#include "messages_test.moc"
