// SPDX-License-Identifier: GPL-3.0-or-later
// Whose certificates are taken of a Redis, and the way to it.

#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/base/trust.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/fakes/ways.h"

#include <QTest>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

/// Leads to one Unix socket whatever the target, and notes what it was asked for.
class Passage final : public Dialer
{
public:
    explicit Passage(std::string path) : m_path(std::move(path)) {}
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override
    {
        {
            const std::lock_guard lock(m_mutex);
            m_asked.push_back(target.display());
        }
        const Target there{{}, 0, m_path};
        co_return co_await m_direct.dial(executor, there, deadline);
    }
    std::string display() const override { return "through the passage"; }
    std::vector<std::string> asked() const
    {
        const std::lock_guard lock(m_mutex);
        return m_asked;
    }

private:
    const std::string m_path;
    DirectDialer m_direct{std::make_shared<Resolver>()};
    mutable std::mutex m_mutex;
    std::vector<std::string> m_asked;
};

} // namespace

class TrustTest final : public QObject
{
    Q_OBJECT
private slots:
    void judgesCertificates_data();
    void judgesCertificates();
    void showsACertificateOfOurs();
    void tellsARedisWithoutTls();
    void saysThatAFileIsMissing();
    void goesTheWayItIsGiven();
    void saysAtWhichStepTimeRanOut_data();
    void saysAtWhichStepTimeRanOut();
    void saysWhatStandsInTheWay();
    void stopsWhileItIsDialing();

private:
    RedisServerFixture &serverOf(const std::string &certificate);
    /// Ready, or why not, at the first attempt.
    Result<void> connect(const Endpoint &endpoint, const std::shared_ptr<Dialer> &way = nullptr,
                         std::chrono::milliseconds timeout = 20s);
    std::string url(std::uint16_t port, const std::string &parameters) const
    {
        return "rediss://localhost:" + std::to_string(port) + "/0?" + parameters;
    }

    Runtime m_runtime{1};
    std::shared_ptr<TlsClients> m_clients = std::make_shared<TlsClients>();
    Certificates m_certificates;
    std::vector<TlsCase> m_cases = tlsCases(m_certificates);
    std::map<std::string, std::pair<std::uint16_t, std::unique_ptr<RedisServerFixture>>> m_servers;
};

RedisServerFixture &TrustTest::serverOf(const std::string &certificate)
{
    auto &[port, server] = m_servers[certificate];
    if (!server) {
        port = RedisServerFixture::freePort();
        server = std::make_unique<RedisServerFixture>(std::vector<std::string>{
            "--tls-port", std::to_string(port), "--bind", "127.0.0.1", "--tls-cert-file",
            m_certificates.certificate(certificate), "--tls-key-file", m_certificates.key(), "--tls-ca-cert-file",
            m_certificates.certificate("root"), "--tls-auth-clients", "no"});
    }
    return *server;
}

Result<void> TrustTest::connect(const Endpoint &endpoint, const std::shared_ptr<Dialer> &way,
                                std::chrono::milliseconds timeout)
{
    ClientOptions options;
    options.connectTimeout = timeout;
    options.way = way;
    options.trust = m_clients;
    Client client(m_runtime.at(0), endpoint, options);
    client.start();
    const auto deadline = std::chrono::steady_clock::now() + 25s;
    while (client.state() != Client::State::Ready && !client.problem()) {
        if (std::chrono::steady_clock::now() > deadline)
            return failure(ErrorKind::Timeout, "neither ready nor refused");
        std::this_thread::sleep_for(2ms);
    }
    if (const auto problem = client.problem())
        return *problem;
    return {};
}

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
    serverOf(one.server);
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Tls;
    endpoint.host = one.host;
    endpoint.port = m_servers[one.server].first;
    endpoint.trust = one.trust;
    const auto connected = connect(endpoint);
    const std::string words = connected ? "" : inWords(connected.error());
    QVERIFY2(connected.has_value() == one.code.empty(), words.c_str());
    if (connected)
        return;
    QCOMPARE(connected.error().code, "redis-" + one.code);
    QCOMPARE(connected.error().kind, ErrorKind::Unavailable);
    QVERIFY2(words.starts_with("Redis at " + endpoint.display() + " is away. "), words.c_str());
    QVERIFY(isAway(connected.error()));
    QCOMPARE(connected.error().about, endpoint.display());
    QVERIFY2(connected.error().told.starts_with("CN="), connected.error().told.c_str());
    for (const auto &part : one.words)
        QVERIFY2(words.find(part) != std::string::npos, words.c_str());
}

void TrustTest::showsACertificateOfOurs()
{
    auto &server = serverOf("good");
    const auto port = m_servers["good"].first;
    QVERIFY(server.command("CONFIG SET tls-auth-clients yes").starts_with("+OK"));
    const std::string authority = "ssl_ca_certs=" + m_certificates.certificate("root");
    const auto none = connect(Endpoint::parse(url(port, authority)).value());
    QVERIFY(none.has_error());
    QCOMPARE(none.error().code, std::string("redis-tls-client-certificate"));
    const auto ours =
        connect(Endpoint::parse(url(port, authority + "&ssl_certfile=" + m_certificates.certificate("client") +
                                              "&ssl_keyfile=" + m_certificates.key()))
                    .value());
    QVERIFY2(ours.has_value(), ours ? "" : ours.error().message.c_str());
    QVERIFY(server.command("CONFIG SET tls-auth-clients no").starts_with("+OK"));
    QVERIFY(connect(Endpoint::parse(url(port, authority)).value()).has_value());
}

