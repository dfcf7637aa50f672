// SPDX-License-Identifier: GPL-3.0-or-later
// The edge: other spellings of a path, requests that are not quite right, other protocols, and what counts.

#include "tests/integration/http/http_harness.h"

#include <QCryptographicHash>
#include <QTest>

using namespace portolan;
using namespace portolan::test;

class EdgeTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase() { m_server.start(); }
    void redirectsOtherSpellings();
    void takesAnEmptyLineInTwoPieces();
    void saysWhatToDoAboutLargeHeaders_data();
    void saysWhatToDoAboutLargeHeaders();
    void tellsOtherProtocolsWhatIsSpokenHere();
    void saysHowABodyMustCome();
    void showsBrowsersAStyledPage();
    void givesBackWhatDoesNotCount_data();
    void givesBackWhatDoesNotCount();
    void looksAtLimitsForHead();

private:
    TestServer m_server;
};

void EdgeTest::redirectsOtherSpellings()
{
    Client client(m_server.port());
    const auto answer = client.ask("GET //api///me//?next=//evil.example HTTP/1.1\r\nHost: localhost\r\n\r\n");
    QCOMPARE(answer.status, 308U);
    QCOMPARE(answer.header("location"), std::string("/api/me?next=//evil.example"));
    QCOMPARE(client.ask("HEAD /api/me/ HTTP/1.1\r\nHost: localhost\r\n\r\n", true).header("location"),
             std::string("/api/me"));
}

