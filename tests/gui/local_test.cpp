// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/support/colours.h"
#include "ui/support/local_choices.h"
#include "ui/support/settings_file.h"
#include "ui/support/url_password.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/problem_label.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/url_line.h"
#include "ui/widgets/zone_badge.h"

#include <QAbstractItemView>
#include <QAccessible>
#include <QClipboard>
#include <QComboBox>
#include <QFile>
#include <QPlainTextEdit>
#include <QToolButton>

using namespace portolan;
using namespace portolan::ui;

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What the local portal is made of: passwords that nobody sees, and choices that the next start begins with.
class LocalTest final : public QObject
{
    Q_OBJECT
private slots:
    void passwordsAreMasked_data();
    void passwordsAreMasked();
    void editsKeepOrReplaceThePassword_data();
    void editsKeepOrReplaceThePassword();
    void nobodySeesThePassword();
    void aPortalThatRunsWithoutItsRedisSaysSo_data();
    void aPortalThatRunsWithoutItsRedisSaysSo();
    void choicesAreRemembered();
    void aURLWithAPasswordIsNot();
    void whatDidNotStartIsNot();
    void aDemonstrationRemembersNothing();
    void damagedChoicesArePassedOver_data();
    void damagedChoicesArePassedOver();
    void aDamagedFileBeginsAnew();
    void longLogLinesAreReadWhole();
    void whatIsDamagedIsMendedFromHere();
    void theReasonStandsOnce();
    void theReasonLooksLikeAnError();
    void theAddressIsSaidWhereThereIsNoBrowser();
    void theMarkHasItsRoomInLargerLetters();
    void tiersSayWhatTheyAreFor();

private:
    static bool holds(Console &console, const QByteArray &word)
    {
        console.settings.sync();
        QFile file(console.settings.fileName());
        return file.open(QIODevice::ReadOnly) && file.readAll().contains(word);
    }
    static void restart(Console &console)
    {
        console.run("Restart");
        QTRY_COMPARE(console.notice(), QString("The portal runs again."));
    }
    static void write(Console &console, const QString &line, const QString &text)
    {
        console.find<QWidget>(line)->setFocus();
        console.press(Qt::Key_A, Qt::ControlModifier);
        console.type(text);
    }
};

void LocalTest::passwordsAreMasked_data()
{
    QTest::addColumn<QString>("url");
    QTest::addColumn<QString>("shown");
    QTest::newRow("user and password") << "redis://user:pw@host:6379/0"
                                       << "redis://user:•••@host:6379/0";
    QTest::newRow("password only") << "rediss://:pw@host"
                                   << "rediss://:•••@host";
    QTest::newRow("a database's") << "postgresql://portal:p%40@db.example.org/portal"
                                  << "postgresql://portal:•••@db.example.org/portal";
    QTest::newRow("not escaped") << "redis://:p@s/s:w?r#d@host"
                                 << "redis://:•••@host";
    QTest::newRow("a socket's") << "unix://u:pw@/run/redis.sock"
                                << "unix://u:•••@/run/redis.sock";
    QTest::newRow("a parameter") << "postgresql://db/portal?password=p/w&sslmode=require"
                                 << "postgresql://db/portal?password=•••&sslmode=require";
    QTest::newRow("before the host and as a parameter") << "redis://u:pw@host?password=p,w"
                                                        << "redis://u:•••@host?password=•••";
    QTest::newRow("keywords") << "host=db password='p w' dbname=portal"
                              << "host=db password=••• dbname=portal";
    QTest::newRow("no scheme") << "portal:pw@host:6379"
                               << "portal:•••@host:6379";
    QTest::newRow("one slash") << "redis:/:pw@host"
                               << "redis:•••@host";
    for (const char *same : {"", "redis://host:6379/0", "redis://user@host:6379", "redis://user:@host", "unix:/a:b@c",
                             "sqlite:///home/a:b@c/portal.db", "sqlite:/home/a:b@c", "postgresql://portal@db/portal"})
        QTest::newRow(same) << same << same;
}

void LocalTest::passwordsAreMasked()
{
    QFETCH(QString, url);
    QFETCH(QString, shown);
    QCOMPARE(withPasswordMasked(url), shown);
    QCOMPARE(hasPassword(url), url != shown);
    QCOMPARE(withPasswordOf(url, shown), url);
}

