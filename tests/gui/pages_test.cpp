#include "tests/gui/console_fixture.h"
#include "ui/pages/page_table.h"
#include "ui/pages/queue_page.h"
#include "ui/widgets/notice_bar.h"
#include "ui/widgets/table_view.h"

#include <QComboBox>
#include <QLineEdit>

using namespace portolan;
using namespace portolan::ui;

/// Every action of every page, by keyboard, and what comes of it.
class PagesTest final : public QObject
{
    Q_OBJECT
private slots:
    void cleanUpAFamily();
    void closeConnections();
    void closeAGroup();
    void resizeAWorker();
    void revokeAndRerun();
    void changeAUser();
    void findAUser();
    void runTheStack();
    void theFormCounts();
    void theLogIsFiltered();
    void failuresAreShown();
    void readOnlyLeavesNoWay_data();
    void readOnlyLeavesNoWay();
    void drain_data();
    void drain();
    void everySituationOnEveryPage_data();
    void everySituationOnEveryPage();
};

namespace {

/// The table gets the focus and its first row is chosen, by keys.
TableView *enter(Console &console, const QString &name)
{
    auto *view = console.find<TableView>(name);
    if (!view)
        return nullptr;
    view->setFocus();
    console.press(Qt::Key_Home, Qt::ControlModifier);
    console.press(Qt::Key_Down);
    console.press(Qt::Key_Up);
    return view;
}

template <class T> const T *lastAction(Console &console)
{
    const auto &performed = console.stack.deployment().performed();
    return performed.empty() ? nullptr : std::get_if<T>(&performed.back());
}

} // namespace

void PagesTest::cleanUpAFamily()
{
    Console console({.situation = "memory-climbing"});
    console.window->openPage("redis");
    QVERIFY(enter(console, "Key families"));
    const double before = *console.stack.deployment().latest()->readings.front().value;
    console.press(Qt::Key_Delete);
    const auto *action = lastAction<CleanUpFamily>(console);
    QVERIFY(action);
    QCOMPARE(action->family, std::string("sessions"));
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1));
    QCOMPARE(console.audit().size(), std::size_t(1));
    QVERIFY(*console.stack.deployment().latest()->readings.front().value < before / 1.5);
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    QVERIFY(lastAction<CleanUpFamily>(console)->idle);
}

void PagesTest::closeConnections()
{
    Console console({.situation = "leak"});
    console.window->openPage("connections");
    auto *view = enter(console, "Connections");
    QVERIFY(view);
    const int before = view->model()->rowCount();
    console.press(Qt::Key_Down, Qt::ShiftModifier);
    console.press(Qt::Key_Delete);
    const auto *action = lastAction<CloseClients>(console);
    QVERIFY(action);
    QCOMPARE(action->ids.size(), std::size_t(2));
    QCOMPARE(view->model()->rowCount(), before - 2);
}

void PagesTest::closeAGroup()
{
    Console console({.situation = "leak"});
    console.window->openPage("connections");
    auto *groups = enter(console, "Groups of connections");
    QVERIFY(groups);
    QCOMPARE(groups->model()->index(0, 0).data().toString(), QString("10.0.0.7"));
    console.press(Qt::Key_Return);
    QCOMPARE(console.find<QLineEdit>("Filter connections")->text(), QString("10.0.0.7"));
    QVERIFY(console.find<TableView>("Connections")->model()->rowCount() > 5);
    console.press(Qt::Key_Delete, Qt::ShiftModifier);
    QVERIFY(lastAction<CloseClients>(console));
    QCOMPARE(console.find<TableView>("Connections")->model()->rowCount(), 0);
    QCOMPARE(console.stack.deployment().latest()->readings[1].zone, Zone::Green);
}

void PagesTest::resizeAWorker()
{
    Console console({.situation = "backlog"});
    console.window->openPage("queue");
    Console::settle();
    console.press(Qt::Key_Plus, Qt::ControlModifier);
    const auto *grown = lastAction<ResizeWorker>(console);
    QVERIFY(grown);
    QCOMPARE(grown->concurrency, 3u);
    QVERIFY(console.confirmer.asked.empty()); // nothing is lost
    QVERIFY(enter(console, "Workers"));
    console.press(Qt::Key_Down);
    console.press(Qt::Key_Minus, Qt::ControlModifier);
    QCOMPARE(lastAction<ResizeWorker>(console)->node, std::string("celery@worker-2"));
    QCOMPARE(lastAction<ResizeWorker>(console)->concurrency, 3u);
}

