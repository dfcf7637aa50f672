// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/settings.h"
#include "core/commands/link_words.h"
#include "core/commands/report.h"

#include <QTest>

using namespace portolan;
using namespace portolan::commands;

/// What went wrong, as a terminal says it.
class LinkWordsTest final : public QObject
{
    Q_OBJECT
private slots:
    void everyTroubleHasWords();
    void troubles_data();
    void troubles();
    void settingsAreNamedAsTheyAreSet_data();
    void settingsAreNamedAsTheyAreSet();
    void noWayIsToldBesideThePlace();
};

void LinkWordsTest::everyTroubleHasWords()
{
    for (const std::string_view reason : linkTroubles)
        QVERIFY2(!phraseOf(reason).empty(), std::string(reason).c_str());
    QVERIFY(phraseOf("of-a-later-version").empty());
}

void LinkWordsTest::troubles_data()
{
    QTest::addColumn<LinkStatus>("link");
    QTest::addColumn<QString>("words");
    const auto row = [](const char *name, LinkStatus link, const char *words) { QTest::newRow(name) << link << words; };
    row("away", {"redis", false, {}, {}, "redis-away", "localhost:6379", "Connection refused"},
        "not reachable: localhost:6379 (Connection refused)");
    row("with advice", {"data_dir", false, {}, {}, "data-dir-hangs"},
        "its file system does not answer. Look at the disk or the network drive it is on.");
    row("what was told, with advice", {"database", false, {}, {}, "disk-error", "/data/portal.db", "EIO"},
        "the disk failed: /data/portal.db (EIO). Check the disk, its quota and the system log.");
    row("rights", {"queue", false, {}, {}, "redis-rights", "EVALSHA", "", "ACL SETUSER p +evalsha"},
        "Redis refuses commands that are needed: EVALSHA. Run `ACL SETUSER p +evalsha` in Redis.");
    row("rights that take others", {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER p resetkeys ~*"},
        "Redis refuses commands that are needed. Run `ACL SETUSER p resetkeys ~*` in Redis. It first takes all "
        "patterns "
        "of keys from this user: add those that others need, as `ACL GETUSER p` tells them.");
    row("rights that take all others",
        {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER p resetkeys resetchannels ~* &p:*"},
        "Redis refuses commands that are needed. Run `ACL SETUSER p resetkeys resetchannels ~* &p:*` in Redis. It "
        "first "
        "takes all patterns of keys and channels from this user: add those that others need, as `ACL GETUSER p` tells "
        "them.");
    row("rights of one with such a name",
        {"queue", false, {}, {}, "redis-rights", "", "", "ACL SETUSER resetchannels ~resetkeys"},
        "Redis refuses commands that are needed. Run `ACL SETUSER resetchannels ~resetkeys` in Redis.");
    row("a refused right that no command mends",
        {"queue", false, {}, {}, "redis-rights", "EVALSHA", "NOPERM this user has no permissions"},
        "Redis refuses commands that are needed: EVALSHA (NOPERM this user has no permissions). Allow them in Redis "
        "(ACL "
        "SETUSER, rename-command), or name another Redis; the log lists all that is missing.");
    row("a refused right that a command mends, with what Redis said",
        {"queue", false, {}, {}, "redis-rights", "GET", "NOPERM no", "ACL SETUSER p +get"},
        "Redis refuses commands that are needed: GET (NOPERM no). Run `ACL SETUSER p +get` in Redis.");
    row("a renamed command", {"queue", false, {}, {}, "redis-renamed", "EVALSHA"},
        "Redis refuses commands that are needed: EVALSHA. Take back the rename-command of what the server does not "
        "know, or name another Redis.");
    row("a database without the right to it",
        {"redis", false, {}, {}, "redis-database", "h:1", "NOPERM no", "ACL SETUSER p +select"},
        "Redis refuses the number of the database: h:1 (NOPERM no). Run `ACL SETUSER p +select` in Redis.");
    row("a standby", {"database", false, {}, {}, "database-standby", "db:5432", "cannot execute INSERT"},
        "its server is a read-only standby: db:5432 (cannot execute INSERT). Name the primary in the URL of the "
        "database.");
    row("an address that is not let in", {"database", false, {}, {}, "database-not-allowed", "db:5432"},
        "its server lets nobody in from here by this name: db:5432. Allow this user and address in the server's "
        "pg_hba.conf.");
    row("another system user", {"database", false, {}, {}, "database-peer"},
        "its server lets this system user in by no other name. Use the database user of the same name as the system "
        "user, or a password.");
    row("a right and a renamed command",
        {"queue", false, {}, {}, "redis-renamed", "SET, GET", "unknown command SET", "ACL SETUSER p +get"},
        "Redis refuses commands that are needed: SET, GET (unknown command SET). Run `ACL SETUSER p +get` in Redis. "
        "Take "
        "back the rename-command of what the server does not know, or name another Redis.");
    row("of a later version", {"redis", false, {}, {}, "redis-asleep", "localhost:6379", "it sleeps"},
        "localhost:6379: it sleeps");
    row("without a kind", {"redis", false, {}, {}, "", "", "closed"}, "closed");
    row("nothing is known", {"redis", false, {}, {}}, "");
}

void LinkWordsTest::troubles()
{
    QFETCH(LinkStatus, link);
    QTEST(QString::fromStdString(troubleText(link)), "words");
}

void LinkWordsTest::settingsAreNamedAsTheyAreSet_data()
{
    QTest::addColumn<QString>("message");
    QTest::addColumn<QStringList>("settings");
    QTest::addColumn<QString>("added");
    const auto row = [](const char *name, const char *message, QStringList settings, const char *added) {
        QTest::newRow(name) << message << settings << added;
    };
    row("none", "It is a file.", {}, "");
    row("an option", "It is a file.", {"data_dir"}, " Set it with --data-dir.");
    row("an option and a variable", "Cannot connect.", {"database.url"}, " Set it with --database or DATABASE_URL.");
    row("two settings", "It cannot be written.", {"data_dir", "database.url"},
        " The settings are --data-dir and --database (or DATABASE_URL).");
    row("two that belong together", "Only one of 'tls.cert' and 'tls.key' is set.", {"tls.cert", "tls.key"},
        " The settings are --tls-cert and --tls-key.");
    row("two, one of them named by its option", "It lacks --tls-key.", {"tls.cert", "tls.key"},
        " The settings are --tls-cert and tls.key.");
    row("two that are both named", "It lacks --tls-key beside --tls-cert.", {"tls.cert", "tls.key"}, "");
    row("neither", "It is missing.", {"market.csv_dir"}, " Set it with --set market.csv_dir.");
    row("a key of the tier", "It is no limit.", {"limits.default"}, " Set it with --set limits.default.");
    row("named by its key", "The setting 'listen' is 'x'.", {"listen"}, " Set it with --listen.");
    row("named by its key, which is all it has", "The setting 'market.csv_dir' is missing.", {"market.csv_dir"}, "");
    row("named by its option", "--data-dir: it is a file.", {"data_dir"}, "");
    row("named by its variable", "DATABASE_URL: it is no URL.", {"database.url"}, "");
}

/// Where a value stands it is mended.
void LinkWordsTest::noWayIsToldBesideThePlace()
{
    const auto told = [](const char *place, const char *message) {
        return howSet(ofSettings(aboutThat(failure(ErrorKind::Invalid, message), place), {"listen"}));
    };
    QCOMPARE(told("portolan.toml:3", "portolan.toml:3: listen: \"x\" is not known."), std::string());
    QCOMPARE(told("/data/portal.db", "The file /data/portal.db: it is a folder."),
             std::string(" Set it with --listen."));
    QCOMPARE(told("", "Cannot listen."), std::string(" Set it with --listen."));
    // As the settings say it.
    SettingSources sources;
    sources.commandLine = {{"log.level", "loud"}};
    sources.namesOptions = true;
    const auto loaded = Settings::load(sources);
    QVERIFY(loaded.has_error() && loaded.error().settings == std::vector<std::string>{"log.level"});
    QVERIFY2(loaded.error().message.starts_with(loaded.error().about + ": ") && !loaded.error().about.empty(),
             loaded.error().message.c_str());
    QCOMPARE(howSet(loaded.error()), std::string());
}

void LinkWordsTest::settingsAreNamedAsTheyAreSet()
{
    QFETCH(QString, message);
    QFETCH(QStringList, settings);
    Error error = failure(ErrorKind::Invalid, message.toStdString());
    for (const QString &key : settings)
        error.settings.push_back(key.toStdString());
    QTEST(QString::fromStdString(howSet(error)), "added");
}

QTEST_GUILESS_MAIN(LinkWordsTest)
#include "link_words_test.moc"
