// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/dialogs/command_palette.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/pages/page_table.h"
#include "ui/support/colours.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/tile.h"

using namespace portolan;
using namespace portolan::ui;

/// The shell around the pages.
class ShellTest final : public QObject
{
    Q_OBJECT
private slots:
    void titlesStandOnOneLine();
    void pagesByKeyboard();
    void paletteFindsAndRuns();
    void paletteFindsWhatIsElsewhere();
    void paletteSaysWhyNot();
    void paletteRanks_data();
    void paletteRanks();
    void verdicts_data();
    void verdicts();
    void tilesOpenTheirPages();
    void aNoticeMovesNothing();
    void aNoticeLeavesTheName_data();
    void aNoticeLeavesTheName();
    void samplesGrowOld();
    void geometryAndThemeAreRemembered();
    void corruptSettingsDoNoHarm();
    void productionDialogWantsTheName();
};

void ShellTest::pagesByKeyboard()
{
    Console console;
    int number = 0;
    for (const PageEntry &entry : pageTable()) {
        console.press(Qt::Key(Qt::Key_1 + number++), Qt::ControlModifier);
        QCOMPARE(console.window->currentPage(), entry.id);
    }
    console.press(Qt::Key_1, Qt::ControlModifier);
    console.press(Qt::Key_F6);
    QVERIFY(qobject_cast<Sidebar *>(QApplication::focusWidget()));
    if (pageTable().size() > 1) {
        console.press(Qt::Key_Down);
        QCOMPARE(console.window->currentPage(), pageTable()[1].id);
    }
}

void ShellTest::paletteFindsAndRuns()
{
    Console console;
    console.press(Qt::Key_K, Qt::ControlModifier);
    auto *palette = console.window->findChild<CommandPalette *>();
    QVERIFY(palette);
    console.type("dark th");
    console.press(Qt::Key_Return);
    QCOMPARE(console.theme.mode(), Theme::Mode::Dark);
    QVERIFY(isDark(QApplication::palette()));
    console.theme.setMode(Theme::Mode::Light);
    QVERIFY(!isDark(QApplication::palette()));
}

void ShellTest::paletteFindsWhatIsElsewhere()
{
    Console console;
    QCOMPARE(console.window->currentPage(), QString("overview"));
    console.press(Qt::Key_K, Qt::ControlModifier);
    console.type("stop");
    const auto *list = console.window->findChild<CommandPalette *>()->findChild<QListWidget *>();
    QVERIFY2(list->item(0)->text().startsWith("Stop (Local stack)"), qPrintable(list->item(0)->text()));
    QVERIFY(!list->item(0)->data(Qt::UserRole + 2).toString().isEmpty()); // its keys stand in a column of their own
    console.press(Qt::Key_Return);
    QTRY_COMPARE(console.stack.state(), LocalStack::State::Stopped);
    QCOMPARE(console.window->currentPage(), QString("local"));
}

void ShellTest::paletteSaysWhyNot()
{
    Console console;
    console.window->openPage("connections");
    console.press(Qt::Key_K, Qt::ControlModifier);
    console.type("close selected");
    const auto *list = console.window->findChild<CommandPalette *>()->findChild<QListWidget *>();
    QVERIFY(list && list->count() > 0);
    QVERIFY2(list->item(0)->text().contains("Select a connection first."), qPrintable(list->item(0)->text()));
}

void ShellTest::aNoticeLeavesTheName_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QSize>("size");
    for (const char *situation : {"all-green", "long-names"})
        for (const QSize size : {QSize(640, 480), QSize(800, 600), QSize(1600, 1000)})
            QTest::addRow("%s %d", situation, size.width()) << QString(situation) << size;
}

/// Which deployment it is of is read beside it.
void ShellTest::aNoticeLeavesTheName()
{
    QFETCH(QString, situation);
    QFETCH(QSize, size);
    Console console({.situation = situation.toStdString()});
    console.window->resize(size);
    Console::settle();
    const auto *header = console.window->findChild<DeploymentHeader *>();
    const auto *name = header->nameRow().findChild<QLabel *>("name");
    QVERIFY(name);
    const QString before = name->text();
    console.window->tell(QString("A sentence that takes more than one line. ").repeated(6), false);
    Console::settle();
    const auto place = [&](const QWidget &widget) {
        return QRect(widget.mapTo(console.window.get(), QPoint()), widget.size());
    };
    const auto *notice = console.window->findChild<NoticeBar *>();
    QVERIFY(!place(*notice).intersects(place(*name)));
    QVERIFY(name->text().size() >= 9 && name->width() >= name->fontMetrics().horizontalAdvance(name->text()));
    QVERIFY2(notice->width() > size.width() / 2, qPrintable(QString::number(notice->width())));
    console.window->findChild<NoticeBar *>()->hide();
    Console::settle();
    QCOMPARE(name->text(), before);
}