void TrustTest::tellsARedisWithoutTls()
{
    const RedisServerFixture plain({}, RedisServerFixture::Listen::Tcp);
    // To a hello without the byte of a line's end, of which much is random, it says nothing at all.
    const auto real =
        connect(Endpoint::parse("rediss://127.0.0.1:" + std::to_string(plain.port())).value(), nullptr, 300ms);
    QVERIFY(real.has_error());
    QVERIFY2(real.error().code == "redis-tls-plain" || real.error().code == "redis-tls-timeout",
             real.error().code.c_str());
    QVERIFY2(real.error().hint.find("TLS") != std::string::npos, real.error().hint.c_str());
    RawServer answers([](RawConnection &connection, int) {
        connection.read(100);
        connection.write("-ERR unknown command\r\n");
        connection.waitForEnd();
    });
    const auto said = connect(Endpoint::parse("rediss://127.0.0.1:" + std::to_string(answers.port())).value());
    QVERIFY(said.has_error());
    QCOMPARE(said.error().code, std::string("redis-tls-plain"));
    QVERIFY2(said.error().hint.find("redis://") != std::string::npos, said.error().hint.c_str());
}

void TrustTest::saysThatAFileIsMissing()
{
    Client client(m_runtime.at(0), Endpoint::parse("rediss://localhost?ssl_ca_certs=/nonexistent/ca.pem").value());
    client.start();
    const auto from = std::chrono::steady_clock::now();
    const auto ready = runSync<Result<void>>(m_runtime.at(0), [&] { return client.waitReady(20s); });
    QVERIFY(std::chrono::steady_clock::now() - from < 10s); // waiting is of no use
    QCOMPARE(ready.error().code, std::string("redis-tls-file"));
    QCOMPARE(ready.error().kind, ErrorKind::Invalid);
    QVERIFY(ready.error().message.find("/nonexistent/ca.pem: No such file") != std::string::npos);
}

void TrustTest::goesTheWayItIsGiven()
{
    const RedisServerFixture redis;
    const auto way = std::make_shared<Passage>(redis.socketPath());
    const auto connected = connect(Endpoint::parse("redis://inner.example:7000").value(), way);
    QVERIFY2(connected.has_value(), connected ? "" : connected.error().message.c_str());
    QCOMPARE(way->asked(), std::vector<std::string>{"inner.example:7000"});
}

void TrustTest::saysAtWhichStepTimeRanOut_data()
{
    QTest::addColumn<bool>("tls");
    QTest::addColumn<bool>("held"); // on the way there
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("words");
    QTest::newRow("TCP") << false << true << QByteArray("redis-away") << QByteArray("There is no answer from");
    QTest::newRow("TLS") << true << false << QByteArray("redis-tls-timeout") << QByteArray("TLS handshake in time");
    QTest::newRow("hello") << false << false << QByteArray("redis-away") << QByteArray("no answer within 150 ms");
}

void TrustTest::saysAtWhichStepTimeRanOut()
{
    QFETCH(bool, tls);
    QFETCH(bool, held);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, words);
    RawServer silent([](RawConnection &connection, int) { connection.waitForEnd(); });
    const std::string url = (tls ? "rediss" : "redis") + ("://127.0.0.1:" + std::to_string(silent.port()));
    const auto connected =
        connect(Endpoint::parse(url).value(), held ? std::make_shared<HeldWay>() : loopbackWay(), 150ms);
    QVERIFY(connected.has_error());
    QCOMPARE(connected.error().code, code.toStdString());
    QCOMPARE(connected.error().kind, ErrorKind::Unavailable);
    QVERIFY2(connected.error().message.find(words.toStdString()) != std::string::npos,
             connected.error().message.c_str());
    QVERIFY(!connected.error().hint.empty());
}

void TrustTest::saysWhatStandsInTheWay()
{
    const auto nobody = Endpoint::parse("redis://127.0.0.1:1").value();
    const auto refused = connect(nobody);
    QCOMPARE(refused.error().code, std::string("redis-away"));
    QCOMPARE(refused.error().about, nobody.display());
    QCOMPARE(refused.error().told, std::string("Connection refused"));
    const auto missing = connect(Endpoint::parse("unix:/nonexistent/redis.sock").value());
    QCOMPARE(missing.error().told, std::string("No such file or directory"));
    QCOMPARE(missing.error().hint, std::string("Check its path, and that the server runs."));
}

void TrustTest::stopsWhileItIsDialing()
{
    const RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
    const auto way = std::make_shared<HeldWay>();
    ClientOptions options;
    options.connectTimeout = 60s;
    options.way = way;
    {
        Client client(m_runtime.at(0), Endpoint::parse("redis://127.0.0.1:" + std::to_string(redis.port())).value(),
                      options);
        client.start();
        QTRY_COMPARE(way->dialing(), 1);
        const auto from = std::chrono::steady_clock::now();
        client.stop(); // does not wait for it
        QVERIFY(std::chrono::steady_clock::now() - from < 10s);
        QVERIFY(client.state() == Client::State::Stopped);
    }
    way->open();                       // what is connected then belongs to nobody, and says nothing
    QTRY_COMPARE(way.use_count(), 2L); // the test's and the options'
    QCOMPARE(way->dialing(), 1);
}

QTEST_GUILESS_MAIN(TrustTest)
#include "trust_test.moc"
