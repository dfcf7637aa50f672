// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"
#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "tests/fakes/await.h"
#include "tests/fakes/redis_server_fixture.h"
#include "tests/gui/console_window.h"
#include "ui/support/log_sentence.h"
#include "ui/support/settings_file.h"
#include "ui/widgets/zone_badge.h"

#include <QDir>
#include <QFile>
#include <QLabel>
#include <QTcpServer>

using namespace portolan;
using namespace portolan::ui;

/// What is wrong before a portal runs, and what the window says of it: the cause, the way out, and nothing is lost.
class BadInputTest final : public QObject
{
    Q_OBJECT
private slots:
    void settingsThatAreDamagedAreKept();
    void settingsThatCannotBeReadAreLeftAlone();
    void logLinesBecomeSentences_data();
    void logLinesBecomeSentences();
    void whatKeepsAPortalFromStarting_data();
    void whatKeepsAPortalFromStarting();
    void aHistoryThatCannotBeUsedIsSetAside_data();
    void aHistoryThatCannotBeUsedIsSetAside();
    void withoutRedisItSaysSo();
    void whatIsOverIsNoNews();
};

namespace {

using Told = std::vector<std::pair<std::string, std::string>>;

void write(const QString &path, const QByteArray &content)
{
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly) && file.write(content) == content.size());
}

QByteArray contentOf(const QString &path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// A console that starts a portal in `directory`, as the program does.
struct Starting
{
    explicit Starting(const QString &directory, const Told &more = {}) : stack(sources(directory, more), clock)
    {
        outcome = await(stack.start(stack.settings()));
        console.settle();
    }
    static SettingSources sources(const QString &directory, const Told &more)
    {
        SettingSources told;
        told.commandLine = {{"data_dir", directory.toStdString()}, {"listen", "127.0.0.1:0"}};
        told.commandLine.insert(told.commandLine.end(), more.begin(), more.end());
        return told;
    }
    /// All that the window shows of it, on every page.
    QString shown()
    {
        QStringList words{console.notice()};
        console.window->openPage("local");
        console.settle();
        for (const auto *label : console.window->findChildren<QLabel *>()) {
            if (label->isVisible())
                words << label->text();
        }
        for (const auto *badge : console.window->findChildren<ZoneBadge *>()) {
            if (badge->isVisible())
                words << badge->accessibleName();
        }
        return words.join('\n');
    }

    SystemClock clock;
    embedded::EmbeddedStack stack;
    ConsoleWindow console{stack, clock};
    Result<void> outcome;
};

} // namespace

void BadInputTest::settingsThatAreDamagedAreKept()
{
    const QTemporaryDir folder;
    const QString path = folder.filePath("console.conf");
    for (const auto &[content, kept] : {std::pair(QByteArray("[window\n\x01\x02nonsense"), path + ".corrupt"),
                                        std::pair(QByteArray("\xff\xfe\x00garbage"), path + ".corrupt-2")}) {
        write(path, content);
        const auto opened = openSettings(path);
        QVERIFY2(opened.problem.contains(path) && opened.problem.contains(kept), qPrintable(opened.problem));
        QCOMPARE(contentOf(kept), content);
        opened.settings->setValue("theme", "dark");
        opened.settings->sync();
        QCOMPARE(opened.settings->status(), QSettings::NoError);
        const auto again = openSettings(path);
        QVERIFY2(again.problem.isEmpty(), qPrintable(again.problem));
        QCOMPARE(again.settings->value("theme").toString(), QString("dark"));
    }
    QVERIFY(openSettings(folder.filePath("none.conf")).problem.isEmpty());
}

void BadInputTest::settingsThatCannotBeReadAreLeftAlone()
{
    const QTemporaryDir folder;
    // A directory where the file should be is unreadable also for root.
    const QString path = folder.filePath("console.conf");
    QVERIFY(QDir().mkdir(path));
    const auto opened = openSettings(path);
    QVERIFY2(opened.problem.contains(path), qPrintable(opened.problem));
    QVERIFY(QDir(path).exists());
    opened.settings->setValue("theme", "dark");
    QCOMPARE(opened.settings->value("theme").toString(), QString("dark"));
}

void BadInputTest::logLinesBecomeSentences_data()
{
    QTest::addColumn<QString>("line");
    QTest::addColumn<QString>("sentence");
    QTest::newRow("plain") << "it is so"
                           << "It is so.";
    QTest::newRow("why and mend") << R"(Redis is missing why="The program 'x' is not installed." mend="Install it.")"
                                  << "Redis is missing: The program 'x' is not installed. Install it.";
    QTest::newRow("kept") << R"(the file was set aside file=/a kept_as=/b why="it is \"odd\"")"
                          << "The file was set aside: it is \"odd\". It is kept as /b.";
    QTest::newRow("other fields") << "requests are slow ms=1204 route=/x"
                                  << "Requests are slow.";
    QTest::newRow("nothing") << ""
                             << ".";
}

void BadInputTest::logLinesBecomeSentences()
{
    QFETCH(QString, line);
    QTEST(logSentence({{}, LogLine::Level::Warning, line.toStdString()}), "sentence");
}

