#include "core/base/data_directory.h"
#include "core/base/settings.h"

#include <sys/stat.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <set>

using namespace portolan;
namespace fs = std::filesystem;

namespace {

std::string reasonOf(const Result<Settings> &settings)
{
    return settings.has_error() ? settings.error().message + " | " + settings.error().hint : "";
}

} // namespace

class SettingsTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void worksWithNothingConfigured();
    void laterLayersWin();
    void overridesTheTier();
    void refusesWithPlaceAndMend_data();
    void refusesWithPlaceAndMend();
    void refusesInTheEnvironmentAndOnTheCommandLine_data();
    void refusesInTheEnvironmentAndOnTheCommandLine();
    void asksProductionForASecretKey();
    void makesASecretKeyForDevelopment();
    void listsEverythingMasked();
    void readsLists();
    void loadsATierFile();
    void findsTheClosestKey();
    void theSchemaIsSound();

private:
    SettingSources sources(const std::string &config)
    {
        const fs::path file = fs::path(m_dir->path().toStdString()) / "portal.toml";
        std::ofstream(file) << config;
        return {{}, [this](const std::string &name) { return variable(name); }, file};
    }
    std::optional<std::string> variable(const std::string &name) const
    {
        const auto found = m_variables.find(name);
        return found == m_variables.end() ? std::nullopt : std::optional(found->second);
    }

    std::unique_ptr<QTemporaryDir> m_dir;
    std::map<std::string, std::string> m_variables;
};

void SettingsTest::init()
{
    m_dir = std::make_unique<QTemporaryDir>();
    m_variables.clear();
}

void SettingsTest::worksWithNothingConfigured()
{
    const auto settings = Settings::load({});
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    QCOMPARE(settings->text("listen"), std::string("127.0.0.1:8080"));
    QCOMPARE(settings->tier().name, std::string("small"));
    QCOMPARE(settings->size("redis.maxmemory"), std::uint64_t(30) * 1024 * 1024);
    QVERIFY(settings->origin("redis.maxmemory") == Origin::Tier);
    QVERIFY(settings->origin("listen") == Origin::BuiltIn);
    QVERIFY(!settings->production() && settings->boolean("monitoring") && !settings->isSet("workers"));
    QVERIFY(settings->duration("http.idle_timeout") == std::chrono::seconds(75));
    QVERIFY_EXCEPTION_THROWN((void)settings->text("lissten"), std::logic_error);
    QVERIFY_EXCEPTION_THROWN((void)settings->integer("listen"), std::logic_error);
}

void SettingsTest::laterLayersWin()
{
    auto given = sources("listen = '1.1.1.1:1'\n[redis]\nurl = 'redis://file'\n[http]\nidle_timeout = '5s'\n");
    m_variables = {{"REDIS_URL", "redis://environment"}, {"APP_ENV", ""}};
    auto settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    QCOMPARE(settings->text("redis.url"), std::string("redis://environment"));
    QVERIFY(settings->origin("redis.url") == Origin::Environment);
    QVERIFY(settings->origin("listen") == Origin::ConfigFile);
    QVERIFY(settings->origin("app_env") == Origin::BuiltIn);
    given.commandLine = {{"redis.url", "redis://one"}, {"redis.url", "redis://two"}};
    settings = Settings::load(given);
    QCOMPARE(settings->text("redis.url"), std::string("redis://two"));
    QVERIFY(settings->origin("redis.url") == Origin::CommandLine);
}

