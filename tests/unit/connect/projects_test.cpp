// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/finder.h"
#include "core/stack/watch_file.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <filesystem>
#include <memory>

using namespace portolan;
using namespace portolan::connect;

/// Folders of projects, as people have them: compose files with what stands beside them.
class ProjectsTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void readsAProject();
    void reachesWhatIsPublished_data();
    void reachesWhatIsPublished();
    void readsOverridesAndEnv();
    void staysInItsFolder();
    void namesFilesOfSecrets();
    void readsSecretsOnceAsked();
    void mergesFilesInTheirOrder();
    void takesAnEnvFileAlone();
    void takesADeploymentFile();
    void findsDatabasesMetricsAndProbes();
    void understandsHome();
    void bounds();

private:
    void write(const char *name, const std::string &text, QFile::Permissions mode = {});
    std::string at(const char *name) const { return m_folder->path().toStdString() + '/' + name; }
    std::unique_ptr<QTemporaryDir> m_folder;
};

namespace {

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

stack::WatchFile watched(const Found &found)
{
    auto reading = stack::parseWatchFile(found.watchFile, "found.toml", stack::ReadFor::Console);
    for (const auto &mistake : reading.mistakes)
        qWarning("%s", mistake.text().c_str());
    return reading.mistakes.empty() ? std::move(reading.file) : stack::WatchFile{};
}

constexpr const char *project = R"(
name: shop
services:
  web:
    build: .
    env_file: [app.env]
    environment:
      CELERY_BROKER_URL: redis://:${REDIS_PASSWORD}@redis:6379/0
      CELERY_RESULT_BACKEND: redis://:${REDIS_PASSWORD}@redis:6379/1
    ports: ["8000:8000"]
  worker:
    build: .
    command: celery -A shop worker
    env_file: app.env
  redis:
    image: redis:7-alpine
    command: redis-server --requirepass ${REDIS_PASSWORD}
    ports: ["127.0.0.1:6380:6379"]
)";

} // namespace

void ProjectsTest::init() { m_folder = std::make_unique<QTemporaryDir>(); }

void ProjectsTest::write(const char *name, const std::string &text, QFile::Permissions mode)
{
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    QFile file(QString::fromStdString(at(name)));
    QVERIFY(file.open(QFile::WriteOnly));
    file.write(text.data(), qint64(text.size()));
    if (mode)
        file.setPermissions(mode);
}

void ProjectsTest::readsAProject()
{
    write("docker-compose.yml", project);
    write(".env", "REDIS_PASSWORD=hunter2\n");
    write("app.env", "APP_ENV=production\nCACHE_URL=redis://redis:6379/2\n");
    for (const auto &path :
         {at("docker-compose.yml"), m_folder->path().toStdString(), "file://" + at("docker-compose.yml")}) {
        const auto found = look(path);
        QCOMPARE(sayings(found), std::string());
        QCOMPARE(found->ends.size(), std::size_t(1));
        QCOMPARE(found->ends.front().name, std::string("shop"));
        QVERIFY(found->ends.front().production);
        const auto file = watched(*found);
        QCOMPARE(file.redis->endpoint.display(), std::string("redis://127.0.0.1:6380"));
        QCOMPARE(secretOf(*found, file.redis->password.name), std::string("hunter2"));
        QCOMPARE(file.celery->results->endpoint.display(), std::string("redis://127.0.0.1:6380/1"));
        QCOMPARE(file.celery->results->password.name, file.redis->password.name);
        QCOMPARE(found->secrets.size(), std::size_t(1));
        QCOMPARE(find(*found, FindingKind::Published)->where, std::string("docker-compose.yml:18"));
        QCOMPARE(find(*found, FindingKind::Celery)->where, std::string("docker-compose.yml:8"));
        QVERIFY(!find(*found, FindingKind::OtherRedis));
        QVERIFY(found->watchFile.find("hunter2") == std::string::npos);
    }
}

