// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/stack/watch_file.h"
#include "core/stack/watch_keys.h"

#include <QTest>
#include <algorithm>
#include <set>

using namespace portolan;
using namespace portolan::stack;
using namespace std::chrono_literals;

/// What a deployment's file says, where nothing is wrong with it. watch_mistakes_test.cpp has the rest.
class WatchFileTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsTheExample();
    void readsEveryKey();
    void readsEveryKeyOfOtherParts();
    void missesNoKey();
    void hasDefaults();
    void settlesWhatFollows();
    void readsSeveralOfAPart();
    void overridesTheTier();
    void listsWhatItNames();
    void namesWhatItDoesNotWatch();
    void showsNamesAsTheyAre();
    void theTableIsSound();
};

namespace {

WatchFile read(const std::string &text, ReadFor who = ReadFor::Console)
{
    auto reading = parseWatchFile(text, "/etc/shop/shop.toml", who);
    for (const auto &mistake : reading.mistakes)
        qWarning("%s", mistake.text().c_str());
    return reading.mistakes.empty() ? std::move(reading.file) : WatchFile{};
}

/// As the design has it.
constexpr const char *example = R"(
name = "shop"
tier = "small"
production = true
redis      = { url = "rediss://portolan@redis.example:6380/0", password = "keychain:shop-redis", ca = "shop-ca.pem", through = "ssh:bastion" }
celery     = { queues = ["celery", "mail"], result_url = "redis://redis.example:6379/1" }
postgresql = { url = "postgresql://monitor@db.example/shop", password = "env:SHOP_DB_PASSWORD" }
pgbouncer  = { url = "postgresql://stats@db.example:6432/pgbouncer" }
metrics    = { url = "https://shop.example/metrics", map = "django-prometheus" }
kubernetes = { context = "prod", namespace = "shop", web = "deployment/web", worker = "deployment/worker" }
docker     = { host = "unix:///var/run/docker.sock", project = "shop", web = "web", worker = "worker" }

[[probe]]
url = "https://shop.example/health"

[[target]]
id = "worker"
kind = "celery"
max = 8
price = 7.0

[[alerts]]
metric = "redis_memory"
above = "red"
action = "alert_ops_team"

[receivers.alert_ops_team]
mail = "ops@shop.example"
webhook = "https://hooks.example/shop"
)";

constexpr const char *everything = R"(
name = "Shop Europe"
group = "Shops"
read_only = true
[redis]
url = "rediss://10.0.0.7:6380"
password = { command = ["pass", "show", "a, b"], env = ["GNUPGHOME"] }
password_renew = "50m"
pin = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00112233445566778899aabbccddeeff"
server_name = "redis.shop.example"
certificate = "client.pem"
key = "/etc/shop/client.key"
connections = 1
cluster = false
[redis.sentinel]
names = ["s1.example", "[2001:db8::1]:26380"]
master = "mymaster"
user = "watch"
password = "env:SENTINEL"
ca = "sentinel-ca.pem"
[celery]
queues = ["mail"]
result_url = "rediss://u@other.example/3"
result_password = "file:secrets/results"
result_ca = "results-ca.pem"
prefix = "shop:"
result_prefix = "res:"
separator = ":"
steps = [0, 5]
keep_bodies = "8MB"
control = false
visibility_timeout = "2h"
[metrics]
url = "http://prometheus.example:9090"
map = "mine"
server = true
match = '{job="shop"}'
user = "reader"
password = 'command:[cat, "/etc/shop/metrics, all"]'
through = "socks5:[::1]:1080"
every = "1m"
[metrics.maps.mine]
requests = { counter = "http_total", status = "code", route = "view" }
latency = { summary = "http_ms", unit = "ms" }
errors = "errors_total"
cache_hits = "hits_total"
cache_misses = "misses_total"
connections = "open"
[portal]
url = "https://portal.example/base"
token = "keychain:shop-token"
through = "http:proxy.example:3128"
[watch]
listen = "127.0.0.1:0"
data_dir = "data"
)";

} // namespace

