#include "tests/gui/console_window.h"
#include "tests/gui/portal_under_test.h"
#include "ui/dialogs/account_dialog.h"
#include "ui/dialogs/secret_dialog.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/time_chart.h"

#include <QAbstractButton>
#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QPlainTextEdit>

using namespace portolan;
using namespace portolan::ui;

/// Every action of every page, by keyboard, and what comes of it: what is shown, and what the audit log says. The same
/// on every portal (portal_under_test.h), so nothing is expected at once, and other things may happen meanwhile.
class PageActionsTest final : public QObject
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
    void changeAUser();
    void findAUser();
    void makeAndDeleteAnAccount();
    void sortAccounts();
    void theLogIsFiltered();
    void theSpanOfTimeIsChosen();
    void theFormCounts();
    void runTheStack();

private:
    ConsoleWindow &open(const QString &page, ActionGate::Options options = {});
    TableView *table(const QString &name) { return m_console->find<TableView>(name); }
    QString cell(const QString &table, int row, int column);
    bool goTo(const QString &table, int column, const QString &text);
    QString said() const { return m_console->notice(); }
    std::vector<AuditEntry> written();
    bool wrote(const std::string &group, const std::string &reason);

    std::unique_ptr<PortalUnderTest> m_portal;
    std::unique_ptr<ConsoleWindow> m_console;
    std::size_t m_audited = 0;
};

namespace {

constexpr int patience = 20'000; // ms: for what takes a moment, on a busy machine

} // namespace

#define EVENTUALLY(condition) QTRY_VERIFY2_WITH_TIMEOUT(condition, qPrintable("notice: " + said()), patience)

ConsoleWindow &PageActionsTest::open(const QString &page, ActionGate::Options options)
{
    m_console = std::make_unique<ConsoleWindow>(m_portal->stack(), m_portal->clock(), options);
    m_console->window->openPage(page);
    m_portal->nextSample();
    return *m_console;
}

QString PageActionsTest::cell(const QString &name, int row, int column)
{
    return table(name)->model()->index(row, column).data().toString();
}

/// The table gets the focus and the row that says `text` in this column is chosen, by keys.
bool PageActionsTest::goTo(const QString &name, int column, const QString &text)
{
    TableView *view = table(name);
    view->setFocus();
    m_console->press(Qt::Key_Home, Qt::ControlModifier); // chooses nothing; Space would add its row to what is chosen
    m_console->press(Qt::Key_Down);
    m_console->press(Qt::Key_Up);
    for (int step = 0; step < view->model()->rowCount(); ++step) {
        if (view->currentIndex().siblingAtColumn(column).data().toString() == text) {
            m_console->press(Qt::Key_Space);
            return view->currentSourceRow() >= 0;
        }
        m_console->press(Qt::Key_Down);
    }
    return false;
}

/// The audit log's entries since the test began.
std::vector<AuditEntry> PageActionsTest::written()
{
    auto all = m_portal->audit();
    all.erase(all.begin(), all.begin() + std::ptrdiff_t(std::min(m_audited, all.size())));
    return all;
}

/// The last entry is of this group of actions, was done, and says why.
bool PageActionsTest::wrote(const std::string &group, const std::string &reason)
{
    const auto entries = written();
    return !entries.empty() && entries.back().action.starts_with(group) && entries.back().outcome == "done" &&
           entries.back().reason == reason && entries.back().role == Role::Admin;
}

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
    EVENTUALLY(said().startsWith("Deleted ") && said().contains("sessions"));
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
    QVERIFY2(asked.preview.summary.find("wait") != std::string::npos, asked.preview.summary.c_str());
    QVERIFY2(asked.preview.summary.find("run") != std::string::npos, asked.preview.summary.c_str());
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

void PageActionsTest::changeAUser()
{
    auto &console = open("users");
    console.find<QComboBox>("Role")->setFocus();
    console.press(Qt::Key_Down); // users only
    TableView *view = table("Accounts");
    EVENTUALLY(view->model()->rowCount() > 5 && cell("Accounts", 0, 1) == "user");
    const QString address = cell("Accounts", 0, 0);
    QVERIFY(goTo("Accounts", 0, address));
    EVENTUALLY(table("Use of limits")->model()->rowCount() >= 4);
    struct
    {
        const char *command;
        int column;
        const char *shown;
    } const steps[]{{"Make an operator", 1, "operator"},
                    {"Disable", 2, "disabled"},
                    {"Enable", 2, "active"},
                    {"Make an admin", 1, "admin"},
                    {"Make a user", 1, "user"}};
    std::size_t done = 0;
    for (const auto &step : steps) {
        EVENTUALLY(console.command(step.command)->isEnabled());
        console.run(step.command);
        ++done;
        EVENTUALLY(written().size() == done && wrote("user.", "because"));
        EVENTUALLY(view->currentIndex().siblingAtColumn(step.column).data().toString().contains(step.shown));
        QCOMPARE(view->currentIndex().siblingAtColumn(0).data().toString(), address);
        QCOMPARE(console.confirmer.asked.size(), done);
    }
    EVENTUALLY(!console.command("Make a user")->isEnabled()); // it is one
    QVERIFY(console.command("Make a user")->toolTip().contains("already"));
}

