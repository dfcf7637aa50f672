// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/finder.h"
#include "core/stack/watch_file.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::connect;

/// What somebody pasted, in one line or several: what it is taken for, and the deployment's file that comes of it.
class FinderTest final : public QObject
{
    Q_OBJECT
private slots:
    void knowsWhatItIs_data();
    void knowsWhatItIs();
    void findsPortals_data();
    void findsPortals();
    void takesCredentialsOutOfUrls();
    void warnsOfPlainHttp_data();
    void warnsOfPlainHttp();
    void watchesOneRedis_data();
    void watchesOneRedis();
    void watchesWhatEnvFilesSay_data();
    void watchesWhatEnvFilesSay();
    void tellsWhatItSaw_data();
    void tellsWhatItSaw();
    void takesDeploymentFiles();
    void refusesDeploymentFilesWithSecrets();
    void knowsNothing_data();
    void knowsNothing();
    void repeatsNoSecret_data();
    void repeatsNoSecret();
};

namespace {
/// All that is said of it, but the secrets themselves.
std::string textsOf(const Found &found)
{
    std::string all = found.watchFile;
    for (const auto &end : found.ends)
        for (const auto &text : {end.id, end.name, end.group, end.url, end.file, end.email, end.secret})
            all.append(text).append("\n");
    for (const auto &finding : found.findings)
        for (const auto &text : {finding.where, finding.about, finding.name, finding.mend})
            all.append(text).append("\n");
    for (const auto &secret : found.secrets)
        all.append(secret.name).append("\n");
    for (const auto &error : found.mistakes)
        all.append(inWords(error)).append("\n");
    return all;
}

std::string sayings(const Result<Found> &found)
{
    std::string all = found ? "" : inWords(found.error());
    if (found)
        for (const auto &error : found->mistakes)
            all.append(inWords(error)).append("\n");
    return all;
}

const Finding *find(const Found &found, FindingKind kind)
{
    const auto one = std::ranges::find(found.findings, kind, &Finding::kind);
    return one == found.findings.end() ? nullptr : &*one;
}

std::string secretOf(const Found &found, std::string_view name)
{
    for (const auto &secret : found.secrets)
        if (secret.name == name)
            return std::string(secret.secret.reveal());
    return "(none)";
}

/// The file is one that core/stack reads without a mistake.
stack::WatchFile watched(const Found &found)
{
    auto reading = stack::parseWatchFile(found.watchFile, "found.toml", stack::ReadFor::Console);
    for (const auto &mistake : reading.mistakes)
        qWarning("%s", mistake.text().c_str());
    return reading.mistakes.empty() ? std::move(reading.file) : stack::WatchFile{};
}

} // namespace

void FinderTest::knowsWhatItIs_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<int>("kind");
    const auto row = [](const std::string &text, PastedKind kind) {
        std::string name = text.substr(0, 40);
        std::ranges::replace(name, '\n', '|');
        QTest::newRow(name.empty() ? "(empty)" : name.c_str()) << text << int(kind);
    };
    row("", PastedKind::Nothing);
    row("https://portal.example/dashboard", PastedKind::Portal);
    row("'https://portal.example'", PastedKind::Portal);
    row("redis://h:6379", PastedKind::Redis);
    row("\"rediss://:pw@h:6379\"", PastedKind::Redis);
    row("sentinel://a:26379;sentinel://b:26379", PastedKind::Redis);
    row("h.redis.cache.windows.net:6380,password=x,ssl=True", PastedKind::Redis);
    row("redis-cli -h h", PastedKind::RedisCli);
    row("redis.example:6379", PastedKind::HostPort);
    row("[::1]:6380", PastedKind::HostPort);
    row("REDIS_URL=redis://h:6379", PastedKind::Env);
    row("export REDIS_URL='redis://h:6379'", PastedKind::Env);
    row("REDIS_URL: redis://h:6379", PastedKind::Env);
    row("# of shop\nREDIS_URL=redis://h\n", PastedKind::Env);
    row("services:\n  redis:\n    image: redis\n", PastedKind::Compose);
    row("version: '3'\n\nservices: # all\n", PastedKind::Compose);
    row("name = \"shop\"\n[redis]\nurl = \"redis://h\"\n", PastedKind::Deployment);
    row("name = \"shop\"\nredis = { url = \"redis://h\" }\n", PastedKind::Deployment);
    row("[[probe]]\nurl = \"https://h/health\"\n", PastedKind::Deployment);
    row("/srv/shop/docker-compose.yml", PastedKind::Path);
    row("~/shop", PastedKind::Path);
    row("./shop/.env", PastedKind::Path);
    row("hello there", PastedKind::Nothing);
    row("shop.example:8080", PastedKind::Nothing);
    row("amqp://h:5672//", PastedKind::Nothing);
}

