// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/models/table_model.h"
#include "ui/pages/page_table.h"
#include "ui/support/action_button.h"
#include "ui/support/work_area.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/table_view.h"

#include <QComboBox>
#include <QHeaderView>
#include <QMenu>
#include <QPushButton>
#include <QRegularExpression>
#include <set>

using namespace portolan;
using namespace portolan::ui;

/// What a command does to the one who gives it: where the focus goes, what is greyed out and why, and how tables are
/// put in order.
class FeedbackTest final : public QObject
{
    Q_OBJECT
private slots:
    void theButtonsOfAnAccountStandOnOneLine();
    void focusStaysWhereItWas();
    void pagesOpenOnNothingThatActs();
    void everyTableSorts_data();
    void everyTableSorts();
    void datesSayTheTime();
    void whatCannotBeDoneIsOff_data();
    void whatCannotBeDoneIsOff();
    void tasksAreChosenTogether();
    void tasksAreFilteredByPlaceAndOutcome();
    void theQuestionStandsOnce();
    void whatLosesSomethingLooksLikeIt();
    void whatLosesSomethingIsRedInMenus();
    void theSpanStaysAsItIs();
    void windowsFitWithTheirFrames_data();
    void windowsFitWithTheirFrames();

private:
    static FlatButton *buttonOf(const Console &console, const QString &text) { return console.find<FlatButton>(text); }
    static void chooseRow(Console &console, const QString &table, int row)
    {
        auto *view = console.find<TableView>(table);
        view->setFocus();
        view->selectRow(row);
        Console::settle();
    }
};

/// A button that its own work greys out keeps the focus: the next key must not do something else.
void FeedbackTest::focusStaysWhereItWas()
{
    Console console;
    console.window->openPage("users");
    Console::settle();
    chooseRow(console, "Accounts", 0);
    auto *disable = buttonOf(console, "Disable");
    QVERIFY(disable && disable->isEnabled());
    disable->setFocus();
    console.press(Qt::Key_Space);
    QTRY_VERIFY(!disable->isEnabled());
    QCOMPARE(QApplication::focusWidget(), static_cast<QWidget *>(disable));
    const auto done = console.stack.deployment().performed().size();
    for (const Qt::Key key : {Qt::Key_Space, Qt::Key_Return})
        console.press(key);
    QCOMPARE(console.stack.deployment().performed().size(), done); // nothing else was fired
    console.press(Qt::Key_Tab);                                    // and one gets away from it
    QVERIFY(QApplication::focusWidget() && QApplication::focusWidget() != disable);

    // Dismissing what was said brings the focus back to where it was.
    disable->defaultAction()->setEnabled(true);
    disable->setFocus();
    console.window->tell("It did not work.", false);
    auto *dismiss = console.find<QAbstractButton>("Dismiss the message");
    QVERIFY(dismiss);
    dismiss->setFocus();
    console.press(Qt::Key_Space);
    QVERIFY(console.notice().isEmpty());
    QCOMPARE(QApplication::focusWidget(), static_cast<QWidget *>(disable));

    // The same for every button of every page, whatever it was that greyed it out.
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        Console::settle();
        for (FlatButton *button : console.window->page()->findChildren<FlatButton *>()) {
            if (!button->isVisible() || !button->isEnabled() || !button->defaultAction())
                continue;
            button->setFocus();
            button->defaultAction()->setEnabled(false);
            QVERIFY2(QApplication::focusWidget() == button, qPrintable(button->text()));
            button->defaultAction()->setEnabled(true);
        }
    }
}

void FeedbackTest::pagesOpenOnNothingThatActs()
{
    Console console;
    for (int round = 0; round < 2; ++round) {
        int number = 0;
        for (const PageEntry &entry : pageTable()) {
            console.press(Qt::Key(Qt::Key_1 + number++), Qt::ControlModifier);
            QCOMPARE(console.window->currentPage(), entry.id);
            const QWidget *focused = QApplication::focusWidget();
            QVERIFY2(!qobject_cast<const QAbstractButton *>(focused), qPrintable(entry.id));
            // From one of its actions to the next page.
            for (FlatButton *button : console.window->page()->findChildren<FlatButton *>()) {
                if (button->isVisible())
                    button->setFocus();
            }
        }
    }
}

