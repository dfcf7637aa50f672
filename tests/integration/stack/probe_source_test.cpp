// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/probe/probe_source.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/integration/http/http_harness.h"
#include "web_harness.h"

#include <QTest>
#include <atomic>

using namespace portolan;
using namespace portolan::stack;
using namespace portolan::test;

namespace {

ProbePart partOf(const std::string &url)
{
    ProbePart part;
    part.url = url;
    part.every = 20ms;
    part.timeout = 10s;
    return part;
}

std::string answer(const std::string &head, const std::string &body = "ok")
{
    return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

ProbeFigures asked(const Source &source)
{
    return becomes([&] { return source.probes().front().good.has_value(); }) ? source.probes().front() : ProbeFigures{};
}

} // namespace

class ProbeSourceTest final : public QObject
{
    Q_OBJECT
private slots:
    void judgesTheStatus_data();
    void judgesTheStatus();
    void saysWhyThereIsNoAnswer_data();
    void saysWhyThereIsNoAnswer();
    void followsToTheSameOrBetter();
    void asksForNoMoreThanItReads();
    void tellsWhenACertificateEnds_data();
    void tellsWhenACertificateEnds();
    void showsNoSecretOfItsUrl();
    void recovers();
    void stopsWhateverItWaitsFor();

private:
    Certificates m_certificates;
};

void ProbeSourceTest::judgesTheStatus_data()
{
    QTest::addColumn<QString>("head");
    QTest::addColumn<unsigned>("expect");
    QTest::addColumn<unsigned>("status");
    QTest::addColumn<bool>("good");
    QTest::newRow("as it should be") << "200 OK" << 200u << 200u << true;
    QTest::newRow("another success") << "204 No Content" << 200u << 204u << false;
    QTest::newRow("broken") << "503 Down" << 200u << 503u << false;
    QTest::newRow("refused, as it should be") << "401 Sign in" << 401u << 401u << true;
    QTest::newRow("sent elsewhere, as it should be") << "301 There\r\nLocation: /there" << 301u << 301u << true;
    QTest::newRow("sent elsewhere for ever") << "302 There\r\nLocation: /there" << 200u << 302u << false;
    QTest::newRow("sent nowhere") << "302 There" << 200u << 302u << false;
}

void ProbeSourceTest::judgesTheStatus()
{
    QFETCH(QString, head);
    QFETCH(unsigned, expect);
    QFETCH(unsigned, status);
    QFETCH(bool, good);
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(answer(head.toStdString(), head.startsWith("204") ? "" : "ok"));
    });
    Web web;
    auto part = partOf(urlOf(server.port(), "/health"));
    part.expect = expect;
    ProbeSource source(part, web.means());
    QVERIFY(!source.probes().front().good);
    source.start(web.executor());
    const auto figures = asked(source);
    QCOMPARE(figures.status, std::optional(status));
    QCOMPARE(figures.good, std::optional(good));
    QCOMPARE(figures.code, std::string(good ? "" : "probe-status"));
    QCOMPARE(figures.url, part.url);
    QVERIFY(figures.seconds && *figures.seconds >= 0 && figures.age);
    QVERIFY(!figures.certificateEnd);
    QCOMPARE(source.figures().state, good ? SourceState::Live : SourceState::Failing);
    QCOMPARE(source.figures().told, good ? std::string() : std::to_string(status));
    QCOMPARE(std::string(source.name()), "probe:" + part.url);
}

void ProbeSourceTest::saysWhyThereIsNoAnswer_data()
{
    QTest::addColumn<QString>("kind");
    QTest::addColumn<QString>("code");
    QTest::newRow("nobody listens") << "closed"
                                    << "tcp-refused";
    QTest::newRow("says nothing") << "silent"
                                  << "http-timeout";
    QTest::newRow("never ends") << "drip"
                                << "http-timeout";
    QTest::newRow("hangs up") << "end"
                              << "http-closed";
    QTest::newRow("no HTTP") << "smtp"
                             << "http-malformed";
    QTest::newRow("no TLS") << "plain"
                            << "tls-plain";
}

void ProbeSourceTest::saysWhyThereIsNoAnswer()
{
    QFETCH(QString, kind);
    QFETCH(QString, code);
    auto server = std::make_unique<RawServer>([&](RawConnection &connection, int) {
        if (kind == "plain") {
            connection.write("220 mail.example ESMTP\r\n");
            connection.waitForEnd();
            return;
        }
        connection.request();
        if (kind == "drip")
            connection.write("HTTP/1.1 200 OK\r\n\r\nand so on");
        if (kind == "silent" || kind == "drip")
            connection.waitForEnd();
        if (kind == "smtp")
            connection.write("220 mail.example ESMTP\r\n");
    });
    const auto port = server->port();
    if (kind == "closed")
        server.reset();
    Web web;
    auto part = partOf(urlOf(port, "/health", kind == "plain" ? "https" : "http"));
    if (kind == "silent" || kind == "drip")
        part.timeout = 200ms;
    ProbeSource source(part, web.means());
    source.start(web.executor());
    const auto figures = asked(source);
    QCOMPARE(figures.good, std::optional(false));
    QCOMPARE(QString::fromStdString(figures.code), code);
    QVERIFY(!figures.status && !figures.seconds && !figures.certificateEnd); // unknown, not zero
    QCOMPARE(source.figures().state, SourceState::Failing);
    QCOMPARE(QString::fromStdString(source.figures().code), code);
    QVERIFY(!source.figures().about.empty());
}

