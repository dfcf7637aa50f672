// SPDX-License-Identifier: GPL-3.0-or-later
// A primary that Sentinels tell of, and what is said where they do not.

#include "core/base/resolver.h"
#include "core/base/runtime.h"
#include "core/base/trust.h"
#include "core/redis/sentinel.h"
#include "core/redis/subscriber.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/raw_server.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/fakes/sentinel_fixture.h"
#include "tests/fakes/ways.h"

#include <QTest>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

/// Every host is this machine; notes what it was asked for.
class NotedWay final : public Dialer
{
public:
    awaitable<Result<RawSocket>> dial(Executor executor, Target target, SteadyTime deadline) override
    {
        {
            const std::lock_guard lock(m_mutex);
            m_asked.push_back(target.display());
        }
        co_return co_await m_way->dial(executor, target, deadline);
    }
    std::string display() const override { return {}; }
    std::vector<std::string> asked() const
    {
        const std::lock_guard lock(m_mutex);
        return m_asked;
    }

private:
    const std::shared_ptr<Dialer> m_way = loopbackWay();
    mutable std::mutex m_mutex;
    std::vector<std::string> m_asked;
};

std::shared_ptr<PasswordKeeper> fixedPassword(const Clock &clock, std::string text)
{
    return std::make_shared<PasswordKeeper>(clock, [text]() -> awaitable<Result<Password>> {
        Password password;
        password.text = Secret(text);
        co_return password;
    });
}

std::vector<std::string> following(const RedisServerFixture &primary)
{
    return {"--replicaof", "127.0.0.1 " + std::to_string(primary.port()), "--repl-diskless-sync-delay", "0"};
}

bool isReplicaInSync(const RedisServerFixture &server)
{
    return server.command("INFO replication").find("master_link_status:up") != std::string::npos;
}

} // namespace

class SentinelTest final : public QObject
{
    Q_OBJECT
private slots:
    void findsThePrimaryAgainAfterAFailover();
    void followsADemotion();
    void leavesAReplica_data();
    void leavesAReplica();
    void asksForTheRoleAsItMay_data();
    void asksForTheRoleAsItMay();
    void saysWhyThereIsNoPrimary_data();
    void saysWhyThereIsNoPrimary();
    void namesBothWhereTheAddressIsOfNoUse();
    void asksTheNextWhenOneIsSilent();
    void goesTheWayItIsGiven();
    void hasASignInAndATrustOfItsOwn();
    void takesACertificateForTheConfiguredName();

private:
    SentinelOptions options(const std::vector<std::uint16_t> &ports) const
    {
        SentinelOptions options;
        for (const auto port : ports)
            options.places.push_back({"127.0.0.1", port});
        options.primary = "mymaster";
        return options;
    }
    Result<Endpoint> locate(SentinelOptions options)
    {
        const auto sentinel = Sentinel::make(std::move(options)).value();
        return runSync<Result<Endpoint>>(m_runtime.at(0), [&] { return sentinel->locate(); });
    }
    Result<Reply> run(Client &client, Command command)
    {
        return runSync<Result<Reply>>(m_runtime.at(0), [&] { return client.run(std::move(command)); });
    }
    Result<void> ready(Client &client, std::chrono::milliseconds deadline = 10s)
    {
        return runSync<Result<void>>(m_runtime.at(0), [&] { return client.waitReady(deadline); });
    }

    ManualClock m_clock;
    Runtime m_runtime{1};
};