void ShellTest::aNoticeMovesNothing()
{
    Console console;
    console.window->openPage("queue");
    Console::settle();
    const auto places = [&console] {
        std::vector<QRect> all;
        for (const QWidget *widget : console.window->page()->findChildren<QWidget *>())
            all.emplace_back(widget->mapTo(console.window.get(), QPoint()), widget->size());
        return all;
    };
    const auto before = places();
    for (const bool worked : {true, false}) {
        console.window->tell(QString("A sentence that takes more than one line. ").repeated(6), worked);
        Console::settle();
        QVERIFY(!console.notice().isEmpty());
        QVERIFY(places() == before);
    }
    // It hides nothing of the page, and is read whole on request, in the narrowest window too.
    auto *notice = console.window->findChild<NoticeBar *>();
    for (const QSize size : {QSize(1180, 780), QSize(640, 480)}) {
        console.window->resize(size);
        Console::settle();
        const auto bottom = [notice] { return notice->mapToGlobal(notice->rect().bottomLeft()).y(); };
        QVERIFY(bottom() <= console.window->page()->mapToGlobal(QPoint()).y());
        QCOMPARE(console.notice(), QString("A sentence that takes more than one line. ").repeated(6));
        auto *more = notice->findChild<QToolButton *>("more");
        QVERIFY(more && more->isVisible());
        more->click();
        Console::settle();
        QVERIFY(notice->height() >= notice->heightForWidth(notice->width()));
        QVERIFY(console.window->rect().contains(notice->geometry()));
        QVERIFY(notice->findChild<QLabel *>()->text() == console.notice());
        more->click();
        Console::settle();
    }
    console.window->tell("Short.", false);
    Console::settle();
    QVERIFY(!notice->findChild<QToolButton *>("more")->isVisible());
}

void ShellTest::paletteRanks_data()
{
    QTest::addColumn<QString>("text");
    QTest::addColumn<QString>("typed");
    QTest::addColumn<int>("least");
    QTest::addColumn<int>("most");
    QTest::newRow("beginning") << "Refresh"
                               << "ref" << 100 << 100;
    QTest::newRow("word") << "Dark theme"
                          << "theme" << 80 << 80;
    QTest::newRow("inside") << "Refresh"
                            << "esh" << 50 << 50;
    QTest::newRow("letters in order") << "Go to Redis"
                                      << "grd" << 10 << 10;
    QTest::newRow("not at all") << "Redis"
                                << "x" << 0 << 0;
    QTest::newRow("nothing typed") << "Redis"
                                   << " " << 1 << 1;
}

void ShellTest::paletteRanks()
{
    QFETCH(QString, text);
    QFETCH(QString, typed);
    QFETCH(int, least);
    QFETCH(int, most);
    const int quality = matchQuality(text, typed);
    QVERIFY(quality >= least && quality <= most);
}

void ShellTest::verdicts_data()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QString>("expected");
    QTest::newRow("green") << "all-green"
                           << "Green: 15 of 15 watched";
    QTest::newRow("climbing") << "memory-climbing"
                              << "Yellow: Redis memory 21.3 of 30 MB, red in about 40 min";
    QTest::newRow("down") << "redis-down"
                          << "Redis does not answer";
    QTest::newRow("leak") << "leak"
                          << "Yellow: Redis connections";
    QTest::newRow("backlog") << "backlog"
                             << "Red: ";
    QTest::newRow("no workers") << "no-workers"
                                << "Red: no worker takes tasks, 5 waiting";
    QTest::newRow("refusals") << "refusals"
                              << "Red: Refused requests 2";
    QTest::newRow("empty") << "empty"
                           << "nothing is known yet";
    QTest::newRow("stale") << "stale"
                           << "Red: ";
}