void WatchFileTest::readsTheExample()
{
    const WatchFile file = read(example);
    QCOMPARE(file.name, std::string("shop"));
    QVERIFY(file.production && !file.readOnly);
    QVERIFY(file.redis.has_value());
    const RedisPart &redis = *file.redis;
    QVERIFY(redis.endpoint.transport == redis::Endpoint::Transport::Tls);
    QCOMPARE(redis.endpoint.host, std::string("redis.example"));
    QCOMPARE(redis.endpoint.port, std::uint16_t(6380));
    QCOMPARE(redis.endpoint.user, std::string("portolan"));
    QVERIFY(redis.endpoint.password.empty());
    QVERIFY((redis.password == SecretRef{SecretRef::Kind::Keychain, "shop-redis", {}, {}}));
    QVERIFY((redis.trust == TrustSpec{Roots::File, "/etc/shop/shop-ca.pem", {}, {}, {}}));
    QVERIFY((redis.through == Reach{Way::Ssh, "bastion", 0}));
    QVERIFY(file.celery.has_value());
    QVERIFY((file.celery->queues == std::vector<std::string>{"celery", "mail"}));
    QVERIFY(file.celery->results.has_value());
    QCOMPARE(file.celery->results->endpoint.database, 1U);
    QCOMPARE(file.metrics.size(), std::size_t(1));
    QCOMPARE(file.metrics[0].map, std::string("django-prometheus"));
    QCOMPARE(file.probes.size(), std::size_t(1));
    std::vector<std::string> later;
    for (const auto &part : file.later)
        later.push_back(part.key + ':' + std::to_string(part.line));
    QVERIFY((later == std::vector<std::string>{"postgresql:7", "pgbouncer:8", "kubernetes:10", "docker:11", "target:16",
                                               "alerts:22", "receivers:27"}));
    QVERIFY(file.watchesAnything());
}

void WatchFileTest::readsEveryKey()
{
    const WatchFile file = read(everything);
    const RedisPart &redis = file.redis.value();
    QVERIFY((redis.password.program == std::vector<std::string>{"pass", "show", "a, b"}));
    QVERIFY((redis.password.sees == std::vector<std::string>{"GNUPGHOME"}));
    QVERIFY(redis.renew == 50min && redis.connections == 1 && redis.cluster == false);
    QVERIFY(
        (redis.trust == TrustSpec{Roots::Pin,
                                  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:"
                                  "BB:CC:DD:EE:FF",
                                  "redis.shop.example", "/etc/shop/client.pem", "/etc/shop/client.key"}));
    const SentinelPart &sentinel = redis.sentinel.value();
    QVERIFY((sentinel.names == std::vector<HostPort>{{"s1.example", 26379}, {"2001:db8::1", 26380}}));
    QCOMPARE(sentinel.master + ' ' + sentinel.user + ' ' + sentinel.ca,
             std::string("mymaster watch /etc/shop/sentinel-ca.pem"));
    QCOMPARE(sentinel.password.name, std::string("SENTINEL"));
    const CeleryPart &celery = file.celery.value();
    QCOMPARE(celery.results->endpoint.display(), std::string("rediss://other.example:6379/3"));
    QCOMPARE(celery.results->password.name, std::string("/etc/shop/secrets/results"));
    QCOMPARE(celery.results->trust.value, std::string("/etc/shop/results-ca.pem"));
    QCOMPARE(celery.prefix + celery.resultPrefix + celery.separator, std::string("shop:res::"));
    QVERIFY((celery.steps == std::vector<std::uint32_t>{0, 5}));
    QVERIFY(celery.keepBodies == 8u * 1024 * 1024 && !celery.control && celery.visibilityTimeout == 2h);
}

void WatchFileTest::readsEveryKeyOfOtherParts()
{
    const WatchFile file = read(everything);
    QCOMPARE(file.group, std::string("Shops"));
    const MetricsPart &metrics = file.metrics.at(0);
    QVERIFY(metrics.server && metrics.every == 1min && metrics.match == R"({job="shop"})");
    QVERIFY((metrics.password.program == std::vector<std::string>{"cat", "/etc/shop/metrics, all"}));
    QVERIFY((metrics.through == Reach{Way::Socks5, "::1", 1080}));
    QVERIFY((metrics.maps.at("mine") == MetricsMap{"http_total", "code", "view", "", "http_ms", "ms", "errors_total",
                                                   "hits_total", "misses_total", "open"}));
    QVERIFY((file.portal->through == Reach{Way::HttpProxy, "proxy.example", 3128}));
    QCOMPARE(file.portal->token.name, std::string("shop-token"));
    QCOMPARE(file.listen + ' ' + file.dataDir, std::string("127.0.0.1:0 /etc/shop/data"));
}