void FinderTest::knowsWhatItIs()
{
    QFETCH(std::string, text);
    QFETCH(int, kind);
    QCOMPARE(int(kindOfPasted(text)), kind);
}

void FinderTest::findsPortals_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("url");
    const auto row = [](const char *text, const char *url) {
        QTest::newRow(QByteArray(text).trimmed()) << std::string(text) << std::string(url);
    };
    row("https://portal.example", "https://portal.example");
    row("https://portal.example/", "https://portal.example");
    row("https://Portal.Example:8443/shop/", "https://portal.example:8443/shop");
    row("https://portal.example/shop/dashboard", "https://portal.example/shop");
    row("https://portal.example/api/admin/snapshot?x=1", "https://portal.example");
    row("https://portal.example/apiary", "https://portal.example/apiary");
    row("https://portal.example/#token=hunter2", "https://portal.example");
    row("https://portal.example/health?token=hunter2", "https://portal.example");
    row("http://127.0.0.1:8080/openapi.json", "http://127.0.0.1:8080");
    row("  https://[::1]:8443/metrics\n", "https://[::1]:8443");
    row("PORTAL_URL=https://portal.example/shop", "https://portal.example/shop");
}

void FinderTest::findsPortals()
{
    QFETCH(std::string, text);
    QFETCH(std::string, url);
    const auto found = look(text);
    QVERIFY2(found.has_value(), sayings(found).c_str());
    QCOMPARE(found->ends.size(), std::size_t(1));
    QCOMPARE(found->ends.front().kind, EndKind::Portal);
    QCOMPARE(found->ends.front().url, url);
    QVERIFY(found->watchFile.empty() && found->secrets.empty());
    QVERIFY(textsOf(*found).find("hunter2") == std::string::npos);
}

void FinderTest::takesCredentialsOutOfUrls()
{
    const auto url = look("https://ops%40shop.example:hunt%2Fer2@portal.example/shop");
    QVERIFY2(url.has_value(), sayings(url).c_str());
    const EndSpec &end = url->ends.front();
    QCOMPARE(end.url, std::string("https://portal.example/shop"));
    QCOMPARE(end.email, std::string("ops@shop.example"));
    QCOMPARE(end.signIn, SignInBy::Password);
    QCOMPARE(secretOf(*url, end.secret), std::string("hunt/er2"));

    const auto env = look("PORTAL_URL=https://portal.example\nPORTAL_TOKEN=hunter2\n");
    QVERIFY2(env.has_value(), sayings(env).c_str());
    QCOMPARE(env->ends.front().signIn, SignInBy::Token);
    QCOMPARE(secretOf(*env, env->ends.front().secret), std::string("hunter2"));
    QVERIFY(textsOf(*env).find("hunter2") == std::string::npos);
}

