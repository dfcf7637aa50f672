// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "settings_fixture.h"

#include <sys/stat.h>

#include <QTest>

using namespace portolan;
namespace fs = std::filesystem;

/// Where secrets come from, and that nothing shows them.
class SecretSettingsTest final : public SettingsFixture
{
    Q_OBJECT
private slots:
    void init() { begin(); }
    void asksProductionForASecretKey();
    void makesASecretKeyForDevelopment();
    void listsEverythingMasked();
    void readsVariablesFromFiles();
    void masksWhateverAnAddressHolds_data();
    void masksWhateverAnAddressHolds();
};

void SecretSettingsTest::asksProductionForASecretKey()
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
    QVERIFY(settings.has_error());
    QVERIFY(settings.error().message.find("easy to guess") != std::string::npos);
    QVERIFY(settings.error().hint.find("openssl rand -base64 32") != std::string::npos);
    QVERIFY(settings.error().message.find("kkk") == std::string::npos);
    const std::string key = "q1sb2Sy0p8YcS5cQe7kWk0m1nN3hV0oLkqJQhzq7x2E=";
    m_variables["PORTAL_SECRET_KEY"] = key + "\r\n";
    settings = Settings::load(sources(""));
    QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
    const auto directory = DataDirectory::open(m_dir->path().toStdString());
    QVERIFY(signingKey(*settings, *directory)->equals(key));
    QVERIFY(!fs::exists(directory->file("secret.key")));
}

void SecretSettingsTest::makesASecretKeyForDevelopment()
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

void SecretSettingsTest::listsEverythingMasked()
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

void SecretSettingsTest::readsVariablesFromFiles()
{
    const std::string file = m_dir->path().toStdString() + "/value";
    for (const auto &spec : settingSchema()) {
        if (spec.environment.empty() || spec.type == ValueType::Boolean || !spec.choices.empty())
            continue;
        const std::string name(spec.environment);
        std::ofstream(file) << "\xEF\xBB\xBFvalue-of-it-0\r\n";
        m_variables = {{name + "_FILE", file + "\r"}};
        auto settings = Settings::load(sources(""));
        QVERIFY2(settings.has_value(), reasonOf(settings).c_str());
        QCOMPARE(settings->text(spec.key), std::string("value-of-it-0"));
        QVERIFY(settings->origin(spec.key) == Origin::Environment);
        m_variables[name] = "";
        QCOMPARE(Settings::load(sources(""))->text(spec.key), std::string("value-of-it-0"));
        m_variables[name] = "x";
        settings = Settings::load(sources(""));
        QVERIFY2(reasonOf(settings).find("both " + name + " and " + name + "_FILE are set") != std::string::npos,
                 reasonOf(settings).c_str());
        std::ofstream(file) << "\n";
        m_variables = {{name + "_FILE", file}};
        QVERIFY(reasonOf(Settings::load(sources(""))).find(file + " is empty") != std::string::npos);
        m_variables = {{name + "_FILE", file + "-missing"}};
        QVERIFY(reasonOf(Settings::load(sources(""))).find(name + "_FILE: Cannot read " + file + "-missing") !=
                std::string::npos);
    }
}

void SecretSettingsTest::masksWhateverAnAddressHolds_data()
{
    QTest::addColumn<QByteArray>("value");
    for (const char *value :
         {"redis://:hunter2/9r?A=#@127.0.0.1:6379/14", "redis://u:a b@hunter2@h/0", "redis:/:hunter2@h",
          ":hunter2@h:6379", "redis://:hunter2", "postgresql://h/db?password=hunter2,x&user=u",
          "host=h password='hun\\'ter2 hunter2' dbname=x", "redis://h/0?password=hunter2"})
        QTest::newRow(value) << QByteArray(value);
}

void SecretSettingsTest::masksWhateverAnAddressHolds()
{
    QFETCH(QByteArray, value);
    for (const auto &spec : settingSchema()) {
        if (!spec.address)
            continue;
        auto given = sources("");
        given.commandLine = {{std::string(spec.key), value.toStdString()}};
        const auto settings = Settings::load(given);
        const std::string shown = settings.has_error() ? reasonOf(settings) : settings->render();
        QVERIFY2(shown.find("hunter2") == std::string::npos, shown.c_str());
    }
}

QTEST_GUILESS_MAIN(SecretSettingsTest)
#include "secret_settings_test.moc"
