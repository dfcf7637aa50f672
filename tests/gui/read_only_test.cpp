// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_window.h"
#include "tests/gui/portal_under_test.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/time_chart.h"

#include <QContextMenuEvent>
#include <QDir>
#include <QMenu>
#include <map>

using namespace portolan;
using namespace portolan::ui;

/// A console that was started read-only, on every portal (portal_under_test.h): nobody can change anything, and
/// everybody can look and take away what is shown.
class ReadOnlyTest final : public QObject
{
    Q_OBJECT
private slots:
    void initTestCase() { m_portal = makePortal(); }
    void init() { m_audited = m_portal->audit().size(); }
    void cleanup() { m_console.reset(); }
    void cleanupTestCase() { m_portal.reset(); }

    void leavesNoWay_data() { everyPage(); }
    void leavesNoWay();
    void mayTakeAway_data() { everyPage(); }
    void mayTakeAway();

private:
    static void everyPage();
    ConsoleWindow &open(const QString &page);
    TableView *table(const QString &name) { return m_console->find<TableView>(name); }
    QString said() const { return m_console->notice(); }

    std::unique_ptr<PortalUnderTest> m_portal;
    std::unique_ptr<ConsoleWindow> m_console;
    std::size_t m_audited = 0;
};

namespace {

constexpr int patience = 20'000; // ms: for what takes a moment, on a busy machine

bool looksOnly(QAction *action) { return action->text() == "Open in the browser"; }

} // namespace

#define EVENTUALLY(condition) QTRY_VERIFY2_WITH_TIMEOUT(condition, qPrintable("notice: " + said()), patience)

ConsoleWindow &ReadOnlyTest::open(const QString &page)
{
    m_console =
        std::make_unique<ConsoleWindow>(m_portal->stack(), m_portal->clock(), ActionGate::Options{.readOnly = true});
    m_console->window->openPage(page);
    m_portal->nextSample();
    return *m_console;
}

void ReadOnlyTest::everyPage()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QStringList>("tables"); // whose rows its actions are about
    const std::map<QString, QStringList> tables{{"connections", {"Groups of connections", "Connections"}},
                                                {"queue", {"Workers", "Tasks"}},
                                                {"redis", {"Key families"}},
                                                {"users", {"Accounts"}}};
    for (const PageEntry &entry : pageTable()) {
        const auto found = tables.find(entry.id);
        QTest::newRow(qPrintable(entry.id)) << entry.id << (found == tables.end() ? QStringList() : found->second);
    }
}

void ReadOnlyTest::leavesNoWay()
{
    QFETCH(QString, page);
    QFETCH(QStringList, tables);
    auto &console = open(page);
    Page &shown = *console.window->page();
    const auto running = m_portal->stack().deployment().latest()->uptime;
    for (TableView *view : shown.findChildren<TableView *>()) {
        view->selectRow(0);
        if (view->currentSourceRow() >= 0)
            emit view->opened(view->currentSourceRow());
        console.window->openPage(page); // it may have led elsewhere
    }
    // With a row chosen wherever one can be, nothing but read-only is in the way.
    for (const QString &name : tables) {
        EVENTUALLY(table(name)->model()->rowCount() > 0);
        table(name)->selectRow(0);
        QVERIFY2(table(name)->currentSourceRow() >= 0 && !table(name)->selectedSourceRows().isEmpty(),
                 qPrintable(name));
    }
    for (QAction *action : shown.commands()) {
        QVERIFY2(!action->isEnabled() || looksOnly(action), qPrintable(action->text()));
        QVERIFY2(looksOnly(action) || action->toolTip().contains("read-only"), qPrintable(action->toolTip()));
        action->setEnabled(true); // not even somebody who gets around the grey
        action->trigger();
        ConsoleWindow::settle();
        for (const QString &name : tables)
            QVERIFY2(table(name)->currentSourceRow() >= 0, qPrintable(action->text())); // it was tried on something
    }
    m_portal->nextSample();
    QVERIFY(m_portal->audit().size() == m_audited);
    QVERIFY(console.confirmer.asked.empty());
    QCOMPARE(m_portal->stack().state(), LocalStack::State::Running);
    QVERIFY(m_portal->stack().deployment().latest()->uptime >= running); // nor was it started anew
}

void ReadOnlyTest::mayTakeAway()
{
    QFETCH(QString, page);
    auto &console = open(page);
    Page &shown = *console.window->page();
    const auto saved = [&console] {
        return QDir(console.folder.path()).entryList({"*.csv", "*.png", "*.pdf"}, QDir::Files).size();
    };
    qsizetype exported = 0;
    for (QAction *action : shown.exports()) {
        EVENTUALLY(action->isEnabled());
        action->trigger();
        ++exported;
        EVENTUALLY(saved() == exported && said().startsWith("Saved as "));
    }
    const auto offered = [](QWidget &widget) {
        const QPoint at = widget.rect().center();
        QContextMenuEvent event(QContextMenuEvent::Keyboard, at, widget.mapToGlobal(at));
        QApplication::sendEvent(&widget, &event);
        return qobject_cast<QMenu *>(QApplication::activePopupWidget());
    };
    for (TableView *view : shown.findChildren<TableView *>()) {
        view->selectRow(0);
        QVERIFY2(!offered(*view->viewport()), qPrintable(view->accessibleName()));
    }
    for (TimeChart *chart : shown.findChildren<TimeChart *>()) {
        if (!chart->isVisible() || chart->contextMenuPolicy() != Qt::CustomContextMenu)
            continue;
        QMenu *menu = offered(*chart);
        QVERIFY2(menu, qPrintable(chart->accessibleName()));
        for (const QAction *action : menu->actions())
            QVERIFY2(action->isSeparator() || action->text().startsWith("Export as "), qPrintable(action->text()));
        menu->close();
    }
    QVERIFY(m_portal->audit().size() == m_audited);
}

QTEST_MAIN(ReadOnlyTest)
#include "read_only_test.moc"
