// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_file.h"
#include "core/connect/compose_redis.h"

#include <QTest>
#include <algorithm>
#include <map>

using namespace portolan;
using namespace portolan::connect;

/// Compose files as people write them.
class ComposeFileTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsServices();
    void readsEnvironments_data();
    void readsEnvironments();
    void readsEnvFiles();
    void tellsEnvFilesItDidNotRead();
    void readsPorts_data();
    void readsPorts();
    void mergesSeveral();
    void resetsAndOverrides();
    void extendsServices();
    void readsTheFirstVersion();
    void readsWords();
    void readsRedisServices_data();
    void readsRedisServices();
    void knowsImages_data();
    void knowsImages();
    void putsInOnlyWhatItIsGiven();
};

namespace {

const BesideReader nothingBeside = [](const std::filesystem::path &path) -> Result<std::string> {
    return failure(ErrorKind::NotFound, "there is no " + path.string());
};

ComposeReading readAll(const std::vector<std::string> &texts, const Variables &variables = {},
                       const BesideReader &beside = nothingBeside)
{
    std::vector<ComposeText> files;
    for (const auto &text : texts)
        files.push_back({text, files.empty() ? "docker-compose.yml" : "override.yml", "/srv/shop"});
    return readCompose(files, variables, beside);
}

const ComposeService *find(const ComposeReading &reading, std::string_view name)
{
    const auto found = std::ranges::find(reading.services, name, &ComposeService::name);
    return found == reading.services.end() ? nullptr : &*found;
}

std::string valueOf(const ComposeService &service, std::string_view name)
{
    const Variable *variable = findVariable(service.variables, name);
    return variable ? std::string(variable->value->reveal()) : "(none)";
}

std::string sayings(const ComposeReading &reading)
{
    std::string all;
    for (const auto &error : reading.mistakes)
        all.append(inWords(error)).append("\n");
    return all;
}

Variable variable(const std::string &name, const std::string &value) { return {name, Secret(value), {".env", 1}}; }

} // namespace

