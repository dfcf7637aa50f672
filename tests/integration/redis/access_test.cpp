// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QTest>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

struct Started
{
    explicit Started(Endpoint endpoint, ClientOptions options = {})
        : runtime(1), client(runtime.at(0), std::move(endpoint), std::move(options))
    {}
    Result<void> start(std::chrono::milliseconds deadline = 5s)
    {
        client.start();
        return runSync<Result<void>>(runtime.at(0), [&] { return client.waitReady(deadline); });
    }
    Result<Reply> run(Command command)
    {
        return runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(std::move(command)); });
    }

    Runtime runtime;
    Client client;
};

} // namespace

/// Getting in, and what Redis refuses.
class AccessTest final : public QObject
{
    Q_OBJECT
private slots:
    void signsInAsAnAclUserIntoADatabase();
    void saysThatThePasswordIsWrong_data();
    void saysThatThePasswordIsWrong();
    void saysThatTheDatabaseDoesNotExist();
    void saysWhatAllowsTheDatabase();
    void verifiesTheCertificate();
    void tellsThatMemoryIsFull();
    void refusesARedisCluster();
    void waitsWhileRedisIsLoading();
    void tellsWhatIsNoRedis();
    void saysThatThereAreTooManyClients();
};

void AccessTest::signsInAsAnAclUserIntoADatabase()
{
    RedisServerFixture redis({"--user", "portal", "on", ">p@ss word", "~*", "&*", "+@all", "--user", "default", "off"});
    Endpoint endpoint = redis.endpoint();
    endpoint.user = "portal";
    endpoint.password = "p@ss word";
    endpoint.database = 3;
    Started started(endpoint, {.name = "portal instance\n7"});
    QVERIFY(started.start().has_value());
    QCOMPARE(started.run(Command("ACL", "WHOAMI")).value().text, std::string("portal"));
    const auto info = started.run(Command("CLIENT", "INFO")).value().text;
    QVERIFY(info.find(" name=portal-instance-7 ") != std::string::npos);
    QVERIFY(info.find(" db=3 ") != std::string::npos);
}

void AccessTest::saysThatThePasswordIsWrong_data()
{
    QTest::addColumn<QString>("user");
    QTest::addColumn<QString>("password");
    QTest::newRow("none") << QString() << QString();
    QTest::newRow("password") << QString() << "wrong-secret";
    QTest::newRow("user") << "nobody"
                          << "wrong-secret";
}

void AccessTest::saysThatThePasswordIsWrong()
{
    QFETCH(QString, user);
    QFETCH(QString, password);
    RedisServerFixture redis({"--requirepass", "right"});
    Endpoint endpoint = redis.endpoint();
    endpoint.user = user.toStdString();
    endpoint.password = password.toStdString();
    Started started(endpoint);
    const auto from = std::chrono::steady_clock::now();
    const auto ready = started.start(5s);
    QCOMPARE(ready.error().code, std::string("redis-auth"));
    QVERIFY(ready.error().message.find("wrong-secret") == std::string::npos);
    QVERIFY2(ready.error().message.find("..") == std::string::npos, ready.error().message.c_str());
    QVERIFY(std::chrono::steady_clock::now() - from < 2s); // waiting would not help
    QCOMPARE(started.run(Command("PING")).error().code, std::string("redis-auth"));
}

void AccessTest::saysThatTheDatabaseDoesNotExist()
{
    RedisServerFixture redis({"--databases", "2"});
    Endpoint endpoint = redis.endpoint();
    endpoint.database = 2;
    Started started(endpoint);
    QCOMPARE(started.start().error().code, std::string("redis-database"));
}

void AccessTest::saysWhatAllowsTheDatabase()
{
    RedisServerFixture redis;
    QCOMPARE(redis.command("ACL SETUSER portal on >word ~* &* +@all -select"), std::string("+OK\r\n"));
    Endpoint endpoint = redis.endpoint();
    endpoint.user = "portal";
    endpoint.password = "word";
    endpoint.database = 1;
    const auto refused = Started(endpoint).start();
    QCOMPARE(refused.error().code, std::string("redis-database"));
    QCOMPARE(refused.error().mend, std::string("ACL SETUSER portal +select"));
    QCOMPARE(redis.command(refused.error().mend), std::string("+OK\r\n"));
    QVERIFY(Started(endpoint).start().has_value());
}