void SentinelTest::findsThePrimaryAgainAfterAFailover()
{
    RedisServerFixture primary({}, RedisServerFixture::Listen::Tcp);
    const RedisServerFixture replica(following(primary), RedisServerFixture::Listen::Tcp);
    const auto lines = SentinelFixture::quick(primary.port(), 2);
    const SentinelFixture one(lines), two(lines), three(lines);
    QTRY_VERIFY_WITH_TIMEOUT(isReplicaInSync(replica), 20'000);
    for (const SentinelFixture *each : {&one, &two, &three})
        QTRY_VERIFY_WITH_TIMEOUT(each->knows(2, 1), 30'000);

    const auto sentinel = Sentinel::make(options({one.port(), two.port(), three.port()})).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), {}, wanted);
    Subscriber subscriber(m_runtime.at(0), {}, wanted);
    std::atomic<int> heard{0};
    const auto token = subscriber.subscribe("news", [&](std::string_view, std::string_view) { ++heard; });
    client.start();
    subscriber.start();
    QVERIFY(ready(client).has_value());
    QTRY_VERIFY(subscriber.state() == Client::State::Ready);
    QCOMPARE(client.endpoint().port, primary.port());
    QVERIFY(run(client, Command("SET", "before", "kept")).has_value());
    QCOMPARE(run(client, Command("WAIT", 1, 5000)).value().integer, std::int64_t{1});

    primary.kill();
    const auto from = std::chrono::steady_clock::now();
    QTRY_VERIFY_WITH_TIMEOUT(client.state() != Client::State::Ready, 5'000);
    QVERIFY(ready(client, 30s).has_value());
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - from);
    qInfo("ready again after %lld ms", static_cast<long long>(took.count()));
    QVERIFY2(took < 2s + 5s, std::to_string(took.count()).c_str()); // failover-timeout, and five seconds
    QCOMPARE(client.endpoint().port, replica.port());
    QCOMPARE(run(client, Command("GET", "before")).value().text, std::string("kept"));
    QVERIFY(run(client, Command("SET", "after", "x")).has_value());
    QTRY_COMPARE_WITH_TIMEOUT(subscriber.connections(), std::uint64_t{2}, 5'000);
    QCOMPARE(run(client, Command("PUBLISH", "news", "x")).value().integer, std::int64_t{1});
    QTRY_COMPARE(heard.load(), 1);
    client.stop();
    subscriber.stop();
}

void SentinelTest::followsADemotion()
{
    const RedisServerFixture primary({}, RedisServerFixture::Listen::Tcp);
    const RedisServerFixture replica(following(primary), RedisServerFixture::Listen::Tcp);
    const SentinelFixture sentinels(SentinelFixture::quick(primary.port(), 1));
    QTRY_VERIFY_WITH_TIMEOUT(isReplicaInSync(replica), 20'000);
    QTRY_VERIFY_WITH_TIMEOUT(sentinels.knows(0, 1), 30'000);
    const auto sentinel = Sentinel::make(options({sentinels.port()})).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), {}, wanted);
    client.start();
    QVERIFY(ready(client).has_value());
    QCOMPARE(client.endpoint().port, primary.port());
    QCOMPARE(sentinels.command("SENTINEL FAILOVER mymaster"), std::string("+OK\r\n"));
    QTRY_COMPARE_WITH_TIMEOUT(client.endpoint().port, replica.port(), 30'000);
    QVERIFY(ready(client).has_value());
    QVERIFY(run(client, Command("SET", "k", "v")).has_value());
    client.stop();
}

void SentinelTest::leavesAReplica_data()
{
    QTest::addColumn<QString>("command");
    QTest::newRow("at its first READONLY") << "SET";
    QTest::newRow("when it sees its role") << "";
    QTest::newRow("when it is told to") << "told";
}

void SentinelTest::leavesAReplica()
{
    QFETCH(QString, command);
    const RedisServerFixture first({}, RedisServerFixture::Listen::Tcp);
    const RedisServerFixture second({}, RedisServerFixture::Listen::Tcp);
    std::atomic<const RedisServerFixture *> primary{&first};
    ClientOptions wanted;
    wanted.primaryOnly = true;
    wanted.locate = [&]() -> awaitable<Result<Endpoint>> { co_return primary.load()->endpoint(); };
    Client client(m_runtime.at(0), {}, wanted);
    client.start();
    QVERIFY(ready(client).has_value());
    primary = &second;
    // By itself, so that nobody hangs up on its clients as Sentinel does.
    QCOMPARE(first.command("REPLICAOF 127.0.0.1 " + std::to_string(second.port())), std::string("+OK\r\n"));
    if (command == "SET")
        QCOMPARE(run(client, Command("SET", "k", "v")).error().code, std::string("redis-read-only"));
    if (command == "told")
        client.reconnect("it is a replica");
    QTRY_COMPARE_WITH_TIMEOUT(client.endpoint().port, second.port(), command.isEmpty() ? 20'000 : 5'000);
    QVERIFY(ready(client).has_value());
    QVERIFY(run(client, Command("SET", "k", "v")).has_value());
    client.stop();
}

void SentinelTest::asksForTheRoleAsItMay_data()
{
    QTest::addColumn<QString>("rights");
    QTest::addColumn<bool>("knows");
    QTest::newRow("ROLE") << "+@all" << true;
    QTest::newRow("INFO") << "+@all -role" << true;
    QTest::newRow("HELLO") << "+@all -@dangerous" << true;
    QTest::newRow("none, where HELLO has another name, which no ACL takes away") << "+@all -@dangerous" << false;
}

void SentinelTest::asksForTheRoleAsItMay()
{
    QFETCH(QString, rights);
    QFETCH(bool, knows);
    std::vector<std::string> renamed;
    if (!knows)
        renamed = {"--rename-command", "HELLO", ""};
    const RedisServerFixture primary(renamed, RedisServerFixture::Listen::Tcp);
    const auto follows = following(primary);
    renamed.insert(renamed.end(), follows.begin(), follows.end());
    const RedisServerFixture replica(renamed, RedisServerFixture::Listen::Tcp);
    const std::string user = "ACL SETUSER watch on >secret ~* &* " + rights.toStdString();
    for (const RedisServerFixture *server : {&primary, &replica}) {
        QCOMPARE(server->command(user), std::string("+OK\r\n"));
        ClientOptions wanted;
        wanted.primaryOnly = true;
        Endpoint endpoint = server->endpoint();
        endpoint.user = "watch";
        endpoint.password = "secret";
        Client client(m_runtime.at(0), endpoint, wanted);
        client.start();
        if (server == &primary || !knows) {
            const auto connected = ready(client);
            QVERIFY2(connected.has_value(), connected ? "" : connected.error().message.c_str());
            QVERIFY(client.takeRefusals().empty()); // what the client asks for itself is nobody's loss
        } else {
            QTRY_VERIFY(client.problem().has_value());
            QCOMPARE(client.problem()->code, std::string("redis-read-only"));
            QCOMPARE(client.problem()->about, endpoint.display());
        }
        client.stop();
    }
}

void SentinelTest::saysWhyThereIsNoPrimary_data()
{
    QTest::addColumn<QByteArray>("lines"); // of the Sentinel; empty: there is none
    QTest::addColumn<QByteArray>("password");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<int>("kind");
    QTest::addColumn<QByteArray>("words");
    QTest::addColumn<QByteArray>("mend");
    const auto away = int(ErrorKind::Unavailable);
    QTest::newRow("nobody there") << QByteArray() << QByteArray() << QByteArray("redis-sentinel-away") << away
                                  << QByteArray("No Sentinel answers. 127.0.0.1:") << QByteArray();
    QTest::newRow("another name") << QByteArray("sentinel monitor shop 127.0.0.1 6379 1") << QByteArray()
                                  << QByteArray("redis-sentinel-name") << int(ErrorKind::NotFound)
                                  << QByteArray("know no primary 'mymaster'; they know 'shop'.")
                                  << QByteArray("master = \"shop\"");
    QTest::newRow("no name at all") << QByteArray("loglevel notice") << QByteArray()
                                    << QByteArray("redis-sentinel-name") << int(ErrorKind::NotFound)
                                    << QByteArray("know no primary 'mymaster'.") << QByteArray();
    QTest::newRow("wants a password") << QByteArray("requirepass right") << QByteArray()
                                      << QByteArray("redis-sentinel-auth") << away
                                      << QByteArray("Redis wants a password") << QByteArray();
    QTest::newRow("another password") << QByteArray("requirepass right") << QByteArray("planted-secret")
                                      << QByteArray("redis-sentinel-auth") << away
                                      << QByteArray("does not know this user or password") << QByteArray();
    QTest::newRow("no right") << QByteArray("user default on nopass ~* &* +@all -sentinel") << QByteArray()
                              << QByteArray("redis-sentinel-auth") << away << QByteArray("may not run the command")
                              << QByteArray("ACL SETUSER default +auth +sentinel|get-master-addr-by-name "
                                            "+sentinel|masters");
}

void SentinelTest::saysWhyThereIsNoPrimary()
{
    QFETCH(QByteArray, lines);
    QFETCH(QByteArray, password);
    QFETCH(QByteArray, code);
    QFETCH(int, kind);
    QFETCH(QByteArray, words);
    QFETCH(QByteArray, mend);
    std::unique_ptr<SentinelFixture> server;
    if (!lines.isEmpty())
        server = std::make_unique<SentinelFixture>(std::vector<std::string>{lines.toStdString()});
    SentinelOptions asked = options({server ? server->port() : RedisServerFixture::freePort()});
    if (!password.isEmpty())
        asked.password = fixedPassword(m_clock, password.toStdString());
    const auto located = locate(asked);
    QVERIFY(located.has_error());
    const Error &error = located.error();
    QCOMPARE(error.code, code.toStdString());
    QCOMPARE(int(error.kind), kind);
    QVERIFY2(error.message.find(words.toStdString()) != std::string::npos, error.message.c_str());
    QCOMPARE(error.mend, mend.toStdString());
    QVERIFY(!error.hint.empty() && !error.about.empty() && !error.told.empty());
    QVERIFY(inWords(error).find("planted-secret") == std::string::npos);
    // The client says the same, and goes on asking.
    const auto sentinel = Sentinel::make(asked).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), {}, wanted);
    client.start();
    QTRY_VERIFY(client.problem().has_value());
    QCOMPARE(client.problem()->code, code.toStdString());
    client.stop();
}