/// What is a key but is not read above is missing in this test.
void WatchFileTest::missesNoKey()
{
    const WatchFile file = read(everything);
    std::set<std::string> known;
    for (const auto &given : file.given)
        known.insert(given.known);
    for (const auto &key : watchKeys()) {
        const std::string part = key.key.substr(0, key.key.find('.'));
        const bool elsewhere = part == "probe" || std::ranges::any_of(watchParts(), [&](const auto &one) {
                                   return one.name == part && one.later;
                               });
        const bool secret = key.key.ends_with(".command") || key.key.ends_with(".env");
        const std::set<std::string> others{"tier",          "production",     "redis.ca",
                                           "redis.through", "redis.password", "celery.events",
                                           "metrics.token", "metrics.ca",     "metrics.pin",
                                           "portal.ca",     "portal.pin",     "metrics.maps.*.latency.histogram"};
        if (!elsewhere && !secret && !others.contains(key.key))
            QVERIFY2(known.contains(key.key), key.key.c_str());
    }
}

void WatchFileTest::hasDefaults()
{
    const WatchFile file = read("name = 'a'\n[redis]\nurl = 'redis://h'\n[celery]\n[[probe]]\nurl = 'http://h/'\n"
                                "[metrics]\nurl = 'http://h/m'\nmap = 'statsd'\n");
    QVERIFY((file.redis == RedisPart{file.redis->endpoint, {}, {}, {}, {}, {}, {}, 2}));
    QVERIFY(file.celery == CeleryPart{});
    QCOMPARE(file.celery->separator, std::string("\x06\x16"));
    QVERIFY(file.probes.at(0).every == 30s && file.probes[0].timeout == 5s && file.probes[0].expect == 200);
    QVERIFY(file.metrics.at(0).every == 15s);
    QCOMPARE(file.tier.name, std::string("small"));
}

void WatchFileTest::settlesWhatFollows()
{
    const WatchFile file = read("name = 'a'\nread_only = true\n[redis]\nurl = 'redis://h'\nthrough = 'ssh:user@b'\n"
                                "[celery]\nresult_url = 'redis://other'\n");
    QVERIFY(!file.celery->control); // asking a worker writes
    QVERIFY((file.celery->results->through == Reach{Way::Ssh, "user@b", 0}));
}

void WatchFileTest::readsSeveralOfAPart()
{
    const WatchFile file = read("name = 'a'\n[[probe]]\nurl = 'http://a/'\n[[probe]]\nurl = 'http://b/'\nexpect = 204\n"
                                "[[metrics]]\nurl = 'http://a/'\nmap = 'x-1'\nmaps.x-1.errors = 'e'\n"
                                "[[metrics]]\nurl = 'http://b/'\nmap = 'x-1'\nmaps.x-1.errors = 'f'\n");
    QCOMPARE(file.probes.size(), std::size_t(2));
    QCOMPARE(file.probes[1].expect, 204U);
    QCOMPARE(file.metrics.at(1).maps.at("x-1").errors, std::string("f"));
    QCOMPARE(file.given.at(3).key, std::string("probe[2].expect"));
    QCOMPARE(file.given.at(3).known, std::string("probe.expect"));
}

void WatchFileTest::overridesTheTier()
{
    const WatchFile file =
        read("name = 'a'\n[redis]\nurl = 'redis://h'\n[zones.redis_connections]\nyellow = 10\nred = 12\n"
             "[budget]\ncache = '2MB'\n[families]\nsessions = ['flask_session:*', 'session:*']\n");
    QCOMPARE(file.tier.zones.at(Resource::RedisConnections).red, 12.0);
    QCOMPARE(file.tier.memoryBudget.at("cache"), std::uint64_t(2) * 1024 * 1024);
    QVERIFY((file.tier.familyPatterns.at("sessions") == std::vector<std::string>{"flask_session:*", "session:*"}));
}