void ProjectsTest::reachesWhatIsPublished_data()
{
    QTest::addColumn<std::string>("service");
    QTest::addColumn<std::string>("url");
    QTest::addColumn<int>("kind");
    QTest::addColumn<std::string>("mend");
    const auto row = [](const char *name, const char *service, const char *url, FindingKind kind,
                        const char *mend = "") {
        QTest::newRow(name) << std::string(service) << std::string(url) << int(kind) << std::string(mend);
    };
    row("published", "ports: ['6380:6379']", "redis://127.0.0.1:6380", FindingKind::Published);
    row("at an address", "ports: ['10.0.0.5:6380:6379']", "redis://10.0.0.5:6380", FindingKind::Published);
    row("at all of them", "ports: ['0.0.0.0:6380:6379']", "redis://127.0.0.1:6380", FindingKind::Published);
    row("not at all", "restart: always", "redis://cache:6379", FindingKind::OnlyInside,
        "  cache:\n    ports:\n      - \"127.0.0.1:6379:6379\"");
    row("another port", "ports: ['8001:8001']", "redis://cache:6379", FindingKind::OnlyInside,
        "  cache:\n    ports:\n      - \"127.0.0.1:6379:6379\"");
    row("any port", "ports: ['6379']", "redis://cache:6379", FindingKind::AnyPort, "docker compose port cache 6379");
    row("the machine's network", "network_mode: host", "redis://127.0.0.1:6379", FindingKind::Published);
}

void ProjectsTest::reachesWhatIsPublished()
{
    QFETCH(std::string, service);
    QFETCH(std::string, url);
    QFETCH(int, kind);
    QFETCH(std::string, mend);
    write("compose.yaml", "services:\n  web: {build: ., environment: {REDIS_URL: 'redis://cache:6379'}}\n  cache:\n"
                          "    image: redis\n    " +
                              service + "\n");
    const auto found = look(at("compose.yaml"));
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(watched(*found).redis->endpoint.display(), url);
    const Finding *finding = find(*found, FindingKind(kind));
    QVERIFY(finding);
    QCOMPARE(finding->mend, mend);
}

void ProjectsTest::readsOverridesAndEnv()
{
    write("docker-compose.yml", project);
    write("docker-compose.override.yml", "services:\n  redis:\n    ports: !override ['7000:6379']\n");
    write(".env", "REDIS_PASSWORD=hunter2\n");
    write("app.env", "");
    QCOMPARE(watched(*look(at("docker-compose.yml"))).redis->endpoint.display(), std::string("redis://127.0.0.1:7000"));
    write("prod.yml", "services:\n  redis:\n    ports: !override ['7001:6379']\n");
    const auto named = look({}, {at("docker-compose.yml"), at("prod.yml")});
    QCOMPARE(watched(*named).redis->endpoint.display(), std::string("redis://127.0.0.1:7001"));
}

void ProjectsTest::staysInItsFolder()
{
    write("other/secret.env", "REDIS_PASSWORD=hunter2\n");
    write("shop/inside.env", "APP_ENV=prod\n");
    std::filesystem::create_symlink(at("other/secret.env"), at("shop/link.env"));
    write("shop/compose.yml", "services:\n  web:\n    build: .\n    environment: {REDIS_HOST: evil.example}\n"
                              "    env_file: [../other/secret.env, link.env, " +
                                  at("other/secret.env") + ", inside.env]\n");
    const auto found = look(at("shop/compose.yml"));
    QCOMPARE(sayings(found), std::string());
    QVERIFY(found->secrets.empty());
    QVERIFY(found->ends.front().production);
    QCOMPARE(std::ranges::count(found->findings, FindingKind::NotRead, &Finding::kind), 3);
}