void AccessTest::verifiesTheCertificate()
{
    Certificates certificates;
    certificates.make("redis", {.names = "DNS:localhost"});
    const auto port = RedisServerFixture::freePort();
    RedisServerFixture redis({"--tls-port", std::to_string(port), "--bind", "127.0.0.1", "--tls-cert-file",
                              certificates.certificate("redis"), "--tls-key-file", certificates.key(),
                              "--tls-ca-cert-file", certificates.certificate("root"), "--tls-auth-clients", "no"});
    Endpoint endpoint;
    endpoint.transport = Endpoint::Transport::Tls;
    endpoint.host = "localhost";
    endpoint.port = port;
    {
        Started started(endpoint);
        const auto ready = started.start(1s);
        QVERIFY2(ready.has_error(), "an unknown authority must not be accepted");
        QVERIFY2(ready.error().message.find("certificate") != std::string::npos, ready.error().message.c_str());
    }
    qputenv("SSL_CERT_FILE", QByteArray::fromStdString(certificates.certificate("root")));
    {
        Started started(endpoint);
        QVERIFY(started.start().has_value());
        const std::string large(1'000'000, 'x');
        QVERIFY(started.run(Command("SET", "k", large)).has_value());
        QVERIFY(started.run(Command("GET", "k")).value().text == large);
        redis.kill();
        redis.start();
        QVERIFY(runSync<Result<void>>(started.runtime.at(0), [&] { return started.client.waitReady(5s); }).has_value());
    }
    endpoint.host = "127.0.0.1"; // the certificate is for localhost
    {
        Started started(endpoint);
        QVERIFY2(started.start(1s).has_error(), "another host's certificate must not be accepted");
    }
    qunsetenv("SSL_CERT_FILE");
}

void AccessTest::tellsThatMemoryIsFull()
{
    RedisServerFixture redis({"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"});
    redis.command("CONFIG SET maxmemory 1");
    const Script write("write", "return redis.call('SET', KEYS[1], 'x')");
    Started started(redis.endpoint());
    started.client.preload(write);
    QVERIFY(started.start().has_value());
    QCOMPARE(started.run(Command("SET", "k", "v")).error().code, std::string("redis-full"));
    const std::array<std::string_view, 1> keys{"k"};
    const auto script =
        runSync<Result<Reply>>(started.runtime.at(0), [&] { return started.client.eval(write, keys, {}); });
    QCOMPARE(script.error().kind, ErrorKind::Full);
    QVERIFY(started.run(Command("GET", "k")).value().isNil());
}

void AccessTest::refusesARedisCluster()
{
    // Its second port would be the first plus 10,000, which there may not be.
    const std::string bus = std::to_string(RedisServerFixture::freePort());
    RedisServerFixture redis({"--cluster-enabled", "yes", "--cluster-port", bus}, RedisServerFixture::Listen::Tcp);
    Started started(redis.endpoint());
    const auto ready = started.start();
    QCOMPARE(ready.error().kind, ErrorKind::Unsupported);
    QCOMPARE(ready.error().code, std::string("redis-cluster"));
}

void AccessTest::waitsWhileRedisIsLoading()
{
    RedisServerFixture redis({"--save", "", "--appendonly", "yes", "--enable-debug-command", "yes"});
    redis.command("DEBUG POPULATE 20000 k 10");
    redis.command("CONFIG SET key-load-delay 150");
    redis.command("CONFIG SET loading-process-events-interval-bytes 1024");
    Started started(redis.endpoint());
    QVERIFY(started.start().has_value());
    // Loads for three seconds, answering -LOADING meanwhile.
    runSync<Result<Reply>>(started.runtime.at(0), [&] { return started.client.run(Command("BGREWRITEAOF")); }).value();
    QTRY_VERIFY(redis.command("INFO persistence", 1s).find("aof_rewrite_in_progress:0") != std::string::npos);
    started.client.post(Command("DEBUG", "LOADAOF"));
    QTRY_VERIFY(redis.command("INFO persistence", 1s).find("loading:1") != std::string::npos);
    Started second(redis.endpoint());
    second.client.start();
    QTRY_VERIFY(second.client.problem() && second.client.problem()->code == "redis-loading");
    QCOMPARE(second.run(Command("PING")).error().code, std::string("redis-loading"));
    QVERIFY(runSync<Result<void>>(second.runtime.at(0), [&] { return second.client.waitReady(20s); }).has_value());
    QCOMPARE(second.run(Command("DBSIZE")).value().integer, std::int64_t{20000});
}

void AccessTest::tellsWhatIsNoRedis()
{
    Runtime runtime(1);
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    std::thread other([&] {
        error_code failed;
        asio::ip::tcp::socket socket(context);
        acceptor.accept(socket, failed);
        socket.write_some(asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n", 28), failed);
        acceptor.close();
        char rest[4096];
        while (!failed)
            socket.read_some(asio::buffer(rest), failed);
    });
    Endpoint endpoint;
    endpoint.port = acceptor.local_endpoint().port();
    {
        Client client(runtime.at(0), endpoint, {.backoffMin = 5s, .backoffMax = 5s});
        client.start();
        QTRY_VERIFY(client.problem().has_value());
        QCOMPARE(client.problem()->kind, ErrorKind::Protocol);
    }
    other.join();
}

void AccessTest::saysThatThereAreTooManyClients()
{
    RedisServerFixture redis({"--maxclients", "1"});
    Started first(redis.endpoint());
    QVERIFY(first.start().has_value());
    Started second(redis.endpoint());
    const auto ready = second.start(500ms);
    QCOMPARE(ready.error().kind, ErrorKind::Unavailable);
    QVERIFY2(ready.error().message.find("max number of clients") != std::string::npos, ready.error().message.c_str());
    first.client.stop();
    QVERIFY(runSync<Result<void>>(second.runtime.at(0), [&] { return second.client.waitReady(5s); }).has_value());
}

QTEST_GUILESS_MAIN(AccessTest)
#include "access_test.moc"
