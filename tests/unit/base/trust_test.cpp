// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/certificate.h"
#include "core/base/trust.h"
#include "tests/fakes/certificates.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <QTest>

using namespace portolan;

namespace {

using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;
using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

/// The server's side of a handshake in memory.
struct Server
{
    Server(const Certificates &certificates, const std::string &name)
    {
        if (!useCertificate(context.get(), certificates.certificate(name), certificates.key()))
            throw std::runtime_error("the server cannot use " + name);
    }
    Context context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
};

struct Outcome
{
    std::optional<Error> error;
    std::optional<CertificateFacts> peer;
    std::string askedFor; ///< the server name
};

error_code lastError() { return {static_cast<int>(ERR_get_error()), asio::error::get_ssl_category()}; }

/// A handshake of both, and one byte from the server: TLS 1.3 judges a client's certificate behind the handshake.
/// `instead`: what the server says without looking at what it is asked.
Outcome shakeHands(TlsClient &client, SSL_CTX *server, const std::string &host, std::string_view instead = {})
{
    const Ssl here(SSL_new(client.context().native_handle()), SSL_free);
    const Ssl there(SSL_new(server), SSL_free);
    BIO *ours = nullptr;
    BIO *theirs = nullptr;
    BIO_new_bio_pair(&ours, 0, &theirs, 0);
    SSL_set_bio(here.get(), ours, ours);
    SSL_set_bio(there.get(), theirs, theirs);
    Outcome outcome;
    if (const auto armed = client.arm(here.get(), host); !armed) {
        outcome.error = armed.error();
        return outcome;
    }
    if (!instead.empty())
        BIO_write(theirs, instead.data(), static_cast<int>(instead.size()));
    bool accepted = false;
    for (int turn = 0; turn < 20; ++turn) {
        ERR_clear_error();
        char byte = 0;
        const int done = SSL_is_init_finished(here.get()) ? SSL_read(here.get(), &byte, 1) : SSL_connect(here.get());
        const int why = SSL_get_error(here.get(), done);
        if (byte == '!')
            break;
        if (done <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            outcome.error = client.explain(here.get(), lastError(), host + ":1");
            break;
        }
        if (instead.empty()) {
            accepted = accepted || SSL_accept(there.get()) == 1;
            if (accepted)
                SSL_write(there.get(), "!", 1);
        }
    }
    outcome.peer = TlsClient::peer(here.get());
    if (const char *name = SSL_get_servername(there.get(), TLSEXT_NAMETYPE_host_name))
        outcome.askedFor = name;
    return outcome;
}

} // namespace

/// Whose certificates are taken, and what is said of those that are not.
class TrustTest final : public QObject
{
    Q_OBJECT
private slots:
    void judgesCertificates_data();
    void judgesCertificates();
    void asksForTheServersName();
    void refusesToGoWithoutAName();
    void showsACertificateOfOurs_data();
    void showsACertificateOfOurs();
    void tellsWhatIsNoTls_data();
    void tellsWhatIsNoTls();
    void refusesOldVersions();
    void refusesFiles_data();
    void refusesFiles();
    void readsFingerprints_data();
    void readsFingerprints();
    void keepsOneForEachTrust();
    void readsACertificate();

private:
    TlsClients m_clients;
    Certificates m_certificates;
    std::vector<TlsCase> m_cases = tlsCases(m_certificates);
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
    const auto client = m_clients.client(one.trust);
    QVERIFY2(client.has_value(), client ? "" : client.error().message.c_str());
    const Server server(m_certificates, one.server);
    const auto outcome = shakeHands(**client, server.context.get(), one.host);
    QVERIFY2(!outcome.error || !one.code.empty(), outcome.error ? outcome.error->message.c_str() : "");
    QCOMPARE(outcome.error ? outcome.error->code : std::string(), one.code);
    if (outcome.error) {
        const std::string words = inWords(*outcome.error);
        for (const auto &part : one.words)
            QVERIFY2(words.find(part) != std::string::npos, words.c_str());
        QVERIFY(!outcome.error->hint.empty());
        QCOMPARE(outcome.error->kind, ErrorKind::Unavailable);
    }
    QVERIFY(outcome.peer.has_value());
    QCOMPARE(outcome.peer->sha256, m_certificates.facts(one.server).sha256);
}

