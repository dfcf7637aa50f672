// SPDX-License-Identifier: GPL-3.0-or-later
// What a client may send and what it gets: well-formed, malformed, too large, in pieces and many at once.

#include "http_harness.h"

#include <QTest>
#include <fstream>

using namespace portolan;
using namespace portolan::test;

class RequestsTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void cleanupTestCase();
    void answersRequests_data();
    void answersRequests();
    void understandsRequestsInPieces();
    void answersPipelinedRequestsInOrder();
    void answersBeforeASlowRequestBehind();
    void keepsTheConnectionAsAsked_data();
    void keepsTheConnectionAsAsked();
    void headHasTheLengthButNoBody();
    void takesChunkedBodiesByteByByte();
    void asksForTheBodyOnlyAfterAdmission();
    void refusesWithoutReadingAHugeBody();
    void goesOnAfterASmallBodyNobodyReads();
    void saysNothingOfWhatAHandlerThrew();
    void refusesToSplitAnAnswer();
    void writesLargeAnswers();
    void takesSaneRequestIdsOnly();
    void permitsOtherOrigins();
    void believesTrustedProxiesOnly();
    void tellsTheObserver();

private:
    std::unique_ptr<TestServer> m_server;
};

void RequestsTest::initTestCase()
{
    http::ServerOptions options;
    options.allowedOrigins = {"https://console.example"};
    options.allowedHosts = {"localhost", ".portal.example", "[::1]"};
    options.strictTransport = true;
    m_server = std::make_unique<TestServer>(options);
    m_server->start();
}

void RequestsTest::cleanupTestCase() { m_server.reset(); }