void LocalTest::editsKeepOrReplaceThePassword_data()
{
    QTest::addColumn<QString>("edited");
    QTest::addColumn<QString>("meant");
    QTest::newRow("another database") << "redis://user:•••@host/1"
                                      << "redis://user:secret@host/1";
    QTest::newRow("a letter more") << "redis://user:•••x@host"
                                   << "redis://user:secretx@host";
    QTest::newRow("a part of the mask is gone") << "redis://user:••@host"
                                                << "redis://user:@host";
    QTest::newRow("another password") << "redis://user:new@host"
                                      << "redis://user:new@host";
    QTest::newRow("no password") << "redis://host"
                                 << "redis://host";
    QTest::newRow("the mask without its place") << "•••"
                                                << "";
}

void LocalTest::editsKeepOrReplaceThePassword()
{
    QFETCH(QString, edited);
    QTEST(withPasswordOf("redis://user:secret@host", edited), "meant");
}

void LocalTest::nobodySeesThePassword()
{
    Console console;
    console.window->openPage("local");
    write(console, "Redis", "redis://user:hunter2@127.0.0.1:6379/0");
    auto *line = console.find<UrlLine>("Redis");
    QCOMPARE(line->text(), QString("redis://user:•••@127.0.0.1:6379/0"));
    QCOMPARE(line->url(), QString("redis://user:hunter2@127.0.0.1:6379/0"));
    line->selectAll();
    line->copy();
    QVERIFY(!QApplication::clipboard()->text().contains("hunter2"));
    const QAccessibleInterface *spoken = QAccessible::queryAccessibleInterface(line);
    QCOMPARE(spoken->text(QAccessible::Value), line->text());
    restart(console);
    QCOMPARE(console.stack.settings().redisUrl, std::string("redis://user:hunter2@127.0.0.1:6379/0"));
    for (const QWidget *widget : console.window->findChildren<QWidget *>()) {
        const auto *label = qobject_cast<const QLabel *>(widget);
        QVERIFY(!(label ? label->text() : widget->accessibleName()).contains("hunter2"));
    }
    line->setFocus();
    console.press(Qt::Key_End);
    console.press(Qt::Key_Backspace);
    console.type("5");
    restart(console);
    QCOMPARE(console.stack.settings().redisUrl, std::string("redis://user:hunter2@127.0.0.1:6379/5"));
    for (int step = 0; line->isUndoAvailable() && step < 100; ++step) {
        line->undo();
        QVERIFY2(!line->text().contains("hunter"), qPrintable(line->text()));
    }
}

void LocalTest::choicesAreRemembered()
{
    Console console;
    console.window->openPage("local");
    write(console, "Tier", "watchlist");
    write(console, "Listen", "127.0.0.1:9000");
    write(console, "Redis", "redis://127.0.0.1:6379/3");
    QVERIFY(rememberedChoices(console.settings).empty()); // not before it counts
    restart(console);
    QCOMPARE(rememberedChoices(console.settings),
             (Pairs{{"tier", "watchlist"}, {"listen", "127.0.0.1:9000"}, {"redis.url", "redis://127.0.0.1:6379/3"}}));
    write(console, "Redis", "");
    console.press(Qt::Key_Backspace);
    restart(console); // back to the private one: that is a choice too
    QCOMPARE(rememberedChoices(console.settings),
             (Pairs{{"tier", "watchlist"}, {"listen", "127.0.0.1:9000"}, {"redis.url", ""}}));
}

void LocalTest::aURLWithAPasswordIsNot()
{
    Console console;
    console.window->openPage("local");
    const auto said = [&console](const QString &words) {
        return std::ranges::any_of(console.window->page()->findChildren<QLabel *>(),
                                   [&](const QLabel *label) { return label->text().contains(words); });
    };
    write(console, "Database", "postgresql://portal@db.example.org/portal");
    QVERIFY(said("remembered") && !said("DATABASE_URL"));
    restart(console);
    QVERIFY(holds(console, "db.example.org"));
    write(console, "Database", "postgresql://portal:hunter2@db.example.org/portal");
    QVERIFY(said("DATABASE_URL"));
    restart(console);
    QVERIFY(!holds(console, "hunter2") && !holds(console, "db.example.org"));
}