void SettingsTest::overridesTheTier()
{
    auto given = sources("tier = 'watchlist'\n[limits]\napi = '5 per second'\n[zones.response_time]\nred = '9s'\n");
    given.commandLine = {
        {"redis.maxmemory", "60MB"}, {"limits.api", "7 per second"}, {"budget.cache", "2MB"}, {"caches.quotes", "5m"}};
    const auto settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    const Tier &tier = settings->tier();
    QCOMPARE(tier.name, std::string("watchlist"));
    QCOMPARE(tier.limits.at(Category::Api), std::string("7 per second"));
    QCOMPARE(tier.zones.at(Resource::ResponseTime).red, 9.0);
    QCOMPARE(tier.redis.maxmemory, std::uint64_t(60) * 1024 * 1024);
    QCOMPARE(tier.zones.at(Resource::RedisMemory).yellow, 40.0 * 1024 * 1024); // the plan's zones follow the plan
    QCOMPARE(tier.zones.at(Resource::RedisMemory).red, 50.0 * 1024 * 1024);
    QCOMPARE(tier.memoryBudget.at("cache"), std::uint64_t(2) * 1024 * 1024);
    QVERIFY(settings->origin("limits.api") == Origin::CommandLine);
    QVERIFY(settings->origin("zones.response_time.red") == Origin::ConfigFile);
    QVERIFY(settings->origin("zones.redis_memory.red") == Origin::CommandLine);
    QVERIFY(settings->origin("caches.quotes") == Origin::CommandLine); // although the tier says the same
    QVERIFY(settings->origin("limits.auth") == Origin::Tier);
}

void SettingsTest::refusesWithPlaceAndMend_data()
{
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("part");
    const auto row = [](const char *name, const char *config, const char *part) {
        QTest::newRow(name) << QByteArray(config) << QByteArray(part);
    };
    row("slip", "\n[session]\nlifetim = '1h'\n",
        "portal.toml:3: session.lifetim is not a setting | Did you mean session.lifetime?");
    row("slip of a process setting", "lisen = 'x'", "portal.toml:1: lisen is not a setting | Did you mean listen?");
    row("far off", "\n\nqqqqqqqqqqq = 1", "portal.toml:3: qqqqqqqqqqq is not a setting | check-config");
    row("bad size", "[redis]\nmaxmemory = 30",
        "portal.toml:2: redis.maxmemory: \"30\" has no unit | Write a whole number");
    row("bad duration", "[http]\nidle_timeout = 'soon'", "portal.toml:2: http.idle_timeout: \"soon\" does not begin");
    row("out of range", "workers = 5000", "portal.toml:1: workers: \"5000\" is out of range | Use 0 to 1024");
    row("not a number", "workers = 'two'", "portal.toml:1: workers: \"two\" is not a whole number");
    row("choice", "app_env = 'prod'",
        "portal.toml:1: app_env: \"prod\" is not known | Use one of development, production");
    row("boolean", "monitoring = 'maybe'", "portal.toml:1: monitoring: \"maybe\" is not true or false");
    row("no TOML", "listen = \n", "portal.toml:1: ");
    row("date", "listen = 2026-01-01", "portal.toml:1: listen: dates are not used");
    row("nested arrays", "allowed_hosts = [['a']]",
        "portal.toml:1: allowed_hosts: the array may hold plain values only");
    row("a tier's tables", "[[alerts]]\nmetric = 'x'", "portal.toml:1: alerts belongs into a tier file");
    row("no such tier", "tier = 'tiny'", "portal.toml:1: There is no tier \"tiny\" | Use one of small, watchlist");
    row("zone of no resource", "[zones.redis]\nred = 1", "portal.toml:2: zones.redis.red is not a setting");
    row("upside down", "[zones.error_rate]\nyellow = 0.9", "zones.error_rate: yellow is above red");
    row("over budget", "[budget]\nsessions = '1GB'", "the budgets add up to more than redis.maxmemory");
    row("eviction of the queue", "[redis]\npolicy = 'allkeys-lru'",
        "portal.toml:2: redis.policy: allkeys-lru would evict queued tasks");
    row("negative", "[ceilings]\nusers = -1", "portal.toml:2: ceilings.users: \"-1\" is not a whole number");
    row("odd name", "[budget]\n'a b' = '1MB'", "portal.toml:2: budget.a b is not a setting");
}

void SettingsTest::refusesWithPlaceAndMend()
{
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, part);
    const auto settings = Settings::load(sources(config.toStdString()));
    QVERIFY(settings.has_error());
    QCOMPARE(settings.error().kind, ErrorKind::Invalid);
    const std::string reason = reasonOf(settings);
    QVERIFY2(reason.find(part.toStdString()) != std::string::npos, reason.c_str());
    QVERIFY(reason.find('\n') == std::string::npos); // one line
}