void FinderTest::warnsOfPlainHttp_data()
{
    QTest::addColumn<QString>("url");
    QTest::addColumn<bool>("warns");
    QTest::newRow("elsewhere") << "http://10.0.0.7:8080" << true;
    QTest::newRow("encrypted") << "https://10.0.0.7:8080" << false;
    QTest::newRow("here") << "http://127.0.0.1:8080" << false;
    QTest::newRow("here by name") << "http://localhost:8080" << false;
    QTest::newRow("here by IPv6") << "http://[::1]:8080" << false;
}

void FinderTest::warnsOfPlainHttp()
{
    QFETCH(QString, url);
    QFETCH(bool, warns);
    QCOMPARE(find(*look(url.toStdString()), FindingKind::PlainHttp) != nullptr, warns);
}

void FinderTest::watchesOneRedis_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("url");
    QTest::addColumn<std::string>("user");
    QTest::addColumn<std::string>("password");
    const auto row = [](const char *text, const char *url, const char *user = "", const char *password = "(none)") {
        QTest::newRow(text) << std::string(text) << std::string(url) << std::string(user) << std::string(password);
    };
    row("redis://localhost:6379/0", "redis://localhost:6379");
    row("redis://:hunter2@redis.example:6380/3", "redis://redis.example:6380/3", "", "hunter2");
    row("rediss://default:hunter2@h.example:6380", "rediss://h.example:6380", "default", "hunter2");
    row("redis://a%2Fb:hunter2@h.example", "redis://h.example:6379", "a/b", "hunter2");
    row("unix:/run/redis.sock?db=1", "unix:/run/redis.sock?db=1");
    row("redis.example:6379", "redis://redis.example:6379");
    row("redis-cli -h h.example -a hunter2", "redis://h.example:6379", "", "hunter2");
    row("shop.redis.cache.windows.net:6380,password=hunter2,ssl=True", "rediss://shop.redis.cache.windows.net:6380", "",
        "hunter2");
    row("redis+sentinel://:hunter2@a.example,b.example/shop/1", "redis://a.example:6379/1", "", "hunter2");
}

void FinderTest::watchesOneRedis()
{
    QFETCH(std::string, text);
    QFETCH(std::string, url);
    QFETCH(std::string, user);
    QFETCH(std::string, password);
    const auto found = look(text);
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(found->ends.size(), std::size_t(1));
    QCOMPARE(found->ends.front().kind, EndKind::File);
    const auto file = watched(*found);
    QVERIFY(file.redis && !file.celery);
    QCOMPARE(file.redis->endpoint.display(), url);
    QCOMPARE(file.redis->endpoint.user, user);
    QCOMPARE(secretOf(*found, file.redis->password.name), password);
    QVERIFY(textsOf(*found).find("hunter2") == std::string::npos);
    if (text.starts_with("redis+sentinel")) {
        QCOMPARE(file.redis->sentinel->names.size(), std::size_t(2));
        QCOMPARE(file.redis->sentinel->master, std::string("shop"));
    }
}