void EdgeTest::takesAnEmptyLineInTwoPieces()
{
    Client client(m_server.port());
    QCOMPARE(client.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n\r").status, 200U);
    QCOMPARE(client.ask("\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
    QVERIFY(client.send("\r"));
    QVERIFY(client.send("\n\r"));
    QCOMPARE(client.ask("\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
    QCOMPARE(client.ask("\rGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 400U);
}

void EdgeTest::saysWhatToDoAboutLargeHeaders_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("type");
    QTest::addColumn<QByteArray>("says");
    const QByteArray start = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    const QByteArray page = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";
    const QByteArray cookies = "Cookie: a=" + QByteArray(20 * 1024, 'c') + "\r\n";
    const QByteArray other = "X-A: " + QByteArray(40 * 1024, 'a') + "\r\n";
    const auto row = [](const char *name, const QByteArray &bytes, QByteArray type, QByteArray says) {
        QTest::newRow(name) << bytes << type << says;
    };
    row("a browser's cookies", start + page + cookies + "\r\n", "text/html", "Delete the cookies of this site");
    row("cookies first", start + cookies + page + "\r\n", "text/html", "Delete the cookies of this site");
    row("a browser with other headers", start + other + page + "\r\n", "text/html", "Send fewer or shorter headers");
    row("a program's cookies", start + cookies + "\r\n", "application/problem+json", "Delete the cookies");
    row("a program", start + "Accept: */*\r\n" + other + "\r\n", "application/problem+json", "Send fewer");
    row("a browser's address", "GET /?" + QByteArray(20 * 1024, 'q') + " HTTP/1.1\r\n" + page + "\r\n", "text/html",
        "The address is longer than 16 KB");
    row("who wants no page", start + "Accept: application/json, text/html;q=0\r\n" + cookies + "\r\n",
        "application/problem+json", "Delete the cookies");
    row("what is posted", "POST / HTTP/1.1\r\n" + cookies + page + "\r\n", "application/problem+json", "cookies");
}

void EdgeTest::saysWhatToDoAboutLargeHeaders()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, type);
    QFETCH(QByteArray, says);
    Client client(m_server.port());
    const auto answer = client.ask(bytes.toStdString());
    QVERIFY(answer.status == 431 || answer.status == 414);
    QVERIFY2(answer.header("content-type").starts_with(type.toStdString()), answer.header("content-type").c_str());
    QVERIFY2(answer.body.find(says.toStdString()) != std::string::npos, answer.body.c_str());
}

void EdgeTest::tellsOtherProtocolsWhatIsSpokenHere()
{
    const QByteArray hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    const auto tls = Client(m_server.port()).ask(hello.toStdString());
    QCOMPARE(tls.status, 400U);
    QVERIFY2(tls.body.find("http://") != std::string::npos, tls.body.c_str());
    const auto http2 = Client(m_server.port()).ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    QCOMPARE(http2.status, 505U);
    QVERIFY2(http2.body.find("HTTP/1.1") != std::string::npos, http2.body.c_str());
    QVERIFY2(http2.body.find("HTTP/2") != std::string::npos, http2.body.c_str());
    for (const char *line : {"GET /a b HTTP/1.1\r\n", "GET / http/1.1\r\n", "GET /HTTP/2 HTTP/1.7\r\n"}) {
        const auto answer = Client(m_server.port()).ask(line + std::string("Host: localhost\r\n\r\n"));
        QCOMPARE(answer.status, 505U);
        QVERIFY2(answer.body.find("HTTP/2") == std::string::npos, answer.body.c_str());
        QVERIFY2(answer.body.find("%20") != std::string::npos, answer.body.c_str());
    }
    const QByteArray binary("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x04\xd2\0\x50", 28);
    for (const QByteArray &proxied :
         {QByteArray("PROXY TCP4 192.0.2.1 127.0.0.1 40000 80\r\n"), QByteArray("PROXY UNKNOWN\r\n"), binary,
          QByteArray("PROXY TCP6 ::1 ::1 40000 80\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")}) {
        const auto answer = Client(m_server.port()).ask(proxied.toStdString());
        QCOMPARE(answer.status, 400U);
        for (const char *word :
             {"PROXY protocol", "proxy_protocol", "send-proxy", "X-Forwarded-For", "TRUSTED_PROXIES"})
            QVERIFY2(answer.body.find(word) != std::string::npos, answer.body.c_str());
    }
}

void EdgeTest::saysHowABodyMustCome()
{
    const auto answer = Client(m_server.port())
                            .ask("POST /counted HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: x-gzip\r\n"
                                 "Content-Length: 3\r\n\r\n\x1f\x8b\x08");
    QCOMPARE(answer.status, 415U);
    QCOMPARE(answer.header("accept-encoding"), std::string("identity"));
    for (const char *word : {"x-gzip", "uncompressed", "problems/content-encoding"})
        QVERIFY2(answer.body.find(word) != std::string::npos, answer.body.c_str());
}

void EdgeTest::showsBrowsersAStyledPage()
{
    Client client(m_server.port());
    const auto answer = client.ask("GET /%3Cscript%3E HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n");
    QCOMPARE(answer.status, 404U);
    const auto from = answer.body.find("<style>") + 7;
    const auto style = answer.body.substr(from, answer.body.find("</style>") - from);
    const auto hash = QCryptographicHash::hash(QByteArray::fromStdString(style), QCryptographicHash::Sha256).toBase64();
    const auto policy = answer.header("content-security-policy");
    QVERIFY2(policy.find("'sha256-" + hash.toStdString() + "'") != std::string::npos, policy.c_str());
    QVERIFY(policy.starts_with("default-src 'none'"));
    QVERIFY(answer.body.find("href=\"/\"") != std::string::npos);
    QVERIFY(answer.body.find("<script") == std::string::npos);
}

void EdgeTest::givesBackWhatDoesNotCount_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<int>("givenBack");
    const QByteArray start = "POST /counted HTTP/1.1\r\nHost: localhost\r\n";
    const auto answer = [&](const QByteArray &code) { return start + "Content-Length: 3\r\n\r\n" + code; };
    QTest::newRow("done") << answer("200") << 200U << 0;
    QTest::newRow("not found") << answer("404") << 404U << 0;
    QTest::newRow("malformed") << answer("400") << 400U << 1;
    QTest::newRow("no JSON") << answer("415") << 415U << 1;
    QTest::newRow("makes no sense") << answer("422") << 422U << 1;
    QTest::newRow("too large") << start + "Content-Length: 99999\r\n\r\n" << 413U << 1;
    QTest::newRow("too large in chunks") << start + "Transfer-Encoding: chunked\r\n\r\n1FFFF\r\n" << 413U << 1;
    QTest::newRow("compressed") << start + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc" << 415U << 1;
    QTest::newRow("bad chunks") << start + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n" << 400U << 1;
    QTest::newRow("refused before") << start + "X-Refuse: 1\r\nContent-Length: 3\r\n\r\n400" << 429U << 0;
}

void EdgeTest::givesBackWhatDoesNotCount()
{
    QFETCH(QByteArray, bytes);
    QFETCH(unsigned, status);
    QFETCH(int, givenBack);
    const int before = m_server.admission.givenBack;
    Client client(m_server.port());
    const auto answer = client.ask(bytes.toStdString());
    QCOMPARE(answer.status, status);
    QCOMPARE(m_server.admission.givenBack - before, givenBack);
    QCOMPARE(answer.header("x-ratelimit-remaining"), std::string(givenBack == 1 ? "8" : "7"));
}

void EdgeTest::looksAtLimitsForHead()
{
    Client client(m_server.port());
    const int before = m_server.admission.admitted;
    const auto answer = client.ask("HEAD /upload HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
    QCOMPARE(answer.status, 405U);
    QCOMPARE(answer.header("allow"), std::string("POST, OPTIONS"));
    QCOMPARE(answer.header("x-ratelimit-remaining"), std::string("8"));
    QCOMPARE(m_server.admission.admitted.load(), before);
    QCOMPARE(client.ask("HEAD /upload/ HTTP/1.1\r\nHost: localhost\r\n\r\n", true).status, 308U);
    QCOMPARE(client.ask("HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", true).status, 404U);
}

QTEST_GUILESS_MAIN(EdgeTest)
#include "edge_test.moc"
