// SPDX-License-Identifier: GPL-3.0-or-later
// Whose certificates an HTTP client takes, against our own server.

#include "net_harness.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/integration/http/http_harness.h"

#include <QProcess>
#include <QRegularExpression>
#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

class TrustTest final : public QObject
{
    Q_OBJECT
private slots:
    void judgesCertificates_data();
    void judgesCertificates();
    void tellsAServerWithoutTls();
    void tellsAServerWithTls();
    void goesNowhereWithoutTrust();
    void usesTlsAgain();
    void tellsWhatIsBrokenOnItsWay_data();
    void tellsWhatIsBrokenOnItsWay();
    void tellsWhoWantsACertificateOfOurs_data();
    void tellsWhoWantsACertificateOfOurs();

private:
    TestServer &serverOf(const std::string &certificate)
    {
        auto &server = m_servers[certificate];
        if (!server) {
            http::ServerOptions options;
            options.tlsCertificate = m_certificates.certificate(certificate);
            options.tlsKey = m_certificates.key();
            server = std::make_unique<TestServer>(std::move(options));
            const auto hold = [this](http::Request &) { return answerWhenLetGo(); };
            server->router.get("/hold", everybody, hold);
            server->router.post("/hold", everybody, hold);
            server->start();
        }
        return *server;
    }
    awaitable<http::Response> answerWhenLetGo()
    {
        m_asked = true;
        Timer timer(co_await asio::this_coro::executor);
        while (m_held) {
            timer.expires_after(1ms);
            co_await timer.async_wait(use_awaitable);
        }
        co_return http::text("at last");
    }
    std::shared_ptr<TlsClient> trust(const TrustSpec &spec) { return m_clients.client(spec).value(); }
    TrustSpec root() const { return {Roots::File, m_certificates.certificate("root"), {}, {}, {}}; }

    std::atomic<bool> m_held{false};
    std::atomic<bool> m_asked{false};
    TlsClients m_clients;
    Certificates m_certificates;
    std::vector<TlsCase> m_cases = tlsCases(m_certificates);
    std::map<std::string, std::unique_ptr<TestServer>> m_servers;
};

void TrustTest::judgesCertificates_data()
{
    QTest::addColumn<int>("at");
    for (std::size_t i = 0; i < m_cases.size(); ++i)
        QTest::newRow(m_cases[i].name.c_str()) << int(i);
}

void TrustTest::judgesCertificates()
{
    QFETCH(int, at);
    const TlsCase &one = m_cases[std::size_t(at)];
    const Origin origin{true, one.host, serverOf(one.server).port()};
    Caller caller(origin, {}, trust(one.trust));
    for (const bool post : {false, true}) { // what was refused before it was sent was not done
        const auto got = post ? caller.post("/anonymous", "x") : caller.get("/health");
        const std::string words = got ? "" : inWords(got.error());
        QVERIFY2(got.has_value() == one.code.empty(), words.c_str());
        if (got) {
            QCOMPARE(got->status, 200U);
            QVERIFY(got->certificate.has_value());
            QVERIFY(*got->certificate == m_certificates.facts(one.server));
            continue;
        }
        QCOMPARE(got.error().code, one.code);
        QVERIFY2(words.find(one.host + ":" + std::to_string(origin.port)) != std::string::npos, words.c_str());
        for (const auto &part : one.words)
            QVERIFY2(words.find(part) != std::string::npos, words.c_str());
    }
}

void TrustTest::tellsAServerWithoutTls()
{
    TestServer plain;
    plain.start();
    Caller caller(at(plain.port(), "localhost", true), {}, trust(root()));
    const auto got = caller.get("/health");
    QVERIFY(got.has_error());
    QCOMPARE(got.error().code, std::string("tls-plain"));
}

void TrustTest::tellsAServerWithTls()
{
    Caller caller(at(serverOf("good").port(), "localhost"));
    const auto got = caller.get("/health");
    QVERIFY(got.has_value());
    QCOMPARE(got->status, 400U);
    QVERIFY2(got->body.find("https://") != std::string::npos, got->body.c_str());
}

void TrustTest::goesNowhereWithoutTrust()
{
    Caller caller(at(serverOf("good").port(), "localhost", true));
    QCOMPARE(caller.get("/health").error().code, std::string("http-request"));
}

