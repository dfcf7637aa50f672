// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/dialogs/command_palette.h"
#include "ui/dialogs/help_dialogs.h"
#include "ui/pages/page_table.h"
#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/widgets/table_view.h"

#include <QLineEdit>
#include <QListWidget>
#include <QTreeWidget>

using namespace portolan;
using namespace portolan::ui;

/// How commands, keys and things are found: the palette, the list of shortcuts, help, and the way back.
class PaletteTest final : public QObject
{
    Q_OBJECT
private slots:
    void thePaletteAlwaysSaysSomething();
    void thePaletteBeginsHarmless();
    void theShortcutsAreAllListed();
    void thePaletteLooksForThings();
    void helpAndBack();
};

void PaletteTest::thePaletteAlwaysSaysSomething()
{
    Console console;
    console.window->openPage("connections");
    console.press(Qt::Key_K, Qt::ControlModifier);
    const auto *list = console.window->findChild<CommandPalette *>()->findChild<QListWidget *>();
    // What can be done comes first.
    bool off = false;
    for (int row = 0; row < list->count(); ++row) {
        const bool enabled = list->item(row)->flags().testFlag(Qt::ItemIsEnabled);
        QVERIFY2(!(off && enabled), qPrintable(list->item(row)->text()));
        off = off || !enabled;
    }
    QVERIFY(off);
    console.type("qqq xyzzy");
    QVERIFY(list->count() > 0);
    for (int row = 0; row < list->count(); ++row)
        QVERIFY2(list->item(row)->text().contains("xyzzy"), qPrintable(list->item(row)->text()));
}

/// What Enter does before anything was typed; and lines that are alike, with a picture or without.
void PaletteTest::thePaletteBeginsHarmless()
{
    Console console;
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        console.press(Qt::Key_K, Qt::ControlModifier);
        const QPointer<CommandPalette> palette = console.window->findChild<CommandPalette *>();
        const auto *list = palette->findChild<QListWidget *>();
        const auto *first = qobject_cast<QAction *>(list->item(0)->data(Qt::UserRole).value<QObject *>());
        QVERIFY(first && first->isEnabled());
        QVERIFY2(isHarmless(first), qPrintable(QString(entry.id) + ": " + first->text()));
        for (int row = 0; row < list->count(); ++row) {
            QVERIFY2(!list->item(row)->icon().isNull(), qPrintable(list->item(row)->text()));
            QCOMPARE(list->visualItemRect(list->item(row)).height(), list->visualItemRect(list->item(0)).height());
        }
        palette->reject();
        QTRY_VERIFY(!palette);
        console.toFront();
    }
}

void PaletteTest::theShortcutsAreAllListed()
{
    QStringList keys;
    for (const auto &group : ShortcutsDialog::widgetKeys())
        for (const auto &[what, which] : group.keys)
            keys << which.split(", ");
    for (const char *one : {"Left", "Right", "Ctrl+Left", "Home", "End", "PgUp", "PgDown", "Esc", "Shift+Left", "+",
                            "-", "0", "Alt+Up", "Alt+Down", "Return", "Ctrl+C"})
        QVERIFY2(keys.contains(QKeySequence(one).toString(QKeySequence::NativeText)), one);
    Console console;
    console.press(Qt::Key_F1);
    const auto *tree = console.window->findChild<ShortcutsDialog *>()->findChild<QTreeWidget *>();
    QSet<QString> listed;
    for (QTreeWidgetItemIterator item(const_cast<QTreeWidget *>(tree)); *item; ++item)
        for (const QString &key : (*item)->text(1).split(", "))
            listed << key;
    for (const QString &key : keys)
        QVERIFY2(listed.contains(key), qPrintable(key));
}

void PaletteTest::thePaletteLooksForThings()
{
    Console console;
    const QString address = [&] {
        return text(console.stack.deployment().ask(UsersQuestion{}).result()->items.at(3).email).section('@', 0, 0);
    }();
    const auto look = [&console](const QString &what, const QString &where) {
        console.press(Qt::Key_K, Qt::ControlModifier);
        console.type(what);
        const QPointer<CommandPalette> palette = console.window->findChild<CommandPalette *>();
        const auto *list = palette->findChild<QListWidget *>();
        const auto fits = [&] { return list->currentItem() && list->currentItem()->text().contains(where); };
        for (int row = 0; row < list->count() && !fits(); ++row)
            console.press(Qt::Key_Down);
        QVERIFY2(fits(), qPrintable(where));
        console.press(Qt::Key_Return);
        QTRY_VERIFY(!palette);
        console.toFront();
    };
    look(address, "accounts");
    QTRY_COMPARE(console.window->currentPage(), QString("users"));
    QTRY_COMPARE(console.find<TableView>("Accounts")->model()->rowCount(), 1);
    QVERIFY(console.find<TableView>("Accounts")->model()->index(0, 0).data().toString().startsWith(address));
    look("unacked", "large keys");
    QTRY_COMPARE(console.window->currentPage(), QString("redis"));
    QTRY_COMPARE(console.find<TableView>("Largest keys")->model()->rowCount(), 1);
    look("refresh", "in the tasks");
    QTRY_COMPARE(console.window->currentPage(), QString("queue"));
    const auto *tasks = console.find<TableView>("Tasks")->model();
    const auto named = [tasks](int row) { return tasks->index(row, 2).data().toString(); };
    QTRY_COMPARE(named(0), QString("portal.refresh"));
    for (int row = 0; row < tasks->rowCount(); ++row)
        QCOMPARE(named(row), QString("portal.refresh"));
}

void PaletteTest::helpAndBack()
{
    Console console;
    console.window->openPage("queue");
    console.window->openPage("users");
    console.press(Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(console.window->currentPage(), QString("queue"));
    console.press(Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(console.window->currentPage(), QString("overview"));
    console.press(Qt::Key_Left, Qt::AltModifier);
    QCOMPARE(console.window->currentPage(), QString("overview"));
    console.press(Qt::Key_F1);
    const QPointer<ShortcutsDialog> keys = console.window->findChild<ShortcutsDialog *>();
    QVERIFY(keys);
    QStringList listed;
    const auto *tree = keys->findChild<QTreeWidget *>();
    for (int top = 0; top < tree->topLevelItemCount(); ++top) {
        for (int child = 0; child < tree->topLevelItem(top)->childCount(); ++child)
            listed << tree->topLevelItem(top)->child(child)->text(1);
    }
    for (const char *key : {"Ctrl+K", "F1", "Alt+Left", "Del", "Ctrl+N"})
        QVERIFY2(listed.contains(key), key);
    keys->close();
    QTRY_VERIFY(!keys);
    console.toFront();
    console.run("About");
    QVERIFY(console.window->findChild<AboutDialog *>());
}

QTEST_MAIN(PaletteTest)
#include "palette_test.moc"
