// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket client against our own server.

#include "core/http/websocket.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/integration/http/http_harness.h"
#include "watcher.h"

#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

class WebSocketClientTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void cleanup() { m_server.reset(); }
    void exchangesMessages_data();
    void exchangesMessages();
    void saysWhyItIsRefused_data();
    void saysWhyItIsRefused();
    void saysHowItWasClosed();
    void closes();
    void boundsMessages();
    void noticesSilence();
    void opensByTheDeadline();
    void opensOnce();
    void isGivenUpWhileDialing_data();
    void isGivenUpWhileDialing();
    void isDroppedWhileReceiving();
    void goesDownWithItsThread();

private:
    static awaitable<void> echo(std::shared_ptr<http::WebSocket> socket);
    void start(http::ServerOptions options = {});

    std::unique_ptr<TestServer> m_server;
};

awaitable<void> WebSocketClientTest::echo(std::shared_ptr<http::WebSocket> socket)
{
    for (;;) {
        auto message = co_await socket->receive();
        if (!message)
            co_return;
        if (*message == "revoke")
            socket->close(4001, "session ended");
        else if (*message == "large")
            socket->send(std::make_shared<const std::string>(200'000, 'x'));
        else
            socket->send(std::make_shared<const std::string>("echo " + *message));
    }
}

void WebSocketClientTest::init() { start(); }

void WebSocketClientTest::start(http::ServerOptions options)
{
    m_server = std::make_unique<TestServer>(std::move(options));
    const auto handler = [](http::Request &, std::shared_ptr<http::WebSocket> socket) {
        return echo(std::move(socket));
    };
    m_server->server->onWebSocket("/stream", everybody, handler);
    m_server->server->onWebSocket("/limited", {Role::Anonymous, Category::Api}, handler);
    m_server->server->onWebSocket("/private", {Role::User, Category::Unlimited}, handler);
    m_server->start();
}

void WebSocketClientTest::exchangesMessages_data()
{
    QTest::addColumn<bool>("secure");
    QTest::newRow("plain") << false;
    QTest::newRow("TLS") << true;
}

void WebSocketClientTest::exchangesMessages()
{
    QFETCH(bool, secure);
    Certificates certificates;
    certificates.make("good");
    std::shared_ptr<TlsClient> tls;
    if (secure) {
        http::ServerOptions options;
        options.tlsCertificate = certificates.certificate("good");
        options.tlsKey = certificates.key();
        start(std::move(options));
        TlsClients clients;
        tls = clients.client({Roots::File, certificates.certificate("root"), {}, {}, {}}).value();
    }
    Watcher watcher(at(m_server->port(), "localhost", secure), {}, tls);
    const auto opened = watcher.open("/stream");
    QVERIFY2(opened.has_value(), opened ? "" : opened.error().message.c_str());
    QVERIFY(watcher.client().open());
    QCOMPARE(watcher.client().certificate().has_value(), secure);
    for (const std::string &text : std::vector<std::string>{"one", "zwei ü", std::string(60'000, 'y'), ""}) {
        QVERIFY(watcher.send(text).has_value());
        QVERIFY(watcher.receive().value() == "echo " + text);
    }
    QVERIFY(watcher.send("large").has_value());
    QCOMPARE(watcher.receive().value().size(), std::size_t{200'000});
}

void WebSocketClientTest::saysWhyItIsRefused_data()
{
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<QByteArray>("bearer");
    QTest::addColumn<QByteArray>("refuse");
    QTest::addColumn<int>("kind"); // -1: it is not
    QTest::newRow("signed in") << QByteArray("/private") << QByteArray("user") << QByteArray() << -1;
    QTest::newRow("not signed in") << QByteArray("/private") << QByteArray() << QByteArray()
                                   << int(ErrorKind::Unauthenticated);
    QTest::newRow("no such path") << QByteArray("/nowhere") << QByteArray() << QByteArray() << int(ErrorKind::NotFound);
    QTest::newRow("not too often") << QByteArray("/limited") << QByteArray() << QByteArray() << -1;
    QTest::newRow("too often") << QByteArray("/limited") << QByteArray() << QByteArray("yes")
                               << int(ErrorKind::RateLimited);
}

void WebSocketClientTest::saysWhyItIsRefused()
{
    QFETCH(QByteArray, target);
    QFETCH(QByteArray, bearer);
    QFETCH(QByteArray, refuse);
    QFETCH(int, kind);
    Headers headers;
    if (!bearer.isEmpty())
        headers.push_back({"Authorization", "Bearer " + bearer.toStdString()});
    if (!refuse.isEmpty())
        headers.push_back({"X-Refuse", "yes"});
    Watcher watcher(at(m_server->port()));
    const auto opened = watcher.open(target.toStdString(), headers);
    QCOMPARE(opened ? -1 : int(opened.error().kind), kind);
    if (opened)
        return;
    QCOMPARE(opened.error().code, std::string("ws-refused"));
    QVERIFY(!opened.error().hint.empty());
    QVERIFY(!watcher.client().open());
}

void WebSocketClientTest::saysHowItWasClosed()
{
    Watcher watcher(at(m_server->port()));
    QVERIFY(watcher.open("/stream").has_value());
    QVERIFY(!watcher.client().closeCode());
    QVERIFY(watcher.send("revoke").has_value());
    const auto message = watcher.receive();
    QCOMPARE(message.error().kind, ErrorKind::Unavailable);
    QCOMPARE(message.error().code, std::string("ws-closed"));
    QCOMPARE(int(watcher.client().closeCode().value_or(0)), 4001);
    QVERIFY(!watcher.client().open());
    QVERIFY(watcher.send("late").has_error());
}

void WebSocketClientTest::closes()
{
    Watcher watcher(at(m_server->port()));
    QVERIFY(watcher.open("/stream").has_value());
    QTRY_COMPARE(m_server->server->counters().webSockets, std::size_t{1});
    std::atomic<int> kind{-1};
    watcher.watch([&](const Error &error) { kind = int(error.kind); });
    watcher.close(1000);
    QTRY_COMPARE(kind.load(), int(ErrorKind::Cancelled));
    QTRY_COMPARE(m_server->server->counters().webSockets, std::size_t{0});
    QVERIFY(watcher.receive().has_error());
}

void WebSocketClientTest::boundsMessages()
{
    Watcher watcher(at(m_server->port()), {.message = 1000});
    QVERIFY(watcher.open("/stream").has_value());
    QVERIFY(watcher.send("large").has_value());
    const auto message = watcher.receive();
    QCOMPARE(message.error().kind, ErrorKind::TooLarge);
    QCOMPARE(message.error().code, std::string("ws-too-large"));
}

void WebSocketClientTest::noticesSilence()
{
    std::atomic<bool> mute{false};
    const auto behind = m_server->port();
    RawServer between([&](RawConnection &connection, int) {
        const int there = connectedTo(behind);
        connection.relay(there, [&](bool, std::string bytes) { return mute ? std::string() : bytes; });
        ::close(there);
    });
    Watcher watcher(at(between.port()), {.silence = 400ms});
    QVERIFY(watcher.open("/stream").has_value());
    std::atomic<int> kind{-1};
    watcher.watch([&](const Error &error) { kind = error.code == "ws-silent" ? int(error.kind) : -2; });
    // While it answers pings, the other end may say nothing for as long as it likes: three times what would be too
    // long.
    QTest::qWait(1200);
    QCOMPARE(kind.load(), -1);
    mute = true;
    QTRY_COMPARE(kind.load(), int(ErrorKind::Timeout));
}

void WebSocketClientTest::opensByTheDeadline()
{
    RawServer silent([](RawConnection &connection, int) { connection.waitForEnd(); });
    Watcher watcher(at(silent.port()));
    const auto opened = watcher.open("/stream", {}, 100ms);
    QCOMPARE(opened.error().kind, ErrorKind::Timeout);
    QCOMPARE(opened.error().code, std::string("ws-timeout"));
    Watcher nobody(at(1));
    QCOMPARE(nobody.open("/stream").error().code, std::string("tcp-refused"));
}

void WebSocketClientTest::opensOnce()
{
    Watcher watcher(at(m_server->port()));
    QVERIFY(watcher.receive().has_error());
    QVERIFY(watcher.open("/stream").has_value());
    QCOMPARE(watcher.open("/stream").error().kind, ErrorKind::Cancelled);
    QVERIFY(watcher.send("still there").has_value());
    const auto way = std::make_shared<HeldWay>();
    Watcher other(at(m_server->port()), {}, nullptr, way);
    std::atomic<int> opened{-1};
    other.begin([&](const Result<void> &done) { opened = done ? 1 : 0; });
    QTRY_COMPARE(way->dialing(), 1);
    QCOMPARE(other.open("/stream").error().kind, ErrorKind::Cancelled); // nor while it is being opened
    way->open();
    QTRY_COMPARE(opened.load(), 1);
}

void WebSocketClientTest::isGivenUpWhileDialing_data()
{
    QTest::addColumn<bool>("dropped"); // the client itself, and not only aborted
    QTest::addColumn<bool>("fails");   // the dialing that goes on meanwhile
    QTest::newRow("aborted") << false << false;
    QTest::newRow("aborted, in vain") << false << true;
    QTest::newRow("dropped") << true << false;
    QTest::newRow("dropped, in vain") << true << true;
}

void WebSocketClientTest::isGivenUpWhileDialing()
{
    QFETCH(bool, dropped);
    QFETCH(bool, fails);
    const auto way = std::make_shared<HeldWay>();
    Watcher watcher(at(fails ? std::uint16_t{1} : m_server->port()), {}, nullptr, way);
    std::atomic<int> kind{-1};
    watcher.begin([&](const Result<void> &done) { kind = done ? -2 : int(done.error().kind); });
    QTRY_COMPARE(way->dialing(), 1);
    if (dropped)
        watcher.drop();
    else
        watcher.abort();
    way->open();
    QTRY_COMPARE(kind.load(), int(ErrorKind::Cancelled));
    QCOMPARE(m_server->server->counters().webSockets, std::size_t{0});
}

void WebSocketClientTest::isDroppedWhileReceiving()
{
    Watcher watcher(at(m_server->port()));
    QVERIFY(watcher.open("/stream").has_value());
    std::atomic<int> kind{-1};
    watcher.watch([&](const Error &error) { kind = int(error.kind); });
    QTRY_COMPARE(m_server->server->counters().webSockets, std::size_t{1});
    watcher.drop();
    QTRY_COMPARE(kind.load(), int(ErrorKind::Cancelled));
    QTRY_COMPARE(m_server->server->counters().webSockets, std::size_t{0});
}

void WebSocketClientTest::goesDownWithItsThread()
{
    // Nothing is touched any more (which a sanitizer would see), whatever was under way.
    const auto way = std::make_shared<HeldWay>();
    {
        Watcher opening(at(m_server->port()), {}, nullptr, way);
        opening.begin([](const Result<void> &) {});
        QTRY_COMPARE(way->dialing(), 1);
        Watcher receiving(at(m_server->port()));
        QVERIFY(receiving.open("/stream").has_value());
        receiving.watch([](const Error &) {});
    }
    QTRY_COMPARE(m_server->server->counters().webSockets, std::size_t{0});
}

QTEST_GUILESS_MAIN(WebSocketClientTest)
#include "web_socket_client_test.moc"