void PagesTest::revokeAndRerun()
{
    Console console;
    console.window->openPage("queue");
    auto *view = enter(console, "Tasks");
    QVERIFY(view);
    const QString details = console.find<QPlainTextEdit>("Details of the task")->toPlainText();
    QVERIFY2(details.contains("Arguments"), qPrintable(details));
    console.press(Qt::Key_Delete);
    const auto *revoked = lastAction<RevokeTask>(console);
    QVERIFY(revoked);
    const std::string id = revoked->id;
    QVERIFY(details.contains(QString::fromStdString(id)));
    QVERIFY(console.find<QPlainTextEdit>("Details of the task")->toPlainText().contains("REVOKED"));
    QVERIFY(!console.command("Revoke the task")->isEnabled());
    console.press(Qt::Key_R, Qt::ControlModifier);
    const auto *again = lastAction<RerunTask>(console);
    QVERIFY(again);
    QCOMPARE(again->id, id);
}

void PagesTest::changeAUser()
{
    Console console;
    console.window->openPage("users");
    auto *view = enter(console, "Accounts");
    QVERIFY(view);
    QVERIFY(console.find<TableView>("Use of limits")->model()->rowCount() >= 4);
    console.command("Make an operator")->trigger();
    Console::settle();
    QCOMPARE(view->model()->index(0, 1).data().toString(), QString("operator"));
    QVERIFY(!console.command("Make an operator")->isEnabled());
    console.command("Disable")->trigger();
    Console::settle();
    QVERIFY(view->model()->index(0, 2).data().toString().contains("disabled"));
    console.command("Enable")->trigger();
    console.command("Sign out")->trigger();
    console.command("Make a user")->trigger();
    console.command("Make an admin")->trigger();
    Console::settle();
    QCOMPARE(view->model()->index(0, 1).data().toString(), QString("admin"));
    QCOMPARE(console.audit().size(), std::size_t(6));
    QCOMPARE(console.confirmer.asked.size(), std::size_t(6));

    Console operating({.role = Role::Operator});
    operating.window->openPage("users");
    QVERIFY(enter(operating, "Accounts"));
    QVERIFY(!operating.command("Disable")->isEnabled());
    QVERIFY(operating.command("Disable")->toolTip().contains("role admin"));
}

void PagesTest::findAUser()
{
    Console console;
    console.window->openPage("users");
    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type("CONTI123");
    console.press(Qt::Key_Return);
    auto *view = console.find<TableView>("Accounts");
    QVERIFY(view->model()->rowCount() > 0);
    for (int row = 0; row < view->model()->rowCount(); ++row)
        QVERIFY(view->model()->index(row, 0).data().toString().contains("conti123"));
    console.find<QLineEdit>("Search addresses")->clear();
    console.find<QComboBox>("Role")->setFocus();
    console.press(Qt::Key_End);
    QCOMPARE(view->model()->rowCount(), 1); // the one admin
}

void PagesTest::runTheStack()
{
    Console console;
    console.window->openPage("local");
    const auto keys = Qt::ControlModifier | Qt::ShiftModifier;
    QVERIFY(!console.command("Start")->isEnabled());
    console.press(Qt::Key_B, Qt::ControlModifier);
    QCOMPARE(console.opened.size(), std::size_t(1));
    console.press(Qt::Key_E, keys);
    console.press(Qt::Key_R, keys);
    console.press(Qt::Key_Delete, keys);
    console.press(Qt::Key_T, keys);
    QCOMPARE(console.stack.state(), LocalStack::State::Stopped);
    QVERIFY(!console.command("Open in the browser")->isEnabled());
    console.press(Qt::Key_S, keys);
    QCOMPARE(console.stack.state(), LocalStack::State::Running);
    const std::vector<std::string> expected{"seed", "stop", "start", "reset", "stop", "start"};
    QCOMPARE(console.stack.calls(), expected);
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1)); // before the reset
}

void PagesTest::theFormCounts()
{
    Console console;
    console.window->openPage("local");
    auto *listen = console.find<QLineEdit>("Listen");
    QVERIFY(listen);
    listen->setFocus();
    listen->selectAll();
    console.type("127.0.0.1:9000");
    console.find<QLineEdit>("Database")->setText("postgresql://db.example.org/portal");
    console.command("Restart")->trigger();
    Console::settle();
    QCOMPARE(console.stack.settings().listen, std::string("127.0.0.1:9000"));
    QCOMPARE(console.stack.settings().databaseUrl, std::string("postgresql://db.example.org/portal"));
    QVERIFY(!console.command("Reset")->isEnabled()); // that database is not ours
}