/// From an empty table on: an account, its password shown once, its sessions and what was done to it; then it is gone.
void PageActionsTest::makeAndDeleteAnAccount()
{
    auto &console = open("users");
    EVENTUALLY(table("Accounts")->model()->rowCount() > 0);
    console.press(Qt::Key_N, Qt::ControlModifier);
    const QPointer<AccountDialog> dialog = console.window->findChild<AccountDialog *>();
    auto *address = console.find<QLineEdit>("E-mail address");
    QVERIFY(dialog && address && QTest::qWaitFor([&] { return address->hasFocus(); }));
    console.type("brand.new@example.org");
    console.press(Qt::Key_Return);
    EVENTUALLY(console.window->findChild<SecretDialog *>() != nullptr);
    const QPointer<SecretDialog> shown = console.window->findChild<SecretDialog *>();
    const QString secret = shown->findChild<QLineEdit *>()->text();
    QVERIFY(secret.size() >= 12);
    QVERIFY(!said().contains(secret));
    shown->close();
    EVENTUALLY(!shown);
    console.toFront();
    EVENTUALLY(wrote("user.create", ""));

    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type("brand.new@");
    console.press(Qt::Key_Return);
    EVENTUALLY(table("Accounts")->model()->rowCount() == 1 && goTo("Accounts", 0, "brand.new@example.org"));
    // Nobody is signed in: that cannot be ended, and it says so.
    EVENTUALLY(!console.command("Sign out")->isEnabled());
    QVERIFY(console.command("Sign out")->toolTip().contains("no session"));
    console.run("Reset the password");
    EVENTUALLY(console.window->findChild<SecretDialog *>() != nullptr);
    console.window->findChild<SecretDialog *>()->close();
    EVENTUALLY(console.window->findChild<SecretDialog *>() == nullptr);
    EVENTUALLY(wrote("user.password", "because"));
    console.toFront();
    EVENTUALLY(table("Activity")->model()->rowCount() >= 1);

    table("Accounts")->setFocus();
    console.press(Qt::Key_Delete);
    EVENTUALLY(wrote("user.delete", "because"));
    EVENTUALLY(table("Accounts")->model()->rowCount() == 0);
    QVERIFY(console.confirmer.asked.back().destructive);
}

void PageActionsTest::sortAccounts()
{
    auto &console = open("users");
    TableView *view = table("Accounts");
    EVENTUALLY(view->model()->rowCount() > 5);
    // Who was here last stands first, with the time; and the other way round.
    view->setFocus();
    console.press(Qt::Key_Home, Qt::ControlModifier);
    for (int column = 0; column < 4; ++column)
        console.press(Qt::Key_Right);
    console.press(Qt::Key_Down, Qt::AltModifier);
    EVENTUALLY(view->model()->rowCount() > 5 && cell("Accounts", 0, 4).contains(':'));
    const QString latest = cell("Accounts", 0, 4);
    for (int row = 1; row < 5; ++row)
        QVERIFY(cell("Accounts", row, 4) == "never" || cell("Accounts", row, 4) <= latest);
    console.press(Qt::Key_Up, Qt::AltModifier);
    EVENTUALLY(view->model()->rowCount() > 5 && cell("Accounts", 0, 4) == "never");
    const auto *header = view->horizontalHeader();
    QTest::mouseClick(header->viewport(), Qt::LeftButton, {}, QPoint(header->sectionViewportPosition(0) + 10, 8));
    EVENTUALLY(view->model()->rowCount() > 5 && cell("Accounts", 0, 0) < cell("Accounts", 1, 0));
}

void PageActionsTest::findAUser()
{
    auto &console = open("users");
    TableView *view = table("Accounts");
    EVENTUALLY(view->model()->rowCount() > 5);
    const int all = view->model()->rowCount();
    const QString name = cell("Accounts", 3, 0).section('@', 0, 0);
    const auto everyRow = [&](int column, const QString &words) {
        for (int row = 0; row < view->model()->rowCount(); ++row) {
            if (!cell("Accounts", row, column).contains(words))
                return false;
        }
        return view->model()->rowCount() > 0 && view->model()->rowCount() < all;
    };
    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type(name.toUpper());
    console.press(Qt::Key_Return);
    EVENTUALLY(everyRow(0, name));
    console.find<QLineEdit>("Search addresses")->clear();
    EVENTUALLY(view->model()->rowCount() == all);
    console.find<QComboBox>("Role")->setFocus();
    console.press(Qt::Key_End);
    EVENTUALLY(everyRow(1, "admin"));
    console.find<QComboBox>("State")->setFocus();
    console.press(Qt::Key_End);
    EVENTUALLY(view->model()->rowCount() == 0); // no admin is disabled
}