void LocalTest::whatDidNotStartIsNot()
{
    Console console;
    console.window->openPage("local");
    console.run("Stop");
    write(console, "Listen", "127.0.0.1:1");
    console.stack.failNext({ErrorKind::Invalid, "listen", "No.", "", {}, std::chrono::seconds(0)});
    console.run("Start");
    QTRY_VERIFY(console.stack.problem());
    QVERIFY(rememberedChoices(console.settings).empty());
    console.run("Start"); // the second time it works
    QTRY_COMPARE(console.stack.state(), LocalStack::State::Running);
    QCOMPARE(rememberedChoices(console.settings),
             (std::vector<std::pair<std::string, std::string>>{{"listen", "127.0.0.1:1"}}));
}

void LocalTest::aDemonstrationRemembersNothing()
{
    Console console;
    MainWindow::Parts parts = console.parts();
    parts.rememberChoices = false;
    console.open(parts);
    console.window->openPage("local");
    write(console, "Listen", "127.0.0.1:9000");
    restart(console);
    QCOMPARE(console.stack.settings().listen, std::string("127.0.0.1:9000"));
    QVERIFY(rememberedChoices(console.settings).empty());
}

void LocalTest::damagedChoicesArePassedOver_data()
{
    QTest::addColumn<QByteArray>("content");
    QTest::newRow("a list") << QByteArray("tier=a, b\n");
    QTest::newRow("too long") << "tier=" + QByteArray(5000, 'x') + "\n";
    QTest::newRow("a line end inside") << QByteArray("tier=\"a\\nb\"\n");
    QTest::newRow("NUL") << QByteArray("tier=\"a\\x0\"\n");
    QTest::newRow("a password") << QByteArray("redis.url=redis://:pw@host\n");
    QTest::newRow("no text") << QByteArray("tier=@Size(1 2)\n");
    QTest::newRow("no such choice") << QByteArray("secret_key=x\n");
}

