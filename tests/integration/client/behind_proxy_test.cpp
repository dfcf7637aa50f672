// SPDX-License-Identifier: GPL-3.0-or-later
// A portal behind nginx, with TLS by an authority of one's own and a path before its own, and a console that reaches it
// directly or through proxies.

#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/fakes/served_portal.h"

#include <QElapsedTimer>
#include <QStandardPaths>
#include <QTest>

using namespace portolan;
using namespace portolan::client;
using namespace std::chrono_literals;

namespace {

/// nginx with TLS, for which the portal is at /shop.
class Nginx
{
public:
    Nginx(std::uint16_t portal, const std::string &certificate, const std::string &key)
        : m_port(RedisServerFixture::freePort())
    {
        const auto number = [](std::uint16_t port) { return QByteArray::number(port); };
        const QByteArray where = m_directory.path().toUtf8();
        QByteArray text = "daemon off; master_process off; pid " + where + "/pid; error_log " + where + "/log;\n" +
                          "events { worker_connections 64; }\nhttp {\naccess_log off;\n";
        for (const char *kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
            text += QByteArray(kind) + "_temp_path " + where + "/" + kind + ";\n";
        text +=
            "map $http_upgrade $upgrades { default upgrade; '' close; }\nserver {\nlisten 127.0.0.1:" + number(m_port) +
            " ssl;\nssl_certificate " + QByteArray::fromStdString(certificate) + ";\nssl_certificate_key " +
            QByteArray::fromStdString(key) + ";\nlocation /shop/ {\nproxy_pass http://127.0.0.1:" + number(portal) +
            "/;\nproxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\n"
            "proxy_set_header Connection $upgrades;\nproxy_set_header Host $host;\n}\n}\n}\n";
        QFile file(m_directory.filePath("nginx.conf"));
        if (!file.open(QIODevice::WriteOnly) || file.write(text) != text.size())
            throw std::runtime_error("nginx.conf cannot be written");
        file.close();
        start();
    }
    ~Nginx() { stop(); }

    void start()
    {
        QString program = QStandardPaths::findExecutable("nginx");
        if (program.isEmpty())
            program = "/usr/sbin/nginx";
        m_process.start("setpriv", {"--pdeathsig", "KILL", program, "-p", m_directory.path(), "-c",
                                    m_directory.filePath("nginx.conf"), "-e", m_directory.filePath("log")});
        QElapsedTimer since;
        since.start();
        int there = -1;
        while ((there = connectedTo(m_port)) < 0) {
            if (since.elapsed() > 20'000 || m_process.state() == QProcess::NotRunning)
                throw std::runtime_error("nginx does not serve: " + m_process.readAllStandardError().toStdString());
            QTest::qWait(20);
        }
        ::close(there);
    }
    void stop()
    {
        m_process.kill();
        m_process.waitForFinished(10'000);
    }
    std::uint16_t port() const { return m_port; }

private:
    const std::uint16_t m_port;
    QTemporaryDir m_directory;
    QProcess m_process;
};

void relayTo(RawConnection &connection, std::uint16_t port, const std::string &done)
{
    const int there = connectedTo(port);
    connection.write(done);
    connection.relay(there);
    ::close(there);
}

/// RFC 1928 for addresses of this machine, by name or number.
void serveSocks(RawConnection &connection, int)
{
    const auto methods = connection.read(2);
    connection.read(static_cast<unsigned char>(methods[1]));
    connection.write(std::string("\5\0", 2));
    const auto request = connection.read(4);
    connection.read(request[3] == 3 ? static_cast<unsigned char>(connection.read(1)[0]) : 4U);
    const auto port = connection.read(2);
    relayTo(connection,
            static_cast<std::uint16_t>(static_cast<unsigned char>(port[0]) * 256 + static_cast<unsigned char>(port[1])),
            std::string("\5\0\0\1\0\0\0\0\0\0", 10));
}

/// RFC 9110, section 9.3.6.
void serveConnect(RawConnection &connection, int)
{
    const auto head = connection.request();
    const auto target = head.substr(8, head.find(' ', 8) - 8);
    relayTo(connection, static_cast<std::uint16_t>(std::stoul(target.substr(target.rfind(':') + 1))),
            "HTTP/1.1 200 Connection established\r\n\r\n");
}

} // namespace

class BehindProxyTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase();
    void cleanupTestCase() { m_portal.reset(); }
    void isReached_data();
    void isReached();
    void saysWhatIsWrongWithTheCertificate_data();
    void saysWhatIsWrongWithTheCertificate();
    void comesBackWithTheProxy();

private:
    RemoteDeployment::Spec specOf(std::uint16_t port) const
    {
        RemoteDeployment::Spec spec;
        spec.address = parsePortalAddress("https://127.0.0.1:" + std::to_string(port) + "/shop").value();
        spec.trust = {Roots::File, m_certificates.certificate("root"), {}, {}, {}};
        spec.email = "behind@example.org";
        spec.password = Secret(m_password);
        return spec;
    }
    std::uint16_t portalPort() const { return m_portal->address().origin.port; }

    SystemClock m_clock;
    Certificates m_certificates;
    std::unique_ptr<ServedPortal> m_portal;
    std::string m_password;
};

void BehindProxyTest::initTestCase()
{
    m_certificates.make("good");
    m_certificates.make("over", Certificates::Wish{.until = "20201102000000Z"});
    m_certificates.make("other", Certificates::Wish{.names = "DNS:shop.example"});
    m_portal = std::make_unique<ServedPortal>();
    m_portal->bringUp();
    QTRY_COMPARE_WITH_TIMEOUT(m_portal->deployment().link(), LinkState::Live, 10'000);
    const auto made = await(
        m_portal->deployment().perform(CreateUser{"behind@example.org", Role::Operator}, permitted("for the test")));
    QVERIFY2(made.has_value(), made ? "" : inWords(made.error()).c_str());
    m_password = made->secret;
}

void BehindProxyTest::isReached_data()
{
    QTest::addColumn<int>("way");
    QTest::addColumn<bool>("pinned");
    QTest::newRow("directly, by its authority") << int(Way::Direct) << false;
    QTest::newRow("directly, by its fingerprint") << int(Way::Direct) << true;
    QTest::newRow("through SOCKS") << int(Way::Socks5) << false;
    QTest::newRow("through an HTTP proxy") << int(Way::HttpProxy) << true;
}

void BehindProxyTest::isReached()
{
    QFETCH(int, way);
    QFETCH(bool, pinned);
    Nginx nginx(portalPort(), m_certificates.certificate("good"), m_certificates.key());
    RawServer socks(serveSocks);
    RawServer connect(serveConnect);
    auto spec = specOf(nginx.port());
    if (pinned)
        spec.trust = {Roots::Pin, m_certificates.facts("good").sha256, {}, {}, {}};
    if (Way(way) == Way::Socks5)
        spec.reach = {Way::Socks5, "127.0.0.1", socks.port()};
    if (Way(way) == Way::HttpProxy)
        spec.reach = {Way::HttpProxy, "127.0.0.1", connect.port()};
    Network network{m_clock};
    RemoteDeployment deployment(spec, network.parts());
    QElapsedTimer since;
    since.start();
    deployment.attach();
    QTRY_VERIFY2_WITH_TIMEOUT(deployment.link() == LinkState::Live,
                              deployment.trouble() ? inWords(*deployment.trouble()).c_str() : "", 10'000);
    qInfo("Live after %lld ms", static_cast<long long>(since.elapsed()));
    QCOMPARE(deployment.info().role, Role::Operator);
    const auto asked = await(deployment.ask(WorkersQuestion{}));
    QVERIFY2(asked && !asked->empty(), asked ? "" : inWords(asked.error()).c_str());
    const auto preview = await(deployment.preview(ResizeWorker{3, {}}));
    QVERIFY2(preview.has_value(), preview ? "" : inWords(preview.error()).c_str());
    const int there = socks.connections() + connect.connections();
    QVERIFY(Way(way) == Way::Direct ? there == 0 : there >= 2); // its calls and its stream
}

void BehindProxyTest::saysWhatIsWrongWithTheCertificate_data()
{
    QTest::addColumn<QByteArray>("shown");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    QTest::newRow("over") << QByteArray("over") << QByteArray("tls-expired") << QByteArray("2020-11-02");
    QTest::newRow("another's") << QByteArray("other") << QByteArray("tls-name") << QByteArray("shop.example");
}

void BehindProxyTest::saysWhatIsWrongWithTheCertificate()
{
    QFETCH(QByteArray, shown);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    Nginx nginx(portalPort(), m_certificates.certificate(shown.toStdString()), m_certificates.key());
    Network network{m_clock};
    RemoteDeployment deployment(specOf(nginx.port()), network.parts());
    deployment.attach();
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 10'000);
    QCOMPARE(deployment.linkReason(), LinkReason::NotTrusted);
    QCOMPARE(deployment.trouble()->code, code.toStdString());
    const auto said = QByteArray::fromStdString(inWords(*deployment.trouble()));
    QVERIFY2(said.contains(words) && said.contains("CN=" + shown) && said.contains("CN=Test between"),
             said.constData());
    QVERIFY(!said.contains(QByteArray::fromStdString(m_password)));
}

void BehindProxyTest::comesBackWithTheProxy()
{
    Nginx nginx(portalPort(), m_certificates.certificate("good"), m_certificates.key());
    Network network{m_clock};
    RemoteDeployment deployment(specOf(nginx.port()), network.parts());
    deployment.attach();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    nginx.stop();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Lost, 5'000);
    QTRY_COMPARE_WITH_TIMEOUT(deployment.linkReason(), LinkReason::Refused, 10'000);
    nginx.start();
    QElapsedTimer since;
    since.start();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 15'000);
    qInfo("Live again %lld ms after the proxy served", static_cast<long long>(since.elapsed()));
    QVERIFY(await(deployment.ask(WorkersQuestion{})).has_value());
}

QTEST_GUILESS_MAIN(BehindProxyTest)
#include "behind_proxy_test.moc"
