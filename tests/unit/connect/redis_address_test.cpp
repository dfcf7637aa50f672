// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/redis_address.h"

#include <QTest>

using namespace portolan;
using namespace portolan::connect;

/// Where a Redis is, in the ways that programs write it.
class RedisAddressTest final : public QObject
{
    Q_OBJECT
private slots:
    void reads_data();
    void reads();
    void readsSentinels_data();
    void readsSentinels();
    void readsRedisCli_data();
    void readsRedisCli();
    void refuses_data();
    void refuses();
    void knowsTheSameServer();
};

void RedisAddressTest::reads_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("url");
    QTest::addColumn<std::string>("password");
    QTest::addColumn<bool>("unseen");
    const auto row = [](const char *text, const char *url, const char *password = "", bool unseen = false) {
        QTest::newRow(text) << std::string(text) << std::string(url) << std::string(password) << unseen;
    };
    row("redis://localhost:6379/0", "redis://localhost:6379");
    row("redis://:p%40ss@h:1/2", "redis://h:1/2", "p@ss");
    row("redis://default:pw@redis-12345.c1.eu-west-1-1.ec2.cloud.redislabs.com:12345",
        "redis://default@redis-12345.c1.eu-west-1-1.ec2.cloud.redislabs.com:12345", "pw");
    row("rediss://default:pw@eu1-fit-cat-1.upstash.io:6379", "rediss://default@eu1-fit-cat-1.upstash.io:6379", "pw");
    row("valkey://h:1", "redis://h:1");
    row("rediscache://:pw@h:6379/1", "redis://h:6379/1", "pw");
    row("redis+socket:///run/redis.sock?virtual_host=1", "unix:/run/redis.sock?db=1");
    row("unix:/run/redis/a%20b.sock?db=2", "unix:/run/redis/a%20b.sock?db=2");
    row("rediss://:pw@h:1/0?ssl_cert_reqs=none", "rediss://h:1", "pw", true);
    row("rediss://:pw@h:1/0?ssl_cert_reqs=CERT_NONE&db=0", "rediss://h:1", "pw", true);
    row("rediss://:pw@h:1?ssl_cert_reqs=CERT_REQUIRED", "rediss://h:1", "pw");
    row("redis://h:1?client_class=django_redis.client.DefaultClient&db=2&compressor=x", "redis://h:1/2");
    row("redis://h:1/0;redis://i:1/0", "redis://h:1");
    row("shop.redis.cache.windows.net:6380,password=abc+/=,ssl=True,abortConnect=False",
        "rediss://shop.redis.cache.windows.net:6380", "abc+/=");
    row("shop.redis.cache.windows.net:6379,password=abc,ssl=False,defaultDatabase=3",
        "redis://shop.redis.cache.windows.net:6379/3", "abc");
    row("redis://[2001:db8::1]:6379/1", "redis://[2001:db8::1]:6379/1");
    row("redis://us%3Aer:pw@h", "redis://us%3Aer@h:6379", "pw");
}

void RedisAddressTest::reads()
{
    QFETCH(std::string, text);
    QFETCH(std::string, url);
    QFETCH(std::string, password);
    QFETCH(bool, unseen);
    QVERIFY(looksLikeRedis(text) || text.find(",password=") != std::string::npos);
    const auto address = readRedisAddress(text);
    QVERIFY2(address.has_value(), address ? "" : inWords(address.error()).c_str());
    QCOMPARE(address->url(), url);
    QCOMPARE(std::string(address->password.reveal()), password);
    QCOMPARE(address->unseen, unseen);
    QVERIFY(address->endpoint.password.empty());
    QVERIFY(!address->sentinel);
}

void RedisAddressTest::readsSentinels_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("names");
    QTest::addColumn<std::string>("master");
    QTest::addColumn<std::string>("url");
    QTest::addColumn<std::string>("password");
    const auto row = [](const char *text, const char *names, const char *master, const char *url,
                        const char *password = "") {
        QTest::newRow(text) << std::string(text) << std::string(names) << std::string(master) << std::string(url)
                            << std::string(password);
    };
    row("sentinel://a:26379;sentinel://b:26379;sentinel://c:26380", "a:26379 b:26379 c:26380 ", "", "redis://a:6379");
    row("sentinel://:pw@a:26379/1;sentinel://:pw@b:26379/1", "a:26379 b:26379 ", "", "redis://a:6379/1", "pw");
    row("redis+sentinel://u:pw@a:26379,b/mymaster/2", "a:26379 b:26379 ", "mymaster", "redis://u@a:6379/2", "pw");
    row("redis-sentinel://pw@a:26379,b:26379/0#mymaster", "a:26379 b:26379 ", "mymaster", "redis://a:6379", "pw");
    row("rediss+sentinel://a:26379?service_name=shop&db=1", "a:26379 ", "shop", "rediss://a:6379/1");
    row("redis+sentinel://[::1]:26379/m", "::1:26379 ", "m", "redis://[::1]:6379");
}