void ComposeFileTest::readsServices()
{
    const auto reading = readAll({R"(
name: shop
x-common: &common
  restart: always
  environment: &env
    REDIS_URL: redis://redis:6379/0
services:
  web:
    <<: *common
    build: .
    container_name: shop-web
    hostname: web.internal
    networks:
      default:
        aliases: [app, www]
    ports: ["8000:8000"]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/health"]
  worker:
    image: shop:1
    command: celery -A shop worker -Q celery,mail
    environment:
      <<: *env
      CONCURRENCY: 4
    network_mode: host
  redis:
    image: redis:7.2-alpine
)"});
    QCOMPARE(sayings(reading), std::string());
    QCOMPARE(reading.project, std::string("shop"));
    QCOMPARE(reading.services.size(), std::size_t(3));
    const auto *web = find(reading, "web");
    QCOMPARE(valueOf(*web, "REDIS_URL"), std::string("redis://redis:6379/0"));
    const std::vector<std::string> names{"web", "shop-web", "web.internal", "app", "www"};
    QVERIFY(web->names == names);
    QCOMPARE(web->health, std::string("http://localhost:8000/health"));
    QVERIFY(web->published(8000) && *web->published(8000)->host == 8000);
    QVERIFY(!web->published(8001));
    const auto *worker = find(reading, "worker");
    QCOMPARE(valueOf(*worker, "REDIS_URL"), std::string("redis://redis:6379/0"));
    QCOMPARE(valueOf(*worker, "CONCURRENCY"), std::string("4"));
    QVERIFY(worker->hostNetwork && worker->command.size() == 6);
    QCOMPARE(find(reading, "redis")->image, std::string("redis:7.2-alpine"));
    QCOMPARE(find(reading, "redis")->place.text(), std::string("docker-compose.yml:26"));
}

void ComposeFileTest::readsEnvironments_data()
{
    QTest::addColumn<std::string>("written");
    QTest::addColumn<std::string>("value");
    const auto row = [](const char *name, const char *written, const char *value) {
        QTest::newRow(name) << std::string(written) << std::string(value);
    };
    row("map", "{A: text}", "text");
    row("list", "['A=text']", "text");
    row("list of plain", "\n      - A=x=y # z", "x=y");
    row("number", "{A: 6379}", "6379");
    row("truth", "{A: true}", "true");
    row("null", "{A: }", "(none)");
    row("named alone, given", "[PASSED]", "(none)");
    row("quoted null", "{A: 'null'}", "null");
    row("block", "\n      A: |-\n        one\n        two", "one\ntwo");
    row("folded", "\n      A: >-\n        one\n        two", "one two");
    row("a variable", "{A: 'redis://${HOST}:${PORT:-6379}/0'}", "redis://h:6379/0");
    row("a bare one", "{A: $HOST}", "h");
    row("not set", "{A: '[${NONE}]'}", "[]");
    row("dollars", "{A: 'pa$$word'}", "pa$word");
    row("tagged", "{A: !!str 12}", "12");
    row("twice", "{A: one, A: text}", "text");
}

void ComposeFileTest::readsEnvironments()
{
    QFETCH(std::string, written);
    QFETCH(std::string, value);
    const auto reading = readAll({"services:\n  a:\n    image: a\n    environment: " + written + "\n"},
                                 {variable("HOST", "h"), variable("PASSED", "on")});
    QCOMPARE(sayings(reading), std::string());
    const auto *service = find(reading, "a");
    QCOMPARE(valueOf(*service, "A"), value);
    if (written == "[PASSED]")
        QCOMPARE(valueOf(*service, "PASSED"), std::string("on"));
}

void ComposeFileTest::readsEnvFiles()
{
    const std::map<std::string, std::string> files{{"/srv/shop/a.env", "A=1\nB=${A}${FROM_ENV}\n"},
                                                   {"/srv/shop/b.env", "B=2\nC=\"${A}\"\n"},
                                                   {"/srv/shop/x/c.env", "D=4\n"}};
    const BesideReader beside = [&](const std::filesystem::path &path) -> Result<std::string> {
        const auto found = files.find(path.string());
        if (found == files.end())
            return failure(ErrorKind::NotFound, "not there");
        return found->second;
    };
    const auto reading = readAll({R"(
services:
  one: {image: a, env_file: a.env}
  two: {image: a, env_file: [a.env, ./b.env], environment: {C: over}}
  three:
    image: a
    env_file:
      - path: ./x/c.env
        required: true
      - path: none.env
        required: false
)"},
                                 {variable("FROM_ENV", "!")}, beside);
    QCOMPARE(sayings(reading), std::string());
    QVERIFY(reading.findings.empty());
    QCOMPARE(valueOf(*find(reading, "one"), "B"), std::string("1!"));
    QCOMPARE(valueOf(*find(reading, "two"), "B"), std::string("2"));
    QCOMPARE(valueOf(*find(reading, "two"), "C"), std::string("over"));
    QCOMPARE(valueOf(*find(reading, "three"), "D"), std::string("4"));
}

void ComposeFileTest::tellsEnvFilesItDidNotRead()
{
    const BesideReader beside = [](const std::filesystem::path &path) -> Result<std::string> {
        if (path == "/etc/passwd")
            return failure(ErrorKind::Forbidden, "elsewhere");
        return failure(ErrorKind::NotFound, "not there");
    };
    const auto reading = readAll({R"(
services:
  a:
    image: a
    env_file: [/etc/passwd, gone.env]
)"},
                                 {}, beside);
    QCOMPARE(reading.findings.size(), std::size_t(2));
    QCOMPARE(reading.findings[0].kind, FindingKind::NotRead);
    QCOMPARE(reading.findings[0].about, std::string("/etc/passwd"));
    QCOMPARE(reading.findings[1].about, std::string("gone.env"));
    QCOMPARE(reading.findings[1].where, std::string("docker-compose.yml:5"));
}

void ComposeFileTest::readsPorts_data()
{
    QTest::addColumn<std::string>("written");
    QTest::addColumn<int>("inside");
    QTest::addColumn<int>("host"); // 0: any, -1: not published
    QTest::addColumn<std::string>("address");
    const auto row = [](const char *name, const char *written, int inside, int host, const char *address) {
        QTest::newRow(name) << std::string(written) << inside << host << std::string(address);
    };
    row("both", "['6380:6379']", 6379, 6380, "");
    row("plain", "[6380:6379]", 6379, 6380, "");
    row("lines", "\n      - 6379:6379", 6379, 6379, "");
    row("address", "['127.0.0.1:6380:6379']", 6379, 6380, "127.0.0.1");
    row("address of IPv6", "['[::1]:6380:6379']", 6379, 6380, "::1");
    row("alone", "[6379]", 6379, 0, "");
    row("address alone", "['127.0.0.1::6379']", 6379, 0, "127.0.0.1");
    row("protocol", "['6380:6379/tcp']", 6379, 6380, "");
    row("another protocol", "['6380:6379/udp']", 6379, -1, "");
    row("range", "['7000-7005:6379-6384']", 6381, 7002, "");
    row("end of a range", "['7000-7005:6379-6384']", 6384, 7005, "");
    row("behind a range", "['7000-7005:6379-6384']", 6385, -1, "");
    row("one of a range", "['7000-7005:6379']", 6379, 0, "");
    row("long", "[{target: 6379, published: 6380}]", 6379, 6380, "");
    row("long, text", "[{target: 6379, published: '6380', host_ip: 127.0.0.1, protocol: tcp, mode: host}]", 6379, 6380,
        "127.0.0.1");
    row("long, alone", "[{target: 6379}]", 6379, 0, "");
    row("long, another protocol", "[{target: 6379, published: 6380, protocol: udp}]", 6379, -1, "");
    row("variables", "['${P:-6380}:6379']", 6379, 6380, "");
    row("several", "['6379', '6380:6379']", 6379, 6380, "");
}

void ComposeFileTest::readsPorts()
{
    QFETCH(std::string, written);
    QFETCH(int, inside);
    QFETCH(int, host);
    QFETCH(std::string, address);
    const auto reading = readAll({"services:\n  a:\n    image: a\n    ports: " + written + "\n"});
    QCOMPARE(sayings(reading), std::string());
    const auto *port = find(reading, "a")->published(std::uint16_t(inside));
    QCOMPARE(port != nullptr, host >= 0);
    if (!port)
        return;
    QCOMPARE(port->host ? *port->host + (inside - port->container) : 0, host);
    QCOMPARE(port->address, address);
}

void ComposeFileTest::mergesSeveral()
{
    const auto reading = readAll({R"(
services:
  a:
    image: one
    command: [run, this]
    environment: {A: 1, B: 2}
    ports: ["1:1"]
  b: {image: b}
)",
                                  R"(
services:
  a:
    image: two
    command: [that]
    environment: ["B=3", "C=4"]
    ports: ["2:2"]
  c: {image: c}
)"});
    QCOMPARE(sayings(reading), std::string());
    QCOMPARE(reading.services.size(), std::size_t(3));
    const auto *a = find(reading, "a");
    QCOMPARE(a->image, std::string("two"));
    QCOMPARE(a->command.size(), std::size_t(1));
    QCOMPARE(valueOf(*a, "A") + valueOf(*a, "B") + valueOf(*a, "C"), std::string("134"));
    QVERIFY(a->published(1) && a->published(2));
    QCOMPARE(findVariable(a->variables, "B")->place.text(), std::string("override.yml:6"));
    QCOMPARE(a->published(1)->place.text(), std::string("docker-compose.yml:7"));
}

void ComposeFileTest::resetsAndOverrides()
{
    const auto reading = readAll({R"(
services:
  a: {image: one, ports: ["1:1"], environment: {A: 1, B: 2}}
  b: {image: b, ports: ["1:1"]}
)",
                                  R"(
services:
  a:
    ports: !override ["2:2"]
    environment: {A: !reset null}
  b: {ports: !reset []}
)"});
    QCOMPARE(sayings(reading), std::string());
    const auto *a = find(reading, "a");
    QVERIFY(!a->published(1) && a->published(2));
    QCOMPARE(valueOf(*a, "A") + valueOf(*a, "B"), std::string("(none)2"));
    QVERIFY(find(reading, "b")->ports.empty());
}

void ComposeFileTest::extendsServices()
{
    const auto reading = readAll({R"(
services:
  base: {image: base, environment: {A: 1, B: 2}}
  one: {extends: base, environment: {B: 3}}
  two: {extends: {service: one}, image: two}
  far: {image: far, extends: {file: common.yml, service: base}}
  itself: {image: i, extends: itself}
)"});
    QCOMPARE(valueOf(*find(reading, "one"), "A") + valueOf(*find(reading, "one"), "B"), std::string("13"));
    QCOMPARE(find(reading, "one")->image, std::string("base"));
    QCOMPARE(valueOf(*find(reading, "two"), "B") + find(reading, "two")->image, std::string("3two"));
    QCOMPARE(find(reading, "far")->image, std::string("far"));
    QCOMPARE(reading.findings.size(), std::size_t(1));
    QCOMPARE(reading.findings.front().kind, FindingKind::LeftOut);
    QCOMPARE(reading.mistakes.size(), std::size_t(1));
}

void ComposeFileTest::readsTheFirstVersion()
{
    const auto reading = readAll({"redis:\n  image: redis\n  ports: ['6379:6379']\nweb:\n  build: .\n"});
    QCOMPARE(sayings(reading), std::string());
    QCOMPARE(reading.services.size(), std::size_t(2));
}

void ComposeFileTest::readsWords()
{
    std::string joined;
    for (const auto &word : wordsOf(R"(redis-server  --requirepass "a b" 'c $d' e\ f "g\"h" "" x"y"z)"))
        joined.append(word.reveal()).append("|");
    QCOMPARE(joined, std::string("redis-server|--requirepass|a b|c $d|e f|g\"h||xyz|"));
}

void ComposeFileTest::readsRedisServices_data()
{
    QTest::addColumn<std::string>("written");
    QTest::addColumn<std::string>("password");
    QTest::addColumn<std::string>("file");
    QTest::addColumn<int>("port");
    const auto row = [](const char *name, const char *written, const char *password, const char *file, int port) {
        QTest::newRow(name) << std::string(written) << std::string(password) << std::string(file) << port;
    };
    row("none", "image: redis", "", "", 6379);
    row("line", "image: redis\n    command: redis-server --requirepass ${PW}", "s3cret", "", 6379);
    row("quoted line", "image: redis\n    command: redis-server --requirepass \"a b\" --port 6390", "a b", "", 6390);
    row("list", "image: redis\n    command: [redis-server, --requirepass, \"${PW}\", --appendonly, 'yes']", "s3cret",
        "", 6379);
    row("options alone", "image: redis\n    command: --requirepass s3cret", "s3cret", "", 6379);
    row("shell",
        "image: redis\n    environment: {REDIS_PASSWORD: s3cret}\n"
        "    command: sh -c 'redis-server --requirepass \"$$REDIS_PASSWORD\"'",
        "s3cret", "", 6379);
    row("shell as a list",
        "image: valkey/valkey:8\n    environment: [PW=s3cret]\n"
        "    command: ['sh', '-c', 'exec valkey-server --requirepass $${PW}']",
        "s3cret", "", 6379);
    row("bitnami", "image: bitnami/redis:7.2\n    environment: [REDIS_PASSWORD=s3cret, REDIS_PORT_NUMBER=6390]",
        "s3cret", "", 6390);
    row("bitnami's valkey", "image: docker.io/bitnami/valkey\n    environment: {VALKEY_PASSWORD: s3cret}", "s3cret", "",
        6379);
    row("bitnami with a file", "image: bitnami/redis\n    environment: {REDIS_PASSWORD_FILE: /run/secrets/redis}", "",
        "/run/secrets/redis", 6379);
    row("a variable that nothing reads", "image: redis\n    environment: {REDIS_PASSWORD: s3cret}", "", "", 6379);
    row("redis-stack", "image: redis/redis-stack\n    environment: {REDIS_ARGS: '--requirepass s3cret'}", "s3cret", "",
        6379);
    row("TLS", "image: redis\n    command: redis-server --tls-port 6380 --port 0", "", "", 6380);
}

void ComposeFileTest::readsRedisServices()
{
    QFETCH(std::string, written);
    QFETCH(std::string, password);
    QFETCH(std::string, file);
    QFETCH(int, port);
    const auto reading = readAll({"services:\n  redis:\n    " + written + "\n"}, {variable("PW", "s3cret")});
    QCOMPARE(sayings(reading), std::string());
    QVERIFY(isRedisImage(find(reading, "redis")->image));
    const RedisService redis = readRedisService(*find(reading, "redis"));
    QCOMPARE(std::string(redis.password.reveal()), password);
    QCOMPARE(redis.passwordFile, file);
    QCOMPARE(int(redis.port), port);
    QCOMPARE(redis.tls, port == 6380);
}

void ComposeFileTest::knowsImages_data()
{
    QTest::addColumn<QString>("image");
    QTest::addColumn<bool>("isRedis");
    for (const char *image : {"redis", "redis:7", "redis:7.2-alpine", "library/redis", "docker.io/library/redis:7",
                              "localhost:5000/redis:7", "redis@sha256:abc", "bitnami/redis:latest", "bitnami/valkey",
                              "valkey/valkey:8-alpine", "redis/redis-stack:7.2.0-v9", "redis/redis-stack-server",
                              "eqalpha/keydb", "docker.dragonflydb.io/dragonflydb/dragonfly"})
        QTest::newRow(image) << image << true;
    for (const char *image : {"", "oliver006/redis_exporter", "rediscommander/redis-commander", "redis/redisinsight",
                              "bitnami/redis-sentinel", "bitnami/redis-cluster", "myredis/web", "postgres:16"})
        QTest::newRow(image) << image << false;
}

void ComposeFileTest::knowsImages()
{
    QFETCH(QString, image);
    QFETCH(bool, isRedis);
    QCOMPARE(isRedisImage(image.toStdString()), isRedis);
}

void ComposeFileTest::putsInOnlyWhatItIsGiven()
{
    qputenv("PORTOLAN_TEST_LEAK", "leaked");
    const auto reading = readAll({"services:\n  a:\n    image: '${PORTOLAN_TEST_LEAK}a'\n    environment:\n"
                                  "      - PORTOLAN_TEST_LEAK\n      - B=${PORTOLAN_TEST_LEAK:-d}\n"});
    const auto *service = find(reading, "a");
    QCOMPARE(service->image, std::string("a"));
    QCOMPARE(valueOf(*service, "PORTOLAN_TEST_LEAK") + valueOf(*service, "B"), std::string("(none)d"));
    QCOMPARE(reading.findings.front().kind, FindingKind::NotSet);
    QCOMPARE(reading.findings.front().about, std::string("PORTOLAN_TEST_LEAK"));
    qunsetenv("PORTOLAN_TEST_LEAK");
}

QTEST_GUILESS_MAIN(ComposeFileTest)
#include "compose_file_test.moc"
