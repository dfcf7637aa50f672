// SPDX-License-Identifier: GPL-3.0-or-later
#include "http_harness.h"

#include <QTest>

using namespace portolan;
using namespace portolan::test;

/// By which names and from which pages a server can be asked, and whom it takes for the client.
class NamesTest final : public QObject
{
    Q_OBJECT
private slots:
    void believesTheHeaderTheProxyWrites();
    void keepsToLoopbackNames_data();
    void keepsToLoopbackNames();
    void sendsToHttps_data();
    void sendsToHttps();
    void refusesNamesThatNeverMatch();
};

void NamesTest::believesTheHeaderTheProxyWrites()
{
    const std::string request = "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n"
                                "X-Real-IP: 203.0.113.9\r\n\r\n";
    const std::pair<http::ClientHeader, const char *> cases[] = {
        {http::ClientHeader::Either, "6.6.6.6 plain"}, // what a proxy that appends would have written
        {http::ClientHeader::ForwardedFor, "6.6.6.6 plain"},
        {http::ClientHeader::RealIp, "203.0.113.9 plain"}};
    for (const auto &[header, expected] : cases) {
        http::ServerOptions options;
        options.trustedProxies = {"127.0.0.2"};
        options.clientHeader = header;
        TestServer behind(options);
        behind.start();
        Client proxy(behind.port(), "127.0.0.2");
        QCOMPARE(proxy.ask(request).body, std::string(expected));
        if (header == http::ClientHeader::ForwardedFor) // what the proxy does not write is the client's own
            QCOMPARE(proxy.ask("GET /whoami HTTP/1.1\r\nHost: x\r\nX-Real-IP: 6.6.6.6\r\n\r\n").body,
                     std::string("127.0.0.2 plain"));
    }
}

void NamesTest::keepsToLoopbackNames_data()
{
    QTest::addColumn<QByteArray>("head");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<bool>("address"); // it says by which address it is to be opened
    const auto row = [](const char *name, const char *head, unsigned status, bool address = false) {
        QTest::newRow(name) << QByteArray(head) << status << address;
    };
    row("address", "GET /echo/1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n", 200);
    row("name", "GET /echo/1 HTTP/1.1\r\nHost: localhost\r\n", 200);
    row("subdomain of localhost", "GET /echo/1 HTTP/1.1\r\nHost: a.localhost:1\r\n", 200);
    row("v6", "GET /echo/1 HTTP/1.1\r\nHost: [::1]:8080\r\n", 200);
    row("a name that was pointed here", "GET /echo/1 HTTP/1.1\r\nHost: evil.example\r\n", 400, true);
    row("an address of the network", "GET /echo/1 HTTP/1.1\r\nHost: 192.168.1.7\r\n", 400, true);
    row("foreign page posts", "POST /anonymous HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n", 403);
    row("foreign page posts text",
        "POST /anonymous HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Type: text/plain\r\n",
        403);
    row("foreign page reads", "GET /echo/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n", 403);
    row("page of a file", "POST /anonymous HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\n", 403);
    row("picture in a foreign page",
        "GET /echo/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403);
    row("link in a foreign page",
        "GET /echo/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 200);
    row("own page", "POST /anonymous HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: http://127.0.0.1:8080\r\n", 200);
    row("another port of this machine",
        "POST /anonymous HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost:3000\r\n", 200);
    row("allowed page", "POST /anonymous HTTP/1.1\r\nHost: localhost\r\nOrigin: https://console.example\r\n", 200);
    row("asking beforehand", "OPTIONS /anonymous HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n", 204);
    row("foreign page's socket",
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        403);
    row("probe", "GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\n", 200);
}

void NamesTest::keepsToLoopbackNames()
{
    QFETCH(QByteArray, head);
    QFETCH(unsigned, status);
    QFETCH(bool, address);
    http::ServerOptions options;
    options.loopbackNames = true;
    options.allowedOrigins = {"https://Console.example:443/"};
    TestServer server(options);
    server.start();
    Client client(server.port());
    const auto answer = client.ask(head.toStdString() + "\r\n");
    QCOMPARE(answer.status, status);
    QCOMPARE(answer.body.find("http://127.0.0.1:" + std::to_string(server.port())) != std::string::npos, address);
    QCOMPARE(server.observer.refusals().size(), status == 400 || status == 403 ? std::size_t(1) : std::size_t(0));
    if (status >= 400)
        QCOMPARE(server.admission.admitted.load(), 0); // it counts for nobody
}

void NamesTest::sendsToHttps_data()
{
    QTest::addColumn<QByteArray>("head");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<QByteArray>("location");
    const auto row = [](const char *name, const char *head, unsigned status, const char *location = "") {
        QTest::newRow(name) << QByteArray(head) << status << QByteArray(location);
    };
    row("page", "GET / HTTP/1.1\r\nHost: portal.example:8080\r\n", 308, "https://portal.example/");
    row("query", "GET /echo/1?a=b HTTP/1.1\r\nHost: portal.example\r\n", 308, "https://portal.example/echo/1?a=b");
    row("post", "POST /anonymous HTTP/1.1\r\nHost: portal.example\r\n", 308, "https://portal.example/anonymous");
    row("by the proxy, without TLS", "GET /echo/1 HTTP/1.1\r\nHost: portal.example\r\nX-Forwarded-Proto: http\r\n", 308,
        "https://portal.example/echo/1");
    row("by the proxy, with TLS", "GET /echo/1 HTTP/1.1\r\nHost: portal.example\r\nX-Forwarded-Proto: https\r\n", 200);
    row("probe", "GET /health HTTP/1.1\r\nHost: 10.0.0.1\r\n", 200);
    row("no name", "GET /echo/1 HTTP/1.0\r\n", 403);
}

void NamesTest::sendsToHttps()
{
    QFETCH(QByteArray, head);
    QFETCH(unsigned, status);
    QFETCH(QByteArray, location);
    http::ServerOptions options;
    options.trustedProxies = {"127.0.0.1"};
    options.redirectToHttps = true;
    options.strictTransport = true;
    TestServer server(options);
    server.start();
    const auto answer = Client(server.port(), "127.0.0.1").ask(head.toStdString() + "\r\n");
    QCOMPARE(answer.status, status);
    QCOMPARE(answer.header("location"), location.toStdString());
    QCOMPARE(!answer.header("strict-transport-security").empty(), head.contains("Proto: https"));
}

void NamesTest::refusesNamesThatNeverMatch()
{
    http::ServerOptions hosts;
    hosts.allowedHosts = {"portal.example/app"};
    QVERIFY_EXCEPTION_THROWN(TestServer(hosts).start(), std::runtime_error);
    http::ServerOptions origins;
    origins.allowedOrigins = {"a.example"};
    QVERIFY_EXCEPTION_THROWN(TestServer(origins).start(), std::runtime_error);
}

QTEST_GUILESS_MAIN(NamesTest)
#include "names_test.moc"