void RedisAddressTest::readsSentinels()
{
    QFETCH(std::string, text);
    QFETCH(std::string, names);
    QFETCH(std::string, master);
    QFETCH(std::string, url);
    QFETCH(std::string, password);
    QVERIFY(looksLikeRedis(text));
    const auto address = readRedisAddress(text);
    QVERIFY2(address.has_value(), address ? "" : inWords(address.error()).c_str());
    QVERIFY(address->sentinel);
    std::string got;
    for (const auto &[host, port] : address->sentinel->names)
        got += host + ':' + std::to_string(port) + ' ';
    QCOMPARE(got, names);
    QCOMPARE(address->sentinel->master, master);
    QCOMPARE(address->url(), url);
    QCOMPARE(std::string(address->password.reveal()), password);
}

void RedisAddressTest::readsRedisCli_data()
{
    QTest::addColumn<std::string>("line");
    QTest::addColumn<std::string>("url");
    QTest::addColumn<std::string>("password");
    const auto row = [](const char *line, const char *url, const char *password = "") {
        QTest::newRow(line) << std::string(line) << std::string(url) << std::string(password);
    };
    row("redis-cli", "redis://127.0.0.1:6379");
    row("redis-cli -h h -p 6380 -a 'p w' -n 2", "redis://h:6380/2", "p w");
    row("redis-cli --tls --user u --pass pw -h h", "rediss://u@h:6379", "pw");
    row("redis-cli -u redis://default:pw@h:1234", "redis://default@h:1234", "pw");
    row("redis-cli --tls -u redis://default:pw@h:1234", "rediss://default@h:1234", "pw");
    row("redis-cli -s /run/redis.sock", "unix:/run/redis.sock");
    row("redis-cli -h h PING", "redis://h:6379");
}

void RedisAddressTest::readsRedisCli()
{
    QFETCH(std::string, line);
    QFETCH(std::string, url);
    QFETCH(std::string, password);
    const auto address = readRedisCli(line);
    QVERIFY2(address.has_value(), address ? "" : inWords(address.error()).c_str());
    QCOMPARE(address->url(), url);
    QCOMPARE(std::string(address->password.reveal()), password);
}

void RedisAddressTest::refuses_data()
{
    QTest::addColumn<std::string>("text");
    QTest::newRow("port") << std::string("redis://:hunter2@h:99999/0");
    QTest::newRow("password not escaped") << std::string("redis://:hunter2/x?y@h:6379/0");
    QTest::newRow("database") << std::string("redis://:hunter2@h:6379/hunter2");
    QTest::newRow("cluster") << std::string("redis+cluster://:hunter2@h:6379");
    QTest::newRow("host") << std::string("redis://:hunter2@-h:6379");
    QTest::newRow("parameter") << std::string("redis://h:6379?password=x&hunter2=x");
    QTest::newRow("no sentinel") << std::string("sentinel://:hunter2@");
    QTest::newRow("bad sentinel") << std::string("sentinel://a:hunter2");
    QTest::newRow("long") << "redis://:hunter2" + std::string(5000, 'x') + "@h";
    QTest::newRow("connection string") << std::string("hunter2 x:6380,password=hunter2");
}

void RedisAddressTest::refuses()
{
    QFETCH(std::string, text);
    const auto address = readRedisAddress(text);
    QVERIFY(!address);
    QCOMPARE(address.error().kind == ErrorKind::Invalid || address.error().kind == ErrorKind::Unsupported, true);
    QVERIFY2(inWords(address.error()).find("hunter2") == std::string::npos, inWords(address.error()).c_str());
    QVERIFY2(inWords(address.error()).find("REDIS_PASSWORD") == std::string::npos, inWords(address.error()).c_str());
}

void RedisAddressTest::knowsTheSameServer()
{
    const auto same = [](const char *one, const char *other) {
        return readRedisAddress(one)->isSameServer(*readRedisAddress(other));
    };
    QVERIFY(same("redis://h:1/0", "redis://:pw@h:1/5"));
    QVERIFY(!same("redis://h:1", "redis://h:2"));
    QVERIFY(!same("redis://h:1", "rediss://h:1"));
    QVERIFY(!same("redis://a:6379", "sentinel://a:26379"));
    QVERIFY(same("sentinel://a:26379", "sentinel://a:26379/3"));
}

QTEST_GUILESS_MAIN(RedisAddressTest)
#include "redis_address_test.moc"