void BadInputTest::whatKeepsAPortalFromStarting_data()
{
    QTest::addColumn<QString>("what");
    QTest::addColumn<QStringList>("words");
    QTest::newRow("port in use") << "port" << QStringList{"in use", "another port"};
    QTest::newRow("directory in use") << "locked" << QStringList{"process"};
    QTest::newRow("no directory") << "file" << QStringList{"is a file. Choose another"};
    QTest::newRow("database damaged") << "database" << QStringList{"damaged", "restore"};
    QTest::newRow("unknown tier") << "tier" << QStringList{"enormous", "small"};
    QTest::newRow("database gone") << "gone"
                                   << QStringList{"is gone", "`portoland restore FILE --data-dir /", " --empty`"};
    QTest::newRow("foreign Redis away") << "redis" << QStringList{"127.0.0.1"};
}

void BadInputTest::whatKeepsAPortalFromStarting()
{
    QFETCH(QString, what);
    QFETCH(QStringList, words);
    const QTemporaryDir folder;
    QString directory = folder.filePath("data");
    Told more;
    QTcpServer squatter;
    QVERIFY(squatter.listen(QHostAddress::LocalHost));
    const std::string taken = "127.0.0.1:" + std::to_string(squatter.serverPort());
    std::optional<DataDirectory> lock;
    QDir().mkpath(directory);
    if (what == "port")
        more = {{"listen", taken}};
    if (what == "locked")
        lock.emplace(DataDirectory::open(directory.toStdString()).value());
    if (what == "file")
        write(directory = folder.filePath("file"), "mine");
    if (what == "database")
        write(directory + "/portal.db", "mine");
    if (what == "gone")
        write(directory + "/database.note", (directory + "/portal.db").toUtf8());
    if (what == "tier")
        more = {{"tier", "enormous"}};
    if (what == "redis")
        more = {{"redis.url", "redis://127.0.0.1:1/0"}};
    Starting starting(directory, more);
    if (what == "redis" && starting.outcome) // it runs, and waits for it
        QVERIFY(QTest::qWaitFor([&] { return starting.shown().contains("127.0.0.1:1"); }, 10'000));
    else
        QVERIFY(!starting.outcome);
    const QString shown = starting.shown();
    for (const QString &word : words)
        QVERIFY2(shown.contains(word), qPrintable(word + " is not in:\n" + shown));
    if (what == "file")
        QCOMPARE(contentOf(directory), QByteArray("mine"));
    if (what == "database")
        QCOMPARE(contentOf(directory + "/portal.db"), QByteArray("mine"));
}

void BadInputTest::aHistoryThatCannotBeUsedIsSetAside_data()
{
    QTest::addColumn<QByteArray>("content");
    QByteArray newer("SQLite format 3");
    newer.resize(4096);
    newer[63] = 9;                            // PRAGMA user_version
    newer.replace(68, 4, QByteArray("POHI")); // PRAGMA application_id
    QTest::newRow("of a newer version") << newer;
    QTest::newRow("no database") << QByteArray(5000, 'x');
}

void BadInputTest::aHistoryThatCannotBeUsedIsSetAside()
{
    QFETCH(QByteArray, content);
    const QTemporaryDir folder;
    write(folder.filePath("history.db"), content);
    Starting starting(folder.path());
    QVERIFY(starting.outcome.has_value());
    QTRY_VERIFY_WITH_TIMEOUT(starting.console.notice().contains("history file was set aside"), 10'000);
    const QStringList kept = QDir(folder.path()).entryList({"history.db.set-aside-*"});
    QCOMPARE(kept.size(), 1);
    QVERIFY2(starting.console.notice().contains(kept.first()), qPrintable(starting.console.notice()));
    QCOMPARE(contentOf(folder.filePath(kept.first())), content);
    QTRY_COMPARE_WITH_TIMEOUT(starting.stack.deployment().link(), LinkState::Live, 10'000);
}

void BadInputTest::withoutRedisItSaysSo()
{
    const QTemporaryDir folder;
    Starting starting(folder.path(), {{"redis.program", "/nonexistent/redis-server"}});
    QVERIFY(starting.outcome.has_value());
    QTRY_VERIFY_WITH_TIMEOUT(starting.console.notice().contains("apt install redis-server"), 10'000);
    QTRY_COMPARE_WITH_TIMEOUT(starting.stack.deployment().link(), LinkState::Live, 10'000);
}

/// A Redis that was away while the portal started, and has come.
void BadInputTest::whatIsOverIsNoNews()
{
    const QTemporaryDir folder;
    RedisServerFixture redis({}, RedisServerFixture::Listen::Tcp);
    redis.kill();
    Starting starting(folder.path(), {{"redis.url", redis.url()}});
    QVERIFY(starting.outcome.has_value());
    QTRY_VERIFY_WITH_TIMEOUT(starting.console.notice().contains("Redis is away"), 10'000);
    QVERIFY2(!starting.console.notice().contains("--"), qPrintable(starting.console.notice()));
    redis.start();
    QTRY_VERIFY_WITH_TIMEOUT(starting.console.notice().isEmpty(), 20'000);
}

QTEST_MAIN(BadInputTest)
#include "bad_input_test.moc"