void FinderTest::watchesWhatEnvFilesSay_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("redis");   // with "@password" behind it, where there is one
    QTest::addColumn<std::string>("results"); // "-": no Celery; "": at the broker
    const auto row = [](const char *name, const char *text, const char *redis, const char *results = "-") {
        QTest::newRow(name) << std::string(text) << std::string(redis) << std::string(results);
    };
    row("Flask", "FLASK_ENV=development\nSECRET_KEY=hunter2\nREDIS_URL=redis://r.example:6379/0\n",
        "redis://r.example:6379");
    row("Flask with Celery", R"(SECRET_KEY='hunter2'
SESSION_REDIS=redis://c.example:6379/2
RATELIMIT_STORAGE_URL=redis://c.example:6379/3
CELERY_BROKER_URL=redis://:hunter2@r.example:6379/0
CELERY_RESULT_BACKEND=redis://:hunter2@r.example:6379/1
)",
        "redis://r.example:6379@hunter2", "redis://r.example:6379/1@hunter2");
    row("the same database", "CELERY_BROKER_URL=redis://r.example/0\nCELERY_RESULT_BACKEND=redis://r.example/0\n",
        "redis://r.example:6379", "");
    row("results elsewhere",
        "CELERY_BROKER_URL=redis://r.example/0\nCELERY_RESULT_BACKEND=rediss://:x@s.example:6380/0\n",
        "redis://r.example:6379", "rediss://s.example:6380@x");
    row("results in a database",
        "CELERY_BROKER_URL=redis://r.example/0\nCELERY_RESULT_BACKEND=db+postgresql://u:hunter2@h/d\n",
        "redis://r.example:6379", "");
    row("Django environ", R"(DEBUG=off
DATABASE_URL=postgres://shop:hunter2@db.example:5432/shop
CACHE_URL=rediscache://c.example:6379/1?client_class=x
REDIS_URL=redis://r.example:6379/0
CELERY_BROKER_URL=${REDIS_URL}
)",
        "redis://r.example:6379", "");
    row("split", "REDIS_HOST=r.example\nREDIS_PORT=6380\nREDIS_PASSWORD=hunt#er2\nREDIS_DB=2\n",
        "redis://r.example:6380/2@hunt#er2");
    row("split with a user", "REDIS_HOST=r.example\nREDIS_USERNAME=shop\nREDIS_PASSWORD=hunter2\nREDIS_SSL=true\n",
        "rediss://shop@r.example:6379@hunter2");
    row("split, no password", "REDIS_HOST=r.example\nREDIS_PASSWORD=\nREDIS_USERNAME=default\n",
        "redis://r.example:6379");
    row("host with port", "REDIS_ADDR=r.example:6380\n", "redis://r.example:6380");
    row("Railway", "REDISHOST=r.example\nREDISPORT=7000\nREDISUSER=default\nREDISPASSWORD=hunter2\n",
        "redis://default@r.example:7000@hunter2");
    row("under a prefix", "SHOP_REDIS_HOST=r.example\nSHOP_REDIS_PORT=6380\nSHOP_REDIS_PASSWORD=hunter2\n",
        "redis://r.example:6380@hunter2");
    row("Laravel", "APP_NAME=Shop\nREDIS_CLIENT=phpredis\nREDIS_HOST=r.example\nREDIS_PASSWORD=null\nREDIS_PORT=6379\n",
        "redis://r.example:6379");
    row("Laravel with TLS", "REDIS_SCHEME=tls\nREDIS_HOST=r.example\nREDIS_PASSWORD=hunter2\nREDIS_PORT=6380\n",
        "rediss://r.example:6380@hunter2");
    row("tls:// as a host", "REDIS_HOST=tls://r.example\nREDIS_PORT=6380\nREDIS_PASSWORD=hunter2\n",
        "rediss://r.example:6380@hunter2");
    row("Kubernetes' links", "REDIS_PORT=tcp://10.0.0.11:6379\nREDIS_SERVICE_HOST=10.0.0.11\nREDIS_SERVICE_PORT=6379\n",
        "redis://10.0.0.11:6379");
    row("Heroku", R"(=== shop Config Vars
REDIS_TLS_URL: rediss://:hunter2@ec2-1-2-3-4.compute.example:6380
REDIS_URL:     redis://:hunter2@ec2-1-2-3-4.compute.example:6379
)",
        "rediss://ec2-1-2-3-4.compute.example:6380@hunter2");
    row("Redis Cloud", "REDISCLOUD_URL=redis://default:hunter2@redis-1.c1.cloud.example:12345\n",
        "redis://default@redis-1.c1.cloud.example:12345@hunter2");
    row("a password beside the URL", "REDIS_URL=redis://r.example:6379/0\nREDIS_PASSWORD=hunter2\n",
        "redis://r.example:6379@hunter2");
    row("a password of another server", "REDIS_HOST=c.example\nREDIS_PASSWORD=hunter2\nBROKER_URL=redis://r.example\n",
        "redis://r.example:6379", "");
    row("Airflow", "AIRFLOW__CELERY__BROKER_URL=redis://:@r.example:6379/0\n", "redis://r.example:6379", "");
    row("a socket", "REDIS_SOCKET=/run/redis/redis.sock\nREDIS_DB=1\n", "unix:/run/redis/redis.sock?db=1");
    row("Azure", "REDIS_CONNECTION_STRING=shop.redis.example:6380,password=hunter2=,ssl=True,abortConnect=False\n",
        "rediss://shop.redis.example:6380@hunter2=");
    row("caches come last",
        "CACHE_REDIS_URL=redis://c.example\nMY_THING=redis://d.example\nREDIS_URL=redis://r.example\n",
        "redis://r.example:6379");
    row("only a cache", "CACHES_DEFAULT=redis://c.example:6379/1\n", "redis://c.example:6379/1");
    row("quotes and comments", "export REDIS_URL=\"redis://:hunter2@r.example:6379/0\"  # the broker\r\n",
        "redis://r.example:6379@hunter2");
    row("Sentinels", R"(REDIS_SENTINELS=a.example:26379,b.example:26379
REDIS_MASTER_NAME=shop
REDIS_PASSWORD=hunter2
)",
        "redis://a.example:6379@hunter2");
    row("Celery's sentinels",
        R"(CELERY_BROKER_URL=sentinel://:hunter2@a.example:26379;sentinel://:hunter2@b.example:26379
CELERY_BROKER_TRANSPORT_OPTIONS='{"master_name": "shop", "global_keyprefix": "shop:", "priority_steps": [0, 5], "sep": ":", "visibility_timeout": 43200}'
)",
        "redis://a.example:6379@hunter2", "");
}