void SentinelTest::namesBothWhereTheAddressIsOfNoUse()
{
    const auto nobody = RedisServerFixture::freePort();
    const SentinelFixture server(SentinelFixture::quick(nobody, 1));
    const auto sentinel = Sentinel::make(options({server.port()})).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), {}, wanted);
    client.start();
    QTRY_VERIFY(client.problem().has_value());
    const Error problem = *client.problem();
    const std::string there = "127.0.0.1:" + std::to_string(nobody);
    const std::string by = "127.0.0.1:" + std::to_string(server.port());
    QCOMPARE(problem.code, std::string("redis-sentinel-address"));
    QVERIFY2(problem.message.starts_with("The Sentinel at " + by + " names " + there + " as the primary 'mymaster'."),
             problem.message.c_str());
    QCOMPARE(problem.about, there + " (" + by + ")");
    QCOMPARE(problem.told, std::string("Connection refused"));
    QVERIFY2(problem.hint.find("replica-announce-ip") != std::string::npos, problem.hint.c_str());
    client.stop();
}

void SentinelTest::asksTheNextWhenOneIsSilent()
{
    const RedisServerFixture primary({}, RedisServerFixture::Listen::Tcp);
    const SentinelFixture answers(SentinelFixture::quick(primary.port(), 1));
    RawServer silent([](RawConnection &connection, int) { connection.waitForEnd(); });
    RawServer rubbish([](RawConnection &connection, int) {
        connection.write("*2\r\n$0\r\n\r\n$5\r\n99999\r\n");
        connection.waitForEnd();
    });
    SentinelOptions asked = options({silent.port(), primary.port(), rubbish.port(), answers.port()});
    asked.timeout = 300ms;
    const auto from = std::chrono::steady_clock::now();
    const auto located = locate(asked);
    QVERIFY2(located.has_value(), located ? "" : located.error().message.c_str());
    QCOMPARE(located->port, primary.port());
    QVERIFY(std::chrono::steady_clock::now() - from >= 300ms);
    QVERIFY(std::chrono::steady_clock::now() - from < 5s);
    asked.places.pop_back();
    const auto none = locate(asked);
    QCOMPARE(none.error().code, std::string("redis-sentinel-away"));
    for (const auto &place : asked.places)
        QVERIFY2(none.error().told.find(place.display() + ": ") != std::string::npos, none.error().told.c_str());
}