void FeedbackTest::everyTableSorts_data()
{
    QTest::addColumn<QString>("page");
    for (const PageEntry &entry : pageTable())
        QTest::newRow(qPrintable(entry.id)) << entry.id;
}

/// By a click on any header, which turns it round when clicked again, and by keys.
void FeedbackTest::everyTableSorts()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"});
    console.window->openPage(page);
    console.tick();
    for (TableView *view : console.window->page()->findChildren<TableView *>()) {
        QHeaderView *header = view->horizontalHeader();
        const auto column = [view](int at) {
            QStringList cells;
            for (int row = 0; row < view->model()->rowCount(); ++row)
                cells << view->model()->index(row, at).data().toString();
            return cells;
        };
        for (int at = 0; at < view->model()->columnCount(); ++at) {
            if (view->isColumnHidden(at)) // there is too little room for it
                continue;
            const auto click = [&] {
                QTest::mouseClick(header->viewport(), Qt::LeftButton, {},
                                  QPoint(header->sectionViewportPosition(at) + 4, header->height() / 2));
                Console::settle();
            };
            click();
            QCOMPARE(header->sortIndicatorSection(), at);
            const QStringList once = column(at);
            const Qt::SortOrder order = header->sortIndicatorOrder();
            click();
            QVERIFY2(header->sortIndicatorOrder() != order,
                     qPrintable(view->accessibleName() + ' ' + QString::number(at)));
            const QStringList twice = column(at);
            QCOMPARE(twice.size(), once.size());
            QSet<QString> keys; // what rows compare by: those alike in it stay as they are
            for (int row = 0; row < view->model()->rowCount(); ++row)
                keys << view->model()->index(row, at).data(SortRole).toString();
            if (keys.size() > 1)
                QVERIFY2(once != twice, qPrintable(view->accessibleName() + ' ' + QString::number(at)));
        }
        if (view->model()->rowCount() == 0)
            continue;
        view->setFocus();
        view->setCurrentIndex(view->model()->index(0, 0));
        console.press(Qt::Key_Down, Qt::AltModifier);
        QCOMPARE(header->sortIndicatorSection(), 0);
        QCOMPARE(header->sortIndicatorOrder(), Qt::DescendingOrder);
        console.press(Qt::Key_Up, Qt::AltModifier);
        QCOMPARE(header->sortIndicatorOrder(), Qt::AscendingOrder);
    }
}

void FeedbackTest::datesSayTheTime()
{
    Console console;
    console.window->openPage("users");
    Console::settle();
    const auto *users = console.find<TableView>("Accounts")->model();
    for (int row = 0; row < 10; ++row) {
        QVERIFY(users->index(row, 3).data().toString().contains(':'));
        QVERIFY(QRegularExpression("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$")
                    .match(users->index(row, 3).data(Qt::ToolTipRole).toString())
                    .hasMatch());
    }
    console.window->openPage("queue");
    console.tick();
    const auto *tasks = console.find<TableView>("Tasks")->model();
    QVERIFY(tasks->index(0, 4).data().toString().count(':') == 2 || tasks->index(0, 4).data().toString().contains(' '));
    QCOMPARE(tasks->index(0, 4).data(Qt::ToolTipRole).toString().count(':'), 2);
    // Dates come in one form, whichever page they are on.
    const QRegularExpression written("\\b\\d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\\b");
    int dates = 0;
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        console.tick();
        for (const TableView *table : console.window->page()->findChildren<TableView *>()) {
            for (int row = 0; row < table->model()->rowCount(); ++row) {
                for (int column = 0; column < table->model()->columnCount(); ++column) {
                    const QString cell = table->model()->index(row, column).data().toString();
                    QVERIFY2(!written.match(cell).hasMatch(), qPrintable(cell));
                    dates += cell.contains(QRegularExpression("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d")) ? 1 : 0;
                }
            }
        }
    }
    QVERIFY(dates > 20);
}