void FinderTest::watchesWhatEnvFilesSay()
{
    QFETCH(std::string, text);
    QFETCH(std::string, redis);
    QFETCH(std::string, results);
    const auto found = look(text);
    QVERIFY2(found.has_value(), sayings(found).c_str());
    QCOMPARE(found->mistakes.size(), std::size_t(text.starts_with("===") ? 1 : 0));
    const auto file = watched(*found);
    QVERIFY2(file.redis.has_value(), found->watchFile.c_str());
    const auto shown = [&](const stack::RedisPart &part) {
        std::string made = part.endpoint.display();
        if (!part.endpoint.user.empty())
            made.insert(made.find("//") + 2, part.endpoint.user + '@');
        return part.password.name.empty() ? made : made + '@' + secretOf(*found, part.password.name);
    };
    QCOMPARE(shown(*file.redis), redis);
    QCOMPARE(!file.celery ? "-" : file.celery->results ? shown(*file.celery->results) : "", results);
    QVERIFY2(textsOf(*found).find("hunter2") == std::string::npos, textsOf(*found).c_str());
    if (text.find("SENTINEL") != std::string::npos || text.find("sentinel") != std::string::npos) {
        QCOMPARE(file.redis->sentinel->master, std::string("shop"));
        QCOMPARE(file.redis->sentinel->names.size(), std::size_t(2));
    }
    if (text.find("TRANSPORT_OPTIONS") != std::string::npos) {
        QCOMPARE(file.celery->prefix + file.celery->separator, std::string("shop::"));
        QVERIFY((file.celery->steps == std::vector<std::uint32_t>{0, 5}));
        QVERIFY(file.celery->visibilityTimeout == std::chrono::hours(12));
    }
}

