// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/held_deployment.h"
#include "tests/gui/switched_console.h"
#include "ui/dialogs/secret_dialog.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/table_view.h"

#include <QLabel>
#include <QLineEdit>

using namespace portolan;
using namespace portolan::ui;

/// What a console keeps while it is given another deployment: how ended what was on its way, and what is of a stack
/// that is the same.
class SwitchKeepsTest final : public QObject
{
    Q_OBJECT
private slots:
    void latePasswordsAreShown();
    void lateFailuresAreTold();
    void startWarningsStayWithTheirStack();
    void choicesAreRememberedAfterASwitch();
    void theStackKeepsItsLogAndForm();
    void noButtonLeadsToWhatIsNotThere();
};

/// The one before is void by then, and nobody else knows the new one.
void SwitchKeepsTest::latePasswordsAreShown()
{
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    for (const bool gone : {false, true}) { // the pages that asked
        console.window->show(held, &console.green);
        SwitchedConsole::oneTurn();
        held.holdOutcomes();
        console.window->openPage("users");
        console.chooseRows();
        console.command("Reset the password")->trigger();
        QVERIFY(held.outstanding() > 0);
        QVERIFY(!console.window->findChild<SecretDialog *>());
        console.window->show(console.backlog.deployment(), &console.backlog);
        if (gone)
            SwitchedConsole::oneTurn();
        held.answerAll();
        ConsoleWindow::settle();
        const QPointer<SecretDialog> dialog = console.window->findChild<SecretDialog *>();
        QVERIFY(dialog && dialog->isVisible());
        const auto *line = dialog->findChild<QLineEdit *>();
        QVERIFY(line && !line->text().isEmpty());
        const QString name = text(console.green.deployment().info().name);
        bool named = false;
        for (const QLabel *label : dialog->findChildren<QLabel *>())
            named = named || label->text().startsWith(name + ": ");
        QVERIFY(named);
        QCOMPARE(console.notice(), QString());
        dialog->close();
        QTRY_VERIFY(!dialog);
    }
}

void SwitchKeepsTest::lateFailuresAreTold()
{
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    console.window->show(held, &console.green);
    held.holdOutcomes();
    console.green.deployment().failNext(failure(ErrorKind::Unavailable, "Not now."));
    console.cleanUpAFamily();
    QVERIFY(held.outstanding() > 0);
    QCOMPARE(console.notice(), QString());
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    held.answerAll();
    ConsoleWindow::settle();
    QVERIFY2(console.notice().startsWith(text(console.green.deployment().info().name) + ": Not now."),
             qPrintable(console.notice()));
}

void SwitchKeepsTest::startWarningsStayWithTheirStack()
{
    SwitchedConsole console;
    console.green.switchOff();
    console.open(console.parts()); // before its portal has started
    QVERIFY(console.green.start({}).result().has_value());
    LogLine line;
    line.time = console.clock.wall();
    line.level = LogLine::Level::Warning;
    line.message = "A file was set aside";
    emit console.green.logged({line});
    const QString warned = console.notice();
    QVERIFY2(warned.contains("A file was set aside"), qPrintable(warned));
    for (int i = 0; i < 2; ++i) { // there and back
        console.window->show(console.backlog.deployment(), &console.green);
        SwitchedConsole::oneTurn();
        QCOMPARE(console.notice(), warned);
        console.tick(); // of which the figures of another know nothing
        QCOMPARE(console.notice(), warned);
        console.window->show(console.green.deployment(), &console.green);
        SwitchedConsole::oneTurn();
        QCOMPARE(console.notice(), warned);
    }
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    QCOMPARE(console.notice(), QString()); // it was of another portal
}

/// The page that asked for the start is gone when it has worked.
void SwitchKeepsTest::choicesAreRememberedAfterASwitch()
{
    SwitchedConsole console;
    HeldStack held(console.green);
    console.window->show(held.deployment(), &held);
    SwitchedConsole::oneTurn();
    console.window->openPage("local");
    auto *listen = console.find<QLineEdit>("Listen");
    QVERIFY(listen);
    listen->setText("127.0.0.1:8099");
    held.holdOutcomes();
    console.command("Restart")->trigger();
    QCOMPARE(held.outstanding(), std::size_t(1));
    const auto kept = [&console] {
        QStringList values;
        for (const QString &key : console.settings.allKeys())
            values << console.settings.value(key).toString();
        return values.contains("127.0.0.1:8099");
    };
    QVERIFY(!kept());
    console.window->show(console.backlog.deployment(), &held);
    SwitchedConsole::oneTurn();
    held.answerAll();
    ConsoleWindow::settle();
    QVERIFY(kept());
    console.window.reset(); // before what it shows
}

void SwitchKeepsTest::theStackKeepsItsLogAndForm()
{
    SwitchedConsole console;
    console.window->openPage("local");
    LogLine line;
    line.time = console.clock.wall();
    line.level = LogLine::Level::Error;
    line.message = "The disk is full";
    emit console.green.logged({line});
    console.find<QLineEdit>("Listen")->setText("127.0.0.1:8099");
    const auto logged = [&console] {
        const QAbstractItemModel *log = console.find<TableView>("Log")->model();
        return log->match(log->index(0, 2), Qt::DisplayRole, "The disk is full", -1, Qt::MatchContains).size();
    };
    QCOMPARE(logged(), 1);
    console.window->show(console.backlog.deployment(), &console.green);
    SwitchedConsole::oneTurn();
    QCOMPARE(logged(), 1);
    QCOMPARE(console.find<QLineEdit>("Listen")->text(), QString("127.0.0.1:8099"));
    emit console.green.logged({line}); // which goes on
    QCOMPARE(logged(), 2);
    auto elsewhere = std::make_unique<demo::DemoDeployment>(demo::DemoOptions{}, console.clock);
    console.window->show(*elsewhere, &console.green);
    elsewhere.reset(); // nor does it go with what is shown
    SwitchedConsole::oneTurn();
    QCOMPARE(logged(), 2);
    QCOMPARE(console.find<QLineEdit>("Listen")->text(), QString("127.0.0.1:8099"));
    // Of another stack it says nothing.
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    QCOMPARE(logged(), 0);
    QVERIFY(console.find<QLineEdit>("Listen")->text() != "127.0.0.1:8099");
}

/// Where what was shown has stopped, only what is this machine's own is started on the page Local stack.
void SwitchKeepsTest::noButtonLeadsToWhatIsNotThere()
{
    SwitchedConsole console;
    console.window->openPage("overview");
    const auto led = [&console] {
        QStringList pages;
        for (const BannerLine &line : console.window->findChild<DeploymentHeader *>()->banner().lines())
            pages << line.page;
        return pages;
    };
    for (LocalStack *stack : {static_cast<LocalStack *>(nullptr), static_cast<LocalStack *>(&console.green)}) {
        auto elsewhere = std::make_unique<demo::DemoDeployment>(demo::DemoOptions{}, console.clock);
        elsewhere->tick();
        console.window->show(*elsewhere, stack);
        elsewhere.reset();
        SwitchedConsole::oneTurn();
        QVERIFY(console.window->findChild<DeploymentHeader *>()->verdict().contains("has stopped"));
        QCOMPARE(led(), QStringList{""});
    }
    console.window->show(console.green.deployment(), &console.green);
    console.green.switchOff();
    SwitchedConsole::oneTurn();
    QCOMPARE(led(), QStringList{"local"});
}

QTEST_MAIN(SwitchKeepsTest)
#include "switch_keeps_test.moc"
