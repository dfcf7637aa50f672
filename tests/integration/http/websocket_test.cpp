// SPDX-License-Identifier: GPL-3.0-or-later
// WebSockets on the server's port: who may open one, what passes through it, and how it ends. And TLS.

#include "core/http/websocket.h"
#include "http_harness.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace portolan::test;
using namespace std::chrono_literals;

namespace {

struct Frame
{
    unsigned opcode = 0; ///< 0: the connection ended
    std::string payload;
    unsigned closeCode() const
    {
        return payload.size() < 2
                   ? 0U
                   : static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
    }
};

constexpr unsigned textFrame = 1;
constexpr unsigned binaryFrame = 2;
constexpr unsigned closeFrame = 8;
constexpr unsigned pingFrame = 9;

std::string upgrade(const std::string &target, const std::string &headers = {})
{
    return "GET " + target +
           " HTTP/1.1\r\nHost: portal.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
           headers + "\r\n";
}

/// A client's frame, masked with zeros (which is a valid mask).
std::string frame(unsigned opcode, const std::string &payload)
{
    std::string bytes;
    bytes += static_cast<char>(0x80U | opcode);
    if (payload.size() < 126) {
        bytes += static_cast<char>(0x80U | payload.size());
    } else if (payload.size() < 65536) {
        bytes += static_cast<char>(0x80U | 126U);
        bytes += static_cast<char>(payload.size() >> 8U);
        bytes += static_cast<char>(payload.size() & 255U);
    } else {
        bytes += static_cast<char>(0x80U | 127U);
        for (int shift = 56; shift >= 0; shift -= 8)
            bytes += static_cast<char>((payload.size() >> shift) & 255U);
    }
    return bytes + std::string(4, '\0') + payload;
}

Frame readFrame(Client &client)
{
    const auto head = client.readRaw(2);
    if (head.size() < 2)
        return {};
    std::uint64_t size = static_cast<unsigned char>(head[1]) & 127U;
    if (size >= 126) {
        const auto more = client.readRaw(size == 126 ? 2 : 8);
        size = 0;
        for (const char byte : more)
            size = size * 256 + static_cast<unsigned char>(byte);
    }
    return {static_cast<unsigned char>(head[0]) & 15U, client.readRaw(size)};
}

} // namespace

class WebSocketTest final : public QObject
{
    Q_OBJECT
private slots:
    void echoes();
    void admitsByOriginAndAdmission_data();
    void admitsByOriginAndAdmission();
    void refusesWhatIsNotAHandshake_data();
    void refusesWhatIsNotAHandshake();
    void boundsSocketsOfAUser();
    void leavesAnAddressRoomForRequests();
    void boundsMessages();
    void takesTextOnly();
    void closesSlowClients();
    void closesFromAnotherThread();
    void pingsAndCutsSilentClients();
    void survivesAHandlerThatThrows();
    void closesWithGoingAwayWhenTheServerStops();
    void speaksTls();
    void cutsOffSlowTlsHandshakes();

private:
    static std::unique_ptr<TestServer> started(http::ServerOptions options = {});
    static awaitable<void> echo(std::shared_ptr<http::WebSocket> socket);
};

