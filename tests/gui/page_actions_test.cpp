// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/page_actions.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/time_chart.h"
#include "ui/words/fact_words.h"

#include <QAbstractButton>
#include <QLineEdit>
#include <QPlainTextEdit>

using namespace portolan;
using namespace portolan::ui;

/// Every page on a live portal, and every action on Redis, its connections and the queue.
class PageActionsTest final : public QObject, private PageActions
{
    Q_OBJECT
private slots:
    void initTestCase() { m_portal = makePortal(); }
    void init() { m_audited = m_portal->audit().size(); }
    void cleanup() { m_console.reset(); }
    void cleanupTestCase() { m_portal.reset(); }

    void everyPageShowsTheLivePortal();
    void aWindowGoesWithCallsUnderWay();
    void everyPageFits_data();
    void everyPageFits();
    void cleanUpAFamily();
    void closeConnections();
    void closeAGroup();
    void resizeAWorker();
    void stopAWorker();
    void rerunAndRevoke();
    void theSpanOfTimeIsChosen();
};

void PageActionsTest::everyPageShowsTheLivePortal()
{
    auto &console = open("overview");
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        m_portal->nextSample();
        bool live = false;
        for (const QWidget *widget : console.window->findChildren<QWidget *>())
            live |= widget->accessibleName().endsWith(": live");
        QVERIFY(live);
        for (TableView *view : console.window->page()->findChildren<TableView *>())
            QVERIFY2(!view->isStale(), qPrintable(view->accessibleName()));
    }
    console.window->openPage("connections");
    EVENTUALLY(table("Connections")->model()->rowCount() > 0);
    console.window->openPage("queue");
    EVENTUALLY(table("Workers")->model()->rowCount() > 0 && table("Tasks")->model()->rowCount() > 0);
    console.window->openPage("users");
    EVENTUALLY(table("Accounts")->model()->rowCount() > 0);
    console.window->openPage("redis");
    EVENTUALLY(table("Key families")->model()->rowCount() > 0);
}

void PageActionsTest::aWindowGoesWithCallsUnderWay()
{
    for (const PageEntry &entry : pageTable()) {
        ConsoleWindow console(m_portal->stack(), m_portal->clock());
        console.window->openPage(entry.id);
        console.window->page()->refresh(); // whose answers come after it has gone
    }
    m_portal->nextSample();
    m_portal->nextSample();
}

void PageActionsTest::everyPageFits_data()
{
    QTest::addColumn<QSize>("size");
    QTest::newRow("usual") << QSize(1180, 780);
    QTest::newRow("small") << QSize(640, 480);
}

void PageActionsTest::everyPageFits()
{
    QFETCH(QSize, size);
    auto &console = open("overview");
    console.window->resize(size);
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        ConsoleWindow::settle();
        QVERIFY(!console.window->grab().isNull());
        QVERIFY2(console.window->width() <= size.width(), qPrintable(entry.id));
    }
}

void PageActionsTest::cleanUpAFamily()
{
    auto &console = open("redis");
    EVENTUALLY(goTo("Key families", 0, "sessions"));
    console.press(Qt::Key_Delete);
    EVENTUALLY(said().startsWith("Deleted ") && said().contains("session key"));
    const auto &asked = console.confirmer.asked;
    QCOMPARE(asked.size(), std::size_t(1));
    QVERIFY(asked[0].title.contains("sessions") && asked[0].preview.count.value_or(0) > 0);
    QVERIFY(!asked[0].preview.sample.empty());
    EVENTUALLY(wrote("redis.cleanup", "because"));
    QCOMPARE(written().size(), std::size_t(1));

    // Of what is empty nothing can be cleaned up: said where it is greyed out, or when it is tried.
    EVENTUALLY(table("Key families")->currentSourceRow() >= 0 || goTo("Key families", 0, "sessions"));
    console.press(Qt::Key_Delete);
    m_portal->nextSample();
    QCOMPARE(asked.size(), std::size_t(1));
    QCOMPARE(written().size(), std::size_t(1));

    EVENTUALLY(goTo("Key families", 0, "queue") || table("Key families")->model()->rowCount() > 0);
    if (goTo("Key families", 0, "queue")) {
        QVERIFY(!console.command("Clean up family")->isEnabled());
        QVERIFY(console.command("Clean up family")->toolTip().contains("Tasks that wait"));
    }
}

void PageActionsTest::closeConnections()
{
    const QString group = m_portal->strangers();
    auto &console = open("connections");
    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type(group);
    TableView *view = table("Connections");
    EVENTUALLY(view->model()->rowCount() >= 5);
    const int before = view->model()->rowCount();
    view->setFocus();
    console.press(Qt::Key_Home, Qt::ControlModifier);
    console.press(Qt::Key_Space);
    console.press(Qt::Key_Down, Qt::ShiftModifier);
    QCOMPARE(view->selectedSourceRows().size(), 2);
    console.press(Qt::Key_Delete);
    EVENTUALLY(said() == "Closed 2 connections.");
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1));
    QCOMPARE(console.confirmer.asked[0].preview.count, std::optional<std::uint64_t>(2));
    EVENTUALLY(wrote("redis.client.close", "because"));
    EVENTUALLY(view->model()->rowCount() == before - 2);
}

void PageActionsTest::closeAGroup()
{
    const QString group = m_portal->strangers();
    auto &console = open("connections");
    EVENTUALLY(goTo("Groups of connections", 0, group));
    console.press(Qt::Key_Return);
    QCOMPARE(console.find<QLineEdit>("Filter connections")->text(), group);
    EVENTUALLY(table("Connections")->model()->rowCount() >= 5);
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    EVENTUALLY(said().startsWith("Closed ") && said().endsWith("connections."));
    EVENTUALLY(wrote("redis.client.close", "because"));
    EVENTUALLY(table("Connections")->model()->rowCount() == 0);
}