void RequestsTest::answersRequests_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<bool>("stays"); ///< the connection can be used on
    const auto row = [](const QByteArray &name, QByteArray bytes, unsigned status, bool stays) {
        QTest::newRow(name.constData()) << bytes << status << stays;
    };
    const QByteArray host = "Host: localhost\r\n";
    const auto get = [&](const QByteArray &target, const QByteArray &headers = {}) {
        return "GET " + target + " HTTP/1.1\r\n" + host + headers + "\r\n";
    };
    const auto post = [&](const QByteArray &headers, const QByteArray &body, const QByteArray &target = "/anonymous") {
        return "POST " + target + " HTTP/1.1\r\n" + host + headers + "\r\n" + body;
    };
    row("plain", get("/health"), 200, true);
    row("query", get("/health?a=b%20c"), 200, true);
    row("a slash behind a probe", get("/health/"), 200, true);
    row("slashes before a probe", get("//health"), 200, true);
    row("a slash behind a probe's query", get("/health/?a=/"), 200, true);
    row("a slash behind what needs sign-in", get("/api/me/"), 308, true);
    row("slashes within what needs sign-in", get("/api//me"), 308, true);
    row("a slash behind what is posted", post("Content-Length: 3\r\n", "abc", "/anonymous/"), 308, true);
    row("another host as a path", get("//evil.example/"), 404, true);
    row("another host before a path", get("//evil.example//health"), 404, true);
    row("empty lines before", "\r\n\r\n" + get("/health"), 200, true);
    row("absolute form", "GET http://localhost:8080/health HTTP/1.1\r\n" + host + "\r\n", 200, true);
    row("absolute form without path", "GET http://localhost HTTP/1.1\r\n" + host + "\r\n", 404, true);
    row("absolute form of another host", "GET http://evil.example/echo/1 HTTP/1.1\r\n" + host + "\r\n", 400, false);
    row("absolute form of another scheme", "GET ftp://localhost/health HTTP/1.1\r\n" + host + "\r\n", 400, false);
    row("subdomain", "GET /health HTTP/1.1\r\nHost: a.portal.example:80\r\n\r\n", 200, true);
    row("v6 host", "GET /health HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, true);
    row("unknown path", get("/nowhere"), 404, true);
    row("traversal", get("/../health"), 404, true);
    row("wrong method", "DELETE /health HTTP/1.1\r\n" + host + "\r\n", 405, true);
    row("options", "OPTIONS /health HTTP/1.1\r\n" + host + "\r\n", 204, true);
    row("options of everything", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 204, true);
    row("options of nothing", "OPTIONS /nowhere HTTP/1.1\r\n" + host + "\r\n", 404, true);
    row("star for get", get("*"), 400, false);
    row("unknown method", "BREW /health HTTP/1.1\r\n" + host + "\r\n", 501, false);
    row("connect", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", 501, false);
    row("needs sign-in", get("/api/me"), 401, true);
    row("signed in", get("/api/me", "Authorization: Bearer user\r\n"), 200, true);
    row("refused", get("/api/me", "X-Refuse: 1\r\n"), 429, true);
    row("admission throws", get("/api/me", "X-Throw: 1\r\n"), 500, true);
    row("no host", "GET /health HTTP/1.1\r\n\r\n", 400, false);
    row("two hosts", get("/health", host), 400, false);
    row("foreign host", "GET /echo/1 HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400, false);
    row("look-alike host", "GET /echo/1 HTTP/1.1\r\nHost: evilportal.example\r\n\r\n", 400, false);
    row("host with a final dot", "GET /echo/1 HTTP/1.1\r\nHost: a.portal.example.:80\r\n\r\n", 200, true);
    row("a probe by address", "GET /health HTTP/1.1\r\nHost: 172.31.14.247:4000\r\n\r\n", 200, true);
    row("a probe without a host", "GET /health HTTP/1.0\r\n\r\n", 200, false);
    row("not a probe without a host", "GET /echo/1 HTTP/1.0\r\n\r\n", 400, false);
    row("a probe's path, posted", "POST /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400, false);
    row("own page", post("Origin: http://localhost\r\n", ""), 200, true);
    row("page of a host of ours", post("Origin: https://a.portal.example:8443\r\n", ""), 200, true);
    row("allowed page", post("Origin: https://console.example\r\n", ""), 200, true);
    row("foreign page", post("Origin: https://evil.example\r\n", ""), 403, false);
    row("page of nowhere", post("Origin: null\r\n", ""), 403, false);
    row("foreign page that reads", get("/echo/1", "Origin: https://evil.example\r\n"), 200, true);
    row("host with a path", "GET /echo/1 HTTP/1.1\r\nHost: localhost/x\r\n\r\n", 400, false);
    row("host with a user", "GET /echo/1 HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400, false);
    for (const char *malformed : {"localhost/x", "a@localhost", "::1", "localhost:80:80", "[::1", "h\xc3\xb6st", "a b",
                                  "\xff", "localhost:port", "$HOST", "http://localhost"}) {
        const auto to = [&](const QByteArray &target) {
            return "GET " + target + " HTTP/1.1\r\nHost: " + malformed + "\r\n\r\n";
        };
        row("a probe of " + QByteArray(malformed).toPercentEncoding(), to("/health"), 200, true);
        row("not a probe, of " + QByteArray(malformed).toPercentEncoding(), to("/echo/1"), 400, false);
    }
    row("noise", "\x16\x03\x01 hello", 400, false);
    row("no version", "GET /health\r\n\r\n", 400, false);
    row("http 2 without upgrade", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + QByteArray("\0\0\0\4\0\0\0\0\0", 9), 505, false);
    row("http 2", "GET /health HTTP/2.0\r\n" + host + "\r\n", 505, false);
    row("http 0.9", "GET /health HTTP/0.9\r\n" + host + "\r\n", 505, false);
    row("two spaces", "GET  /health HTTP/1.1\r\n" + host + "\r\n", 400, false);
    row("relative target", get("health"), 400, false);
    row("nul in target", get("/echo/%00"), 400, false);
    row("half a percent", get("/echo/%4"), 400, false);
    row("fragment", get("/health#a"), 400, false);
    row("bare line feeds", "GET /health HTTP/1.1\nHost: localhost\n\n", 400, false);
    row("folded header", get("/health", "X-A: b\r\n c\r\n"), 400, false);
    row("space before colon", get("/health", "X-A : b\r\n"), 400, false);
    row("header without colon", get("/health", "X-A\r\n"), 400, false);
    row("nul in header", get("/health", QByteArray("X-A: a\0b\r\n", 10)), 400, false);
    row("cr in header", get("/health", "X-A: a\rb\r\n"), 400, false);
    row("bad connection", get("/health", "Connection: \x01\r\n"), 400, false);
    row("many headers", get("/health", QByteArray("A: b\r\n").repeated(200)), 431, false);
    row("large headers", get("/health", "X-A: " + QByteArray(17 * 1024, 'a') + "\r\n"), 431, false);
    row("large headers without end", "GET /health HTTP/1.1\r\nX-A: " + QByteArray(40 * 1024, 'a'), 431, false);
    row("large target", get("/" + QByteArray(17 * 1024, 'a')), 414, false);
    row("large target without end", "GET /" + QByteArray(17 * 1024, 'a'), 414, false);
    row("body", post("Content-Length: 3\r\n", "abc"), 200, true);
    row("empty body", post("Content-Length: 0\r\n", ""), 200, true);
    row("no length means none", post("", ""), 200, true);
    row("chunked", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), 200, true);
    row("chunked with trailers", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nX-A: b\r\n\r\n"), 200, true);
    row("chunk extension", post("Transfer-Encoding: chunked\r\n", "3;a=b\r\nabc\r\n0\r\n\r\n"), 200, true);
    row("length and chunked", post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, false);
    row("chunked and length", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400, false);
    row("two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abc"), 400, false);
    row("the same length twice", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400, false);
    row("a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400, false);
    row("negative length", post("Content-Length: -1\r\n", ""), 400, false);
    row("signed length", post("Content-Length: +3\r\n", "abc"), 400, false);
    row("hex length", post("Content-Length: 0x3\r\n", "abc"), 400, false);
    row("endless length", post("Content-Length: 99999999999999999999999\r\n", ""), 400, false);
    row("gzip", post("Transfer-Encoding: gzip\r\n", ""), 501, false);
    row("gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501, false);
    row("xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501, false);
    row("chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, false);
    row("chunked in 1.0", "POST /anonymous HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
        false);
    row("head of a bad chunk", post("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400, false);
    row("beginning of a bad chunk", post("Transfer-Encoding: chunked\r\n", "z"), 400, false);
    row("chunk size as in C", post("Transfer-Encoding: chunked\r\n", "0x5\r\n"), 400, false);
    row("chunk size of two words", post("Transfer-Encoding: chunked\r\n", "5,"), 400, false);
    row("empty chunk size", post("Transfer-Encoding: chunked\r\n", "\r\n"), 400, false);
    row("empty chunk size with extension", post("Transfer-Encoding: chunked\r\n", ";a"), 400, false);
    row("bad second chunk", post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\nzz\r\n"), 400, false);
    row("no line end behind a chunk", post("Transfer-Encoding: chunked\r\n", "3\r\nabc0"), 400, false);
    row("chunk size in capitals", post("Transfer-Encoding: chunked\r\n", "00A\r\n0123456789\r\n0\r\n\r\n"), 200, true);
    for (const char *encoding : {"gzip", "x-gzip", "deflate", "br", "zstd", "nonsense", "GZIP, br", "identity, gzip"})
        row("body in " + QByteArray(encoding),
            post("Content-Encoding: " + QByteArray(encoding) + "\r\nContent-Length: 3\r\n", "\x1f\x8b\x08"), 415,
            false);
    row("chunks in gzip", post("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n"), 415, false);
    row("body as it is", post("Content-Encoding: identity\r\nContent-Length: 3\r\n", "abc"), 200, true);
    row("an encoding of nothing", post("Content-Encoding: gzip\r\nContent-Length: 0\r\n", ""), 200, true);
    row("bad chunk size", post("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n"), 400, false);
    row("negative chunk size", post("Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n"), 400, false);
    row("overflowing chunk size", post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc"), 400, false);
    row("huge chunk", post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nabc"), 413, false);
    row("chunk longer than said", post("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n"), 400, false);
    row("bare line feed after a chunk size", post("Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n"), 400, false);
    row("endless chunk extension", post("Transfer-Encoding: chunked\r\n", "3;" + QByteArray(20000, 'a')), 400, false);
    row("endless trailers", post("Transfer-Encoding: chunked\r\n", "0\r\nX: " + QByteArray(20000, 'a')), 400, false);
    row("over 4 KiB before sign-in", post("Content-Length: 4097\r\n", ""), 413, false);
    row("4 KiB before sign-in", post("Content-Length: 4096\r\n", QByteArray(4096, 'a')), 200, true);
    row("over 4 KiB in chunks", post("Transfer-Encoding: chunked\r\n", "1001\r\n"), 413, false);
    row("over 4 KiB in two chunks",
        post("Transfer-Encoding: chunked\r\n", "800\r\n" + QByteArray(2048, 'a') + "\r\n801\r\n"), 413, false);
    const QByteArray bearer = "Authorization: Bearer user\r\n";
    row("over the route's bound", post(bearer + "Content-Length: 1048577\r\n", "", "/upload"), 413, false);
    row("at the route's bound", post(bearer + "Content-Length: 1048576\r\n", QByteArray(1 << 20, 'a'), "/upload"), 200,
        true);
    row("large and not signed in", post("Content-Length: 1048576\r\n", "", "/upload"), 401, false);
    row("small and not signed in", post("Content-Length: 3\r\n", "abc", "/upload"), 401, true);
    row("unknown expectation", post("Expect: coffee\r\nContent-Length: 3\r\n", ""), 417, false);
    row("body where none is read", "GET /health HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", 200, true);
    row("upgrade to what is unknown", get("/health", "Connection: upgrade\r\nUpgrade: h2c\r\n"), 200, true);
}

void RequestsTest::answersRequests()
{
    QFETCH(QByteArray, bytes);
    QFETCH(unsigned, status);
    QFETCH(bool, stays);
    Client client(m_server->port());
    const auto answer = client.ask({bytes.constData(), static_cast<std::size_t>(bytes.size())});
    QCOMPARE(answer.status, status);
    QVERIFY(!answer.header("x-request-id").empty());
    QVERIFY(!answer.header("date").empty());
    QCOMPARE(answer.header("x-content-type-options"), std::string("nosniff"));
    if (status >= 400)
        QCOMPARE(answer.header("content-type"), std::string("application/problem+json"));
    QCOMPARE(answer.header("connection"), std::string(stays ? "" : "close"));
    if (stays)
        QCOMPARE(client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
    else
        QVERIFY(client.closed());
}

void RequestsTest::understandsRequestsInPieces()
{
    Client client(m_server->port());
    const std::string request = "POST /anonymous HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
    for (const char byte : request)
        QVERIFY(client.send({&byte, 1}));
    QCOMPARE(client.read().body, std::string("hello"));
}

void RequestsTest::answersPipelinedRequestsInOrder()
{
    Client client(m_server->port());
    std::string all;
    for (int i = 0; i < 100; ++i)
        all += "GET /echo/" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    QVERIFY(client.send(all));
    for (int i = 0; i < 100; ++i)
        QCOMPARE(client.read().body, std::to_string(i));
}

void RequestsTest::answersBeforeASlowRequestBehind()
{
    Client client(m_server->port());
    QVERIFY(client.send("GET /echo/first HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        "GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    QCOMPARE(client.read().body, std::string("first"));
    m_server->release = true;
    QCOMPARE(client.read().body, std::string("late"));
    m_server->release = false;
}

void RequestsTest::keepsTheConnectionAsAsked_data()
{
    QTest::addColumn<QByteArray>("head");
    QTest::addColumn<QByteArray>("connection");
    QTest::addColumn<bool>("stays");
    QTest::newRow("1.1") << QByteArray("HTTP/1.1\r\n") << QByteArray() << true;
    QTest::newRow("1.1 close") << QByteArray("HTTP/1.1\r\nConnection: close\r\n") << QByteArray("close") << false;
    QTest::newRow("1.1 close in a list") << QByteArray("HTTP/1.1\r\nConnection: x, Close\r\n") << QByteArray("close")
                                         << false;
    QTest::newRow("1.0") << QByteArray("HTTP/1.0\r\n") << QByteArray("close") << false;
    QTest::newRow("1.0 keep-alive") << QByteArray("HTTP/1.0\r\nConnection: keep-alive\r\n") << QByteArray("keep-alive")
                                    << true;
}

void RequestsTest::keepsTheConnectionAsAsked()
{
    QFETCH(QByteArray, head);
    QFETCH(QByteArray, connection);
    QFETCH(bool, stays);
    Client client(m_server->port());
    const auto request = "GET /health " + head.toStdString() + "Host: localhost\r\n\r\n";
    const auto answer = client.ask(request);
    QCOMPARE(answer.status, 200U);
    QCOMPARE(QByteArray::fromStdString(answer.header("connection")), connection);
    if (stays)
        QCOMPARE(client.ask(request).status, 200U);
    else
        QVERIFY(client.closed());
}

void RequestsTest::headHasTheLengthButNoBody()
{
    Client client(m_server->port());
    const auto answer = client.ask("HEAD /large HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
    QCOMPARE(answer.status, 200U);
    QCOMPARE(answer.header("content-length"), std::to_string(4 << 20));
    QCOMPARE(client.ask("HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", true).status, 404U);
    QCOMPARE(client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
}

void RequestsTest::takesChunkedBodiesByteByByte()
{
    Client client(m_server->port());
    QVERIFY(client.send("POST /anonymous HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (const char byte : std::string_view("3\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: x\r\n\r\n"))
        QVERIFY(client.send({&byte, 1}));
    QCOMPARE(client.read().body, std::string("abc0123456789"));
    QVERIFY(client.send("POST /anonymous HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
    for (const char byte : std::string_view("\r\n"))
        QVERIFY(client.send({&byte, 1}));
    QCOMPARE(client.read().status, 200U);
}

void RequestsTest::asksForTheBodyOnlyAfterAdmission()
{
    const std::string head =
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n";
    Client client(m_server->port());
    QCOMPARE(client.ask(head + "Authorization: Bearer user\r\n\r\n").status, 100U);
    QCOMPARE(client.ask("hello").body, std::string("hello"));
    Client old(m_server->port());
    old.send(QByteArray::fromStdString(head).replace("HTTP/1.1", "HTTP/1.0").toStdString() +
             "Authorization: Bearer user\r\n\r\n");
    QCOMPARE(Client(m_server->port()).ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
    QCOMPARE(old.ask("hello").status, 200U); // HTTP/1.0 has no 100
    QCOMPARE(client.ask(head + "\r\n").status, 401U);
    QVERIFY(client.closed());
    Client large(m_server->port());
    QCOMPARE(
        large
            .ask("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 209715200\r\nExpect: 100-continue\r\n"
                 "Authorization: Bearer user\r\n\r\n")
            .status,
        413U);
}

namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t mostGrowth = 64 * 1024 * 1024; // what is touched has a shadow several times as large
#else
constexpr std::size_t mostGrowth = 16 * 1024 * 1024;
#endif

/// Resident memory of this process, which is the server's too, in bytes.
std::size_t residentMemory()
{
    std::ifstream status("/proc/self/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    status >> total >> resident;
    return resident * 4096;
}

} // namespace

void RequestsTest::refusesWithoutReadingAHugeBody()
{
    const auto before = residentMemory();
    for (const char *framing : {"Content-Length: 209715200\r\n", "Transfer-Encoding: chunked\r\n"}) {
        Client client(m_server->port());
        QVERIFY(client.send(std::string("POST /upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer user\r\n") +
                            framing + "\r\n"));
        const bool chunked = framing[0] == 'T';
        const std::string piece =
            chunked ? "10000\r\n" + std::string(0x10000, 'a') + "\r\n" : std::string(0x10000, 'a');
        bool open = true;
        for (std::size_t sent = 0; open && sent < 200 * 1024 * 1024; sent += piece.size())
            open = client.send(piece);
        QCOMPARE(client.read().status, 413U);
    }
    const auto after = residentMemory();
    QVERIFY2(after < before + mostGrowth, qPrintable(QString::number((after - before) >> 10) + " KiB more"));
}

void RequestsTest::goesOnAfterASmallBodyNobodyReads()
{
    Client client(m_server->port());
    QVERIFY(client.send("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n01234"));
    QCOMPARE(client.read().status, 401U);
    QCOMPARE(client.ask("56789GET /echo/next HTTP/1.1\r\nHost: localhost\r\n\r\n").body, std::string("next"));
}

void RequestsTest::saysNothingOfWhatAHandlerThrew()
{
    Client client(m_server->port());
    const auto answer = client.ask("GET /throw HTTP/1.1\r\nHost: localhost\r\n\r\n");
    QCOMPARE(answer.status, 500U);
    QVERIFY(answer.body.find("/problems/internal\"") != std::string::npos);
    QVERIFY(answer.body.find("secret") == std::string::npos);
    const auto failures = m_server->observer.failures();
    QVERIFY(std::find(failures.begin(), failures.end(), "the handler's secret") != failures.end());
    QCOMPARE(client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
}

void RequestsTest::refusesToSplitAnAnswer()
{
    Client client(m_server->port());
    const auto answer = client.ask("GET /split HTTP/1.1\r\nHost: localhost\r\n\r\n");
    QCOMPARE(answer.status, 500U);
    QVERIFY(answer.header("set-cookie").empty());
}

void RequestsTest::writesLargeAnswers()
{
    Client client(m_server->port());
    QVERIFY(client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        "GET /echo/end HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    QCOMPARE(client.read().status, 200U);
    QCOMPARE(client.read().body, std::string(4 << 20, 'x'));
    QCOMPARE(client.read().body, std::string("end"));
}

void RequestsTest::takesSaneRequestIdsOnly()
{
    Client client(m_server->port());
    const auto idFor = [&](const std::string &id) {
        return client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: " + id + "\r\n\r\n")
            .header("x-request-id");
    };
    QCOMPARE(idFor("abc-1.2_3"), std::string("abc-1.2_3"));
    QCOMPARE(idFor(std::string(64, 'a')), std::string(64, 'a'));
    for (const auto &bad : {std::string(65, 'a'), std::string("a b"), std::string("<script>")})
        QVERIFY(idFor(bad) != bad);
    QVERIFY(idFor("a b") != idFor("a b"));
}

void RequestsTest::permitsOtherOrigins()
{
    Client client(m_server->port());
    const std::string preflight =
        "OPTIONS /anonymous HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: POST\r\n";
    auto answer = client.ask(preflight + "Origin: https://console.example\r\n\r\n");
    QCOMPARE(answer.status, 204U);
    QCOMPARE(answer.header("access-control-allow-origin"), std::string("https://console.example"));
    QCOMPARE(answer.header("access-control-allow-credentials"), std::string("true"));
    QCOMPARE(answer.header("access-control-allow-methods"), std::string("POST, OPTIONS"));
    QVERIFY(answer.header("access-control-allow-headers").find("X-CSRF-Token") != std::string::npos);
    QCOMPARE(answer.header("vary"), std::string("Origin"));
    answer = client.ask(preflight + "Origin: https://evil.example\r\n\r\n");
    QCOMPARE(answer.header("access-control-allow-origin"), std::string());
    QCOMPARE(answer.header("access-control-allow-methods"), std::string());
    QCOMPARE(answer.header("vary"), std::string("Origin"));
    answer = client.ask("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nOrigin: https://console.example\r\n\r\n");
    QCOMPARE(answer.status, 404U);
    QCOMPARE(answer.header("access-control-allow-origin"), std::string("https://console.example"));
    answer = client.ask("DELETE /anonymous HTTP/1.1\r\nHost: localhost\r\n\r\n");
    QCOMPARE(answer.header("allow"), std::string("POST, OPTIONS"));
    QCOMPARE(client.ask("OPTIONS /health HTTP/1.1\r\nHost: localhost\r\n\r\n").header("allow"),
             std::string("GET, HEAD, OPTIONS"));
}

void RequestsTest::believesTrustedProxiesOnly()
{
    http::ServerOptions options;
    options.trustedProxies = {"127.0.0.2/31"};
    options.strictTransport = true;
    TestServer behind(options);
    behind.start();
    const std::string request = "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n"
                                "X-Forwarded-Proto: https\r\n\r\n";
    Client proxy(behind.port(), "127.0.0.2");
    const auto forwarded = proxy.ask(request);
    QCOMPARE(forwarded.body, std::string("203.0.113.9 secure"));
    QVERIFY(!forwarded.header("strict-transport-security").empty());
    Client stranger(behind.port(), "127.0.0.9");
    const auto direct = stranger.ask(request);
    QCOMPARE(direct.body, std::string("127.0.0.9 plain"));
    QVERIFY(direct.header("strict-transport-security").empty());
}

void RequestsTest::tellsTheObserver()
{
    TestServer server;
    server.start();
    Client client(server.port());
    client.ask("GET /echo/1 HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n\r\n");
    client.ask("GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Request-Id: b\r\n\r\n");
    client.ask("GET /api/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: c\r\n\r\n");
    const auto limited = client.ask("GET /api/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: d\r\n"
                                    "Authorization: Bearer user\r\n\r\n");
    QCOMPARE(limited.header("x-ratelimit-limit"), std::string("8"));
    QCOMPARE(limited.header("x-ratelimit-remaining"), std::string("7"));
    QCOMPARE(limited.header("x-ratelimit-reset"), std::string("1767225660"));
    client.ask("GET nonsense HTTP/1.1\r\nHost: x\r\nX-Request-Id: e\r\n\r\n");
    const std::vector<std::string> expected{"/echo/{id} 200 a", "- 404 b", "/api/me 401 c", "/api/me 200 d", "- 400 e"};
    QCOMPARE(server.observer.seen(), expected);
    QCOMPARE(server.admission.admitted.load(), 2);
    QVERIFY(eventually([&] { return server.admission.held == 0; }));
}

QTEST_GUILESS_MAIN(RequestsTest)
#include "requests_test.moc"
