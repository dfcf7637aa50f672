// SPDX-License-Identifier: GPL-3.0-or-later
// Through proxies: SOCKS 5 and HTTP CONNECT.

#include "core/base/byte_stream.h"
#include "core/net/proxy_dialer.h"
#include "core/redis/client.h"
#include "net_harness.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/integration/http/http_harness.h"

#include <boost/asio/read.hpp>

#include <QTest>

using namespace portolan;
using namespace portolan::net;
using namespace portolan::test;

namespace {

/// What a proxy was asked for.
struct Asked
{
    std::mutex mutex;
    std::vector<std::string> targets; ///< "inner.example:80"
    std::vector<std::string> users;   ///< "user:password"
};

void relayTo(RawConnection &connection, unsigned port, const std::string &done)
{
    const int there = connectedTo(static_cast<std::uint16_t>(port));
    if (there < 0)
        return;
    connection.write(done);
    connection.relay(there);
    ::close(there);
}

unsigned wide(std::string_view bytes)
{
    return static_cast<unsigned char>(bytes[0]) * 256U + static_cast<unsigned char>(bytes[1]);
}

/// RFC 1928 and 1929, for which every name is this machine's. `user`: "name:password" it wants; empty: nobody.
void serveSocks(RawConnection &connection, Asked &asked, const std::string &user)
{
    const auto hello = connection.read(2);
    if (hello.size() < 2 || hello[0] != 5)
        return;
    const auto methods = connection.read(static_cast<unsigned char>(hello[1]));
    const char wanted = user.empty() ? '\0' : '\2';
    if (methods.find(wanted) == std::string::npos) {
        connection.write(std::string("\5\xff", 2));
        return connection.waitForEnd();
    }
    connection.write(std::string("\5") + wanted);
    if (!user.empty()) {
        const auto name = connection.read(static_cast<unsigned char>(connection.read(2)[1]));
        const auto password = connection.read(static_cast<unsigned char>(connection.read(1)[0]));
        {
            const std::lock_guard lock(asked.mutex);
            asked.users.push_back(name + ":" + password);
        }
        const bool right = name + ":" + password == user;
        connection.write(std::string("\1") + (right ? '\0' : '\1'));
        if (!right)
            return connection.waitForEnd();
    }
    const auto request = connection.read(4);
    std::string host;
    if (request[3] == 3) {
        host = connection.read(static_cast<unsigned char>(connection.read(1)[0]));
    } else {
        for (const char byte : connection.read(request[3] == 1 ? 4 : 16))
            host += (host.empty() ? "" : ".") + std::to_string(static_cast<unsigned char>(byte));
    }
    const unsigned port = wide(connection.read(2));
    {
        const std::lock_guard lock(asked.mutex);
        asked.targets.push_back(host + ":" + std::to_string(port));
    }
    // It has bound a name: the longest of the three forms an answer may have.
    relayTo(connection, port, std::string("\5\0\0\3\5bound\1\1", 12));
}

/// RFC 9110, section 9.3.6. `header`: the Proxy-Authorization it wants; empty: nobody's.
void serveConnect(RawConnection &connection, Asked &asked, const std::string &wanted)
{
    const auto head = connection.request();
    if (!head.starts_with("CONNECT "))
        return;
    const auto target = head.substr(8, head.find(' ', 8) - 8);
    if (!wanted.empty() && head.find("\r\nProxy-Authorization: " + wanted + "\r\n") == std::string::npos) {
        connection.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    {
        const std::lock_guard lock(asked.mutex);
        asked.targets.push_back(target);
    }
    relayTo(connection, unsigned(std::stoul(target.substr(target.rfind(':') + 1))),
            "HTTP/1.1 200 Connection established\r\nVia: a proxy\r\n\r\n");
}

std::shared_ptr<Dialer> through(Way way, std::uint16_t port, std::optional<ProxySignIn> signIn = {})
{
    return dialerFor({way, "proxy.example", port}, loopbackWay(), std::move(signIn)).value();
}

} // namespace

class ProxyTest final : public QObject
{
    Q_OBJECT
private slots:
    void leadsToTheTarget_data() { ways(); }
    void leadsToTheTarget();
    void leadsToRedis_data() { ways(); }
    void leadsToRedis();
    void checksTheTargetsName_data() { ways(); }
    void checksTheTargetsName();
    void signsIn_data();
    void signsIn();
    void saysWhyNot_data();
    void saysWhyNot();
    void endsByTheDeadline_data() { ways(); }
    void endsByTheDeadline();
    void leavesWhatFollowsToTheTarget_data();
    void leavesWhatFollowsToTheTarget();
    void isGivenUpWhileAsking_data() { ways(); }
    void isGivenUpWhileAsking();
    void refusesWhatNoProxyCan();

private:
    static void ways()
    {
        QTest::addColumn<int>("way");
        QTest::newRow("SOCKS 5") << int(Way::Socks5);
        QTest::newRow("HTTP") << int(Way::HttpProxy);
    }
    std::unique_ptr<RawServer> proxy(Way way, const std::string &user = {})
    {
        return std::make_unique<RawServer>([this, way, user](RawConnection &connection, int) {
            if (way == Way::Socks5)
                serveSocks(connection, m_asked, user);
            else
                serveConnect(connection, m_asked, user);
        });
    }
    std::vector<std::string> targets()
    {
        const std::lock_guard lock(m_asked.mutex);
        return std::exchange(m_asked.targets, {});
    }