void FinderTest::tellsWhatItSaw_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<int>("kind");
    QTest::addColumn<std::string>("where");
    QTest::addColumn<std::string>("about");
    const auto row = [](const char *name, const char *text, FindingKind kind, const char *where, const char *about) {
        QTest::newRow(name) << std::string(text) << int(kind) << std::string(where) << std::string(about);
    };
    row("its Redis", "A=1\nREDIS_URL=redis://u:hunter2@r.example/0\n", FindingKind::Redis, "2",
        "redis://u@r.example:6379");
    row("another Redis", "CACHE_URL=redis://:hunter2@c.example\nREDIS_URL=redis://r.example\n", FindingKind::OtherRedis,
        "1", "redis://c.example:6379");
    row("Celery", "A=1\nCELERY_BROKER_URL=redis://r.example\n", FindingKind::Celery, "2", "CELERY_BROKER_URL");
    row("another broker", "CELERY_BROKER_URL=amqp://u:hunter2@h//\nREDIS_URL=redis://r.example\n",
        FindingKind::OtherBroker, "1", "amqp");
    row("a database", "REDIS_URL=redis://r.example\nDATABASE_URL=postgresql+psycopg2://u:hunter2@db.example/shop\n",
        FindingKind::Database, "2", "postgresql://db.example/shop");
    row("production", "APP_ENV=production\nREDIS_URL=redis://r.example\n", FindingKind::Production, "1", "APP_ENV");
    row("Django's production", "REDIS_URL=redis://r.example\nDJANGO_SETTINGS_MODULE=shop.settings.production\n",
        FindingKind::Production, "2", "DJANGO_SETTINGS_MODULE");
    row("its password", "REDIS_URL=redis://:hunter2@r.example\n", FindingKind::PasswordTaken, "1", "r-example-redis");
    row("this machine", "REDIS_URL=redis://localhost/0\n", FindingKind::ThisMachine, "1", "localhost");
    row("a bare host", "REDIS_URL=redis://redis/0\n", FindingKind::MaybeInside, "1", "redis");
    row("a certificate that is not looked at", "REDIS_URL=rediss://:hunter2@r.example/0?ssl_cert_reqs=none\n",
        FindingKind::CertificateUnseen, "1", "r.example");
    row("no master", "CELERY_BROKER_URL=sentinel://a.example:26379\n", FindingKind::MasterGuessed, "1", "mymaster");
    row("not set", "REDIS_URL=redis://:${PW}@r.example\n", FindingKind::NotSet, "1", "PW");
    row("two ways", "REDIS_HOST=r.example\nREDIS_PASSWORD=hunter2$$x\n", FindingKind::ReadInTwoWays, "2",
        "REDIS_PASSWORD");
}

void FinderTest::tellsWhatItSaw()
{
    QFETCH(std::string, text);
    QFETCH(int, kind);
    QFETCH(std::string, where);
    QFETCH(std::string, about);
    const auto found = look(text);
    QVERIFY2(found.has_value(), sayings(found).c_str());
    const Finding *finding = find(*found, FindingKind(kind));
    QVERIFY2(finding, textsOf(*found).c_str());
    QCOMPARE(finding->where, where);
    QCOMPARE(finding->about, about);
    QVERIFY2(textsOf(*found).find("hunter2") == std::string::npos, textsOf(*found).c_str());
    QVERIFY(!watched(*found).name.empty());
}

void FinderTest::takesDeploymentFiles()
{
    const std::string text = R"(name = "shop"
production = true
redis = { url = "rediss://u@redis.example:6380", password = "keychain:shop-redis", ca = "shop-ca.pem", through = "ssh:bastion" }
metrics = { url = "https://shop.example/metrics", map = "statsd", password = { command = ["pass", "show", "shop"] }, user = "u" }
[portal]
url = "https://portal.example"
token = "keychain:shop-token"
pin = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
)";
    const auto found = look(text);
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(found->ends.size(), std::size_t(2));
    QCOMPARE(found->ends[0].kind, EndKind::Portal);
    QCOMPARE(found->ends[0].secret, std::string("shop-token"));
    QCOMPARE(found->ends[0].trust.roots, Roots::Pin);
    QCOMPARE(found->ends[1].kind, EndKind::File);
    QVERIFY(found->ends[1].production && found->secrets.empty());
    QCOMPARE(found->watchFile + '\n', text);
    QCOMPARE(found->programs.size(), std::size_t(1));
    QCOMPARE(found->programs.front().size(), std::size_t(3));
    QCOMPARE(find(*found, FindingKind::PasswordNeeded)->where, std::string("3"));
    QCOMPARE(find(*found, FindingKind::PasswordNeeded)->about, std::string("shop-redis"));
    QVERIFY(find(*found, FindingKind::NotRead)->about.ends_with("/shop-ca.pem"));
}