void ShellTest::verdicts()
{
    QFETCH(QString, situation);
    QFETCH(QString, expected);
    Console console({.situation = situation.toStdString()});
    const QString shown = console.window->findChild<DeploymentHeader *>()->verdict();
    QVERIFY2(shown.contains(expected), qPrintable(shown));
}

void ShellTest::tilesOpenTheirPages()
{
    Console console;
    const auto tiles = console.window->findChildren<Tile *>();
    QCOMPARE(tiles.size(), 15);
    for (Tile *tile : tiles) {
        console.window->openPage("overview");
        Console::settle();
        tile->setFocus();
        console.press(Qt::Key_Return);
        if (pageTable().size() > 1)
            QVERIFY2(console.window->currentPage() != "overview", qPrintable(tile->accessibleName()));
    }
}

void ShellTest::samplesGrowOld()
{
    Console console({.situation = "stale"});
    bool said = false;
    for (const QLabel *label : console.window->findChildren<QLabel *>())
        said |= label->text() == "sample 47 s ago";
    QVERIFY(said);
}

void ShellTest::geometryAndThemeAreRemembered()
{
    Console console;
    console.window->resize(900, 640);
    console.window->openPage(pageTable().back().id);
    console.theme.setMode(Theme::Mode::Dark);
    console.window->close();
    MainWindow again(console.parts(), {});
    QCOMPARE(again.size(), QSize(900, 640));
    QCOMPARE(again.currentPage(), pageTable().back().id);
    const Theme theme(*qApp, console.settings);
    QCOMPARE(theme.mode(), Theme::Mode::Dark);
    console.theme.setMode(Theme::Mode::Light);
}

void ShellTest::corruptSettingsDoNoHarm()
{
    Console console;
    console.settings.setValue("window/geometry", "nonsense");
    console.settings.setValue("window/page", "no-such-page");
    console.settings.setValue("theme", "purple");
    const Theme theme(*qApp, console.settings);
    QCOMPARE(theme.mode(), Theme::Mode::System);
    const MainWindow again(console.parts(), {});
    QCOMPARE(again.currentPage(), QString("overview"));
}

void ShellTest::productionDialogWantsTheName()
{
    Confirmation confirmation;
    confirmation.title = "Clean up sessions?";
    confirmation.verb = "Delete keys";
    confirmation.deployment = "Main portal";
    const Fact deleted{.kind = FactKind::KeysDeleted, .name = "sessions", .count = 2, .bytes = 100};
    confirmation.preview = {{deleted}, 2, 100, {{.name = "s:1"}, {.name = "s:2"}}, false};
    confirmation.destructive = true;
    confirmation.typed = "Main portal";
    ConfirmDialog dialog(confirmation, nullptr);
    dialog.show();
    QPushButton *yes = nullptr;
    for (QPushButton *button : dialog.findChildren<QPushButton *>()) {
        if (button->text() == "Delete keys")
            yes = button;
    }
    QVERIFY(yes && !yes->isEnabled() && !yes->isDefault());
    const auto lines = dialog.findChildren<QLineEdit *>();
    QCOMPARE(lines.size(), 2);
    lines[1]->setText("main portal");
    QVERIFY(!yes->isEnabled());
    lines[1]->setText("Main portal");
    QVERIFY(yes->isEnabled());
}

/// Those of cards beside each other, whether there is a field beside them or not.
void ShellTest::titlesStandOnOneLine()
{
    Console console;
    int rows = 0;
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        Console::settle();
        for (const AdaptiveRow *row : console.window->page()->findChildren<AdaptiveRow *>()) {
            std::map<int, std::vector<int>> titles; // middles, by where the cards begin
            for (const Card *card : row->findChildren<Card *>()) {
                const auto *title = card->findChild<QLabel *>({}, Qt::FindDirectChildrenOnly);
                if (card->isVisible() && title && title->isVisible())
                    titles[card->mapTo(row, QPoint()).y()].push_back(title->mapTo(row, title->rect().center()).y());
            }
            for (const auto &[top, middles] : titles) {
                QVERIFY2(std::ranges::count(middles, middles.front()) == std::ssize(middles), qPrintable(entry.id));
                rows += middles.size() >= 2 ? 1 : 0; // one alone stands beside nothing
            }
        }
    }
    QVERIFY(rows >= 3);
}

QTEST_MAIN(ShellTest)
#include "shell_test.moc"
