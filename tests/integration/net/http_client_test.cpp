// SPDX-License-Identifier: GPL-3.0-or-later
// The HTTP client against servers that behave badly, byte for byte, and against our own.

#include "net_harness.h"
#include "tests/fakes/raw_server.h"

#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

namespace {

std::string chunked(int chunks, const std::string &piece)
{
    std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    char size[16];
    std::snprintf(size, sizeof size, "%zx", piece.size());
    for (int i = 0; i < chunks; ++i)
        text += std::string(size) + "\r\n" + piece + "\r\n";
    return text + "0\r\n\r\n";
}

} // namespace

class HttpClientTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsAnswers_data();
    void readsAnswers();
    void refusesAnswers_data();
    void refusesAnswers();
    void endsByTheDeadline_data();
    void endsByTheDeadline();
    void sendsWhatItIsTold();
    void sendsNoBrokenRequest_data();
    void sendsNoBrokenRequest();
    void asksForAHeadAlone();
    void readsABodyOnItsWay();
    void takesNoEncodedBody();
};

void HttpClientTest::readsAnswers_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("body");
    const auto row = [](const char *name, const std::string &bytes, int status, const std::string &body) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << status << QByteArray::fromStdString(body);
    };
    row("by its length", answer("hello"), 200, "hello");
    row("empty", answer(""), 200, "");
    row("none", "HTTP/1.1 204 No Content\r\n\r\n", 204, "");
    row("until the end", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it");
    row("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nold", 200, "old");
    row("100 chunks", chunked(100, "0123456789"), 200, [] {
        std::string all;
        for (int i = 0; i < 100; ++i)
            all += "0123456789";
        return all;
    }());
    row("a large chunk", chunked(1, std::string(1'000'000, 'x')), 200, std::string(1'000'000, 'x'));
    row("interim answers",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer("at last"), 200, "at last");
    row("an error", answer("why", {}, "503 Service Unavailable"), 503, "why");
    row("a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-After: 1\r\n\r\n", 200,
        "a");
    row("identity", answer("plain", "Content-Encoding: identity\r\n"), 200, "plain");
}

void HttpClientTest::readsAnswers()
{
    QFETCH(QByteArray, bytes);
    QFETCH(int, status);
    QFETCH(QByteArray, body);
    for (const bool slowly : {false, true}) {
        RawServer server([&](RawConnection &connection, int) {
            connection.request();
            if (!slowly || bytes.size() > 10'000)
                connection.write(bytes.toStdString());
            else
                for (const char byte : bytes)
                    connection.write({&byte, 1});
        });
        Caller caller(at(server.port()));
        const auto got = caller.get("/");
        QVERIFY2(got.has_value(), got ? "" : got.error().message.c_str());
        QCOMPARE(int(got->status), status);
        QVERIFY(got->body == body.toStdString());
        QVERIFY(header(got->headers, "x-after").empty());
    }
}

void HttpClientTest::refusesAnswers_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("code");
    const auto row = [](const char *name, const std::string &bytes, const char *code) {
        QTest::newRow(name) << QByteArray::fromStdString(bytes) << QByteArray(code);
    };
    row("nothing", "", "http-closed");
    row("half a head", "HTTP/1.1 200 OK\r\nContent-Le", "http-malformed");
    row("half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "http-malformed");
    row("chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "http-malformed");
    row("a wrong chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", "http-malformed");
    row("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "http-malformed");
    row("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "http-malformed");
    row("no HTTP", "-ERR unknown command\r\n", "http-malformed");
    row("TLS", std::string("\x15\x03\x01\x00\x02\x02\x46", 7), "http-malformed");
    row("a long head", "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n", "http-malformed");
    row(
        "too many fields",
        "HTTP/1.1 200 OK\r\n" +
            [] {
                std::string fields;
                for (int i = 0; i < 200; ++i)
                    fields += "X: y\r\n";
                return fields;
            }() +
            "\r\n",
        "http-malformed");
    row("too long", answer(std::string(2000, 'x')), "http-too-large");
    row("too long in chunks", chunked(2000, "x"), "http-too-large");
    row("too long until the end", "HTTP/1.1 200 OK\r\n\r\n" + std::string(2000, 'x'), "http-too-large");
    row("a line without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x'),
        "http-malformed");
    row("compressed on its way",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n", "http-encoding");
    row("compressed", answer("\x1f\x8b", "Content-Encoding: gzip\r\n"), "http-encoding");
    row(
        "interim answers for ever",
        [] {
            std::string all;
            for (int i = 0; i < 20; ++i)
                all += "HTTP/1.1 103 Early Hints\r\n\r\n";
            return all;
        }(),
        "http-malformed");
}

void HttpClientTest::refusesAnswers()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, code);
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(bytes.toStdString());
    });
    Caller caller(at(server.port()));
    const auto got = caller.send({.target = "/", .deadline = 20s, .most = 1000});
    QVERIFY(got.has_error());
    QCOMPARE(got.error().code, code.toStdString());
    QVERIFY2(got.error().message.starts_with("http://portal.example:" + std::to_string(server.port())),
             got.error().message.c_str());
    QVERIFY(!got.error().hint.empty());
    QCOMPARE(server.connections(), 1); // a new connection's GET is not sent again
}

void HttpClientTest::endsByTheDeadline_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<bool>("more"); // for ever
    QTest::newRow("silence") << QByteArray() << false;
    QTest::newRow("half a head") << QByteArray("HTTP/1.1 200") << false;
    QTest::newRow("half a body") << QByteArray("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") << false;
    QTest::newRow("a body without end, slowly") << QByteArray("HTTP/1.1 200 OK\r\n\r\n") << true;
}

