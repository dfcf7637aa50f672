// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "core/base/settings.h"
#include "core/server/restart_check.h"
#include "tests/fakes/redis_server_fixture.h"

#include <QDir>
#include <QElapsedTimer>
#include <QFile>
#include <QTcpServer>
#include <QTemporaryDir>
#include <QTest>

using namespace portolan;
using namespace portolan::server;

/// Whether a portal could start with other settings, found out while one runs: what the start would refuse is refused
/// here, and nothing is left behind.
class RestartCheckTest final : public QObject
{
    Q_OBJECT
private slots:
    void refusesWhatCannotStart_data();
    void refusesWhatCannotStart();
    void takesWhatCanStart_data();
    void takesWhatCanStart();
    void aRefusalIsNotWaitedFor();

private:
    using Told = std::vector<std::pair<std::string, std::string>>;
    static Settings settings(const Told &told)
    {
        SettingSources sources;
        sources.commandLine = told;
        sources.namesOptions = false;
        return Settings::load(sources).value();
    }
    static Result<void> check(const Told &now, const Told &more)
    {
        Told then = now;
        then.insert(then.end(), more.begin(), more.end());
        return checkRestart(settings(now), settings(then), [] { return false; });
    }
    static QStringList left(const QTemporaryDir &folder)
    {
        return QDir(folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }
};

void RestartCheckTest::refusesWhatCannotStart_data()
{
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value"); // @: a folder of the test's own; #: the port of a portal that runs
    QTest::addColumn<QString>("named");
    const auto row = [](const char *what, const char *key, const char *value, const char *named) {
        QTest::newRow(what) << key << value << named;
    };
    row("our port at an address that is not here", "listen", "192.0.2.1:#", "192.0.2.1");
    row("a name for an address", "listen", "portal.invalid:#", "no ADDRESS:PORT");
    row("a folder where none can be made", "data_dir", "/proc/nowhere/data", "/proc/nowhere/data");
    row("a folder below a file", "data_dir", "@/file/below/data", "is a file");
    row("a file for a folder", "data_dir", "@/file", "is a file");
    row("a database where none can be made", "database.url", "sqlite:/proc/x.db", "/proc/x.db");
    row("a database in a folder that is not there", "database.url", "sqlite:/proc/nowhere/x.db", "/proc/nowhere");
    row("a database that is none", "database.url", "sqlite:@/file", "file");
    row("another folder with a database that is none", "data_dir", "@/damaged", "portal.db");
    row("another folder that has lost its database", "data_dir", "@/lost", "is gone");
    row("another folder in use", "data_dir", "@/used", "in use");
    row("a certificate that is not there", "tls.cert", "@/none.pem", "none.pem");
}

void RestartCheckTest::refusesWhatCannotStart()
{
    QFETCH(QString, key);
    QFETCH(QString, value);
    QFETCH(QString, named);
    const QTemporaryDir folder;
    const auto write = [&folder](const QString &path, const QByteArray &content) {
        QFile file(folder.filePath(path));
        QVERIFY(QDir().mkpath(QFileInfo(file).path()));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(content) == content.size());
    };
    write("file", "mine");
    write("damaged/portal.db", "mine");
    write("lost/database.note", folder.filePath("lost/portal.db").toUtf8());
    QVERIFY(QDir().mkpath(folder.filePath("used")));
    const auto used = DataDirectory::open(folder.filePath("used").toStdString());
    QTcpServer running;
    QVERIFY(running.listen(QHostAddress::LocalHost));
    const QString port = QString::number(running.serverPort());
    const QString wanted = value.replace('@', folder.path()).replace('#', port);
    Told more{{key.toStdString(), wanted.toStdString()}};
    if (key == "tls.cert")
        more.emplace_back("tls.key", wanted.toStdString());
    const QStringList before = left(folder);
    const auto fit = check(
        {{"data_dir", folder.filePath("now").toStdString()}, {"listen", "127.0.0.1:" + port.toStdString()}}, more);
    QVERIFY2(!fit, "it was taken");
    QVERIFY2(fit.error().message.find(named.toStdString()) != std::string::npos, fit.error().message.c_str());
    QCOMPARE(left(folder), before);
}

void RestartCheckTest::takesWhatCanStart_data()
{
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("value");
    QTest::newRow("nothing else") << "tier"
                                  << "small";
    QTest::newRow("our port at every address") << "listen"
                                               << "0.0.0.0:#";
    QTest::newRow("our port by another name") << "listen"
                                              << "localhost:#";
    QTest::newRow("a folder to be made") << "data_dir"
                                         << "@/a/b/c";
    QTest::newRow("a database to be made") << "database.url"
                                           << "sqlite:@/x.db";
    QTest::newRow("a database in the folder to be made") << "database.url"
                                                         << "sqlite:@/now/x.db";
}

void RestartCheckTest::takesWhatCanStart()
{
    QFETCH(QString, key);
    QFETCH(QString, value);
    const QTemporaryDir folder;
    QTcpServer running;
    QVERIFY(running.listen(QHostAddress::LocalHost));
    const QString port = QString::number(running.serverPort());
    const auto fit =
        check({{"data_dir", folder.filePath("now").toStdString()}, {"listen", "127.0.0.1:" + port.toStdString()}},
              {{key.toStdString(), value.replace('@', folder.path()).replace('#', port).toStdString()}});
    QVERIFY2(fit.has_value(), fit ? "" : fit.error().message.c_str());
    QVERIFY2(left(folder).isEmpty(), qPrintable(left(folder).join(' ')));
}

/// One that is away may come; one that says no will go on doing so.
void RestartCheckTest::aRefusalIsNotWaitedFor()
{
    const QTemporaryDir folder;
    const Told now{{"data_dir", folder.path().toStdString()}};
    RedisServerFixture locked({"--requirepass", "wanted"});
    QElapsedTimer time;
    time.start();
    const auto refused = check(now, {{"redis.url", locked.url()}});
    QVERIFY(!refused);
    QCOMPARE(refused.error().code, std::string("redis-auth"));
    QVERIFY2(time.elapsed() < 4000, qPrintable(QString::number(time.elapsed())));
    RedisServerFixture evicting({"--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru"});
    const auto evicts = check(now, {{"redis.url", evicting.url()}});
    QVERIFY2(!evicts && evicts.error().message.find("allkeys-lru") != std::string::npos, "an evicting Redis was taken");
}

QTEST_GUILESS_MAIN(RestartCheckTest)
#include "restart_check_test.moc"