awaitable<void> WebSocketTest::echo(std::shared_ptr<http::WebSocket> socket)
{
    for (;;) {
        auto message = co_await socket->receive();
        if (message.has_error())
            co_return;
        if (*message == "throw")
            throw std::runtime_error("the socket's secret");
        if (*message == "bye")
            socket->close(4001, "session ended");
        if (*message == "flood") {
            const auto text = std::make_shared<const std::string>(10'000, 'x');
            while (socket->open())
                socket->send(text);
        }
        if (*message == "thread") {
            std::thread([socket] {
                socket->send(std::make_shared<const std::string>("from a thread"));
                socket->close(1000, "done");
            }).detach();
        }
        socket->send(std::make_shared<const std::string>(std::move(*message)));
    }
}

std::unique_ptr<TestServer> WebSocketTest::started(http::ServerOptions options)
{
    options.allowedOrigins = {"https://console.example"};
    auto server = std::make_unique<TestServer>(options);
    const auto handler = [](http::Request &, std::shared_ptr<http::WebSocket> socket) {
        return echo(std::move(socket));
    };
    server->server->onWebSocket("/ws", everybody, handler);
    server->server->onWebSocket("/private/{id}", {Role::User, Category::Unlimited}, handler);
    server->start();
    return server;
}

void WebSocketTest::echoes()
{
    auto server = started();
    Client client(server->port());
    const auto answer = client.ask(upgrade("/ws", "X-Request-Id: w1\r\n"));
    QCOMPARE(answer.status, 101U);
    QCOMPARE(answer.header("sec-websocket-accept"), std::string("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    QCOMPARE(answer.header("x-request-id"), std::string("w1"));
    QVERIFY(answer.header("sec-websocket-extensions").empty());
    QVERIFY(eventually([&] { return server->server->counters().webSockets == 1; }));
    for (const auto &text : {std::string("hello"), std::string(), std::string(60'000, 'a')}) {
        QVERIFY(client.send(frame(textFrame, text)));
        const auto got = readFrame(client);
        QCOMPARE(got.opcode, textFrame);
        QCOMPARE(got.payload, text);
    }
    QVERIFY(client.send(frame(closeFrame, std::string("\x03\xe8", 2))));
    QCOMPARE(readFrame(client).closeCode(), 1000U);
    QVERIFY(client.closed());
    client.endOutput();
    QVERIFY(eventually([&] { return server->server->counters().connections == 0; }));
    QCOMPARE(server->server->counters().webSockets, std::size_t{0});
    QCOMPARE(server->observer.seen(), std::vector<std::string>{"- 101 w1"});
}

void WebSocketTest::admitsByOriginAndAdmission_data()
{
    QTest::addColumn<QByteArray>("target");
    QTest::addColumn<QByteArray>("headers");
    QTest::addColumn<unsigned>("status");
    const auto row = [](const char *name, QByteArray target, QByteArray headers, unsigned status) {
        QTest::newRow(name) << target << headers << status;
    };
    row("nobody", "/ws", "", 101);
    row("nobody from elsewhere", "/ws", "Origin: https://evil.example\r\n", 101);
    row("cookie without origin", "/ws", "Cookie: sid=1\r\n", 403);
    row("cookie from elsewhere", "/ws", "Cookie: sid=1\r\nOrigin: https://evil.example\r\n", 403);
    row("cookie from null", "/ws", "Cookie: sid=1\r\nOrigin: null\r\n", 403);
    row("cookie from an allowed origin", "/ws", "Cookie: sid=1\r\nOrigin: https://console.example\r\n", 101);
    row("cookie from the same host", "/ws", "Cookie: sid=1\r\nOrigin: http://portal.example\r\n", 101);
    row("cookie from the same host, port said", "/ws", "Cookie: sid=1\r\nOrigin: http://portal.example:80\r\n", 101);
    row("cookie from another scheme", "/ws", "Cookie: sid=1\r\nOrigin: https://portal.example\r\n", 403);
    row("cookie from no scheme", "/ws", "Cookie: sid=1\r\nOrigin: portal.example\r\n", 403);
    row("a slash behind", "/ws/", "", 101);
    row("cookie from another port", "/ws", "Cookie: sid=1\r\nOrigin: http://portal.example:8080\r\n", 403);
    row("not signed in", "/private/1", "", 401);
    row("bearer", "/private/1", "Authorization: Bearer user\r\n", 101);
    row("unknown path", "/nowhere", "", 404);
    row("a path that is no WebSocket", "/health", "", 404);
}

void WebSocketTest::admitsByOriginAndAdmission()
{
    QFETCH(QByteArray, target);
    QFETCH(QByteArray, headers);
    QFETCH(unsigned, status);
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade(target.toStdString(), headers.toStdString())).status, status);
    if (status != 101)
        QCOMPARE(client.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").status, 200U);
}

void WebSocketTest::refusesWhatIsNotAHandshake_data()
{
    QTest::addColumn<QByteArray>("from");
    QTest::addColumn<QByteArray>("to");
    QTest::addColumn<unsigned>("status");
    QTest::newRow("no upgrade") << QByteArray("Upgrade: websocket\r\n") << QByteArray() << 426U;
    QTest::newRow("no connection") << QByteArray("Connection: keep-alive, Upgrade\r\n") << QByteArray() << 426U;
    QTest::newRow("old version") << QByteArray("Version: 13") << QByteArray("Version: 8") << 426U;
    QTest::newRow("no key") << QByteArray("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") << QByteArray() << 400U;
    QTest::newRow("short key") << QByteArray("Key: dGhl") << QByteArray("Key: ") << 400U;
    QTest::newRow("head") << QByteArray("GET") << QByteArray("HEAD") << 426U;
    QTest::newRow("post") << QByteArray("GET") << QByteArray("POST") << 405U;
    QTest::newRow("options") << QByteArray("GET") << QByteArray("OPTIONS") << 204U;
    QTest::newRow("a method at no place") << QByteArray("GET /ws") << QByteArray("POST /no") << 404U;
}

void WebSocketTest::refusesWhatIsNotAHandshake()
{
    QFETCH(QByteArray, from);
    QFETCH(QByteArray, to);
    QFETCH(unsigned, status);
    auto server = started();
    Client client(server->port());
    const auto request = QByteArray::fromStdString(upgrade("/ws")).replace(from, to).toStdString();
    const auto answer = client.ask(request, request.starts_with("HEAD"));
    QCOMPARE(answer.status, status);
    QCOMPARE(answer.header("allow"), std::string(status == 405 || status == 204 ? "GET, HEAD, OPTIONS" : ""));
}

void WebSocketTest::boundsSocketsOfAUser()
{
    http::ServerOptions options;
    options.maxWebSocketsPerUser = 2;
    auto server = started(options);
    const auto asUser = upgrade("/private/1", "Authorization: Bearer user\r\n");
    const auto asAdmin = upgrade("/private/1", "Authorization: Bearer admin\r\n");
    auto first = std::make_unique<Client>(server->port());
    Client second(server->port()), third(server->port(), "127.0.0.9"), other(server->port());
    QCOMPARE(first->ask(asUser).status, 101U);
    QCOMPARE(second.ask(asUser).status, 101U);
    const auto refused = third.ask(asUser);
    QCOMPARE(refused.status, 429U);
    QVERIFY2(refused.body.find("too-many-sockets") != std::string::npos, refused.body.c_str());
    QCOMPARE(other.ask(asAdmin).status, 101U);
    first.reset();
    QVERIFY(eventually([&] { return server->server->counters().webSockets == 2; }));
    QVERIFY(eventually([&] { return third.ask(asUser).status == 101; })); // the connection stayed
}

void WebSocketTest::leavesAnAddressRoomForRequests()
{
    http::ServerOptions options;
    options.maxConnectionsPerAddress = 4;
    auto server = started(options);
    std::vector<std::unique_ptr<Client>> sockets;
    for (int i = 0; i < 3; ++i) {
        sockets.push_back(std::make_unique<Client>(server->port()));
        QCOMPARE(sockets.back()->ask(upgrade("/ws")).status, 101U);
    }
    Client another(server->port());
    const auto refused = another.ask(upgrade("/ws"));
    QCOMPARE(refused.status, 429U);
    QVERIFY2(refused.body.find("too-many-sockets") != std::string::npos, refused.body.c_str());
    QCOMPARE(another.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").status, 200U);
    Client elsewhere(server->port(), "127.0.0.9");
    QCOMPARE(elsewhere.ask(upgrade("/ws")).status, 101U);
    sockets.pop_back();
    QVERIFY(eventually([&] { return another.ask(upgrade("/ws")).status == 101; }));
}

void WebSocketTest::boundsMessages()
{
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    client.send(frame(textFrame, std::string(65'537, 'a')));
    QCOMPARE(readFrame(client).closeCode(), 1009U);
}

void WebSocketTest::takesTextOnly()
{
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QVERIFY(client.send(frame(binaryFrame, "abc")));
    QCOMPARE(readFrame(client).closeCode(), 1003U);
}

void WebSocketTest::closesSlowClients()
{
    auto server = started();
    Client client(server->port(), "127.0.0.1", 4096);
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QVERIFY(client.send(frame(textFrame, "flood")));
    // Until the server's buffers are full nothing is read; then what it had queued is dropped and the close follows.
    QVERIFY(eventually([&] {
        Client other(server->port());
        return other.ask("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").status == 200;
    }));
    std::size_t messages = 0;
    auto got = readFrame(client);
    for (; got.opcode == textFrame; got = readFrame(client))
        ++messages;
    QCOMPARE(got.opcode, closeFrame);
    QCOMPARE(got.closeCode(), 4008U);
    QVERIFY(messages > 0);
}

void WebSocketTest::closesFromAnotherThread()
{
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QVERIFY(client.send(frame(textFrame, "thread")));
    bool heard = false;
    auto got = readFrame(client);
    for (; got.opcode == textFrame; got = readFrame(client))
        heard = heard || got.payload == "from a thread";
    QVERIFY(heard);
    QCOMPARE(got.closeCode(), 1000U);
    Client other(server->port());
    QCOMPARE(other.ask(upgrade("/ws")).status, 101U);
    QVERIFY(other.send(frame(textFrame, "bye")));
    QCOMPARE(readFrame(other).closeCode(), 4001U);
}

void WebSocketTest::pingsAndCutsSilentClients()
{
    http::ServerOptions options;
    options.idleTimeout = 400ms;
    auto server = started(options);
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QCOMPARE(readFrame(client).opcode, pingFrame);
    QVERIFY(client.closed()); // it was not answered
    QVERIFY(eventually([&] { return server->server->counters().connections == 0; }));
}

void WebSocketTest::survivesAHandlerThatThrows()
{
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QVERIFY(client.send(frame(textFrame, "throw")));
    QCOMPARE(readFrame(client).closeCode(), 1011U);
    QCOMPARE(server->observer.failures(), std::vector<std::string>{"the socket's secret"});
}

void WebSocketTest::closesWithGoingAwayWhenTheServerStops()
{
    auto server = started();
    Client client(server->port());
    QCOMPARE(client.ask(upgrade("/ws")).status, 101U);
    QVERIFY(eventually([&] { return server->server->counters().webSockets == 1; }));
    std::thread stopping([&] { server->server->stop(); });
    const auto got = readFrame(client);
    client.send(frame(closeFrame, std::string("\x03\xe9", 2)));
    stopping.join();
    QCOMPARE(got.closeCode(), 1001U);
    QVERIFY(client.closed());
}

namespace {

/// A self-signed certificate for localhost in `folder`. Made in this process, since tsan does not follow a fork.
http::ServerOptions tlsOptions(const QTemporaryDir &folder)
{
    http::ServerOptions options;
    options.tlsCertificate = folder.filePath("cert.pem").toStdString();
    options.tlsKey = folder.filePath("key.pem").toStdString();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    bool made = X509_sign(certificate, key, EVP_sha256()) > 0;
    BIO *file = BIO_new_file(options.tlsCertificate.c_str(), "w");
    made = file && PEM_write_bio_X509(file, certificate) == 1 && made;
    BIO_free(file);
    file = BIO_new_file(options.tlsKey.c_str(), "w");
    made = file && PEM_write_bio_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1 && made;
    BIO_free(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!made)
        throw std::runtime_error("cannot make a certificate");
    return options;
}

} // namespace

void WebSocketTest::speaksTls()
{
    QTemporaryDir folder;
    auto server = started(tlsOptions(folder));
    QVERIFY(server->server->secure());
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(context, folder.filePath("cert.pem").toStdString().c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    static constexpr unsigned char protocols[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols);
    {
        Client client(server->port());
        SSL *tls = SSL_new(context);
        SSL_set_fd(tls, client.socket());
        QCOMPARE(SSL_connect(tls), 1);
        const unsigned char *chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(tls, &chosen, &size);
        QCOMPARE(QByteArray(reinterpret_cast<const char *>(chosen), static_cast<int>(size)), QByteArray("http/1.1"));
        const auto ask = [&](const std::string &bytes, const std::string &until) {
            SSL_write(tls, bytes.data(), static_cast<int>(bytes.size()));
            std::string got;
            char piece[16384];
            while (got.find(until) == std::string::npos) {
                const int count = SSL_read(tls, piece, sizeof piece);
                if (count <= 0)
                    break;
                got.append(piece, static_cast<std::size_t>(count));
            }
            return got;
        };
        const std::string whoami = "GET /whoami HTTP/1.1\r\nHost: localhost\r\n\r\n";
        QVERIFY(ask(whoami + whoami, "secure").find("127.0.0.1 secure") != std::string::npos);
        const auto large = ask("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n", std::string(4 << 20, 'x'));
        QVERIFY(large.size() > (4 << 20));
        QVERIFY(ask(upgrade("/ws"), "\r\n\r\n").find(" 101 ") != std::string::npos);
        QVERIFY(ask(frame(textFrame, "hello"), "hello").find("hello") != std::string::npos);
        SSL_free(tls);
    }
    Client plain(server->port()); // no TLS: told so, and nobody else notices
    const auto told = plain.ask("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    QCOMPARE(told.status, 400U);
    QVERIFY2(told.body.find("https://") != std::string::npos, told.body.c_str());
    QVERIFY(plain.closed());
    Client noise(server->port());
    noise.send("\x16\x03\x01 hello");
    noise.endOutput();
    while (!noise.readRaw(1).empty()) {
    }
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    Client old(server->port());
    SSL *tls = SSL_new(context);
    SSL_set_fd(tls, old.socket());
    QVERIFY(SSL_connect(tls) != 1);
    SSL_free(tls);
    SSL_CTX_free(context);
}

void WebSocketTest::cutsOffSlowTlsHandshakes()
{
    QTemporaryDir folder;
    auto options = tlsOptions(folder);
    options.headerTimeout = 200ms;
    auto server = started(options);
    Client silent(server->port());
    QVERIFY(silent.closed());
    QVERIFY(eventually([&] { return server->server->counters().cut == 1; }));
    QTemporaryDir elsewhere;
    auto mixed = tlsOptions(elsewhere);
    mixed.tlsCertificate = options.tlsCertificate;
    const auto refused = TestServer(mixed).server->start();
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Invalid);
}

QTEST_GUILESS_MAIN(WebSocketTest)
#include "websocket_test.moc"
