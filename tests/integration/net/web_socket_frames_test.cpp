// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket client against servers that behave badly, byte for byte.

#include "tests/fakes/raw_server.h"
#include "watcher.h"

#include <QCryptographicHash>
#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

namespace {

/// The server's half of the opening handshake (RFC 6455, section 4.2.2). Answers the request.
std::string shakeHands(RawConnection &connection)
{
    const auto request = connection.request();
    const std::string name = "Sec-WebSocket-Key: ";
    const auto at = request.find(name) + name.size();
    const auto key = request.substr(at, request.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const auto hash = QCryptographicHash::hash(QByteArray::fromStdString(key), QCryptographicHash::Sha1).toBase64();
    connection.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: " +
                     hash.toStdString() + "\r\n\r\n");
    return request;
}

struct Frame
{
    int opcode = -1; ///< -1: the connection ended
    std::string payload;
};

/// A short one of a client, which masks it (section 5.2).
Frame readFrame(RawConnection &connection)
{
    const auto head = connection.read(2);
    if (head.size() < 2)
        return {};
    Frame frame{head[0] & 15, {}};
    const auto mask = connection.read(4);
    frame.payload = connection.read(head[1] & 127);
    for (std::size_t i = 0; i < frame.payload.size(); ++i)
        frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
    return frame;
}

} // namespace

class WebSocketFramesTest final : public QObject
{
    Q_OBJECT
private slots:
    void saysWhatIsNoWebSocket_data();
    void saysWhatIsNoWebSocket();
    void sendsWhatItIsTold();
    void sendsNoBrokenRequest();
    void closesWithoutAnAnswer();
    void readsFrames_data();
    void readsFrames();
};

void WebSocketFramesTest::saysWhatIsNoWebSocket_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("kind");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<int>("after");
    const auto row = [](const char *name, const char *bytes, ErrorKind kind, const char *code, int after = 0) {
        QTest::newRow(name) << QByteArray(bytes) << int(kind) << QByteArray(code) << after;
    };
    row("forbidden", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", ErrorKind::Forbidden, "ws-refused");
    row("too often", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno",
        ErrorKind::RateLimited, "ws-refused", 7);
    row("too often, for ever", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 4000000000\r\n\r\n",
        ErrorKind::RateLimited, "ws-refused", 86'400);
    row("sent elsewhere", "HTTP/1.1 301 Moved Permanently\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        ErrorKind::Protocol, "ws-refused");
    row("a page", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ErrorKind::Protocol, "ws-refused");
    row("another's answer",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        ErrorKind::Protocol, "ws-malformed");
    row("no HTTP", "-ERR unknown command\r\n\r\n", ErrorKind::Protocol, "ws-malformed");
    row("nothing", "", ErrorKind::Unavailable, "ws-closed");
}

void WebSocketFramesTest::saysWhatIsNoWebSocket()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, kind);
    QFETCH(QByteArray, code);
    QFETCH(int, after);
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(bytes.toStdString());
    });
    Watcher watcher(at(server.port()));
    const auto opened = watcher.open("/stream");
    QVERIFY(opened.has_error());
    QVERIFY2(opened.error().code == code.toStdString(), inWords(opened.error()).c_str());
    QCOMPARE(int(opened.error().kind), kind);
    QCOMPARE(int(opened.error().retryAfter.count()), after);
    QVERIFY(opened.error().message.find("http://portal.example:" + std::to_string(server.port())) != std::string::npos);
    QVERIFY(!watcher.client().open());
    QVERIFY(watcher.receive().has_error());
}