void TrustTest::asksForTheServersName()
{
    const Server server(m_certificates, "good");
    const auto asked = [&](const std::string &host, const std::string &serverName) {
        const TrustSpec spec{Roots::File, m_certificates.certificate("root"), serverName, {}, {}};
        return shakeHands(**m_clients.client(spec), server.context.get(), host).askedFor;
    };
    QCOMPARE(asked("localhost", ""), std::string("localhost"));
    QCOMPARE(asked("localhost.", ""), std::string("localhost"));
    QCOMPARE(asked("127.0.0.1", ""), std::string()); // RFC 6066: an address is none
    QCOMPARE(asked("127.0.0.1", "localhost"), std::string("localhost"));
}

void TrustTest::refusesToGoWithoutAName()
{
    const Server server(m_certificates, "good");
    const auto outcome = shakeHands(**m_clients.client({}), server.context.get(), "");
    QVERIFY(outcome.error.has_value());
    QCOMPARE(outcome.error->code, std::string("tls-name"));
}

void TrustTest::showsACertificateOfOurs_data()
{
    QTest::addColumn<QByteArray>("certificate");
    QTest::addColumn<int>("version");
    QTest::addColumn<QByteArray>("words"); // empty: accepted
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const QByteArray which = version == TLS1_2_VERSION ? ", TLS 1.2" : ", TLS 1.3";
        QTest::newRow("ours" + which) << QByteArray("client") << version << QByteArray();
        QTest::newRow("none" + which) << QByteArray() << version << QByteArray("wants a certificate of ours");
        QTest::newRow("a stranger's" + which) << QByteArray("itself") << version << QByteArray("itself.crt");
    }
}

void TrustTest::showsACertificateOfOurs()
{
    QFETCH(QByteArray, certificate);
    QFETCH(int, version);
    QFETCH(QByteArray, words);
    const Server server(m_certificates, "good");
    SSL_CTX_set_verify(server.context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_load_verify_file(server.context.get(), m_certificates.certificate("root").c_str());
    SSL_CTX_set_max_proto_version(server.context.get(), version);
    TrustSpec spec{Roots::File, m_certificates.certificate("root"), {}, {}, {}};
    if (!certificate.isEmpty()) {
        spec.clientCertificate = m_certificates.certificate(certificate.toStdString());
        spec.clientKey = m_certificates.key();
    }
    const auto outcome = shakeHands(**m_clients.client(spec), server.context.get(), "localhost");
    QCOMPARE(outcome.error.has_value(), !words.isEmpty());
    if (outcome.error) {
        QCOMPARE(outcome.error->code, std::string("tls-client-certificate"));
        QVERIFY2(outcome.error->message.find(words.toStdString()) != std::string::npos, outcome.error->message.c_str());
    }
}

void TrustTest::tellsWhatIsNoTls_data()
{
    QTest::addColumn<QByteArray>("answer");
    QTest::newRow("HTTP") << QByteArray("HTTP/1.1 400 Bad Request\r\n\r\n");
    QTest::newRow("Redis") << QByteArray("-ERR unknown command\r\n");
    QTest::newRow("SSH") << QByteArray("SSH-2.0-OpenSSH_9.2p1\r\n");
}

void TrustTest::tellsWhatIsNoTls()
{
    QFETCH(QByteArray, answer);
    const Server server(m_certificates, "good");
    const auto outcome = shakeHands(**m_clients.client({}), server.context.get(), "localhost", answer.toStdString());
    QVERIFY(outcome.error.has_value());
    QCOMPARE(outcome.error->code, std::string("tls-plain"));
    QVERIFY(!outcome.peer);
}

void TrustTest::refusesOldVersions()
{
    const Server server(m_certificates, "good");
    SSL_CTX_set_security_level(server.context.get(), 0);
    SSL_CTX_set_min_proto_version(server.context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server.context.get(), TLS1_1_VERSION);
    const auto outcome = shakeHands(**m_clients.client({}), server.context.get(), "localhost");
    QVERIFY(outcome.error.has_value());
    QCOMPARE(outcome.error->code, std::string("tls-version"));
}

void TrustTest::refusesFiles_data()
{
    QTest::addColumn<QByteArray>("authority");
    QTest::addColumn<QByteArray>("certificate");
    QTest::addColumn<QByteArray>("words");
    QTest::newRow("missing") << QByteArray("absent.pem") << QByteArray() << QByteArray("absent.pem: No such file");
    QTest::newRow("a key") << QByteArray("leaf.key") << QByteArray() << QByteArray("leaf.key: ");
    QTest::newRow("empty") << QByteArray("empty.pem") << QByteArray() << QByteArray("empty.pem: ");
    QTest::newRow("no file") << QByteArray("") << QByteArray() << QByteArray("no file is named");
    QTest::newRow("client's missing") << QByteArray("root.crt") << QByteArray("absent.crt")
                                      << QByteArray("absent.crt: No such");
    QTest::newRow("client's without its key")
        << QByteArray("root.crt") << QByteArray("good.crt") << QByteArray("good.crt: ");
    QTest::newRow("another's key") << QByteArray("root.crt") << QByteArray("root.crt") << QByteArray("is not that of");
}

void TrustTest::refusesFiles()
{
    QFETCH(QByteArray, authority);
    QFETCH(QByteArray, certificate);
    QFETCH(QByteArray, words);
    QFile empty(QString::fromStdString(m_certificates.path("empty.pem")));
    QVERIFY(empty.open(QIODevice::WriteOnly));
    TrustSpec spec{Roots::File, authority.isEmpty() ? "" : m_certificates.path(authority.toStdString()), {}, {}, {}};
    if (!certificate.isEmpty())
        spec.clientCertificate = m_certificates.path(certificate.toStdString());
    if (certificate == "root.crt")
        spec.clientKey = m_certificates.key();
    const auto client = m_clients.client(spec);
    QVERIFY(client.has_error());
    QCOMPARE(client.error().code, std::string("tls-file"));
    QCOMPARE(client.error().kind, ErrorKind::Invalid);
    QVERIFY2(client.error().message.find(words.toStdString()) != std::string::npos, client.error().message.c_str());
}

void TrustTest::readsFingerprints_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<bool>("good");
    const QByteArray bytes = QByteArray::fromStdString(m_certificates.facts("good").sha256);
    QTest::newRow("as shown") << bytes << true;
    QTest::newRow("small") << bytes.toLower() << true;
    QTest::newRow("without colons") << QByteArray(bytes).replace(":", "") << true;
    QTest::newRow("of openssl") << "sha256 Fingerprint=" + bytes << true;
    QTest::newRow("prefixed") << "SHA256:" + bytes << true;
    QTest::newRow("blanks") << " " + QByteArray(bytes).replace(":", " ") << true;
    QTest::newRow("part of it") << bytes.left(59) << false;
    QTest::newRow("one digit less") << bytes.chopped(1) << false;
    QTest::newRow("a byte more") << bytes + ":00" << false;
    QTest::newRow("SHA-1") << bytes.left(20 * 3 - 1) << false;
    QTest::newRow("no digits") << bytes.chopped(1) + "G" << false;
    QTest::newRow("empty") << QByteArray() << false;
}