void PageActionsTest::resizeAWorker()
{
    auto &console = open("queue");
    EVENTUALLY(console.command("Add slot")->isEnabled());
    const int before = cell("Workers", 0, 1).toInt();
    console.press(Qt::Key_Plus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == before + 1);
    EVENTUALLY(said().contains(QString("runs %1 tasks at once.").arg(before + 1)));
    EVENTUALLY(wrote("worker.resize", ""));
    QVERIFY(console.confirmer.asked.empty()); // nothing is lost
    console.press(Qt::Key_Minus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == before);
    QTRY_COMPARE_WITH_TIMEOUT(written().size(), std::size_t(2), patience);

    // Each counts, also before the table shows the one before.
    auto *grow = console.find<QAbstractButton>("Add slot");
    QVERIFY(grow);
    QTest::mouseClick(grow, Qt::LeftButton);
    QTest::mouseClick(grow, Qt::LeftButton);
    console.press(Qt::Key_Plus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == before + 3);
    for (int step = 0; step < 3; ++step)
        console.press(Qt::Key_Minus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == before);
    QTRY_COMPARE_WITH_TIMEOUT(written().size(), std::size_t(8), patience);
    QVERIFY(console.confirmer.asked.empty());
}

void PageActionsTest::stopAWorker()
{
    auto &console = open("queue");
    EVENTUALLY(console.command("Remove slot")->isEnabled());
    const int before = cell("Workers", 0, 1).toInt();
    for (int left = before - 1; left > 0; --left)
        console.press(Qt::Key_Minus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == 1);
    QVERIFY(console.confirmer.asked.empty());
    const auto done = written().size();
    console.confirmer.reply = std::nullopt;
    console.press(Qt::Key_Minus, Qt::ControlModifier);
    QTRY_COMPARE_WITH_TIMEOUT(console.confirmer.asked.size(), std::size_t(1), patience);
    const Confirmation asked = console.confirmer.asked[0];
    QCOMPARE(asked.title, QString("Stop all work of the worker?"));
    const QString told = previewText(asked.preview);
    QVERIFY2(told.contains("wait") && told.contains("run"), qPrintable(told));
    QVERIFY(asked.preview.count.has_value());
    m_portal->nextSample();
    QCOMPARE(cell("Workers", 0, 1).toInt(), 1); // no means no
    QCOMPARE(written().size(), done);
    console.confirmer.reply = "for the night";
    console.press(Qt::Key_Minus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == 0);
    EVENTUALLY(wrote("worker.resize", "for the night"));
    for (int grown = 1; grown <= before; ++grown)
        console.press(Qt::Key_Plus, Qt::ControlModifier);
    EVENTUALLY(cell("Workers", 0, 1).toInt() == before);
}

void PageActionsTest::rerunAndRevoke()
{
    auto &console = open("queue");
    EVENTUALLY(console.command("Remove slot")->isEnabled());
    const int size = cell("Workers", 0, 1).toInt();
    for (int left = size - 1; left >= 0; --left) { // what comes now waits
        console.press(Qt::Key_Minus, Qt::ControlModifier);
        EVENTUALLY(cell("Workers", 0, 1).toInt() == left);
    }
    EVENTUALLY(!console.command("Remove slot")->isEnabled());
    EVENTUALLY(goTo("Tasks", 1, "✓ succeeded"));
    auto *details = console.find<QPlainTextEdit>("Details of the task");
    QVERIFY2(details->toPlainText().contains("Result:"), qPrintable(details->toPlainText()));
    QVERIFY(!console.command("Revoke")->isEnabled());
    QVERIFY(console.command("Revoke")->toolTip().contains("ended"));
    console.press(Qt::Key_R, Qt::ControlModifier);
    EVENTUALLY(said().startsWith("Enqueued again: portal."));
    EVENTUALLY(wrote("task.rerun", ""));
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1)); // the step to 0

    EVENTUALLY(goTo("Tasks", 0, "waiting"));
    QVERIFY(!console.command("Run again")->isEnabled());
    QVERIFY(console.command("Run again")->toolTip().contains("not ended"));
    const QString id = details->toPlainText().section('\n', 1, 1);
    QVERIFY2(id.size() == 36, qPrintable(details->toPlainText()));
    console.press(Qt::Key_Delete);
    EVENTUALLY(said().startsWith("Revoked portal."));
    QVERIFY(said().contains(id.left(8)));                   // which one
    EVENTUALLY(!console.command("Run again")->isEnabled()); // until a worker has met it
    EVENTUALLY(wrote("task.revoke", "because"));
    QCOMPARE(console.confirmer.asked.size(), std::size_t(2));
    for (int grown = 1; grown <= size; ++grown) {
        console.press(Qt::Key_Plus, Qt::ControlModifier);
        EVENTUALLY(cell("Workers", 0, 1).toInt() == grown);
    }
    // It is still chosen, wherever it stands in the list now.
    EVENTUALLY(details->toPlainText().contains(id) && details->toPlainText().contains("revoked"));
    QVERIFY(!console.command("Revoke")->isEnabled());
}

void PageActionsTest::theSpanOfTimeIsChosen()
{
    auto &console = open("redis");
    for (const char *span : {"Show the last 5 min", "Show the last 1 day", "Show the last 1 month"}) {
        auto *button = console.find<QAbstractButton>(span);
        QVERIFY2(button, span);
        button->setFocus();
        console.press(Qt::Key_Space);
        QVERIFY(button->isChecked());
        EVENTUALLY(console.find<TimeChart>("Redis memory")->hasData());
    }
}

QTEST_MAIN(PageActionsTest)
#include "page_actions_test.moc"