void FinderTest::refusesDeploymentFilesWithSecrets()
{
    const auto found = look("name = \"shop\"\n[redis]\nurl = \"redis://:hunter2@h\"\npassword = \"hunter2\"\n");
    QVERIFY(found.has_value());
    QCOMPARE(found->mistakes.size(), std::size_t(2));
    QVERIFY(found->ends.empty() && found->watchFile.empty());
    QVERIFY2(textsOf(*found).find("hunter2") == std::string::npos, textsOf(*found).c_str());
    QVERIFY(found->mistakes.front().message.starts_with("deployment.toml:3: redis.url"));
}

void FinderTest::knowsNothing_data()
{
    QTest::addColumn<std::string>("text");
    QTest::newRow("nothing") << std::string();
    QTest::newRow("prose") << std::string("hunter2 and more");
    QTest::newRow("a host") << std::string("shop.example");
    QTest::newRow("no file") << std::string("/nowhere/hunter-file/docker-compose.yml");
    QTest::newRow("too much") << std::string(1024 * 1024 + 1, 'x');
    QTest::newRow("a broken URL") << std::string("redis://:hunter2@h:99999");
    QTest::newRow("a broken portal") << std::string("https://u:hunter2@portal.example:99999");
}

void FinderTest::knowsNothing()
{
    QFETCH(std::string, text);
    const auto found = look(text);
    QVERIFY(!found);
    QVERIFY(!found.error().message.empty());
    QVERIFY2(inWords(found.error()).find("hunter2") == std::string::npos, inWords(found.error()).c_str());
}

void FinderTest::repeatsNoSecret_data()
{
    QTest::addColumn<std::string>("format");
    QTest::addColumn<int>("first");
    int rows = 0;
    const auto row = [&](const char *name, const char *format) {
        QTest::newRow(name) << std::string(format) << rows++ % 4;
    };
    row("alone", "{}");
    row("in an .env", "A=1\nREDIS_URL={}\nB=2\n");
    row("quoted", "CELERY_BROKER_URL=\"{}\"\n");
    row("single quotes", "DATABASE_URL='{}'\nREDIS_URL=redis://r.example\n");
    row("as a host", "REDIS_HOST=redis://x:{}\n");
    row("in compose", "services:\n  web:\n    image: a\n    environment:\n      REDIS_URL: {}\n");
    row("quoted in compose", "services:\n  web:\n    environment:\n      - 'CACHE_URL={}'\n");
    row("as a command", "services:\n  redis:\n    image: redis\n    command: redis-server --requirepass {}\n");
    row("as a port", "services:\n  redis:\n    image: redis\n    ports: ['{}']\n");
    row("in a deployment's file", "name = \"shop\"\n[redis]\nurl = '{}'\n");
    row("of a portal", "PORTAL_URL={}\nREDIS_URL=redis://h.example\n");
}

void FinderTest::repeatsNoSecret()
{
    QFETCH(std::string, format);
    QFETCH(int, first);
    const auto texts = textsWithSecrets(); // thousands: each row takes a quarter of them, the next row the next
    for (std::size_t at = std::size_t(first); at < texts.size(); at += 4) {
        std::string whole = format;
        whole.replace(whole.find("{}"), 2, texts[at]);
        const auto found = look(whole);
        const std::string said = found ? textsOf(*found) : inWords(found.error());
        QVERIFY2(said.find(secretMark) == std::string::npos, (whole + "\n-----\n" + said).c_str());
    }
}

QTEST_GUILESS_MAIN(FinderTest)
#include "finder_test.moc"
