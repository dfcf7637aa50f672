// SPDX-License-Identifier: GPL-3.0-or-later
// Which connections the HTTP client uses, what it sends twice and what never, and where redirects lead it.

#include "net_harness.h"
#include "tests/fakes/raw_server.h"

#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

class HttpConnectionsTest final : public QObject
{
    Q_OBJECT
private slots:
    void usesAConnectionAgain();
    void asksAgainWhereAnIdleConnectionHasEnded();
    void asksAgainOnlyBeforeTheFirstByte();
    void sendsAPostOnce_data();
    void sendsAPostOnce();
    void waitsForAConnection();
    void boundsWhatWaits();
    void dropsIdleConnections();
    void followsRedirects_data();
    void followsRedirects();
    void followsNobodyPastTheDeadline();
    void leavesCredentialsBehind_data();
    void leavesCredentialsBehind();
    void endsWhatIsUnderWay();
    void endsWhatRedirectsHaveBegun();
    void isGivenUpWhileDialing_data();
    void isGivenUpWhileDialing();
    void goesDownWhileDialing();
};

void HttpConnectionsTest::usesAConnectionAgain()
{
    RawServer server([](RawConnection &connection, int number) {
        for (int i = 0; !connection.request().empty(); ++i)
            connection.write(
                answer(std::to_string(number) + "." + std::to_string(i), i == 2 ? "Connection: close\r\n" : ""));
    });
    Caller caller(at(server.port()));
    std::vector<std::string> bodies;
    for (int i = 0; i < 4; ++i)
        bodies.push_back(caller.get("/").value().body);
    QCOMPARE(bodies, (std::vector<std::string>{"0.0", "0.1", "0.2", "1.0"}));
}

void HttpConnectionsTest::asksAgainWhereAnIdleConnectionHasEnded()
{
    RawServer server([](RawConnection &connection, int number) {
        connection.request();
        connection.write(answer("first"));
        if (number == 0)
            connection.request(); // and hangs up: as if its idle time had ended just then
        else
            connection.waitForEnd();
    });
    Caller caller(at(server.port()));
    QCOMPARE(caller.get("/").value().body, std::string("first"));
    const auto second = caller.get("/");
    QVERIFY2(second.has_value(), second ? "" : second.error().message.c_str());
    QCOMPARE(server.connections(), 2);
}

void HttpConnectionsTest::asksAgainOnlyBeforeTheFirstByte()
{
    RawServer server([](RawConnection &connection, int) {
        connection.request();
        connection.write(answer("first"));
        connection.request();
        connection.write("HTTP/1.1 2");
    });
    Caller caller(at(server.port()));
    QCOMPARE(codeOf(caller.get("/")), std::string("200"));
    QCOMPARE(codeOf(caller.get("/")), std::string("http-malformed"));
    QCOMPARE(server.connections(), 1);
}

void HttpConnectionsTest::sendsAPostOnce_data()
{
    QTest::addColumn<int>("verb");
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<bool>("reset");
    QTest::addColumn<bool>("hangs");
    for (const auto verb : {Verb::Post, Verb::Put, Verb::Patch, Verb::Delete}) {
        const QByteArray name = QByteArray::number(int(verb));
        QTest::newRow("hangs up " + name) << int(verb) << QByteArray() << false << false;
        QTest::newRow("resets " + name) << int(verb) << QByteArray() << true << false;
        QTest::newRow("breaks off " + name) << int(verb) << QByteArray("HTTP/1.1 200 OK\r\nContent-") << false << false;
        QTest::newRow("is silent " + name) << int(verb) << QByteArray() << false << true;
    }
}

