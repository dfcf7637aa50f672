// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/page_actions.h"
#include "ui/dialogs/account_dialog.h"
#include "ui/dialogs/secret_dialog.h"
#include "ui/words/fact_words.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLineEdit>

using namespace portolan;
using namespace portolan::ui;

/// What is done to accounts, and to the portal as a whole.
class PortalActionsTest final : public QObject, private PageActions
{
    Q_OBJECT
private slots:
    void initTestCase() { m_portal = makePortal(); }
    void init() { m_audited = m_portal->audit().size(); }
    void cleanup() { m_console.reset(); }
    void cleanupTestCase() { m_portal.reset(); }

    void changeAUser();
    void findAUser();
    void makeAndDeleteAnAccount();
    void sortAccounts();
    void theLogIsFiltered();
    void theFormCounts();
    void runTheStack();
};

void PortalActionsTest::changeAUser()
{
    auto &console = open("users");
    console.find<QComboBox>("Role")->setFocus();
    console.press(Qt::Key_Down); // users only
    TableView *view = table("Accounts");
    EVENTUALLY(view->model()->rowCount() > 5 && cell("Accounts", 0, 1) == "user");
    const QString address = cell("Accounts", 0, 0);
    QVERIFY(goTo("Accounts", 0, address));
    EVENTUALLY(table("Use of limits")->model()->rowCount() >= 4);
    QCOMPARE(table("Use of limits")->model()->headerData(2, Qt::Horizontal).toString(), QString("Resets"));
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
void PortalActionsTest::makeAndDeleteAnAccount()
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

void PortalActionsTest::sortAccounts()
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

void PortalActionsTest::findAUser()
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

void PortalActionsTest::theLogIsFiltered()
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

void PortalActionsTest::theFormCounts()
{
    auto &console = open("local");
    const LocalStackSettings before = m_portal->stack().settings();
    const auto restart = [&](const std::string &database) {
        console.run("Restart");
        // It goes on running until its settings were looked at.
        EVENTUALLY(m_portal->stack().settings().databaseUrl == database);
        EVENTUALLY(m_portal->stack().state() == LocalStack::State::Running && said() == "The portal runs again.");
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

void PortalActionsTest::runTheStack()
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
    EVENTUALLY(said() == "The portal runs again.");
    EVENTUALLY(!written().empty() && written().back().action == "stack.restart" && written().back().outcome == "done");

    console.confirmer.asked.clear();
    console.press(Qt::Key_Delete, keys);
    QTRY_COMPARE_WITH_TIMEOUT(console.confirmer.asked.size(), std::size_t(1), patience);
    const ActionPreview preview = console.confirmer.asked[0].preview;
    QCOMPARE(preview.sample.front().name, stack.dataDirectory());
    QVERIFY2(preview.count.value_or(0) >= 40 && preview.bytes.value_or(0) > 0, qPrintable(previewText(preview)));
    EVENTUALLY(said().endsWith("The portal is empty again."));
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

QTEST_MAIN(PortalActionsTest)
#include "portal_actions_test.moc"