void PageActionsTest::theLogIsFiltered()
{
    auto &console = open("local");
    TableView *view = table("Log");
    console.press(Qt::Key_R, Qt::ControlModifier | Qt::ShiftModifier); // which is logged
    EVENTUALLY(m_portal->stack().state() == LocalStack::State::Running && view->model()->rowCount() >= 2);
    m_portal->nextSample();
    const int info = view->model()->rowCount();
    console.find<QComboBox>("Least level")->setFocus();
    console.press(Qt::Key_End);
    QVERIFY(view->model()->rowCount() < info);
    for (int row = 0; row < view->model()->rowCount(); ++row)
        QVERIFY(cell("Log", row, 1).contains("error"));
    console.press(Qt::Key_Home);
    QVERIFY(view->model()->rowCount() >= info);
    console.press(Qt::Key_F, Qt::ControlModifier);
    console.type("SERVING http");
    QVERIFY(view->model()->rowCount() >= 1 && view->model()->rowCount() < info);
    console.type(" no-such-word");
    QCOMPARE(view->model()->rowCount(), 0);
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
        EVENTUALLY(console.find<TimeChart>("Memory used")->hasData());
    }
}

void PageActionsTest::theFormCounts()
{
    auto &console = open("local");
    const LocalStackSettings before = m_portal->stack().settings();
    const auto restart = [&](const std::string &database) {
        console.run("Restart");
        // It goes on running until its settings were looked at.
        EVENTUALLY(m_portal->stack().settings().databaseUrl == database);
        EVENTUALLY(m_portal->stack().state() == LocalStack::State::Running && said() == "The portal is running.");
    };
    auto *database = console.find<QLineEdit>("Database");
    database->setFocus();
    console.type(QString::fromStdString(m_portal->otherDatabase()));
    restart(m_portal->otherDatabase());
    QCOMPARE(m_portal->stack().settings().listen, before.listen);
    EVENTUALLY(!console.command("Reset")->isEnabled());
    QVERIFY(console.command("Reset")->toolTip().contains("not ours"));
    database->setFocus();
    console.press(Qt::Key_A, Qt::ControlModifier);
    console.press(Qt::Key_Backspace);
    restart(before.databaseUrl);
    QCOMPARE(m_portal->stack().settings(), before);
    EVENTUALLY(console.command("Reset")->isEnabled());
}

void PageActionsTest::runTheStack()
{
    using State = LocalStack::State;
    auto &console = open("local");
    LocalStack &stack = m_portal->stack();
    const auto keys = Qt::ControlModifier | Qt::ShiftModifier;
    QVERIFY(!console.command("Start")->isEnabled());
    console.press(Qt::Key_B, Qt::ControlModifier);
    QCOMPARE(console.opened.size(), std::size_t(1));
    QCOMPARE(console.opened[0].toString().toStdString(), stack.deployment().info().url);
    console.press(Qt::Key_E, keys);
    EVENTUALLY(said().startsWith("Added ") && said().contains("analyses")); // the users may be there already
    QVERIFY(wrote("stack.seed", "because"));
    QCOMPARE(console.confirmer.asked.size(), std::size_t(1));
    console.press(Qt::Key_R, keys);
    EVENTUALLY(said() == "The portal is running.");
    EVENTUALLY(!written().empty() && written().back().action == "stack.restart" && written().back().outcome == "done");

    console.confirmer.asked.clear();
    console.press(Qt::Key_Delete, keys);
    QTRY_COMPARE_WITH_TIMEOUT(console.confirmer.asked.size(), std::size_t(1), patience);
    const ActionPreview preview = console.confirmer.asked[0].preview;
    QCOMPARE(preview.sample.front(), stack.dataDirectory());
    QVERIFY2(preview.count.value_or(0) >= 40 && preview.bytes.value_or(0) > 0, preview.summary.c_str());
    EVENTUALLY(said() == "The portal is empty again.");
    QCOMPARE(stack.state(), State::Running);
    m_audited = 0; // the log began anew
    QCOMPARE(written().size(), std::size_t(1));
    QVERIFY(wrote("stack.reset", "because"));
    QVERIFY(!written().back().detail.empty());

    console.press(Qt::Key_T, keys);
    EVENTUALLY(stack.state() == State::Stopped && said() == "The portal is stopped.");
    EVENTUALLY(written().back().action == "stack.stop" && written().back().outcome == "done");
    QVERIFY(!console.command("Open in the browser")->isEnabled() && !console.command("Stop")->isEnabled());
    QCOMPARE(stack.deployment().link(), LinkState::Off);
    console.press(Qt::Key_S, keys);
    EVENTUALLY(stack.state() == State::Running && said() == "The portal is running.");
    QVERIFY(wrote("stack.start", ""));
    QVERIFY(!stack.problem());

    console.confirmer.asked.clear();
    console.press(Qt::Key_E, keys);
    QTRY_COMPARE_WITH_TIMEOUT(console.confirmer.asked.size(), std::size_t(1), patience);
    console.press(Qt::Key_T, keys); // does not wait for the seed
    EVENTUALLY(stack.state() == State::Stopped && said() == "The portal is stopped.");
    EVENTUALLY(written().back().action == "stack.stop" && written().back().outcome == "done");
    const auto entries = written();
    QCOMPARE(entries[entries.size() - 2].action, std::string("stack.seed"));
}

QTEST_MAIN(PageActionsTest)
#include "page_actions_test.moc"