void FeedbackTest::whatCannotBeDoneIsOff_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("table");
    QTest::addColumn<int>("column");
    QTest::addColumn<QString>("row");
    QTest::addColumn<QString>("command");
    QTest::addColumn<QString>("reason");
    QTest::newRow("the queue's keys") << "redis"
                                      << "Key families" << 0 << "queue"
                                      << "Clean up family"
                                      << "Tasks that wait";
    QTest::newRow("the queue's idle keys") << "redis"
                                           << "Key families" << 0 << "queue"
                                           << "Clean up idle for 1 h"
                                           << "Tasks that wait";
    QTest::newRow("nobody's keys") << "redis"
                                   << "Key families" << 0 << "other"
                                   << "Clean up family"
                                   << "not known";
    QTest::newRow("a task that ended") << "queue"
                                       << "Tasks" << 0 << "ended"
                                       << "Revoke"
                                       << "ended";
    QTest::newRow("a task that waits") << "queue"
                                       << "Tasks" << 0 << "waiting"
                                       << "Run again"
                                       << "not ended";
    QTest::newRow("no task") << "queue"
                             << "" << 0 << ""
                             << "Revoke"
                             << "Select";
    QTest::newRow("no account") << "users"
                                << "" << 0 << ""
                                << "Delete the account"
                                << "Select";
    QTest::newRow("no connection") << "connections"
                                   << "" << 0 << ""
                                   << "Close selected"
                                   << "Select";
    QTest::newRow("runs already") << "local"
                                  << "" << 0 << ""
                                  << "Start"
                                  << "running";
}

void FeedbackTest::whatCannotBeDoneIsOff()
{
    QFETCH(QString, page);
    QFETCH(QString, table);
    QFETCH(int, column);
    QFETCH(QString, row);
    QFETCH(QString, command);
    QFETCH(QString, reason);
    Console console({.situation = "backlog"});
    console.window->openPage(page);
    console.tick();
    if (!table.isEmpty()) {
        auto *view = console.find<TableView>(table);
        bool found = false;
        for (int at = 0; at < view->model()->rowCount() && !found; ++at) {
            found = view->model()->index(at, column).data().toString() == row;
            if (found)
                chooseRow(console, table, at);
        }
        QVERIFY2(found, qPrintable(row));
    }
    const QAction *action = console.command(command);
    QVERIFY2(action, qPrintable(command));
    QVERIFY2(!action->isEnabled(), qPrintable(command));
    QVERIFY2(action->whatsThis().contains(reason), qPrintable(action->whatsThis()));
}

void FeedbackTest::tasksAreChosenTogether()
{
    Console console({.situation = "backlog"});
    console.window->openPage("queue");
    console.tick();
    console.find<QComboBox>("Which tasks")->setCurrentText("waiting");
    Console::settle();
    auto *view = console.find<TableView>("Tasks");
    const int before = view->model()->rowCount();
    QVERIFY(before > 3);
    chooseRow(console, "Tasks", 0);
    console.press(Qt::Key_Down, Qt::ShiftModifier);
    console.press(Qt::Key_Down, Qt::ShiftModifier);
    QCOMPARE(view->selectedSourceRows().size(), 3);
    console.press(Qt::Key_Delete);
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1));
    const Confirmation &asked = console.confirmer.asked[0];
    QCOMPARE(asked.preview.count, std::optional<std::uint64_t>(3));
    QCOMPARE(asked.preview.sample.size(), std::size_t(3));
    QVERIFY2(asked.preview.sample[0].name.starts_with("portal."), asked.preview.sample[0].name.c_str());
    QCOMPARE(console.notice(), QString("Revoked 3 tasks."));
    const auto &revoked = std::get<RevokeTasks>(console.stack.deployment().performed().back());
    QCOMPARE(revoked.ids.size(), std::size_t(3));
}

