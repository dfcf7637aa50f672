// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/table_view.h"

#include <QAbstractButton>
#include <QAbstractItemModelTester>
#include <QAbstractItemView>
#include <QAbstractSlider>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QButtonGroup>
#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollBar>
#include <QTableView>
#include <map>
#include <set>

using namespace portolan;
using namespace portolan::ui;

/// Works without a mouse and with a screen reader: everything that can be operated says what it is, is reached by Tab,
/// and every command is reached by a key of its own or through the palette.
class AccessTest final : public QObject
{
    Q_OBJECT
private slots:
    void everythingSaysWhatItIs_data() { pages(); }
    void everythingSaysWhatItIs();
    void everythingIsReachedByTab_data() { pages(); }
    void everythingIsReachedByTab();
    void dialogsToo_data();
    void dialogsToo();
    void everyModelOfAViewKeepsTheRules_data() { pages(); }
    void everyModelOfAViewKeepsTheRules();
    void everyCommandIsReached_data() { pages(); }
    void everyCommandIsReached();
    void noKeyMeansTwoThings_data() { pages(); }
    void noKeyMeansTwoThings();

private:
    static void pages();
};

namespace {

QString describe(const QWidget &widget)
{
    return QString("%1 '%2' in %3")
        .arg(widget.metaObject()->className(), widget.accessibleName(),
             widget.parentWidget() ? widget.parentWidget()->metaObject()->className() : "nothing");
}

/// A widget that another one is made of: what it does is done through that one.
bool isPart(const QWidget &widget)
{
    const QWidget *parent = widget.parentWidget();
    return widget.objectName().startsWith("qt_") || qobject_cast<const QScrollBar *>(&widget) ||
           qobject_cast<const QHeaderView *>(&widget) || qobject_cast<const QLineEdit *>(parent) ||
           qobject_cast<const QComboBox *>(parent) || qobject_cast<const QAbstractSpinBox *>(parent) ||
           qobject_cast<const QAbstractItemView *>(parent);
}

bool isOperable(const QWidget &widget)
{
    return widget.focusPolicy() != Qt::NoFocus || qobject_cast<const QAbstractButton *>(&widget) ||
           qobject_cast<const QLineEdit *>(&widget) || qobject_cast<const QComboBox *>(&widget) ||
           qobject_cast<const QAbstractItemView *>(&widget) || qobject_cast<const QAbstractSlider *>(&widget);
}

std::vector<QWidget *> operable(const QWidget &in)
{
    std::vector<QWidget *> found;
    for (QWidget *widget : in.findChildren<QWidget *>()) {
        if (widget->isVisible() && widget->window() == in.window() && isOperable(*widget) && !isPart(*widget))
            found.push_back(widget);
    }
    return found;
}

/// Of what cannot be operated, or stands for something else that says so, nobody needs to know more.
QString nameToAScreenReader(QWidget &widget)
{
    const QAccessibleInterface *seen = QAccessible::queryAccessibleInterface(&widget);
    return seen && seen->isValid() && seen->role() != QAccessible::NoRole ? seen->text(QAccessible::Name) : QString();
}

/// Where Tab leads, and from a button of a group the arrows, until it comes back to where it began.
std::set<QWidget *> reachedByKeys(QWidget &window)
{
    std::set<QWidget *> reached;
    QWidget *first = QApplication::focusWidget();
    const auto isGroup = [](QWidget *widget) {
        const auto *button = qobject_cast<QAbstractButton *>(widget);
        return button && button->group() && button->group()->exclusive();
    };
    for (int steps = 0; steps < 200; ++steps) {
        QWidget *at = QApplication::focusWidget();
        if (!at || (steps > 0 && at == first))
            break;
        reached.insert(at);
        for (int arrows = 0; isGroup(at) && arrows < 10; ++arrows) {
            QTest::keyClick(QApplication::focusWidget(), Qt::Key_Right);
            if (isGroup(QApplication::focusWidget()))
                reached.insert(QApplication::focusWidget());
        }
        QTest::keyClick(QApplication::focusWidget(), Qt::Key_Tab);
        QCoreApplication::processEvents();
    }
    for (QWidget *widget : std::set(reached)) { // who passes the focus on was reached as well
        for (QWidget *proxied : window.findChildren<QWidget *>())
            if (proxied->focusProxy() == widget)
                reached.insert(proxied);
    }
    return reached;
}

/// On this page, with a row chosen in each table so that commands are not grey, and with a message to dismiss.
void prepare(Console &console, const QString &page)
{
    console.window->openPage(page);
    console.tick();
    for (auto *view : console.window->page()->findChildren<QTableView *>())
        view->selectRow(0);
    console.window->findChild<NoticeBar *>()->tell("Something failed. Do this.", false);
    Console::settle();
}

} // namespace

void AccessTest::pages()
{
    QTest::addColumn<QString>("page");
    for (const PageEntry &entry : pageTable())
        QTest::newRow(qPrintable(entry.id)) << entry.id;
}

void AccessTest::everythingSaysWhatItIs()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"});
    prepare(console, page);
    const auto all = operable(*console.window);
    QVERIFY(all.size() >= 3);
    for (QWidget *widget : all)
        QVERIFY2(!nameToAScreenReader(*widget).isEmpty(), qPrintable(describe(*widget)));
}

void AccessTest::everythingIsReachedByTab()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"});
    prepare(console, page);
    console.press(Qt::Key_F6);
    QVERIFY(qobject_cast<Sidebar *>(QApplication::focusWidget()));
    const auto reached = reachedByKeys(*console.window);
    for (QWidget *widget : operable(*console.window))
        QVERIFY2(!widget->isEnabled() || reached.contains(widget), qPrintable(describe(*widget)));
}