void ProbeSourceTest::followsToTheSameOrBetter()
{
    std::atomic<int> reached{0};
    RawServer other([&](RawConnection &connection, int) {
        connection.request();
        ++reached;
        connection.write(answer("200 OK"));
    });
    RawServer server([&](RawConnection &connection, int) {
        const bool first = connection.request().starts_with("GET /first ");
        connection.write(
            answer("302 There\r\nLocation: " + (first ? std::string("/second") : urlOf(other.port(), "/"))));
    });
    Web web;
    ProbeSource source(partOf(urlOf(server.port(), "/first")), web.means());
    source.start(web.executor());
    const auto figures = asked(source);
    QCOMPARE(figures.status, std::optional(200u));
    QCOMPARE(figures.good, std::optional(true));
    QVERIFY(reached >= 1);
}

void ProbeSourceTest::asksForNoMoreThanItReads()
{
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
        while (connection.write(std::string(10'000, 'x'))) {
        }
    });
    Web web;
    ProbeSource source(partOf(urlOf(server.port(), "/")), web.means());
    source.start(web.executor());
    QCOMPARE(asked(source).good, std::optional(true));
}

void ProbeSourceTest::tellsWhenACertificateEnds_data()
{
    QTest::addColumn<QString>("certificate");
    QTest::addColumn<bool>("known");
    QTest::addColumn<QString>("code");
    QTest::newRow("trusted") << "good" << true << "";
    QTest::newRow("over") << "ended" << true << "tls-expired";
    QTest::newRow("of a stranger") << "good" << false << "tls-untrusted";
    QTest::newRow("of another name") << "other" << true << "tls-name";
}

void ProbeSourceTest::tellsWhenACertificateEnds()
{
    QFETCH(QString, certificate);
    QFETCH(bool, known);
    QFETCH(QString, code);
    m_certificates.make("good", {.names = "DNS:shop.example"});
    m_certificates.make("ended", {.names = "DNS:shop.example", .until = "20201102000000Z"});
    m_certificates.make("other", {.names = "DNS:other.example"});
    http::ServerOptions options;
    options.tlsCertificate = m_certificates.certificate(certificate.toStdString());
    options.tlsKey = m_certificates.key();
    TestServer server(std::move(options)); // which has /health
    server.start();
    Web web;
    auto part = partOf(urlOf(server.port(), "/health", "https"));
    if (known)
        part.trust = {Roots::File, m_certificates.certificate("root"), {}, {}, {}};
    ProbeSource source(part, web.means());
    source.start(web.executor());
    const auto figures = asked(source);
    QCOMPARE(QString::fromStdString(figures.code), code);
    QCOMPARE(figures.good, std::optional(code.isEmpty()));
    QCOMPARE(figures.certificateEnd, std::optional(m_certificates.facts(certificate.toStdString()).until));
}

void ProbeSourceTest::showsNoSecretOfItsUrl()
{
    RawServer server([&](RawConnection &connection, int) {
        const bool asked = connection.request().find("/health?token=s3cr3t ") != std::string::npos;
        connection.write(answer(asked ? "500 Broken" : "200 OK"));
    });
    Web web;
    ProbeSource source(partOf(urlOf(server.port(), "/health?token=s3cr3t")), web.means());
    source.start(web.executor());
    const auto figures = asked(source);
    QCOMPARE(figures.status, std::optional(500u)); // it was asked as a whole
    const auto itself = source.figures();
    for (const std::string &text : {figures.url, itself.name, itself.display, itself.about, itself.told, itself.mend})
        QVERIFY2(text.find("s3cr3t") == std::string::npos, text.c_str());
}

void ProbeSourceTest::recovers()
{
    std::atomic<bool> broken{true};
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        if (!broken)
            connection.write(answer("200 OK"));
    });
    Web web;
    ProbeSource source(partOf(urlOf(server.port(), "/")), web.means());
    source.start(web.executor());
    QVERIFY(isIn(source, SourceState::Failing));
    broken = false;
    QVERIFY(isIn(source, SourceState::Live));
    QCOMPARE(source.probes().front().code, std::string());
}

void ProbeSourceTest::stopsWhateverItWaitsFor()
{
    const auto held = std::make_shared<HeldWay>();
    Web web(held);
    auto part = partOf("https://shop.example/");
    part.timeout = 1h;
    ProbeSource source(part, web.means());
    source.start(web.executor());
    QVERIFY(becomes([&] { return held->dialing() == 1; }));
    QElapsedTimer took;
    took.start();
    source.stop();
    source.stop();
    QVERIFY2(took.elapsed() < 5'000, "it waited for what an hour was given to");
    QCOMPARE(source.figures().state, SourceState::Off);
}

QTEST_GUILESS_MAIN(ProbeSourceTest)
#include "probe_source_test.moc"