void SentinelTest::goesTheWayItIsGiven()
{
    const RedisServerFixture primary({}, RedisServerFixture::Listen::Tcp);
    const SentinelFixture server({"sentinel resolve-hostnames yes", "sentinel announce-hostnames yes",
                                  "sentinel monitor mymaster localhost " + std::to_string(primary.port()) + " 1"});
    const auto way = std::make_shared<NotedWay>();
    SentinelOptions asked;
    asked.places = {{"sentinel.inner.example", server.port()}};
    asked.primary = "mymaster";
    asked.way = way;
    const auto sentinel = Sentinel::make(asked).value();
    ClientOptions wanted;
    wanted.way = way;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), {}, wanted);
    client.start();
    QVERIFY(ready(client).has_value());
    const std::vector<std::string> expected{"sentinel.inner.example:" + std::to_string(server.port()),
                                            "localhost:" + std::to_string(primary.port())};
    QCOMPARE(way->asked(), expected);
    client.stop();
}

void SentinelTest::hasASignInAndATrustOfItsOwn()
{
    Certificates certificates;
    certificates.make("sentinel");
    const RedisServerFixture primary({"--requirepass", "of-redis"}, RedisServerFixture::Listen::Tcp);
    const auto port = RedisServerFixture::freePort();
    const SentinelFixture server(
        {"sentinel monitor mymaster 127.0.0.1 " + std::to_string(primary.port()) + " 1",
         "tls-port " + std::to_string(port), "tls-cert-file " + certificates.certificate("sentinel"),
         "tls-key-file " + certificates.key(), "tls-ca-cert-file " + certificates.certificate("root"),
         "tls-auth-clients no", "user watcher on >of-sentinel ~* &* -@all +sentinel|get-master-addr-by-name"});
    SentinelOptions asked = options({port});
    asked.tls = TrustSpec{Roots::File, certificates.certificate("root"), {}, {}, {}};
    asked.user = "watcher";
    asked.password = fixedPassword(m_clock, "of-sentinel");
    asked.server.password = "of-redis";
    const auto sentinel = Sentinel::make(asked).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    Client client(m_runtime.at(0), asked.server, wanted);
    client.start();
    const auto connected = ready(client);
    QVERIFY2(connected.has_value(), connected ? "" : connected.error().message.c_str());
    client.stop();
    asked.tls->roots = Roots::System;
    asked.tls->value.clear();
    const auto untrusted = locate(asked);
    QCOMPARE(untrusted.error().code, std::string("redis-sentinel-away"));
    QVERIFY2(untrusted.error().message.find("Test between") != std::string::npos, untrusted.error().message.c_str());
    // One that wants no password is no worse for being told one.
    const SentinelFixture open(SentinelFixture::quick(primary.port(), 1));
    SentinelOptions needless = options({open.port()});
    needless.password = fixedPassword(m_clock, "needless");
    QCOMPARE(locate(needless).value().port, primary.port());
}