void ProjectsTest::namesFilesOfSecrets()
{
    write("compose.yml", R"(
services:
  web:
    build: .
    environment: {REDIS_URL: redis://redis:6379/0}
  redis:
    image: bitnami/redis
    environment: {REDIS_PASSWORD_FILE: /run/secrets/pw}
    secrets:
      - source: redis_password
        target: pw
    ports: ["6379:6379"]
secrets:
  redis_password:
    file: ./secrets/redis.txt
)");
    write("secrets/redis.txt", "hunter2\n");
    const auto found = look(at("compose.yml"));
    QCOMPARE(sayings(found), std::string());
    QVERIFY(found->secrets.empty());
    QCOMPARE(watched(*found).redis->password.kind, SecretRef::Kind::File);
    QCOMPARE(watched(*found).redis->password.name, at("secrets/redis.txt"));
    QCOMPARE(find(*found, FindingKind::PasswordAtFile)->about, at("secrets/redis.txt"));
}

void ProjectsTest::readsSecretsOnceAsked()
{
    write("compose.yml", R"(
services:
  redis:
    image: bitnami/redis
    environment: {REDIS_PASSWORD_FILE: /run/secrets/pw}
    secrets: [pw]
    ports: ["6379:6379"]
secrets: {pw: {file: pw.txt}}
)");
    write("pw.txt", "hunter2\r\nmore");
    const auto found = look(at("compose.yml"), {}, {{}, true});
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(found->secrets.size(), std::size_t(1));
    QCOMPARE(std::string(found->secrets.front().secret.reveal()), std::string("hunter2"));
    QCOMPARE(watched(*found).redis->password.kind, SecretRef::Kind::Keychain);
}

void ProjectsTest::mergesFilesInTheirOrder()
{
    write("a.yml", "services: {redis: {image: 'redis:6', ports: ['1:6379']}}\n");
    write("b.yml", "services: {redis: {ports: !override ['2:6379']}}\n");
    QCOMPARE(int(watched(*look({}, {at("a.yml"), at("b.yml")})).redis->endpoint.port), 2);
}

void ProjectsTest::takesAnEnvFileAlone()
{
    write("shop/.env.production", "REDIS_URL=redis://:${PW}@r.example\nREDIS_PASSWORD_FILE=secrets/pw\nPW=late\n");
    const auto found = look(at("shop/.env.production"));
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(found->ends.front().name, std::string("shop"));
    QCOMPARE(watched(*found).redis->password.name, at("shop/secrets/pw"));
    QCOMPARE(find(*found, FindingKind::NotSet)->where, std::string(".env.production:1"));
}

void ProjectsTest::takesADeploymentFile()
{
    write("shop.toml", "name = \"Shop Europe\"\n[redis]\nurl = \"redis://r.example\"\n");
    const auto found = look(at("shop.toml"));
    QCOMPARE(sayings(found), std::string());
    QCOMPARE(found->ends.front().file, at("shop.toml"));
    QCOMPARE(found->ends.front().name, std::string("Shop Europe"));
    write("shop.toml", "name = \"shop\"\n[redis]\nurll = \"redis://r.example\"\n");
    const auto wrong = look(at("shop.toml"));
    QVERIFY2(sayings(wrong).find("shop.toml:3: redis.urll: unknown key") != std::string::npos, sayings(wrong).c_str());
    QVERIFY(wrong->ends.empty() && wrong->watchFile.empty());
}

void ProjectsTest::findsDatabasesMetricsAndProbes()
{
    write("compose.yml", R"(
services:
  web:
    build: .
    environment:
      DATABASE_URL: postgresql://shop:hunter2@db:5432/shop
      REDIS_URL: redis://redis:6379/0
    ports: ["8080:8000"]
    healthcheck: {test: curl -fsS http://localhost:8000/health || exit 1}
  db:
    image: postgres:16
    ports: ["127.0.0.1:5433:5432"]
  exporter:
    image: nginx/nginx-prometheus-exporter:1.1
    ports: ["9113:9113"]
  redis:
    image: redis
    ports: ["6379:6379"]
    healthcheck: {test: [CMD, redis-cli, ping]}
)");
    const auto found = look(at("compose.yml"));
    QCOMPARE(sayings(found), std::string());
    const auto file = watched(*found);
    QVERIFY(file.redis && file.metrics.size() == 1 && file.probes.size() == 1 && file.later.size() == 1);
    QCOMPARE(file.probes.front().url, std::string("http://127.0.0.1:8080/health"));
    QCOMPARE(file.metrics.front().url, std::string("http://127.0.0.1:9113/metrics"));
    QVERIFY(found->watchFile.find("postgresql://shop@127.0.0.1:5433/shop") != std::string::npos);
    QVERIFY(found->watchFile.find("hunter2") == std::string::npos);
    QCOMPARE(found->secrets.size(), std::size_t(1));
}

void ProjectsTest::understandsHome()
{
    write("shop/.env", "REDIS_URL=redis://r.example\n");
    QCOMPARE(look("~/shop/.env", {}, {m_folder->path().toStdString(), false})->ends.size(), std::size_t(1));
    QCOMPARE(look("~/shop", {}, {m_folder->path().toStdString(), false})->ends.size(), std::size_t(1));
    QVERIFY(!look("~/shop/.env"));
}

void ProjectsTest::bounds()
{
    write(".env", "REDIS_URL=redis://r.example\n" + std::string(1024 * 1024, '#'));
    QCOMPARE(look(at(".env")).error().kind, ErrorKind::TooLarge);
    QVERIFY(!look({}, std::vector<std::string>(21, at("no.env"))));
    QVERIFY(!look("/dev/zero"));
    QCOMPARE(look(at("gone/docker-compose.yml")).error().kind, ErrorKind::NotFound);
}

QTEST_GUILESS_MAIN(ProjectsTest)
#include "projects_test.moc"
