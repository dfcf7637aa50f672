// SPDX-License-Identifier: GPL-3.0-or-later
// A console far from its portal: what stands in the way, and how it comes back. What a portal answers and does is in
// tests/contract/deployment.

#include "core/net/coded.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/served_portal.h"

#include <QElapsedTimer>
#include <QSignalSpy>
#include <QTest>
#include <csignal>

using namespace portolan;
using namespace std::chrono_literals;

class RemoteDeploymentTest final : public QObject
{
    Q_OBJECT
private slots:
    void saysWhatStandsInTheWay_data();
    void saysWhatStandsInTheWay();
    void sendsNoTokenWhereItIsNotSure();
    void comesBackByItself();
    void noticesOneThatHangs();
    void keepsToItsBasePath();
    void judgesCertificates();
    void letsGoWhileItConnects();
    void answersNothingLate();

private:
    SystemClock m_clock;
};

namespace {

constexpr auto html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";

std::string problemAnswer(const char *status, const char *name, const char *detail)
{
    const std::string body =
        std::string(R"({"type":"https://portolan.invalid/problems/)") + name + R"(","detail":")" + detail + R"("})";
    return std::string("HTTP/1.1 ") + status +
           "\r\nContent-Type: application/problem+json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

client::RemoteDeployment::Spec specOf(std::uint16_t port, const std::string &path = {})
{
    client::RemoteDeployment::Spec spec;
    spec.address = client::parsePortalAddress("http://127.0.0.1:" + std::to_string(port) + path).value();
    spec.token = Secret("pt_not-a-real-one");
    return spec;
}

} // namespace

void RemoteDeploymentTest::saysWhatStandsInTheWay_data()
{
    QTest::addColumn<QByteArray>("answer");
    QTest::addColumn<LinkReason>("reason");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char *name, const std::string &answer, LinkReason reason, const char *words) {
        QTest::newRow(name) << QByteArray::fromStdString(answer) << reason << QByteArray(words);
    };
    row("signed out", problemAnswer("401 Unauthorized", "unauthenticated", "Nobody is signed in."),
        LinkReason::NotSignedIn, "Nobody is signed in.");
    row("a user", problemAnswer("403 Forbidden", "forbidden", "This takes the role operator."), LinkReason::RoleTooLow,
        "This takes the role operator.");
    row("another program", html, LinkReason::OtherProtocol, "makes no sense here");
    row("an old portal", problemAnswer("404 Not Found", "not-found", "There is nothing here."),
        LinkReason::OtherProtocol, "There is nothing here.");
    row("a sign-in before it", "HTTP/1.1 302 Found\r\nLocation: https://sso.example/in\r\nContent-Length: 0\r\n\r\n",
        LinkReason::OtherProtocol, "https://sso.example/in");
    row("a proxy without a portal", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", LinkReason::Unreachable,
        "answers 502");
    row("no HTTP", "220 mail.example ESMTP\r\n", LinkReason::OtherProtocol, "127.0.0.1");
    row("hangs up", "", LinkReason::Unreachable, "127.0.0.1");
}

void RemoteDeploymentTest::saysWhatStandsInTheWay()
{
    QFETCH(QByteArray, answer);
    QFETCH(LinkReason, reason);
    QFETCH(QByteArray, words);
    RawServer server([&answer](RawConnection &connection, int) {
        connection.request();
        connection.write(answer.toStdString());
    });
    client::Network network{m_clock};
    client::RemoteDeployment deployment(specOf(server.port()), network.parts());
    QSignalSpy changes(&deployment, &Deployment::changed);
    deployment.attach();
    QCOMPARE(deployment.link(), LinkState::Connecting);
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 10'000);
    QCOMPARE(deployment.link(), LinkState::Connecting); // it never was Live
    QCOMPARE(deployment.linkReason(), reason);
    const auto said = QByteArray::fromStdString(inWords(*deployment.trouble()));
    QVERIFY2(said.contains(words), said.constData());
    QVERIFY2(!said.contains("pt_not"), said.constData());
    QVERIFY(!changes.isEmpty());
    const auto asked = await(deployment.ask(WorkersQuestion{}), 1s); // at once, and with the same words
    QVERIFY(asked.has_error() && asked.error() == *deployment.trouble());
    QVERIFY(!deployment.capability(ResizeWorker()).available());
}

/// Redirects are not followed: whoever is there would get it.
void RemoteDeploymentTest::sendsNoTokenWhereItIsNotSure()
{
    RawServer elsewhere([](RawConnection &connection, int) { connection.request(); });
    const std::string location = "http://127.0.0.1:" + std::to_string(elsewhere.port()) + "/";
    RawServer server([&location](RawConnection &connection, int) {
        connection.request();
        connection.write("HTTP/1.1 307 Temporary Redirect\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n");
    });
    client::Network network{m_clock};
    client::RemoteDeployment deployment(specOf(server.port()), network.parts());
    deployment.attach();
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 10'000);
    QCOMPARE(elsewhere.connections(), 0);
}

void RemoteDeploymentTest::comesBackByItself()
{
    ServedPortal portal;
    portal.bringUp();
    auto &deployment = portal.deployment();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    QVERIFY(!deployment.trouble());
    const auto last = deployment.latest();
    portal.stop();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Lost, 10'000);
    QVERIFY(deployment.trouble().has_value());
    QVERIFY(deployment.latest() != nullptr); // what was last known stays, with its time
    QTRY_COMPARE_WITH_TIMEOUT(deployment.linkReason(), LinkReason::Refused, 10'000);
    QVERIFY(await(deployment.ask(WorkersQuestion{}), 1s).has_error());
    QSignalSpy samples(&deployment, &Deployment::sampled);
    portal.serveAgain();
    QElapsedTimer since;
    since.start();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 30'000);
    qInfo("Live again %lld ms after the portal served", static_cast<long long>(since.elapsed()));
    QVERIFY(!deployment.trouble());
    QTRY_VERIFY_WITH_TIMEOUT(!samples.isEmpty(), 10'000);
    QVERIFY(await(deployment.ask(WorkersQuestion{})).has_value());
}

void RemoteDeploymentTest::noticesOneThatHangs()
{
    ServedPortal portal;
    portal.bringUp();
    auto &deployment = portal.deployment();
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 10'000);
    ::kill(pid_t(portal.pid()), SIGSTOP);
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Lost, 15'000);
    QCOMPARE(deployment.linkReason(), LinkReason::Silent);
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 15'000); // the connection was given up
    ::kill(pid_t(portal.pid()), SIGCONT);
    QTRY_COMPARE_WITH_TIMEOUT(deployment.link(), LinkState::Live, 20'000);
}

/// All that is asked for stands behind it.
void RemoteDeploymentTest::keepsToItsBasePath()
{
    std::mutex mutex;
    std::string line;
    RawServer server([&](RawConnection &connection, int) {
        const std::string request = connection.request();
        const std::lock_guard lock(mutex);
        line = request.substr(0, request.find('\r'));
    });
    client::Network network{m_clock};
    client::RemoteDeployment deployment(specOf(server.port(), "/shop%20one/"), network.parts());
    deployment.attach();
    QTRY_VERIFY_WITH_TIMEOUT(deployment.trouble().has_value(), 10'000);
    const std::lock_guard lock(mutex);
    QCOMPARE(line, std::string("GET /shop%20one/api/admin/deployment HTTP/1.1"));
}

void RemoteDeploymentTest::judgesCertificates()
{
    Certificates certificates;
    certificates.make("portal", Certificates::Wish{.names = "IP:127.0.0.1"});
    const QStringList options{"--tls-cert", QString::fromStdString(certificates.certificate("portal")), "--tls-key",
                              QString::fromStdString(certificates.key())};
    const TrustSpec root{Roots::File, certificates.certificate("root"), {}, {}, {}};
    ServedPortal portal(options, root, "https");
    portal.bringUp();
    QTRY_COMPARE_WITH_TIMEOUT(portal.deployment().link(), LinkState::Live, 10'000);
    QVERIFY(await(portal.deployment().ask(WorkersQuestion{})).has_value());

    client::RemoteDeployment::Spec spec;
    spec.address = portal.address();
    spec.token = Secret("pt_not-a-real-one");
    client::RemoteDeployment stranger(spec, portal.network().parts());
    stranger.attach();
    QTRY_VERIFY_WITH_TIMEOUT(stranger.trouble().has_value(), 10'000);
    QCOMPARE(stranger.linkReason(), LinkReason::NotTrusted);
    const auto said = inWords(*stranger.trouble());
    QVERIFY2(said.find("CN=portal") != std::string::npos && said.find("CN=Test between") != std::string::npos,
             said.c_str());

    spec.trust = {Roots::Pin, certificates.facts("portal").sha256, {}, {}, {}};
    client::RemoteDeployment pinned(spec, portal.network().parts());
    pinned.attach();
    QTRY_VERIFY_WITH_TIMEOUT(pinned.trouble().has_value(), 10'000);
    QCOMPARE(pinned.linkReason(), LinkReason::NotSignedIn); // as far as the token, which is none
}

void RemoteDeploymentTest::letsGoWhileItConnects()
{
    RawServer silent([](RawConnection &connection, int) { connection.waitForEnd(); });
    client::Network network{m_clock};
    {
        client::RemoteDeployment deployment(specOf(silent.port()), network.parts());
        deployment.attach();
        QTRY_COMPARE_WITH_TIMEOUT(silent.connections(), 1, 10'000);
        auto pending = deployment.ask(WorkersQuestion{});
        deployment.detach();
        QCOMPARE(deployment.link(), LinkState::Off);
        const auto answer = await(pending, 5s);
        QVERIFY(answer.has_error() && answer.error().kind == ErrorKind::Cancelled);
        const auto before = silent.connections();
        deployment.attach();
        QTRY_VERIFY_WITH_TIMEOUT(silent.connections() > before, 10'000);
    } // and while it connects again
}

/// Whoever has gone meanwhile hears nothing of it.
void RemoteDeploymentTest::answersNothingLate()
{
    RawServer server([](RawConnection &connection, int) {
        connection.request();
        connection.write(html);
    });
    client::Network network{m_clock};
    for (int round = 0; round < 50; ++round) {
        client::RemoteDeployment deployment(specOf(server.port()), network.parts());
        deployment.attach();
        if (round % 2 == 1)
            QTRY_VERIFY_WITH_TIMEOUT(server.connections() > round / 2, 10'000);
    }
    QVERIFY(server.connections() > 0);
}

QTEST_GUILESS_MAIN(RemoteDeploymentTest)
#include "remote_deployment_test.moc"