void WebSocketFramesTest::sendsWhatItIsTold()
{
    std::string request;
    Frame frame;
    std::atomic<bool> seen{false};
    RawServer server([&](RawConnection &connection, int) {
        request = shakeHands(connection);
        frame = readFrame(connection);
        seen = true;
        connection.waitForEnd();
    });
    Watcher watcher(at(server.port()));
    QVERIFY(watcher.open("/stream?every=5s", {{"Authorization", "Bearer t"}}).has_value());
    QVERIFY(watcher.send("hello").has_value());
    QTRY_VERIFY(seen.load());
    QVERIFY2(request.starts_with("GET /stream?every=5s HTTP/1.1\r\n"), request.c_str());
    QVERIFY(request.find("\r\nHost: portal.example:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
    QVERIFY(request.find("\r\nAuthorization: Bearer t\r\n") != std::string::npos);
    QCOMPARE(frame.opcode, 1); // text
    QCOMPARE(frame.payload, std::string("hello"));
}

void WebSocketFramesTest::sendsNoBrokenRequest()
{
    RawServer server([](RawConnection &connection, int) { connection.waitForEnd(); });
    for (const auto &[target, headers] : std::vector<std::pair<std::string, Headers>>{
             {"/a\r\nX: y", {}}, {"stream", {}}, {"/", {{"A", "b\r\nX: y"}}}, {"/", {{"sec-websocket-key", "x"}}}}) {
        Watcher watcher(at(server.port()));
        QCOMPARE(watcher.open(target, headers).error().code, std::string("http-request"));
    }
    QCOMPARE(server.connections(), 0);
}

void WebSocketFramesTest::closesWithoutAnAnswer()
{
    Frame frame;
    std::atomic<bool> ended{false};
    RawServer server([&](RawConnection &connection, int) {
        shakeHands(connection);
        frame = readFrame(connection);
        connection.waitForEnd(); // instead of agreeing
        ended = true;
    });
    Watcher watcher(at(server.port()), {.closing = 100ms});
    QVERIFY(watcher.open("/stream").has_value());
    watcher.close(1001);
    QTRY_VERIFY(ended.load());
    QCOMPARE(frame.opcode, 8);
    QCOMPARE(frame.payload, std::string("\x03\xe9")); // 1001
    QCOMPARE(watcher.receive().error().kind, ErrorKind::Cancelled);
    QVERIFY(!watcher.client().open());
}

void WebSocketFramesTest::readsFrames_data()
{
    QTest::addColumn<QByteArray>("bytes"); // behind the handshake
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<int>("kind"); // of the error, with its code; -1: there is none
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<int>("closed"); // -1: it was not
    const auto text = [](const char *name, QByteArray bytes, const char *text) {
        QTest::newRow(name) << bytes << QByteArray(text) << -1 << QByteArray() << -1;
    };
    const auto error = [](const char *name, QByteArray bytes, ErrorKind kind, const char *code, int closed = -1) {
        QTest::newRow(name) << bytes << QByteArray() << int(kind) << QByteArray(code) << closed;
    };
    text("text", QByteArray("\x81\2hi", 4), "hi");
    text("in parts, a ping between", QByteArray("\x01\1h\x89\0\x80\1i", 8), "hi");
    error("no text", QByteArray("\x82\1x", 3), ErrorKind::Protocol, "ws-malformed");
    error("no UTF-8", QByteArray("\x81\1\xff", 3), ErrorKind::Protocol, "ws-malformed");
    error("reserved bits", QByteArray("\xf1\1x", 3), ErrorKind::Protocol, "ws-malformed");
    error("masked", QByteArray("\x81\x81\0\0\0\0x", 7), ErrorKind::Protocol, "ws-malformed");
    error("too large", QByteArray("\x81\x7f\0\0\1\0\0\0\0\0", 10), ErrorKind::TooLarge, "ws-too-large");
    error("closed", QByteArray("\x88\2\x0f\xa1", 4), ErrorKind::Unavailable, "ws-closed", 4001);
    error("closed without a code", QByteArray("\x88\0", 2), ErrorKind::Unavailable, "ws-closed", 1005);
    error("broken off", QByteArray("\x81\5he", 4), ErrorKind::Unavailable, "ws-closed");
}

void WebSocketFramesTest::readsFrames()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, text);
    QFETCH(int, kind);
    QFETCH(QByteArray, code);
    QFETCH(int, closed);
    RawServer server([&](RawConnection &connection, int) {
        shakeHands(connection);
        connection.write(bytes.toStdString());
        if (code != "ws-closed" || closed >= 0) // what ends by itself is not to be ended here
            connection.waitForEnd();
    });
    Watcher watcher(at(server.port()));
    QVERIFY(watcher.open("/stream").has_value());
    const auto message = watcher.receive();
    QCOMPARE(message ? -1 : int(message.error().kind), kind);
    if (message) {
        QCOMPARE(*message, text.toStdString());
        return;
    }
    QCOMPARE(message.error().code, code.toStdString());
    QCOMPARE(int(watcher.client().closeCode().value_or(0)), std::max(closed, 0));
    QVERIFY(!watcher.client().open());
    QCOMPARE(watcher.receive().error().code, code.toStdString()); // and goes on saying so
}

QTEST_GUILESS_MAIN(WebSocketFramesTest)
#include "web_socket_frames_test.moc"