void HttpConnectionsTest::sendsAPostOnce()
{
    QFETCH(int, verb);
    QFETCH(QByteArray, bytes);
    QFETCH(bool, reset);
    QFETCH(bool, hangs);
    std::atomic<int> posts{0};
    RawServer server([&](RawConnection &connection, int) {
        for (;;) {
            const auto request = connection.request();
            if (request.starts_with("GET")) {
                connection.write(answer("ok"));
                continue;
            }
            if (request.empty())
                return;
            ++posts;
            connection.write(bytes.toStdString());
            if (reset)
                connection.reset();
            if (hangs)
                connection.waitForEnd();
            return;
        }
    });
    Caller caller(at(server.port()));
    QCOMPARE(codeOf(caller.get("/")), std::string("200")); // leaves a connection that could be used
    const auto got = caller.send({.verb = Verb(verb), .target = "/act", .deadline = hangs ? 200ms : 20s});
    QCOMPARE(got.error().kind, ErrorKind::Timeout);
    QCOMPARE(got.error().code, std::string("http-unknown"));
    QVERIFY2(got.error().message.ends_with("It may have been done all the same."), got.error().message.c_str());
    QCOMPARE(posts.load(), 1);
    QCOMPARE(server.connections(), 2); // never over one that the other end may have closed
    // Where nobody took it, it certainly was not done, and that is said.
    Caller nobody(at(1));
    QCOMPARE(codeOf(nobody.post("/act", "")), std::string("tcp-refused"));
}

void HttpConnectionsTest::waitsForAConnection()
{
    std::atomic<bool> release{false};
    std::atomic<int> asked{0};
    RawServer server([&](RawConnection &connection, int) {
        while (!connection.request().empty()) {
            ++asked;
            while (!release)
                std::this_thread::sleep_for(1ms);
            connection.write(answer("ok"));
        }
    });
    Caller caller(at(server.port()), {.connections = 2});
    std::atomic<int> done{0};
    for (int i = 0; i < 6; ++i)
        caller.begin({.deadline = 20s}, [&](const auto &got) { done += got ? 1 : 100; });
    QTRY_COMPARE(asked.load(), 2);
    // The others wait for one of the two; who cannot wait that long is told.
    QCOMPARE(codeOf(caller.get("/", 50ms)), std::string("http-timeout"));
    QCOMPARE(server.connections(), 2);
    release = true;
    QTRY_COMPARE(done.load(), 6);
    QCOMPARE(server.connections(), 2);
}

void HttpConnectionsTest::boundsWhatWaits()
{
    RawServer server([](RawConnection &connection, int) { connection.waitForEnd(); });
    Caller caller(at(server.port()), {.connections = 1, .waiting = 2});
    std::atomic<int> ended{0};
    for (int i = 0; i < 3; ++i)
        caller.begin({.deadline = 20s}, [&](const auto &) { ++ended; });
    QTRY_COMPARE(server.connections(), 1);
    QCOMPARE(codeOf(caller.get("/")), std::string("http-busy"));
    QCOMPARE(ended.load(), 0);
    caller.close();
    QTRY_COMPARE(ended.load(), 3);
}

void HttpConnectionsTest::dropsIdleConnections()
{
    std::atomic<int> ended{0};
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        connection.write(answer("ok"));
        connection.waitForEnd();
        ++ended;
    });
    Caller caller(at(server.port()), {.idle = 50ms});
    QCOMPARE(codeOf(caller.get("/")), std::string("200"));
    QTRY_COMPARE(ended.load(), 1);
    QCOMPARE(codeOf(caller.get("/")), std::string("200"));
    QCOMPARE(server.connections(), 2);
}

void HttpConnectionsTest::followsRedirects_data()
{
    QTest::addColumn<QByteArray>("location");
    QTest::addColumn<int>("redirects");
    QTest::addColumn<QByteArray>("outcome");
    QTest::newRow("path") << QByteArray("/there") << 3 << QByteArray("200");
    QTest::newRow("relative") << QByteArray("there?x=1") << 3 << QByteArray("200");
    QTest::newRow("none allowed") << QByteArray("/there") << 0 << QByteArray("302");
    QTest::newRow("for ever") << QByteArray("/from") << 3 << QByteArray("302");
    QTest::newRow("another host") << QByteArray("http://other.example:PORT/there") << 3 << QByteArray("200");
    QTest::newRow("https without trust") << QByteArray("https://other.example/there") << 3
                                         << QByteArray("http-redirect");
    QTest::newRow("another scheme") << QByteArray("ftp://other.example/there") << 3 << QByteArray("http-redirect");
    QTest::newRow("user information") << QByteArray("http://u:p@other.example/there") << 3
                                      << QByteArray("http-redirect");
    QTest::newRow("nowhere") << QByteArray("") << 3 << QByteArray("http-redirect");
}