void TrustTest::readsFingerprints()
{
    QFETCH(QByteArray, text);
    QFETCH(bool, good);
    const auto read = readFingerprint(text.toStdString());
    QCOMPARE(read.has_value(), good);
    const auto client = m_clients.client({Roots::Pin, text.toStdString(), {}, {}, {}});
    QCOMPARE(client.has_value(), good);
    if (good)
        QCOMPARE(*read, m_certificates.facts("good").sha256);
    else
        QCOMPARE(client.error().code, std::string("tls-pin"));
}

void TrustTest::keepsOneForEachTrust()
{
    const TrustSpec system;
    const TrustSpec file{Roots::File, m_certificates.certificate("root"), {}, {}, {}};
    auto first = m_clients.client(system).value();
    QCOMPARE(m_clients.client(system).value().get(), first.get());
    auto second = m_clients.client(file).value();
    QVERIFY(second.get() != first.get());
    auto named = system;
    named.serverName = "shop.example";
    const auto third = m_clients.client(named).value();
    QVERIFY(third.get() != first.get());
    // The system's authorities are one store, however many use them.
    QCOMPARE(SSL_CTX_get_cert_store(third->context().native_handle()),
             SSL_CTX_get_cert_store(first->context().native_handle()));
}

void TrustTest::readsACertificate()
{
    m_certificates.make("wide", {.names = "DNS:a.example,IP:10.0.0.1,IP:fe80::1", .until = "20991231235959Z"});
    const auto facts = m_certificates.facts("wide");
    QCOMPARE(facts.subject, std::string("CN=wide, O=Portolan"));
    QCOMPARE(facts.issuer, std::string("CN=Test between, O=Portolan"));
    QCOMPARE(facts.names, (std::vector<std::string>{"a.example", "10.0.0.1", "fe80::1"}));
    QCOMPARE(dayText(facts.from), std::string("2020-01-01"));
    QCOMPARE(dayText(facts.until), std::string("2099-12-31"));
    const auto shown = m_certificates.openssl(
        {"x509", "-noout", "-fingerprint", "-sha256", "-in", m_certificates.certificate("wide")});
    QCOMPARE("sha256 Fingerprint=" + facts.sha256 + "\n", shown);
}

QTEST_GUILESS_MAIN(TrustTest)
#include "trust_test.moc"