void HttpClientTest::endsByTheDeadline()
{
    QFETCH(QByteArray, bytes);
    QFETCH(bool, more);
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(bytes.toStdString());
        if (!more)
            return connection.waitForEnd();
        while (connection.write("x"))
            std::this_thread::sleep_for(1ms);
    });
    Caller caller(at(server.port()));
    const auto from = std::chrono::steady_clock::now();
    const auto got = caller.get("/", 150ms);
    QVERIFY(got.has_error());
    QCOMPARE(got.error().kind, ErrorKind::Timeout);
    QCOMPARE(got.error().code, std::string("http-timeout"));
    QVERIFY(std::chrono::steady_clock::now() - from >= 150ms);
}

void HttpClientTest::sendsWhatItIsTold()
{
    std::string seen;
    RawServer server([&](RawConnection &connection, int) {
        seen = connection.request();
        connection.write(answer("{}", "X-Told: yes\r\n"));
    });
    Caller caller(at(server.port()));
    const auto got = caller.send({.verb = Verb::Post,
                                  .target = "/api/x?y=%20",
                                  .headers = {{"Authorization", "Bearer t"}},
                                  .body = "{\"a\":1}"});
    QVERIFY(got.has_value());
    QCOMPARE(header(got->headers, "x-told"), std::string_view("yes"));
    QVERIFY(got->took >= got->firstByte);
    QVERIFY(!got->certificate);
    QVERIFY2(seen.starts_with("POST /api/x?y=%20 HTTP/1.1\r\nHost: portal.example:" + std::to_string(server.port()) +
                              "\r\n"),
             seen.c_str());
    QVERIFY(seen.find("\r\nAuthorization: Bearer t\r\n") != std::string::npos);
    QVERIFY(seen.find("\r\nAccept-Encoding: identity\r\n") != std::string::npos);
    QVERIFY(seen.find("\r\nContent-Length: 7\r\n") != std::string::npos);
    QVERIFY(seen.ends_with("\r\n\r\n{\"a\":1}"));
}

void HttpClientTest::sendsNoBrokenRequest_data()
{
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<QByteArray>("name");
    QTest::addColumn<QByteArray>("value");
    QTest::newRow("no path") << QByteArray("x") << QByteArray("A") << QByteArray("b");
    QTest::newRow("a blank") << QByteArray("/a b") << QByteArray("A") << QByteArray("b");
    QTest::newRow("a line") << QByteArray("/a\r\nX: y") << QByteArray("A") << QByteArray("b");
    QTest::newRow("a header's line") << QByteArray("/") << QByteArray("A") << QByteArray("b\r\nX: y");
    QTest::newRow("a name with a colon") << QByteArray("/") << QByteArray("A: b\r\nX") << QByteArray("y");
    QTest::newRow("no name") << QByteArray("/") << QByteArray() << QByteArray("y");
    QTest::newRow("a null") << QByteArray("/") << QByteArray("A") << QByteArray("b\0c", 3);
    QTest::newRow("delete") << QByteArray("/") << QByteArray("A") << QByteArray("b\x7f");
    for (const char *ours : {"host", "Content-Length", "TRANSFER-ENCODING", "Connection", "Sec-WebSocket-Key"})
        QTest::newRow(ours) << QByteArray("/") << QByteArray(ours) << QByteArray("1");
}