void HttpConnectionsTest::followsRedirects()
{
    QFETCH(QByteArray, location);
    QFETCH(int, redirects);
    QFETCH(QByteArray, outcome);
    std::atomic<int> asked{0};
    std::string to;
    RawServer server([&](RawConnection &connection, int) {
        for (;;) {
            const auto request = connection.request();
            if (request.empty())
                return;
            ++asked;
            const bool there = request.starts_with("GET /there") || request.starts_with("POST /there");
            connection.write(there ? answer("ok") : answer("", "Location: " + to + "\r\n", "302 Found"));
        }
    });
    to = QByteArray(location).replace("PORT", QByteArray::number(server.port())).toStdString();
    Caller caller(at(server.port()));
    QCOMPARE(codeOf(caller.send({.target = "/from", .deadline = 20s, .redirects = unsigned(redirects)})),
             outcome.toStdString());
    if (location == "/from")
        QCOMPARE(asked.load(), 4);
    asked = 0;
    // What changes something is not sent elsewhere.
    QCOMPARE(
        codeOf(caller.send({.verb = Verb::Post, .target = "/from", .deadline = 20s, .redirects = unsigned(redirects)})),
        std::string("302"));
    QCOMPARE(asked.load(), 1);
}

void HttpConnectionsTest::followsNobodyPastTheDeadline()
{
    RawServer server([](RawConnection &connection, int) {
        if (connection.request().starts_with("GET /from "))
            connection.write(answer("", "Location: /silent\r\n", "302 Found"));
        connection.waitForEnd();
    });
    Caller caller(at(server.port()));
    QCOMPARE(codeOf(caller.send({.target = "/from", .deadline = 150ms, .redirects = 3})), std::string("http-timeout"));
}

void HttpConnectionsTest::leavesCredentialsBehind_data()
{
    QTest::addColumn<QByteArray>("host");
    QTest::addColumn<bool>("otherPort");
    QTest::newRow("another host") << QByteArray("other.example") << false;
    QTest::newRow("another port") << QByteArray("portal.example") << true;
}

void HttpConnectionsTest::leavesCredentialsBehind()
{
    QFETCH(QByteArray, host);
    QFETCH(bool, otherPort);
    std::mutex mutex;
    std::vector<std::string> seen;
    std::vector<std::string> steps; // where the answers send, the last nowhere
    const auto script = [&](RawConnection &connection, int) {
        for (;;) {
            const auto request = connection.request();
            if (request.empty())
                return;
            const std::lock_guard lock(mutex);
            seen.push_back(request);
            const std::string to = seen.size() <= steps.size() ? steps[seen.size() - 1] : "";
            connection.write(to.empty() ? answer("ok")
                                        : answer("", "Location: " + to + "\r\n", "307 Temporary Redirect"));
        }
    };
    RawServer server(script);
    RawServer second(script);
    const std::string here = "http://portal.example:" + std::to_string(server.port());
    const std::string there =
        "http://" + host.toStdString() + ":" + std::to_string(otherPort ? second.port() : server.port());
    steps = {here + "/again", there + "/", here + "/back"};
    Caller caller(at(server.port()));
    const auto got = caller.send({.headers = {{"authorization", "Bearer secret"},
                                              {"Cookie", "sid=secret"},
                                              {"x-csrf-token", "secret"},
                                              {"Accept", "text/plain"}},
                                  .deadline = 20s,
                                  .redirects = 3});
    QCOMPARE(codeOf(got), std::string("200"));
    const std::lock_guard lock(mutex);
    QCOMPARE(seen.size(), std::size_t{4});
    QVERIFY(seen[1].find("Bearer secret") != std::string::npos); // the same origin
    QVERIFY2(seen[2].find("secret") == std::string::npos, seen[2].c_str());
    QVERIFY(seen[2].find("Host: " + there.substr(7) + "\r\n") != std::string::npos);
    QVERIFY(seen[2].find("Accept: text/plain") != std::string::npos);
    QVERIFY2(seen[3].find("secret") == std::string::npos, seen[3].c_str()); // sent there by somebody else
}