void SettingsTest::refusesInTheEnvironmentAndOnTheCommandLine_data()
{
    QTest::addColumn<QByteArray>("variable");
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<QByteArray>("part");
    QTest::newRow("variable") << QByteArray("ENABLE_MONITORING") << QByteArray() << QByteArray("2")
                              << QByteArray("ENABLE_MONITORING: monitoring: \"2\"");
    QTest::newRow("option") << QByteArray() << QByteArray("workers") << QByteArray("-1")
                            << QByteArray("--workers: workers: ");
    QTest::newRow("--set")
        << QByteArray() << QByteArray("results.expirey") << QByteArray("1s")
        << QByteArray("--set results.expirey: results.expirey is not a setting | Did you mean results.expiry?");
    QTest::newRow("tier key")
        << QByteArray() << QByteArray("tasks.time_limit") << QByteArray("1500ms")
        << QByteArray("--set tasks.time_limit: tasks.time_limit: \"1500ms\" is not a whole number of seconds");
    QTest::newRow("as a whole") << QByteArray() << QByteArray("results.expiry") << QByteArray("0s")
                                << QByteArray("--set results.expiry: results.expiry is below 1s");
}

void SettingsTest::refusesInTheEnvironmentAndOnTheCommandLine()
{
    QFETCH(QByteArray, variable);
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, value);
    QFETCH(QByteArray, part);
    auto given = sources("");
    if (!variable.isEmpty())
        m_variables[variable.toStdString()] = value.toStdString();
    if (!key.isEmpty())
        given.commandLine = {{key.toStdString(), value.toStdString()}};
    const auto settings = Settings::load(given);
    QVERIFY(settings.has_error());
    QVERIFY2(reasonOf(settings).find(part.toStdString()) != std::string::npos, reasonOf(settings).c_str());
}

void SettingsTest::asksProductionForASecretKey()
{
    m_variables["APP_ENV"] = "production";
    auto settings = Settings::load(sources(""));
    QVERIFY(settings.has_error());
    QVERIFY(settings.error().message.find("PORTAL_SECRET_KEY") != std::string::npos);
    m_variables["PORTAL_SECRET_KEY"] = std::string(31, 'k');
    settings = Settings::load(sources(""));
    QVERIFY(settings.has_error());
    QVERIFY(settings.error().message.find("kkk") == std::string::npos);
    m_variables["PORTAL_SECRET_KEY"] = std::string(32, 'k');
    settings = Settings::load(sources(""));
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    const auto directory = DataDirectory::open(m_dir->path().toStdString());
    QVERIFY(signingKey(*settings, *directory)->equals(std::string(32, 'k')));
    QVERIFY(!fs::exists(directory->file("secret.key")));
}

void SettingsTest::makesASecretKeyForDevelopment()
{
    const auto settings = Settings::load(sources(""));
    const auto directory = DataDirectory::open(m_dir->path().toStdString());
    const auto first = signingKey(*settings, *directory);
    QVERIFY(first.has_value() && first->size() >= 32);
    struct stat info
    {};
    QCOMPARE(::stat(directory->file("secret.key").c_str(), &info), 0);
    QCOMPARE(info.st_mode & 0777, 0600u);
    QVERIFY(*signingKey(*settings, *directory) == *first);
    std::ofstream(directory->file("secret.key")) << "short";
    QVERIFY(signingKey(*settings, *directory).has_error()); // never replaced behind the users' backs
    m_variables["PORTAL_SECRET_KEY"] = "short";
    QVERIFY(signingKey(*Settings::load(sources("")), *directory).has_error());
}