void HttpClientTest::sendsNoBrokenRequest()
{
    QFETCH(QByteArray, target);
    QFETCH(QByteArray, name);
    QFETCH(QByteArray, value);
    RawServer server([](RawConnection &connection, int) { connection.waitForEnd(); });
    Caller caller(at(server.port()));
    const auto got =
        caller.send({.target = target.toStdString(), .headers = {{name.toStdString(), value.toStdString()}}});
    QCOMPARE(codeOf(got), std::string("http-request"));
    QCOMPARE(server.connections(), 0);
    QVERIFY(value.size() < 3 || got.error().message.find(value.toStdString()) == std::string::npos);
}

void HttpClientTest::asksForAHeadAlone()
{
    RawServer server([](RawConnection &connection, int) {
        std::string request;
        while (!(request = connection.request()).empty()) // what a GET would get is said, and not sent
            connection.write(request.starts_with("HEAD /") ? "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n"
                                                             "Content-Encoding: gzip\r\n\r\n"
                                                           : "HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    Caller caller(at(server.port()));
    for (int i = 0; i < 2; ++i) {
        const auto got = caller.send({.verb = Verb::Head, .deadline = 20s, .most = 1000});
        QCOMPARE(codeOf(got), std::string("200"));
        QCOMPARE(header(got->headers, "content-length"), std::string_view("5000"));
        QVERIFY(got->body.empty());
    }
    QCOMPARE(server.connections(), 1);
}

void HttpClientTest::takesNoEncodedBody()
{
    RawServer server([](RawConnection &connection, int) {
        connection.request();
        connection.write(answer("\x1f\x8b and so on", "Content-Encoding: gzip\r\n"));
    });
    Caller caller(at(server.port()));
    std::string taken;
    const auto got = runSync<Result<HttpAnswer>>(caller.runtime().at(0), [&] {
        HttpRequest request{.deadline = 20s};
        return caller.client().read(std::move(request), [&](std::string_view piece) {
            taken.append(piece);
            return true;
        });
    });
    QCOMPARE(codeOf(got), std::string("http-encoding"));
    QVERIFY(taken.empty());
}

void HttpClientTest::readsABodyOnItsWay()
{
    const std::string body(50'000'000, 'x');
    RawServer server([&](RawConnection &connection, int) {
        while (true) {
            const auto request = connection.request();
            if (request.empty())
                return;
            connection.write(answer(body, {}, request.starts_with("GET /error") ? "500 Oops" : "200 OK"));
        }
    });
    Caller caller(at(server.port()));
    std::size_t taken = 0;
    std::size_t most = body.size();
    const auto read = [&](const std::string &target, std::size_t bound) {
        taken = 0;
        HttpRequest request{.target = target, .deadline = 60s, .most = bound};
        return runSync<Result<HttpAnswer>>(caller.runtime().at(0), [&] {
            return caller.client().read(std::move(request), [&](std::string_view piece) {
                taken += piece.size();
                return taken < most;
            });
        });
    };
    most = body.size() + 1;
    auto got = read("/", body.size());
    QCOMPARE(codeOf(got), std::string("200"));
    QCOMPARE(taken, body.size());
    QVERIFY(got->body.empty());
    QCOMPARE(codeOf(read("/", body.size() - 1)), std::string("http-too-large"));
    most = 1000;
    QCOMPARE(codeOf(read("/", body.size())), std::string("200"));
    QVERIFY(taken >= most && taken < body.size());
    QCOMPARE(codeOf(read("/error", body.size())), std::string("500"));
    QCOMPARE(taken, std::size_t{0}); // what is no success is not what was asked for
}

QTEST_GUILESS_MAIN(HttpClientTest)
#include "http_client_test.moc"