void LocalTest::damagedChoicesArePassedOver()
{
    QFETCH(QByteArray, content);
    const QTemporaryDir folder;
    QFile file(folder.filePath("console.conf"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("[local]\nlisten=127.0.0.1:9000\n" + content);
    file.close();
    const auto opened = openSettings(file.fileName());
    QCOMPARE(rememberedChoices(*opened.settings), (Pairs{{"listen", "127.0.0.1:9000"}}));
}

void LocalTest::aDamagedFileBeginsAnew()
{
    const QTemporaryDir folder;
    QFile file(folder.filePath("console.conf"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("[local\n\x01tier");
    file.close();
    const auto opened = openSettings(file.fileName());
    QVERIFY(!opened.problem.isEmpty());
    QVERIFY(rememberedChoices(*opened.settings).empty());
    LocalStackSettings chosen;
    chosen.tier = "watchlist";
    rememberChoices(*opened.settings, {}, chosen);
    opened.settings->sync();
    QCOMPARE(rememberedChoices(*openSettings(file.fileName()).settings), (Pairs{{"tier", "watchlist"}}));
}

void LocalTest::longLogLinesAreReadWhole()
{
    Console console;
    console.window->openPage("local");
    const std::string tail = std::string(2000, 'x') + " the end";
    emit console.stack.logged({{console.clock.wall(), LogLine::Level::Info, "request " + tail},
                               {console.clock.wall(), LogLine::Level::Info, "short"}});
    Console::settle();
    auto *log = console.find<TableView>("Log");
    log->setFocus();
    log->selectAll();
    Console::settle();
    const QString whole = console.find<QPlainTextEdit>("The selected lines, whole")->toPlainText();
    QVERIFY(whole.contains("request " + QString::fromStdString(tail)) && whole.contains("short"));
    QTest::keySequence(log, QKeySequence::Copy);
    const QStringList copied = QApplication::clipboard()->text().split('\n');
    QCOMPARE(int(copied.size()), log->model()->rowCount());
    QVERIFY(copied[copied.size() - 2].endsWith(QString::fromStdString(tail)));
}

/// A portal that does not start since its files are damaged: the two ways out are offered where the reason stands, and
/// nowhere else.
void LocalTest::whatIsDamagedIsMendedFromHere()
{
    Console console;
    console.window->openPage("local");
    QVERIFY(!console.find<QToolButton>("Mend and start"));
    QVERIFY(!console.command("Mend and start")->isEnabled());
    Error damaged = failure(ErrorKind::Unavailable, "The append-only files have lost their manifest.",
                            "Run `portoland mend`, which keeps a copy and mends it.");
    damaged.code = "redis-corrupt";
    for (const char *way : {"Mend and start", "Start without it"}) {
        console.stack.switchOff();
        console.stack.failNext(damaged);
        console.command("Start")->trigger();
        QTRY_VERIFY(console.find<QToolButton>("Mend and start") && console.find<QToolButton>("Start without it"));
        QVERIFY(console.command(way)->isEnabled());
        console.command(way)->trigger();
        QTRY_COMPARE(console.stack.state(), LocalStack::State::Running);
        QTRY_VERIFY(!console.find<QToolButton>("Mend and start"));
        QCOMPARE(console.stack.calls().back(), std::string("stack.mend"));
    }
}

/// Why it did not start: once, on whatever page, and nothing that can be typed or clicked has moved.
void LocalTest::theReasonStandsOnce()
{
    Console console;
    console.window->openPage("local");
    console.run("Stop");
    const auto places = [&console] {
        QList<QPoint> all;
        for (const char *name : {"Tier", "Listen", "Data directory", "Redis", "Database"})
            all << console.find<QWidget>(name)->mapTo(console.window.get(), QPoint());
        for (const auto *button : console.window->page()->findChildren<QAbstractButton *>())
            if (button->isVisible())
                all << button->mapTo(console.window.get(), QPoint());
        return all;
    };
    const auto times = [&console](const QString &words) {
        int count = console.notice().count(words);
        for (const QWidget *widget : console.window->findChildren<QWidget *>()) {
            const auto *label = qobject_cast<const QLabel *>(widget);
            if (widget->isVisible() && (label || qobject_cast<const ZoneBadge *>(widget)))
                count += int((label ? label->text() : widget->accessibleName()).count(words));
        }
        return count;
    };
    const auto before = places();
    console.stack.failNext(failure(ErrorKind::Conflict, "Port 8080 is in use.", "Choose another."));
    console.run("Start");
    QTRY_VERIFY(console.stack.problem());
    Console::settle();
    QCOMPARE(times("Port 8080 is in use"), 1);
    QCOMPARE(places(), before);
    QCOMPARE(console.window->findChild<DeploymentHeader *>()->verdict(), QString("Red: the portal is not running"));
    console.window->openPage("users");
    Console::settle();
    QVERIFY(console.window->findChild<DeploymentHeader *>()->advice().contains("Port 8080 is in use. Choose another."));
    QCOMPARE(times("Port 8080 is in use"), 1);
    console.run("Start");
    QTRY_COMPARE(console.stack.state(), LocalStack::State::Running);
    QCOMPARE(times("Port 8080 is in use"), 0);
}

namespace {

QFont twiceAsLarge(QFont font)
{
    font.setPointSizeF(font.pointSizeF() * 2);
    return font;
}

} // namespace

/// By its ground, by a mark and by a word: in both themes.
void LocalTest::theReasonLooksLikeAnError()
{
    Console console;
    console.window->openPage("local");
    console.run("Stop");
    console.stack.failNext(failure(ErrorKind::Conflict, "Port 8080 is in use.", "Choose another."));
    console.run("Start");
    QTRY_VERIFY(console.stack.problem());
    auto *reason = console.window->page()->findChild<ProblemLabel *>();
    QVERIFY(reason && reason->isVisible());
    QCOMPARE(reason->text(), QString("Failed: Port 8080 is in use. Choose another."));
    for (const Theme::Mode mode : {Theme::Mode::Light, Theme::Mode::Dark}) {
        console.theme.setMode(mode);
        Console::settle();
        const Colours &colours = coloursOf(console.window->palette());
        const QImage picture = reason->grab().toImage();
        QCOMPARE(picture.pixelColor(picture.width() - 8, picture.height() / 2),
                 blend(colours.red, colours.surface, 0.12));
        int marked = 0;
        for (int x = 0; x < picture.width() / 10; ++x)
            for (int y = 0; y < picture.height(); ++y)
                marked += picture.pixelColor(x, y) == colours.red ? 1 : 0;
        QVERIFY2(marked > 40, qPrintable(QString::number(marked)));
    }
    console.run("Start");
    QTRY_COMPARE(console.stack.state(), LocalStack::State::Running);
    QVERIFY(!reason->isVisible() && reason->text().isEmpty());
}

void LocalTest::theAddressIsSaidWhereThereIsNoBrowser()
{
    Console console;
    console.window->openPage("local");
    console.command("Open in the browser")->trigger();
    QCOMPARE(console.opened.size(), std::size_t(1));
    QVERIFY(console.notice().isEmpty());
    console.hasBrowser = false;
    console.command("Open in the browser")->trigger();
    QCOMPARE(console.opened.size(), std::size_t(2));
    const QString address = console.opened.back().toString();
    QVERIFY2(console.notice().startsWith(address + ' '), qPrintable(console.notice()));
    // Where there is no room for the whole sentence, what is to be copied is there.
    console.window->resize(640, 480);
    auto *notice = console.window->findChild<NoticeBar *>();
    notice->setFont(twiceAsLarge(notice->font()));
    Console::settle();
    const auto *label = notice->findChild<QLabel *>();
    QVERIFY(label->text() != console.notice());
    QVERIFY2(label->text().startsWith(address + ' '), qPrintable(label->text()));
}

/// As somebody sets it for the whole desktop while the console is open.
void LocalTest::theMarkHasItsRoomInLargerLetters()
{
    Console console;
    console.window->tell("Something failed.", false);
    console.window->openPage("local");
    auto *reason = console.window->page()->findChild<ProblemLabel *>();
    auto *notice = console.window->findChild<NoticeBar *>();
    const auto gap = [](const QWidget &widget, int words) { return words - widget.fontMetrics().height(); };
    const auto gaps = [&] {
        return std::pair(gap(*reason, reason->contentsMargins().left()),
                         gap(*notice, notice->findChild<QLabel *>()->x()));
    };
    Console::settle();
    const auto before = gaps();
    for (QWidget *widget : std::initializer_list<QWidget *>{reason, notice})
        widget->setFont(twiceAsLarge(widget->font()));
    Console::settle();
    QVERIFY(before.first > 0 && before.second > 0);
    QCOMPARE(gaps(), before);
}

void LocalTest::tiersSayWhatTheyAreFor()
{
    Console console;
    console.window->openPage("local");
    const auto *tiers = console.find<QComboBox>("Tier");
    QVERIFY(tiers->count() > 1);
    QSet<QString> all;
    for (int row = 0; row < tiers->count(); ++row) {
        const QString words = tiers->itemData(row, Qt::AccessibleTextRole).toString();
        QVERIFY2(words.contains(" of Redis") && words.contains(" at once"), qPrintable(words));
        QVERIFY2(tiers->view()->sizeHintForIndex(tiers->model()->index(row, 0)).width() >
                     tiers->fontMetrics().horizontalAdvance(words),
                 qPrintable(words));
        all << words;
    }
    QCOMPARE(int(all.size()), tiers->count());
    QVERIFY(tiers->itemData(0, Qt::AccessibleTextRole).toString().endsWith("; 30 MB of Redis, 2 tasks at once"));
    QCOMPARE(tiers->currentText(), QString("small")); // what is chosen is the name alone
}

void LocalTest::aPortalThatRunsWithoutItsRedisSaysSo_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QString>("words");
    QTest::newRow("all is there") << "all-green"
                                  << "green: running";
    QTest::newRow("Redis is away") << "redis-down"
                                   << "red: running, but Redis does not answer";
    QTest::newRow("the link is lost") << "stale"
                                      << "red: running, but the link is lost";
}

void LocalTest::aPortalThatRunsWithoutItsRedisSaysSo()
{
    QFETCH(QString, situation);
    Console console({.situation = situation.toStdString()});
    console.window->openPage("local");
    console.tick();
    QStringList said;
    for (const ZoneBadge *badge : console.window->page()->findChildren<ZoneBadge *>())
        said << badge->accessibleName();
    QTEST(said.join('\n'), "words");
}

QTEST_MAIN(LocalTest)
#include "local_test.moc"