void AccessTest::dialogsToo_data()
{
    QTest::addColumn<bool>("production");
    QTest::addColumn<bool>("palette");
    QTest::newRow("the palette") << false << true;
    QTest::newRow("a question") << false << false;
    QTest::newRow("a question in production") << true << false;
}

void AccessTest::dialogsToo()
{
    QFETCH(bool, production);
    QFETCH(bool, palette);
    Console console;
    const Fact deleted{.kind = FactKind::KeysDeleted, .name = "sessions", .count = 2, .bytes = 100};
    Confirmation confirmation{
        "Clean up sessions?", "Delete keys", "Main portal", {{deleted}, 2, 100, {{.name = "s:1"}}}, {}};
    if (production)
        confirmation.typed = "Main portal";
    std::unique_ptr<QDialog> dialog;
    if (palette)
        dialog = std::make_unique<CommandPalette>(console.window->allCommands(), std::vector<CommandPalette::Search>{},
                                                  console.window.get());
    else
        dialog = std::make_unique<ConfirmDialog>(confirmation, console.window.get());
    dialog->setAttribute(Qt::WA_DeleteOnClose, false);
    dialog->open();
    QVERIFY(QTest::qWaitFor([&] { return dialog->isActiveWindow() && QApplication::focusWidget(); }));
    QVERIFY(!dialog->windowTitle().isEmpty());
    for (QLineEdit *line : dialog->findChildren<QLineEdit *>()) {
        if (production)
            line->setText("Main portal"); // so that yes is not grey
    }
    const auto reached = reachedByKeys(*dialog);
    for (QWidget *widget : operable(*dialog)) {
        QVERIFY2(!nameToAScreenReader(*widget).isEmpty(), qPrintable(describe(*widget)));
        const bool byTheLine = palette && qobject_cast<QListWidget *>(widget); // Up and Down there move in the list
        QVERIFY2(byTheLine || reached.contains(widget), qPrintable(describe(*widget)));
    }
    for (auto *view : dialog->findChildren<QAbstractItemView *>())
        const QAbstractItemModelTester tester(view->model(), QAbstractItemModelTester::FailureReportingMode::QtTest);
    QTest::keyClick(QApplication::focusWidget(), Qt::Key_Escape);
    QVERIFY(!dialog->isVisible());
}

void AccessTest::everyModelOfAViewKeepsTheRules()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"});
    std::vector<std::unique_ptr<QAbstractItemModelTester>> testers;
    std::set<QAbstractItemModel *> models;
    const auto add = [&](QAbstractItemModel *model) {
        if (models.insert(model).second)
            testers.push_back(std::make_unique<QAbstractItemModelTester>(
                model, QAbstractItemModelTester::FailureReportingMode::QtTest));
    };
    for (auto *view : console.window->findChildren<QAbstractItemView *>())
        add(view->model());
    for (auto *box : console.window->findChildren<QComboBox *>())
        add(box->model());
    QVERIFY(models.size() >= 10);
    console.window->openPage(page);
    for (auto *line : console.window->page()->findChildren<QLineEdit *>()) {
        line->setText("a");
        console.tick();
        line->clear();
    }
    for (auto *view : console.window->page()->findChildren<QTableView *>()) {
        auto *table = qobject_cast<TableView *>(view);
        for (int column = 0; table && column < view->model()->columnCount(); ++column)
            table->sortBy(column, Qt::DescendingOrder);
        console.tick();
    }
}

void AccessTest::everyCommandIsReached()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"});
    prepare(console, page);
    for (QAction *action : console.window->page()->commands() + console.window->page()->exports()) {
        QVERIFY2(console.window->allCommands().contains(action), qPrintable(action->text()));
        console.press(Qt::Key_K, Qt::ControlModifier);
        auto *palette = console.window->findChild<CommandPalette *>();
        QVERIFY(palette && QTest::qWaitFor([&] { return palette->isActiveWindow() && QApplication::focusWidget(); }));
        console.type(action->text().remove('&').remove(QString::fromUtf8(" …")));
        const auto *list = palette->findChild<QListWidget *>();
        const QListWidgetItem *first = list->currentItem();
        QVERIFY2(first && first->data(Qt::UserRole).value<QObject *>() == action, qPrintable(action->text()));
        QCOMPARE(first->flags().testFlag(Qt::ItemIsEnabled), action->isEnabled());
        if (!action->isEnabled())
            QVERIFY2(first->toolTip().contains(": "), qPrintable(action->text())); // why not
        console.press(Qt::Key_Escape);
        QCoreApplication::sendPostedEvents(palette, QEvent::DeferredDelete);
        console.window->activateWindow(); // as a window manager does; here is none
        Console::settle();
    }
}

void AccessTest::noKeyMeansTwoThings()
{
    QFETCH(QString, page);
    Console console;
    prepare(console, page);
    std::map<QString, QString> meaning;
    for (const QAction *action : console.window->allCommands()) {
        for (const QKeySequence &keys : action->shortcuts()) {
            const auto [there, isNew] = meaning.emplace(keys.toString(), action->text());
            QVERIFY2(isNew, qPrintable(keys.toString() + ": " + there->second + ", " + action->text()));
        }
    }
    // The commands of the window have the same keys on every desktop.
    for (const char *keys : {"Ctrl+K", "Ctrl+Q", "Ctrl+F", "F5", "F6", "Ctrl+1"})
        QVERIFY2(meaning.contains(keys), keys);
}

QTEST_MAIN(AccessTest)
#include "access_test.moc"