    Asked m_asked;
};

void ProxyTest::leadsToTheTarget()
{
    QFETCH(int, way);
    TestServer server;
    server.start();
    const auto between = proxy(Way(way));
    const std::string port = ":" + std::to_string(server.port());
    const std::string six = Way(way) == Way::Socks5 ? "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1" : "[::1]";
    for (const auto &[host, asked] : std::vector<std::pair<std::string, std::string>>{
             {"inner.example", "inner.example"}, {"127.0.0.1", "127.0.0.1"}, {"::1", six}}) {
        Caller caller(at(server.port(), host), {}, nullptr, through(Way(way), between->port()));
        const auto got = caller.get("/large");
        QVERIFY2(got.has_value(), got ? "" : got.error().message.c_str());
        QCOMPARE(got->body.size(), std::size_t{4} << 20U);
        QCOMPARE(targets(), std::vector<std::string>{asked + port}); // the name is the proxy's to look up
    }
}

void ProxyTest::leadsToRedis()
{
    QFETCH(int, way);
    const RedisServerFixture server({}, RedisServerFixture::Listen::Tcp);
    const auto between = proxy(Way(way));
    redis::ClientOptions options;
    options.way = through(Way(way), between->port());
    redis::Endpoint endpoint;
    endpoint.host = "redis.inner";
    endpoint.port = server.port();
    Runtime runtime(1);
    redis::Client client(runtime.at(0), endpoint, options);
    client.start();
    const auto ready = runSync<Result<void>>(runtime.at(0), [&] { return client.waitReady(20s); });
    QVERIFY2(ready.has_value(), ready ? "" : ready.error().message.c_str());
    const auto pong =
        runSync<Result<redis::Reply>>(runtime.at(0), [&] { return client.run(redis::Command("PING"), 20s); });
    QCOMPARE(pong.value().text, std::string("PONG"));
    QCOMPARE(targets(), std::vector<std::string>{"redis.inner:" + std::to_string(server.port())});
}

void ProxyTest::checksTheTargetsName()
{
    QFETCH(int, way);
    Certificates certificates;
    certificates.make("inner", {.names = "DNS:inner.example"});
    http::ServerOptions options;
    options.tlsCertificate = certificates.certificate("inner");
    options.tlsKey = certificates.key();
    TestServer server(std::move(options));
    server.start();
    TlsClients clients;
    const auto tls = clients.client({Roots::File, certificates.certificate("root"), {}, {}, {}}).value();
    const auto between = proxy(Way(way));
    const auto dialer = through(Way(way), between->port());
    // Wherever the connection leads: the certificate is the target's, and so is the name it must have.
    Caller right(at(server.port(), "inner.example", true), {}, tls, dialer);
    QCOMPARE(right.get("/health").value().status, 200U);
    Caller wrong(at(server.port(), "other.example", true), {}, tls, dialer);
    QCOMPARE(wrong.get("/health").error().code, std::string("tls-name"));
}

void ProxyTest::signsIn_data()
{
    QTest::addColumn<int>("way");
    QTest::addColumn<QByteArray>("wanted");
    QTest::addColumn<QByteArray>("user");
    QTest::addColumn<QByteArray>("password");
    QTest::addColumn<bool>("good");
    const QByteArray basic = "Basic dXNlcjpwQHNzOndvcmQ="; // user:p@ss:word
    QTest::newRow("SOCKS 5") << int(Way::Socks5) << QByteArray("user:p@ss:word") << QByteArray("user")
                             << QByteArray("p@ss:word") << true;
    QTest::newRow("SOCKS 5, wrong") << int(Way::Socks5) << QByteArray("user:p@ss:word") << QByteArray("user")
                                    << QByteArray("guess") << false;
    QTest::newRow("SOCKS 5, nobody") << int(Way::Socks5) << QByteArray("user:p@ss:word") << QByteArray() << QByteArray()
                                     << false;
    QTest::newRow("SOCKS 5, not wanted") << int(Way::Socks5) << QByteArray() << QByteArray("user")
                                         << QByteArray("p@ss:word") << true;
    QTest::newRow("HTTP") << int(Way::HttpProxy) << basic << QByteArray("user") << QByteArray("p@ss:word") << true;
    QTest::newRow("HTTP, wrong") << int(Way::HttpProxy) << basic << QByteArray("user") << QByteArray("guess") << false;
    QTest::newRow("SOCKS 5, too long") << int(Way::Socks5) << QByteArray("user:p@ss:word") << QByteArray("user")
                                       << QByteArray(256, 'g') << false;
    QTest::newRow("HTTP, too long") << int(Way::HttpProxy) << basic << QByteArray(256, 'u') << QByteArray("guess")
                                    << false;
    QTest::newRow("HTTP, a colon") << int(Way::HttpProxy) << basic << QByteArray("user:p@ss") << QByteArray("w0rd")
                                   << false;
    QTest::newRow("HTTP, nobody") << int(Way::HttpProxy) << basic << QByteArray() << QByteArray() << false;
}

void ProxyTest::signsIn()
{
    QFETCH(int, way);
    QFETCH(QByteArray, wanted);
    QFETCH(QByteArray, user);
    QFETCH(QByteArray, password);
    QFETCH(bool, good);
    TestServer server;
    server.start();
    const auto between = proxy(Way(way), wanted.toStdString());
    std::optional<ProxySignIn> signIn;
    if (!user.isEmpty())
        signIn = ProxySignIn{user.toStdString(), Secret(password.toStdString())};
    Caller caller(at(server.port(), "inner.example"), {}, nullptr, through(Way(way), between->port(), signIn));
    const auto got = caller.get("/health");
    QCOMPARE(got.has_value(), good);
    if (got)
        return;
    QCOMPARE(got.error().code, std::string("tunnel-sign-in"));
    QVERIFY(password.isEmpty() || inWords(got.error()).find(password.toStdString()) == std::string::npos);
    QVERIFY(inWords(got.error()).find("proxy.example:") != std::string::npos);
}

void ProxyTest::saysWhyNot_data()
{
    QTest::addColumn<int>("way");
    QTest::addColumn<QByteArray>("bytes"); // the proxy's answer to whatever it is asked
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    const auto socks = [](const char *name, QByteArray bytes, const char *code, const char *words) {
        QTest::newRow(name) << int(Way::Socks5) << bytes << QByteArray(code) << QByteArray(words);
    };
    const QByteArray greeted("\5\0", 2);
    const auto reply = [&](char code) {
        return greeted + QByteArray("\5", 1) + code + QByteArray("\0\1\0\0\0\0\0\0", 8);
    };
    socks("refused there", reply(5), "tunnel-target", "nobody listening at inner.example:80");
    socks("no way there", reply(4), "tunnel-target", "no network");
    socks("its rules", reply(2), "tunnel-target", "rules");
    socks("something", reply(1), "tunnel-target", "reply 1");
    socks("SOCKS 4", QByteArray("\0\x5b", 2), "tunnel-protocol", "no SOCKS 5");
    socks("HTTP for SOCKS", "HTTP/1.1 400 Bad Request\r\n\r\n", "tunnel-protocol", "no SOCKS 5");
    socks("an address of no kind", greeted + QByteArray("\5\0\0\7", 4) + QByteArray(20, 'x'), "tunnel-protocol",
          "no SOCKS 5");
    socks("hangs up", QByteArray(), "tunnel-protocol", "closed the connection");
    socks("hangs up when asked", greeted, "tunnel-protocol", "closed the connection");
    const auto connect = [](const char *name, QByteArray bytes, const char *code, const char *words) {
        QTest::newRow(name) << int(Way::HttpProxy) << bytes << QByteArray(code) << QByteArray(words);
    };
    connect("bad gateway", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "tunnel-target", "502 Bad Gateway");
    connect("forbidden", "HTTP/1.1 403 Forbidden\r\n\r\n", "tunnel-target", "403 Forbidden");
    connect("SOCKS for HTTP", QByteArray("\5\0\r\n\r\n", 6), "tunnel-protocol", "no HTTP proxy");
    connect("a head without end", "HTTP/1.1 200 OK\r\n" + QByteArray(20'000, 'x'), "tunnel-protocol", "no HTTP proxy");
    connect("half a head", "HTTP/1.1 200 OK\r\nVia", "tunnel-protocol", "no HTTP proxy");
    connect("is gone", QByteArray(), "tunnel-protocol", "closed the connection");
}

void ProxyTest::saysWhyNot()
{
    QFETCH(int, way);
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    RawServer between([&](RawConnection &connection, int) {
        if (Way(way) == Way::HttpProxy)
            connection.request();
        else
            connection.read(3);
        connection.write(bytes.toStdString());
        if (bytes.startsWith(QByteArray("\5\0", 2)))
            connection.read(20); // what it was asked for, so that it is not reset under the answer
    });
    Caller caller(at(80, "inner.example"), {}, nullptr, through(Way(way), between.port()));
    for (const bool post : {false, true}) { // nothing was sent, so nobody need wonder
        const auto got = post ? caller.post("/", "x") : caller.get("/");
        QVERIFY(got.has_error());
        QVERIFY2(got.error().code == code.toStdString(), got.error().message.c_str());
        QVERIFY2(got.error().message.find(words.toStdString()) != std::string::npos, got.error().message.c_str());
        QVERIFY(!got.error().hint.empty());
    }
}

void ProxyTest::endsByTheDeadline()
{
    QFETCH(int, way);
    RawServer silent([](RawConnection &connection, int) { connection.waitForEnd(); });
    Caller caller(at(80, "inner.example"), {}, nullptr, through(Way(way), silent.port()));
    const auto got = caller.get("/", 100ms);
    QCOMPARE(got.error().kind, ErrorKind::Timeout);
    QCOMPARE(got.error().code, std::string("tunnel-timeout"));
}

void ProxyTest::leavesWhatFollowsToTheTarget_data()
{
    QTest::addColumn<int>("way");
    QTest::addColumn<QByteArray>("answer"); // of the proxy, with the target's first words behind it in one piece
    const QByteArray greeted("\5\0", 2);
    QTest::newRow("HTTP") << int(Way::HttpProxy) << QByteArray("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n220 hello");
    QTest::newRow("SOCKS 5, IPv4") << int(Way::Socks5) << greeted + QByteArray("\5\0\0\1abcdef220 hello", 19);
    QTest::newRow("SOCKS 5, IPv6") << int(Way::Socks5)
                                   << greeted + QByteArray("\5\0\0\4abcdefghijklmnopqr220 hello", 31);
    QTest::newRow("SOCKS 5, a name") << int(Way::Socks5) << greeted + QByteArray("\5\0\0\3\3abcde220 hello", 19);
}

void ProxyTest::leavesWhatFollowsToTheTarget()
{
    QFETCH(int, way);
    QFETCH(QByteArray, answer);
    RawServer between([&](RawConnection &connection, int) {
        if (Way(way) == Way::HttpProxy)
            connection.request();
        connection.write(answer.toStdString());
        connection.waitForEnd();
    });
    Runtime runtime(1);
    const auto dialer = through(Way(way), between.port());
    const auto greeting = runSync<std::string>(runtime.at(0), [&]() -> awaitable<std::string> {
        const auto by = std::chrono::steady_clock::now() + 20s;
        const Target target{"mail.example", 25, {}};
        auto socket = co_await dialer->dial(runtime.at(0), target, by);
        if (!socket)
            co_return inWords(socket.error());
        ByteStream stream(std::move(*socket));
        std::string text(9, '\0');
        error_code failed;
        co_await asio::async_read(stream, asio::buffer(text), asio::redirect_error(use_awaitable, failed));
        co_return text;
    });
    QCOMPARE(greeting, std::string("220 hello"));
}

void ProxyTest::isGivenUpWhileAsking()
{
    QFETCH(int, way);
    std::atomic<bool> asked{false};
    std::atomic<bool> answers{false};
    RawServer between([&](RawConnection &connection, int) {
        connection.read(3);
        asked = true;
        while (!answers)
            std::this_thread::sleep_for(1ms);
        connection.write(std::string(100, '\0'));
    });
    Caller caller(at(80, "inner.example"), {}, nullptr, through(Way(way), between.port()));
    std::atomic<int> kind{-1};
    caller.begin({.verb = Verb::Post, .deadline = 60s},
                 [&](const auto &got) { kind = got ? -2 : int(got.error().kind); });
    QTRY_VERIFY(asked.load());
    caller.dropClient();
    answers = true;
    QTRY_COMPARE(kind.load(), int(ErrorKind::Cancelled));
}

void ProxyTest::refusesWhatNoProxyCan()
{
    QCOMPARE(dialerFor({Way::Ssh, "bastion", 0}, loopbackWay()).error().code, std::string("tunnel-unsupported"));
    QCOMPARE(dialerFor({Way::Socks5, "", 1080}, loopbackWay()).error().kind, ErrorKind::Invalid);
    QCOMPARE(dialerFor({Way::HttpProxy, "proxy", 0}, loopbackWay()).error().kind, ErrorKind::Invalid);
    const auto direct = loopbackWay();
    QCOMPARE(dialerFor({}, direct).value().get(), direct.get());
    Runtime runtime(1);
    const auto way = through(Way::Socks5, 1);
    QCOMPARE(way->display(), std::string("through proxy.example:1"));
    const auto code = [&](const Target &target) {
        return runSync<std::string>(runtime.at(0), [&]() -> awaitable<std::string> {
            const auto by = std::chrono::steady_clock::now() + 10s;
            const auto socket = co_await way->dial(runtime.at(0), target, by);
            co_return socket ? std::string() : socket.error().code;
        });
    };
    QCOMPARE(code({{}, 0, "/run/redis.sock"}), std::string("tunnel-unsupported"));
    QCOMPARE(code({"", 80, {}}), std::string("name-invalid"));
    QCOMPARE(code({"inner.example", 80, {}}), std::string("tunnel-away"));
}

QTEST_GUILESS_MAIN(ProxyTest)
#include "proxy_test.moc"