void FeedbackTest::tasksAreFilteredByPlaceAndOutcome()
{
    Console console({.situation = "backlog"});
    console.window->openPage("queue");
    console.tick();
    auto *box = console.find<QComboBox>("Which tasks");
    auto *view = console.find<TableView>("Tasks");
    const int all = view->model()->rowCount();
    int sum = 0;
    for (int choice = 1; choice < box->count(); ++choice) {
        box->setCurrentIndex(choice);
        Console::settle();
        QSet<QString> places, outcomes;
        for (int row = 0; row < view->model()->rowCount(); ++row) {
            places << view->model()->index(row, 0).data().toString().section(' ', 0, 0);
            outcomes << view->model()->index(row, 1).data().toString();
        }
        QVERIFY2(places.size() <= 1, qPrintable(box->currentText()));
        // A place is no outcome and an outcome no place.
        for (const QString &place : places)
            QVERIFY(!outcomes.contains(place));
        sum += view->model()->rowCount();
    }
    QCOMPARE(sum, all);
    box->setCurrentIndex(0);
    Console::settle();
    QCOMPARE(view->model()->rowCount(), all);
}

void FeedbackTest::theQuestionStandsOnce()
{
    Confirmation confirmation;
    confirmation.title = "Close connections?";
    confirmation.verb = "Disconnect them";
    confirmation.deployment = "Main portal";
    const Fact closed{.kind = FactKind::ConnectionsClosed, .name = "celery@worker-1", .count = 3};
    confirmation.preview = {{closed}, 3, std::nullopt, {{.name = "a"}, {.name = "b"}, {.name = "c"}}, false};
    confirmation.destructive = true;
    ConfirmDialog dialog(confirmation, nullptr);
    dialog.show();
    QStringList all{dialog.windowTitle()};
    for (const QLabel *label : dialog.findChildren<QLabel *>())
        all << label->text();
    QCOMPARE(all.filter("Close connections?").size(), 1);
    QCOMPARE(all.filter("3").size(), 1);
    const QPushButton *yes = nullptr;
    for (const QPushButton *button : dialog.findChildren<QPushButton *>()) {
        QVERIFY(button->text() != "Close");
        if (button->text() == confirmation.verb)
            yes = button;
    }
    QVERIFY(yes && isDestructive(yes) && !yes->icon().isNull() && !yes->isDefault());
    // It looks like it: in both themes there is red in it that the other button has not.
    const QImage picture = const_cast<QPushButton *>(yes)->grab().toImage();
    int red = 0;
    for (int y = 0; y < picture.height(); ++y) {
        for (int x = 0; x < picture.width(); ++x) {
            const QColor colour = picture.pixelColor(x, y);
            red += colour.red() > colour.green() + 60 && colour.red() > colour.blue() + 60 ? 1 : 0;
        }
    }
    QVERIFY2(red > 40, qPrintable(QString::number(red)));
}

void FeedbackTest::whatLosesSomethingLooksLikeIt()
{
    Console console;
    for (const auto &[page, command] :
         {std::pair("redis", "Clean up family"), std::pair("connections", "Close selected"),
          std::pair("queue", "Revoke"), std::pair("users", "Delete the account"), std::pair("users", "Disable"),
          std::pair("users", "Reset the password"), std::pair("local", "Stop"), std::pair("local", "Reset")}) {
        console.window->openPage(page);
        QVERIFY2(console.command(command) && isDestructive(console.command(command)), command);
    }
    console.window->openPage("local");
    QVERIFY(!isDestructive(console.command("Start")));
}