void WatchFileTest::listsWhatItNames()
{
    const WatchFile file = read(R"(name = "a"
[redis]
url = "rediss://u@h"
ca = "ca.pem"
password = "command:[/usr/bin/pass, show, hunter2]"
[[target]]
id = "x"
kind = "command"
read = ["kubectl", "get", "a,b"]
set = ["/opt/scale", "{size}"]
)");
    QCOMPARE(file.programs.size(), std::size_t(3));
    QCOMPARE(file.programs[0].key + ':' + std::to_string(file.programs[0].line), std::string("redis.password:5"));
    QVERIFY((file.programs[1].arguments == std::vector<std::string>{"kubectl", "get", "a,b"}));
    QCOMPARE(file.secrets.size(), std::size_t(1));
    QCOMPARE(file.files.at(0).path, std::string("/etc/shop/ca.pem"));
    const auto shown = std::ranges::find(file.given, "redis.password", &GivenKey::key);
    QVERIFY(shown != file.given.end());
    QCOMPARE(shown->text, std::string("command:/usr/bin/pass")); // whatever its arguments are
}

/// A key of a later version is no mistake, and is not passed over in silence.
void WatchFileTest::namesWhatItDoesNotWatch()
{
    const WatchFile file = read("name = 'a'\n[docker]\nswarm = true\nproject = 'x'\n[[target]]\nid = 'x'\n"
                                "kind = 'heroku'\n[[target]]\nid = 'y'\nkind = 'heroku'\napp = 'shop'\n");
    std::vector<std::string> later;
    for (const auto &part : file.later)
        later.push_back(part.key + ':' + std::to_string(part.line));
    QVERIFY(
        (later == std::vector<std::string>{"docker:2", "docker.swarm:3", "target:5", "target:8", "target[2].app:11"}));
}

/// A colon is nothing of an address where names and patterns stand, as it is elsewhere.
void WatchFileTest::showsNamesAsTheyAre()
{
    const WatchFile file = read(R"(name = "a"
[redis]
url = "redis://h"
through = "ssh:ops@bastion"
[celery]
queues = ["mail:high", "redis://:hunter2@h"]
prefix = "shop:eu:"
[metrics]
url = "http://h/"
map = "statsd"
server = true
match = '{instance=~"10.0.0.7:.*"}'
[families]
sessions = ["session:*", "https://u:hunter2@h/*"]
)");
    const auto shown = [&](std::string_view key) {
        const auto found = std::ranges::find(file.given, key, &GivenKey::key);
        return found == file.given.end() ? std::string("none") : found->text;
    };
    QCOMPARE(shown("redis.through"), std::string("ssh:ops@bastion"));
    QCOMPARE(shown("celery.queues"), std::string("[mail:high, redis://***@h]"));
    QCOMPARE(shown("celery.prefix"), std::string("shop:eu:"));
    QCOMPARE(shown("metrics.match"), std::string(R"({instance=~"10.0.0.7:.*"})"));
    QCOMPARE(shown("families.sessions"), std::string("[session:*, https://***@h/*]"));
}

void WatchFileTest::theTableIsSound()
{
    std::set<std::string> seen;
    for (const auto &key : watchKeys()) {
        QVERIFY2(seen.insert(key.key).second, key.key.c_str());
        QVERIFY2(key.meaning.size() >= 5 && key.meaning.size() <= 90, key.key.c_str());
        const auto part = key.key.substr(0, key.key.find('.'));
        const bool known =
            part == key.key || std::ranges::any_of(watchParts(), [&](const auto &one) { return one.name == part; });
        QVERIFY2(known, key.key.c_str());
        std::string real = key.key;
        if (const auto star = real.find('*'); star != real.npos)
            real.replace(star, 1, "name");
        const auto found = findWatchKey(real);
        QVERIFY2(found && found->key == &key, key.key.c_str());
    }
    QVERIFY(holdsKey("metrics.maps.shop", "metrics.maps.*.errors") &&
            !holdsKey("metrics.map", "metrics.maps.*.errors"));
    QVERIFY(!findWatchKey("metrics.maps..errors") && !findWatchKey("metrics.maps.a.b.errors") && !findWatchKey(""));
}

QTEST_APPLESS_MAIN(WatchFileTest)
#include "watch_file_test.moc"