void PagesTest::theLogIsFiltered()
{
    Console console;
    console.window->openPage("local");
    auto *view = console.find<TableView>("Log");
    for (int i = 0; i < 14; ++i)
        console.tick();
    const int info = view->model()->rowCount();
    QVERIFY(info > 5);
    console.find<QComboBox>("Least level")->setFocus();
    console.press(Qt::Key_End);
    const int errors = view->model()->rowCount();
    QVERIFY(errors >= 1 && errors < info);
    console.press(Qt::Key_Home);
    QVERIFY(view->model()->rowCount() > info);
    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type("task ended");
    QVERIFY(view->model()->rowCount() >= 1 && view->model()->rowCount() < info);
}

void PagesTest::failuresAreShown()
{
    Console console;
    console.window->openPage("queue");
    Console::settle();
    console.stack.deployment().failNext(failure(ErrorKind::Timeout, "The worker did not answer.", "Look at its log."));
    console.command("Grow the worker")->trigger();
    Console::settle();
    QCOMPARE(console.window->findChild<NoticeBar *>()->sentence(),
             QString("The worker did not answer. Look at its log."));
}

void PagesTest::readOnlyLeavesNoWay_data()
{
    QTest::addColumn<QString>("page");
    for (const PageEntry &entry : pageTable())
        QTest::newRow(qPrintable(entry.id)) << entry.id;
}

void PagesTest::readOnlyLeavesNoWay()
{
    QFETCH(QString, page);
    Console console({.situation = "backlog"}, {.readOnly = true});
    console.window->openPage(page);
    Console::settle();
    for (TableView *view : console.window->page()->findChildren<TableView *>()) {
        view->selectRow(0);
        emit view->opened(view->currentSourceRow() < 0 ? 0 : view->currentSourceRow());
    }
    for (QAction *action : console.window->page()->commands()) {
        QVERIFY2(!action->isEnabled() || action->text() == "Open in the browser", qPrintable(action->text()));
        action->setEnabled(true); // not even somebody who gets around the grey
        action->trigger();
        Console::settle();
    }
    QVERIFY(console.stack.deployment().performed().empty());
    QVERIFY(console.stack.calls().empty());
    QVERIFY(console.confirmer.asked.empty());
}

void PagesTest::drain_data()
{
    QTest::addColumn<QueueFigures>("queue");
    QTest::addColumn<QString>("expected");
    const auto figures = [](std::optional<std::uint64_t> waiting, std::optional<double> ended) {
        QueueFigures queue;
        queue.waiting = waiting;
        queue.unacked = 0;
        queue.takenPerSecond = ended;
        queue.endedPerSecond = ended;
        return queue;
    };
    QTest::newRow("unknown") << figures({}, 1.0) << "unknown";
    QTest::newRow("no rate") << figures(5, {}) << "unknown";
    QTest::newRow("empty") << figures(0, 1.0) << "empty";
    QTest::newRow("a while") << figures(120, 2.0) << "1 min";
    QTest::newRow("standing still") << figures(5, 0.0) << "never at this pace";
}

void PagesTest::drain()
{
    QFETCH(QueueFigures, queue);
    QFETCH(QString, expected);
    QCOMPARE(drainText(queue), expected);
}

void PagesTest::everySituationOnEveryPage_data()
{
    QTest::addColumn<QString>("situation");
    for (const auto &situation : demo::situations())
        QTest::newRow(situation.name.data()) << QString::fromUtf8(situation.name.data());
}

void PagesTest::everySituationOnEveryPage()
{
    QFETCH(QString, situation);
    Console console({.situation = situation.toStdString()});
    for (const QSize size : {QSize(1180, 780), QSize(640, 480)}) {
        console.window->resize(size);
        for (const PageEntry &entry : pageTable()) {
            console.window->openPage(entry.id);
            console.tick();
            QVERIFY(!console.window->grab().isNull());
            QVERIFY2(console.window->width() <= size.width(), qPrintable(entry.id));
        }
    }
}

QTEST_MAIN(PagesTest)
#include "pages_test.moc"