/// In the page's menu, in which it stands among what loses nothing.
void FeedbackTest::whatLosesSomethingIsRedInMenus()
{
    Console console;
    console.window->openPage("local");
    const FlatButton *button = buttonOf(console, "Made-up data");
    QVERIFY(button && button->menu());
    QMenu &menu = *button->menu();
    for (QAction *action : menu.actions())
        action->setEnabled(true); // also what there is nothing for
    const QImage picture = menu.grab().toImage();
    const double scale = picture.devicePixelRatio();
    for (QAction *action : menu.actions()) {
        const QRect room = menu.actionGeometry(action);
        int red = 0;
        for (int y = int(room.top() * scale); y < int(room.bottom() * scale); ++y) {
            for (int x = int(room.left() * scale); x < int(room.right() * scale); ++x) {
                const QColor colour = picture.pixelColor(x, y);
                red += colour.red() > colour.green() + 60 && colour.red() > colour.blue() + 60 ? 1 : 0;
            }
        }
        QVERIFY2(isDestructive(action) ? red > 20 : red == 0,
                 qPrintable(QString("%1: %2").arg(action->text()).arg(red)));
    }
}

/// A span of time that was not chosen does not change under whoever reads it either.
void FeedbackTest::theSpanStaysAsItIs()
{
    Console console({.situation = "empty"});
    console.window->openPage("redis");
    const auto shown = [&] {
        for (const auto *button : console.window->page()->findChildren<FlatButton *>()) {
            if (button->isChecked())
                return button->accessibleName();
        }
        return QString();
    };
    console.tick();
    const QString first = shown();
    QVERIFY(!first.isEmpty());
    for (int minute = 0; minute < 20; ++minute)
        console.tick(std::chrono::minutes(1));
    QCOMPARE(shown(), first);
}

void FeedbackTest::windowsFitWithTheirFrames_data()
{
    QTest::addColumn<QRect>("area");
    QTest::addColumn<QRect>("content");
    QTest::addColumn<QRect>("expected");
    const QRect small(0, 0, 1024, 600);
    QTest::newRow("as large as the screen") << small << QRect(0, 0, 1024, 600) << QRect(4, 24, 1016, 572);
    QTest::newRow("higher than the screen") << small << QRect(10, 10, 800, 780) << QRect(10, 24, 800, 572);
    QTest::newRow("beyond the right") << small << QRect(900, 100, 400, 300) << QRect(620, 100, 400, 300);
    QTest::newRow("above") << small << QRect(100, 0, 400, 300) << QRect(100, 24, 400, 300);
    QTest::newRow("a panel at the top") << QRect(0, 40, 1024, 560) << QRect(0, 0, 1180, 780) << QRect(4, 64, 1016, 532);
    QTest::newRow("fits already") << small << QRect(100, 100, 400, 300) << QRect(100, 100, 400, 300);
    QTest::newRow("no smaller than it can be")
        << QRect(0, 0, 200, 150) << QRect(0, 0, 400, 300) << QRect(4, 24, 320, 240);
}

void FeedbackTest::windowsFitWithTheirFrames()
{
    QFETCH(QRect, area);
    QFETCH(QRect, content);
    QTEST(fittedInto(area, content, QMargins(4, 24, 4, 4), QSize(320, 240)), "expected");
}

/// The roles are one of them, with a menu.
void FeedbackTest::theButtonsOfAnAccountStandOnOneLine()
{
    Console console;
    console.window->resize(1600, 1000);
    console.window->openPage("users");
    Console::settle();
    const auto *row = console.window->page()->findChild<ButtonRow *>();
    QVERIFY(row && row->isVisible());
    std::set<int> lines;
    for (const QWidget *button : row->findChildren<QWidget *>(QString(), Qt::FindDirectChildrenOnly))
        lines.insert(button->y());
    QCOMPARE(lines.size(), std::size_t(1));
    const FlatButton *roles = buttonOf(console, "Change the role");
    QVERIFY(roles && roles->menu());
    QVERIFY(!roles->isEnabled() && roles->toolTip().contains("Select an account first."));
    console.find<TableView>("Accounts")->selectRow(0);
    Console::settle();
    QVERIFY(roles->isEnabled() && roles->accessibleDescription().isEmpty());
    QStringList offered;
    for (QAction *action : roles->menu()->actions())
        offered << action->text() + (action->isEnabled() ? "" : " (has it)");
    QCOMPARE(offered.size(), 3);
    QCOMPARE(offered.filter("(has it)").size(), 1);
}

QTEST_MAIN(FeedbackTest)
#include "feedback_test.moc"
