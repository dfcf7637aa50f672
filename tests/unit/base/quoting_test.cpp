// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/queue_name.h"
#include "core/base/settings.h"
#include "tests/fakes/texts_with_secrets.h"

#include <QTest>

using namespace portolan;

/// What somebody gave as a message and the list of settings repeat it.
class QuotingTest final : public QObject
{
    Q_OBJECT
private slots:
    void repeatsNoSecret();
    void settingsRepeatNoSecret_data();
    void settingsRepeatNoSecret();
    void keysRepeatNoSecret_data();
    void keysRepeatNoSecret();
    void quotesWhatHoldsNoSecret_data();
    void quotesWhatHoldsNoSecret();
};

void QuotingTest::repeatsNoSecret()
{
    for (const auto &text : textsWithSecrets())
        for (const auto &shown : {maskAddress(text), maskAddresses(text), quotable(text)})
            QVERIFY2(shown.find(secretMark) == std::string::npos, (visible(text) + " became " + shown).c_str());
}

void QuotingTest::settingsRepeatNoSecret_data()
{
    QTest::addColumn<bool>("often");
    for (const auto &spec : settingSchema())
        QTest::newRow(std::string(spec.key).c_str()) << (spec.address || spec.key == "allowed_hosts");
}

void QuotingTest::settingsRepeatNoSecret()
{
    QFETCH(bool, often);
    const auto texts = textsWithSecrets();
    const std::string key = QTest::currentDataTag();
    for (std::size_t i = 0; i < texts.size(); i += often ? 11 : 101) { // all of them: repeatsNoSecret()
        const auto settings = Settings::load({.commandLine = {{key, texts[i]}}, .environment = {}});
        const std::string shown = settings ? settings->render() : inWords(settings.error());
        QVERIFY2(shown.find(secretMark) == std::string::npos, visible(texts[i]).c_str());
    }
}

void QuotingTest::keysRepeatNoSecret_data()
{
    QTest::addColumn<QByteArray>("key");
    QTest::addColumn<QByteArray>("value");
    QTest::addColumn<bool>("taken"); // it is a value as well as another: the list of settings shows it
    const auto row = [](const char *key, const char *value, bool taken = false) {
        QTest::addRow("%s=%s", key, value) << QByteArray(key) << QByteArray(value) << taken;
    };
    row("secret_key hunter2", "=");
    row("user pw hunter2", "=");
    row("redis://h?password", "hunter2");
    row("redis://:hunter2@h/?db", "1");
    row("tasks.queue", "celery://:hunter2@h", true);
    row("tasks.concurrency", "redis://:hunter2@h");
    row("session.lifetime", "host=h password=hunter2");
    row("limits.api", "redis://:hunter2@h", true);
    row("zones.queue.red", "redis://:hunter2@h");
}

void QuotingTest::keysRepeatNoSecret()
{
    QFETCH(QByteArray, key);
    QFETCH(QByteArray, value);
    QFETCH(bool, taken);
    const auto settings =
        Settings::load({.commandLine = {{key.toStdString(), value.toStdString()}}, .environment = {}});
    QCOMPARE(settings.has_value(), taken);
    const auto words = settings ? settings->render() : inWords(settings.error());
    QVERIFY2(!taken || words.find(maskedText) != std::string::npos, words.c_str());
    QVERIFY2(words.find(secretMark) == std::string::npos, words.c_str());
}

void QuotingTest::quotesWhatHoldsNoSecret_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("shown");
    for (const char *text : {"production",
                             "10.0.0.0/8",
                             "nginx",
                             "30 bananas",
                             "127.0.0.1:70000",
                             "localhost:8080",
                             "::1",
                             "https://a.example:8443/app",
                             "limits: 3",
                             "sqlite:/var/lib/x.db",
                             "unix:/run/redis.sock",
                             "portal.example:http",
                             "portal.example:HTTPS",
                             "localhost:http",
                             "[::1]:http",
                             "*:https",
                             "HOST:PORT",
                             "ADDRESS:PORT",
                             "http://portal.example:http",
                             "a.example:80,b.example:81",
                             ":8080"})
        QTest::newRow(text) << QByteArray(text) << QByteArray(text);
    // What may be a user and a password is none of these.
    for (const char *text :
         {"ada:http", "portal.example:redis", "portal.example:http2", ":http", "a.example:80,hunter2:81",
          "a.example:80,b.example:hunter2", ":80808", ":12hunter2", "localhost:hunter2", "ada:x:http"})
        QTest::newRow(text) << QByteArray(text) << QByteArray("***");
    QTest::newRow("unseen") << QByteArray("pro\rduction\u200b") << QByteArray("pro\\rduction\\u200b");
    QTest::newRow("long") << QByteArray(5000, 'x') << QByteArray(100, 'x') + "\u2026";
    QTest::newRow("long, cut between characters") << QByteArray(99, 'x') + "\u00e4x" << QByteArray(99, 'x') + "\u2026";
}

void QuotingTest::quotesWhatHoldsNoSecret()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, shown);
    QCOMPARE(QByteArray::fromStdString(quotable(text.toStdString())), shown);
}

QTEST_GUILESS_MAIN(QuotingTest)
#include "quoting_test.moc"