void TrustTest::usesTlsAgain()
{
    auto &server = serverOf("good");
    Caller caller(at(server.port(), "localhost", true), {}, trust(root()));
    const auto before = server.server->counters().accepted;
    for (int i = 0; i < 5; ++i) {
        const auto got = caller.get("/large", 60s);
        QVERIFY2(got.has_value(), got ? "" : got.error().message.c_str());
        QCOMPARE(got->body.size(), std::size_t{4} << 20U);
    }
    QCOMPARE(server.server->counters().accepted - before, std::uint64_t{1});
}

void TrustTest::tellsWhatIsBrokenOnItsWay_data()
{
    QTest::addColumn<bool>("post");
    QTest::addColumn<QByteArray>("code");
    QTest::newRow("GET") << false << QByteArray("tls-failed");
    QTest::newRow("POST") << true << QByteArray("http-unknown"); // which has come to the server
}

void TrustTest::tellsWhatIsBrokenOnItsWay()
{
    QFETCH(bool, post);
    QFETCH(QByteArray, code);
    auto &server = serverOf("good");
    std::atomic<bool> broken{false};
    RawServer between([&](RawConnection &connection, int) {
        const int there = connectedTo(server.port());
        connection.relay(there, [&](bool back, std::string bytes) {
            return back && broken ? std::string(bytes.size(), 'x') : bytes;
        });
        ::close(there);
    });
    Caller caller(at(between.port(), "localhost", true), {}, trust(root()));
    if (!post)
        QCOMPARE(codeOf(caller.get("/health")), std::string("200")); // over a connection that is used again
    std::mutex mutex;
    std::string words;
    const auto answered = [&](const Result<HttpAnswer> &got) {
        const std::lock_guard lock(mutex);
        words = codeOf(got);
    };
    // It is answered when it is let go: until then only the handshake has come back.
    m_held = true;
    m_asked = false;
    const Verb verb = post ? Verb::Post : Verb::Get;
    caller.begin({.verb = verb, .target = "/hold", .deadline = 60s}, answered);
    QTRY_VERIFY(m_asked.load());
    broken = true;
    m_held = false;
    const auto said = [&] {
        const std::lock_guard lock(mutex);
        return words;
    };
    QTRY_VERIFY(!said().empty());
    QVERIFY2(said() == code.toStdString(), said().c_str());
}

void TrustTest::tellsWhoWantsACertificateOfOurs_data()
{
    QTest::addColumn<QByteArray>("version");
    QTest::newRow("TLS 1.2") << QByteArray("-tls1_2");
    QTest::newRow("TLS 1.3") << QByteArray("-tls1_3"); // where it says so behind the handshake
}

void TrustTest::tellsWhoWantsACertificateOfOurs()
{
    QFETCH(QByteArray, version);
    QProcess server;
    server.start("openssl",
                 {"s_server", "-accept", "127.0.0.1:0", "-www", QString::fromLatin1(version), "-Verify", "4",
                  "-verify_return_error", "-cert", QString::fromStdString(m_certificates.certificate("direct")), "-key",
                  QString::fromStdString(m_certificates.key()), "-CAfile",
                  QString::fromStdString(m_certificates.certificate("root"))});
    QByteArray said;
    static const QRegularExpression listening("ACCEPT 127\\.0\\.0\\.1:(\\d+)\\n");
    while (!QString::fromLatin1(said).contains(listening) && server.waitForReadyRead(20'000))
        said += server.readAllStandardOutput();
    const auto port = listening.match(QString::fromLatin1(said)).captured(1).toUShort();
    QVERIFY2(port != 0, said + server.readAllStandardError());
    Caller caller(at(port, "localhost", true), {}, trust(root()));
    for (const bool post : {false, true}) { // a request that was refused unread was not done
        const auto got = post ? caller.post("/", "x") : caller.get("/");
        QCOMPARE(codeOf(got), std::string("tls-client-certificate"));
        QVERIFY2(got.error().message.find("localhost:" + std::to_string(port)) != std::string::npos,
                 got.error().message.c_str());
    }
    TrustSpec ours = root();
    ours.clientCertificate = m_certificates.certificate("client");
    ours.clientKey = m_certificates.key();
    Caller known(at(port, "localhost", true), {}, trust(ours));
    QCOMPARE(codeOf(known.get("/")), std::string("200"));
    server.kill();
    server.waitForFinished();
}

QTEST_GUILESS_MAIN(TrustTest)
#include "trust_test.moc"