void SettingsTest::listsEverythingMasked()
{
    m_variables = {{"PORTAL_SECRET_KEY", std::string(40, 'k')},
                   {"REDIS_URL", "redis://user:hunter2@host/0"},
                   {"ALPHA_VANTAGE_API_KEY", "hunter2"}};
    auto given = sources("[limits]\napi = '9 per day'\n");
    const auto settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    const std::string text = settings->render();
    QVERIFY(text.find("hunter2") == std::string::npos && text.find("kkk") == std::string::npos);
    QVERIFY(text.find("redis://***@host/0") != std::string::npos);
    QVERIFY(text.find("environment (REDIS_URL)") != std::string::npos);
    QVERIFY(text.find("portal.toml:2)") != std::string::npos);
    QVERIFY(text.find("(SQLite in the data directory)") != std::string::npos); // what an empty database.url means
    QVERIFY(text.find("(not set)") != std::string::npos);
    std::size_t found = 0;
    for (const auto &line : settings->lines())
        found += line.key == "limits.api" && line.value == "9 per day" && line.origin == Origin::ConfigFile;
    QCOMPARE(found, std::size_t(1));
    for (const auto &spec : settingSchema())
        QVERIFY(text.find(std::string(spec.key) + ' ') != std::string::npos);
}

void SettingsTest::readsLists()
{
    m_variables["ALLOWED_ORIGINS"] = "https://a.example, https://b.example  https://c.example,";
    const auto settings = Settings::load(sources("allowed_hosts = ['a', 'b']\n"));
    QCOMPARE(settings->list("allowed_origins"),
             (std::vector<std::string>{"https://a.example", "https://b.example", "https://c.example"}));
    QCOMPARE(settings->list("allowed_hosts"), (std::vector<std::string>{"a", "b"}));
    QVERIFY(settings->list("trusted_proxies").empty());
}

void SettingsTest::loadsATierFile()
{
    const std::string file = m_dir->path().toStdString() + "/mine.toml";
    std::ofstream(file) << "name = 'mine'\n[redis]\nmaxmemory = '90MB'\nconnections = 60\n[tasks]\nconcurency = 3\n";
    auto given = sources("");
    given.commandLine = {{"tier", file}};
    auto settings = Settings::load(given);
    QVERIFY(settings.has_error());
    QVERIFY2(reasonOf(settings).find(
                 "mine.toml:6: tasks.concurency is not a key of a tier | Did you mean tasks.concurrency?") !=
                 std::string::npos,
             reasonOf(settings).c_str());
    std::ofstream(file) << "name = 'mine'\n[redis]\nmaxmemory = '90MB'\nconnections = 60\n[tasks]\nconcurrency = 3\n";
    settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    QCOMPARE(settings->tier().taskConcurrency, 3u);
    QCOMPARE(settings->tier().zones.at(Resource::RedisConnections).yellow, 40.0);
    given.commandLine = {{"tier", file + ".toml"}};
    settings = Settings::load(given);
    QVERIFY(settings.has_error());
    QVERIFY(reasonOf(settings).find("--tier: Cannot read") != std::string::npos);
}

void SettingsTest::findsTheClosestKey()
{
    const std::vector<std::string> known{"listen", "workers", "session.lifetime"};
    QCOMPARE(closestTo("lsiten", known), std::string("listen"));
    QCOMPARE(closestTo("session.lifetimes", known), std::string("session.lifetime"));
    QCOMPARE(closestTo("completely.different", known), std::string());
    QCOMPARE(closestTo("", known), std::string());
}

void SettingsTest::theSchemaIsSound()
{
    std::set<std::string_view> keys;
    std::set<std::string_view> names;
    for (const auto &spec : settingSchema()) {
        QVERIFY2(keys.insert(spec.key).second, spec.key.data());
        QVERIFY(spec.environment.empty() || names.insert(spec.environment).second);
        QVERIFY(spec.option.empty() || (spec.option.starts_with("--") && names.insert(spec.option).second));
        QVERIFY(!spec.description.empty() && !findTierKey(spec.key));
    }
    for (const char *variable :
         {"PORTAL_SECRET_KEY", "PORTAL_TOKEN", "REDIS_URL", "DATABASE_URL", "DATABASE_REPLICA_URLS", "ALLOWED_ORIGINS",
          "ALLOWED_HOSTS", "APP_ENV", "ENABLE_MONITORING", "TRUSTED_PROXIES", "CELERY_BROKER_URL",
          "CELERY_RESULT_BACKEND", "ALPHA_VANTAGE_API_KEY", "SMTP_URL", "MAIL_FROM", "IDENTITY_ISSUERS"})
        QVERIFY2(names.contains(variable), variable);
}

QTEST_GUILESS_MAIN(SettingsTest)
#include "settings_test.moc"