void HttpConnectionsTest::endsWhatIsUnderWay()
{
    std::atomic<int> asked{0};
    RawServer server([&](RawConnection &connection, int) {
        connection.request();
        ++asked;
        connection.waitForEnd();
    });
    Caller caller(at(server.port()));
    std::atomic<int> cancelled{0};
    std::atomic<int> unsure{0}; // those that are told it may have been done
    const auto answered = [&](const Result<HttpAnswer> &got) {
        cancelled += got.error().kind == ErrorKind::Cancelled ? 1 : 100;
        unsure += got.error().message.find("may have been done") != std::string::npos ? 1 : 0;
    };
    caller.begin({.deadline = 60s}, answered);
    caller.begin({.verb = Verb::Post, .deadline = 60s}, answered);
    QTRY_COMPARE(asked.load(), 2);
    caller.begin({.deadline = 60s}, answered);
    caller.begin({.verb = Verb::Post, .deadline = 60s}, answered); // never sent
    caller.close();
    QTRY_COMPARE(cancelled.load(), 4);
    QCOMPARE(unsure.load(), 1);
    QCOMPARE(caller.get("/").error().kind, ErrorKind::Cancelled);
    QCOMPARE(server.connections(), 2);
}

void HttpConnectionsTest::endsWhatRedirectsHaveBegun()
{
    std::atomic<bool> there{false};
    RawServer second([&](RawConnection &connection, int) {
        connection.request();
        there = true;
        connection.waitForEnd();
    });
    RawServer first([&](RawConnection &connection, int) {
        connection.request();
        connection.write(
            answer("", "Location: http://other.example:" + std::to_string(second.port()) + "/\r\n", "302 Found"));
        connection.waitForEnd();
    });
    Caller caller(at(first.port()));
    std::atomic<int> kind{-1};
    caller.begin({.deadline = 60s, .redirects = 3}, [&](const auto &got) { kind = got ? -2 : int(got.error().kind); });
    QTRY_VERIFY(there.load());
    caller.close();
    QTRY_COMPARE(kind.load(), int(ErrorKind::Cancelled));
}

void HttpConnectionsTest::isGivenUpWhileDialing_data()
{
    QTest::addColumn<bool>("dropped"); // the client itself, and not only closed
    QTest::addColumn<bool>("fails");   // the dialing that goes on meanwhile
    QTest::newRow("closed") << false << false;
    QTest::newRow("closed, in vain") << false << true;
    QTest::newRow("dropped") << true << false;
    QTest::newRow("dropped, in vain") << true << true;
}

void HttpConnectionsTest::isGivenUpWhileDialing()
{
    QFETCH(bool, dropped);
    QFETCH(bool, fails);
    std::atomic<int> ended{0};
    std::atomic<int> sent{0};
    RawServer server([&](RawConnection &connection, int) {
        if (!connection.request().empty())
            ++sent;
        ++ended;
    });
    const auto way = std::make_shared<HeldWay>();
    Caller caller(at(fails ? std::uint16_t{1} : server.port()), {}, nullptr, way);
    std::atomic<int> cancelled{0};
    const auto answered = [&](const Result<HttpAnswer> &got) {
        const bool told = got.has_error() && got.error().kind == ErrorKind::Cancelled &&
                          got.error().message.find("may have been done") == std::string::npos;
        cancelled += told ? 1 : 100;
    };
    caller.begin({.deadline = 60s}, answered);
    caller.begin({.verb = Verb::Post, .deadline = 60s}, answered);
    QTRY_COMPARE(way->dialing(), 2);
    if (dropped)
        caller.dropClient();
    else
        caller.close();
    way->open();
    QTRY_COMPARE(cancelled.load(), 2);
    QTRY_COMPARE(ended.load(), fails ? 0 : 2); // what was dialed is closed
    QCOMPARE(sent.load(), 0);
}

void HttpConnectionsTest::goesDownWhileDialing()
{
    // With its thread: nothing ends, and nothing is touched any more (which a sanitizer would see).
    const auto way = std::make_shared<HeldWay>();
    std::atomic<int> answers{0};
    {
        Caller caller(at(1), {.connections = 2}, nullptr, way);
        for (int i = 0; i < 4; ++i) // two wait for a connection
            caller.begin({.deadline = 60s}, [&](const auto &) { ++answers; });
        QTRY_COMPARE(way->dialing(), 2);
    }
    QVERIFY(answers.load() <= 2);
    QCOMPARE(way->dialing(), 2);
}

QTEST_GUILESS_MAIN(HttpConnectionsTest)
#include "http_connections_test.moc"