void SentinelTest::takesACertificateForTheConfiguredName()
{
    Certificates certificates;
    Certificates::Wish wish;
    wish.names = "DNS:shop.example";
    certificates.make("shop", wish);
    const auto port = RedisServerFixture::freePort();
    const RedisServerFixture primary({"--tls-port", std::to_string(port), "--bind", "127.0.0.1", "--tls-cert-file",
                                      certificates.certificate("shop"), "--tls-key-file", certificates.key(),
                                      "--tls-ca-cert-file", certificates.certificate("root"), "--tls-auth-clients",
                                      "no"});
    const SentinelFixture server(SentinelFixture::quick(port, 1)); // tells a bare address
    SentinelOptions asked = options({server.port()});
    asked.server = Endpoint::parse("rediss://shop.example?ssl_ca_certs=" + certificates.certificate("root")).value();
    const auto sentinel = Sentinel::make(asked).value();
    ClientOptions wanted;
    sentinel->use(wanted);
    {
        Client client(m_runtime.at(0), asked.server, wanted);
        client.start();
        const auto connected = ready(client);
        QVERIFY2(connected.has_value(), connected ? "" : connected.error().message.c_str());
        QCOMPARE(client.endpoint().host, std::string("127.0.0.1"));
        client.stop();
    }
    // Nobody else's.
    asked.server.host = "other.example";
    const auto strict = Sentinel::make(asked).value();
    strict->use(wanted);
    Client client(m_runtime.at(0), asked.server, wanted);
    client.start();
    const auto refused = ready(client, 1s);
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().code, std::string("redis-tls-name"));
    client.stop();
}

QTEST_GUILESS_MAIN(SentinelTest)
#include "sentinel_test.moc"
