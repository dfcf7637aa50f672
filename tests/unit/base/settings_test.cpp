// SPDX-License-Identifier: GPL-3.0-or-later
#include "settings_fixture.h"

#include <QTest>
#include <set>

using namespace portolan;
namespace fs = std::filesystem;

class SettingsTest final : public SettingsFixture
{
    Q_OBJECT
private slots:
    void init() { begin(); }
    void worksWithNothingConfigured();
    void laterLayersWin();
    void readsYesAndNoInAnyCase();
    void overridesTheTier();
    void refusesWithPlaceAndMend_data();
    void refusesWithPlaceAndMend();
    void refusesInTheEnvironmentAndOnTheCommandLine_data();
    void refusesInTheEnvironmentAndOnTheCommandLine();
    void trimsEverySource();
    void namesQuotesAndWhatCannotBeSeen_data();
    void namesQuotesAndWhatCannotBeSeen();
    void saysWhatHasNoEffect();
    void readsLists();
    void loadsATierFile();
    void findsTheClosestKey();
    void theSchemaIsSound();
};

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

void SettingsTest::readsYesAndNoInAnyCase()
{
    for (const auto &[text, meant] : std::map<std::string, bool>{{"TRUE", true},
                                                                 {"True", true},
                                                                 {"YES", true},
                                                                 {"On", true},
                                                                 {"1", true},
                                                                 {"FALSE", false},
                                                                 {"No", false},
                                                                 {"oFF", false},
                                                                 {"0", false}}) {
        m_variables = {{"ENABLE_MONITORING", text}};
        const auto settings = Settings::load(sources(""));
        QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
        QCOMPARE(settings->boolean("monitoring"), meant);
    }
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
    QTest::newRow("blank") << QByteArray() << QByteArray("session.lifetime") << QByteArray("1 h")
                           << QByteArray("\"1 h\" has a blank before its unit");
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

void SettingsTest::trimsEverySource()
{
    auto given = sources("listen = '127.0.0.1:1\\r'\n"); // a literal string of TOML: the backslash stays
    QVERIFY(Settings::load(given)->text("listen").ends_with("\\r"));
    given = sources("tls.cert = \"/x/cert.pem\\r\"\n[limits]\napi = \" 9 per day\\r\\n\"\n");
    m_variables = {{"APP_ENV", "development\r"},
                   {"ALLOWED_HOSTS", "portal.example\r"},
                   {"DATABASE_URL", " sqlite:/x/app.db\r\n"},
                   {"MAIL_FROM", "\r"}};
    given.commandLine = {{"listen", "127.0.0.1:2\r"}, {"tasks.concurrency", "3\r"}};
    const auto settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    QCOMPARE(settings->text("app_env"), std::string("development"));
    QCOMPARE(settings->list("allowed_hosts"), std::vector<std::string>{"portal.example"});
    QCOMPARE(settings->text("database.url"), std::string("sqlite:/x/app.db"));
    QCOMPARE(settings->text("tls.cert"), std::string("/x/cert.pem"));
    QCOMPARE(settings->text("listen"), std::string("127.0.0.1:2"));
    QCOMPARE(settings->tier().limits.at(Category::Api), std::string("9 per day"));
    QCOMPARE(settings->tier().taskConcurrency, 3u);
    QVERIFY(!settings->isSet("mail.from"));
}

void SettingsTest::namesQuotesAndWhatCannotBeSeen_data()
{
    QTest::addColumn<QByteArray>("variable");
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<QByteArray>("part");
    const auto row = [](const char *variable, const char *value, const char *part) {
        QTest::newRow(value) << QByteArray(variable) << QByteArray(value) << QByteArray(part);
    };
    row("APP_ENV", "'production'", "in quotes ('\u2026')");
    row("REDIS_URL", "\"redis://:secret@h\"", "in quotes (\"\u2026\")");
    row("PORTAL_SECRET_KEY", "\u201csecret\u201d", "in quotes (\u201c\u2026\u201d)");
    row("APP_ENV", "produc\rtion", "\"produc\\rtion\"");
    row("APP_ENV", "production\u200b", "\"production\\u200b\"");
    row("APP_ENV", "production\u00a0", "\"production\\u00a0\"");
    row("ENABLE_MONITORING", "tr\u00adue", "\"tr\\u00adue\"");
}

void SettingsTest::namesQuotesAndWhatCannotBeSeen()
{
    QFETCH(QByteArray, variable);
    QFETCH(QByteArray, value);
    QFETCH(QByteArray, part);
    m_variables[variable.toStdString()] = value.toStdString();
    const auto settings = Settings::load(sources(""));
    QVERIFY(settings.has_error());
    const std::string reason = reasonOf(settings);
    QVERIFY2(reason.find(part.toStdString()) != std::string::npos, reason.c_str());
    QVERIFY(reason.find(variable.toStdString()) != std::string::npos && reason.find("secret@") == std::string::npos);
    auto onTheCommandLine = sources("");
    m_variables.clear();
    onTheCommandLine.commandLine = {{"limits.api", "'9 per day'"}};
    QVERIFY(reasonOf(Settings::load(onTheCommandLine)).find("in quotes") != std::string::npos);
}

void SettingsTest::saysWhatHasNoEffect()
{
    auto given = sources("[ceilings]\nupload = 9\n[caches]\nquotes = '1m'\n");
    m_variables = {{"SMTP_URL", "smtp://mail.example"}};
    auto settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    QCOMPARE(settings->withoutEffect(),
             (std::vector<std::string>{"ceilings.upload: uploads are not in this version",
                                       "caches.quotes: what these caches hold is not in this version",
                                       "mail.smtp_url: this version sends no mail"}));
    QVERIFY(settings->render().find("no effect: uploads are not in this version") != std::string::npos);
    const std::string unplanned = "no effect: the private redis-server is nobody's plan";
    QVERIFY(settings->render().find(unplanned) != std::string::npos);
    m_variables.clear();
    const auto planned = Settings::load(sources("[redis]\nurl = 'redis://db.example'\n"));
    QVERIFY2(planned.has_value(), reasonOf(planned).c_str());
    QVERIFY(planned->render().find(unplanned) == std::string::npos);
    QVERIFY(Settings::load(sources("tier = 'watchlist'"))->withoutEffect().empty()); // its author knows
    const std::string file = m_dir->path().toStdString() + "/mine.toml";
    std::ofstream(file)
        << "name = 'mine'\n[redis]\nmaxmemory = '90MB'\nconnections = 60\n[schedules]\nx = '5m'\n"
           "[[alerts]]\nmetric = 'redis_memory'\nabove = 'red'\n[[costs]]\npart = 'redis'\nmonthly = 1\n";
    given = sources("");
    given.commandLine = {{"tier", file}};
    settings = Settings::load(given);
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    std::set<std::string> keys;
    for (const auto &line : settings->withoutEffect())
        keys.insert(line.substr(0, line.find(':')));
    QCOMPARE(keys, (std::set<std::string>{"schedules.*", "alerts", "costs"}));
}

void SettingsTest::readsLists()
{
    m_variables["ALLOWED_ORIGINS"] = "https://a.example,\r\nhttps://b.example  https://c.example,\r\n";
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
    for (const char *variable : {"PORTAL_SECRET_KEY",
                                 "PORTAL_TOKEN",
                                 "REDIS_URL",
                                 "DATABASE_URL",
                                 "DATABASE_REPLICA_URLS",
                                 "ALLOWED_ORIGINS",
                                 "ALLOWED_HOSTS",
                                 "APP_ENV",
                                 "ENABLE_MONITORING",
                                 "TRUSTED_PROXIES",
                                 "CELERY_BROKER_URL",
                                 "CELERY_RESULT_BACKEND",
                                 "ALPHA_VANTAGE_API_KEY",
                                 "SMTP_URL",
                                 "MAIL_FROM",
                                 "IDENTITY_ISSUERS",
                                 "REDIS_PASSWORD",
                                 "FIREBASE_PROJECT_ID",
                                 "SUPABASE_URL",
                                 "SUPABASE_JWT_SECRET"})
        QVERIFY2(names.contains(variable), variable);
}

QTEST_GUILESS_MAIN(SettingsTest)
#include "settings_test.moc"
