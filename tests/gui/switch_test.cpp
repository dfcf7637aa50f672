// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/held_deployment.h"
#include "tests/gui/switched_console.h"
#include "ui/dialogs/account_dialog.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/dialogs/secret_dialog.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/deployment_header.h"
#include "ui/widgets/sidebar.h"
#include "ui/widgets/table_view.h"

#include <QLineEdit>
#include <QToolTip>
#include <algorithm>

using namespace portolan;
using namespace portolan::ui;

/// A console that is given another deployment while it runs.
class SwitchTest final : public QObject
{
    Q_OBJECT
private slots:
    void isAsOpenedOnTheOther_data() { everyPage(); }
    void isAsOpenedOnTheOther();
    void isAsOpenedOnNone_data() { everyPage(); }
    void isAsOpenedOnNone();
    void lateAnswersChangeNothing_data() { everyPage(); }
    void lateAnswersChangeNothing();
    void latePreviewsAskNobody();
    void lateConsentDoesNothing();
    void lateOutcomesAreNotTold();
    void theGateIsOfTheOther();
    void questionsClose();
    void aPasswordStays();
    void theQuestionBeforeQuittingIsOver();
    void savingEnds();
    void theConsolesOwnNoticeStays();
    void noStackNoPageOfIt();
    void theFocusStays_data();
    void theFocusStays();
    void showsAnotherFromAPageOfTheFirst();
    void theStackOutlivesWhatIsShown();
    void aHundredTimes();

private:
    static void everyPage()
    {
        QTest::addColumn<QString>("page");
        for (const PageEntry &entry : pageTable())
            QTest::newRow(qPrintable(entry.id)) << entry.id;
    }
};

void SwitchTest::isAsOpenedOnTheOther()
{
    QFETCH(QString, page);
    SwitchedConsole console;
    console.leaveTraces(page);
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    QVERIFY(!QToolTip::isVisible());
    QStringList seen = console.seen();
    ConsoleWindow::settle();
    const QImage picture = console.picture();
    const auto onBacklog = console.openedOn(console.backlog.deployment(), &console.backlog, page);
    QCOMPARE(difference(seen, seenOf(*onBacklog->window)), QString());
    QCOMPARE(picture, pictureOf(*onBacklog->window));

    // And back: what was seen of the first before is no more of it than of the second.
    console.leaveTraces(page);
    console.window->show(console.green.deployment(), &console.green);
    SwitchedConsole::oneTurn();
    seen = console.seen();
    const auto onGreen = console.openedOn(console.green.deployment(), &console.green, page);
    QCOMPARE(difference(seen, seenOf(*onGreen->window)), QString());
}

void SwitchTest::isAsOpenedOnNone()
{
    QFETCH(QString, page);
    SwitchedConsole console;
    auto lost = std::make_unique<demo::DemoStack>(demo::DemoOptions{.situation = "leak"}, console.clock);
    lost->tick();
    console.window->show(lost->deployment(), lost.get());
    console.leaveTraces(page);
    lost.reset();
    SwitchedConsole::oneTurn();
    NoDeployment none;
    const QStringList seen = console.seen();
    const auto onNone = console.openedOn(none, nullptr, page == "local" ? "overview" : page);
    QCOMPARE(difference(seen, seenOf(*onNone->window)), QString());
    QVERIFY(console.window->findChild<DeploymentHeader *>()->verdict().contains("has stopped"));
    console.tick(); // nothing comes of it later either
    console.window->show(console.green.deployment(), &console.green);
    QVERIFY(!console.window->findChild<DeploymentHeader *>()->verdict().contains("has stopped"));
}

void SwitchTest::lateAnswersChangeNothing()
{
    QFETCH(QString, page);
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    console.window->show(held, &console.green);
    console.leaveTraces(page);
    held.hold();
    console.tick();
    console.window->page()->refresh();
    const bool asks = page != "local";
    QCOMPARE(held.outstanding() > 0, asks);
    console.window->show(console.backlog.deployment(), &console.backlog);
    QCOMPARE(held.answerAll() > 0, asks); // the pages that asked are still there
    SwitchedConsole::oneTurn();
    const QStringList seen = console.seen();
    const auto onBacklog = console.openedOn(console.backlog.deployment(), &console.backlog, page);
    QCOMPARE(difference(seen, seenOf(*onBacklog->window)), QString());

    // Also once they are gone.
    console.window->show(held, &console.green);
    QVERIFY(held.outstanding() > 0 || !asks);
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    const QStringList before = console.seen();
    held.answerAll();
    ConsoleWindow::settle();
    QCOMPARE(difference(console.seen(), before), QString());
}

void SwitchTest::latePreviewsAskNobody()
{
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    console.window->show(held, &console.green);
    held.hold();
    console.cleanUpAFamily();
    console.window->show(console.backlog.deployment(), &console.backlog);
    QVERIFY(held.answerAll() > 0);
    SwitchedConsole::oneTurn();
    QVERIFY(console.confirmer.asked.empty());
    QVERIFY(console.green.deployment().performed().empty());
    QVERIFY(console.backlog.deployment().performed().empty());
    QCOMPARE(console.notice(), QString());
}

void SwitchTest::lateConsentDoesNothing()
{
    struct Late final : Confirmer
    {
        void ask(const Confirmation &, std::function<void(std::optional<std::string>)> a) override { answer = a; }
        std::function<void(std::optional<std::string>)> answer;
    } late;
    SwitchedConsole console;
    MainWindow::Parts parts = console.parts();
    MainWindow window({parts.deployment, parts.stack, late, parts.clock, parts.settings, parts.theme, parts.openUrl},
                      {});
    window.show();
    console.cleanUpAFamily(window);
    QVERIFY(late.answer);
    window.show(console.backlog.deployment(), &console.backlog);
    late.answer("yes"); // of a gate that is over
    SwitchedConsole::oneTurn();
    late.answer("yes"); // of one that is gone
    QVERIFY(console.green.deployment().performed().empty());
    QVERIFY(console.backlog.deployment().performed().empty());
}

void SwitchTest::lateOutcomesAreNotTold()
{
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    console.window->show(held, &console.green);
    held.holdOutcomes();
    console.cleanUpAFamily();
    QVERIFY(held.outstanding() > 0);
    console.window->show(console.backlog.deployment(), &console.backlog);
    QVERIFY(held.answerAll() > 0);
    SwitchedConsole::oneTurn();
    QCOMPARE(console.notice(), QString());
    QCOMPARE(console.green.deployment().performed().size(), std::size_t(1)); // it was on its way
    QVERIFY(console.backlog.deployment().performed().empty());
}

void SwitchTest::theGateIsOfTheOther()
{
    SwitchedConsole console;
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    console.cleanUpAFamily();
    QCOMPARE(console.backlog.deployment().performed().size(), std::size_t(1));
    QVERIFY(console.green.deployment().performed().empty());
    QCOMPARE(console.confirmer.asked.back().deployment, text(console.backlog.deployment().info().name));
    console.window->openPage("local");
    QAction *seed = console.command("Seed");
    QVERIFY(seed && seed->isEnabled());
    seed->trigger();
    QVERIFY(!console.backlog.calls().empty());
    QVERIFY(console.green.calls().empty());
    // The portal of this machine is asked about by its own name, whichever is shown.
    console.window->show(console.green.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    console.command("Seed")->trigger();
    QCOMPARE(console.confirmer.asked.back().deployment, text(console.backlog.deployment().info().name));
    QVERIFY(console.green.calls().empty());
}

void SwitchTest::questionsClose()
{
    SwitchedConsole console;
    DialogConfirmer confirmer;
    const MainWindow::Parts parts = console.parts();
    console.open({parts.deployment, parts.stack, confirmer, parts.clock, parts.settings, parts.theme, parts.openUrl,
                  askWithSaveDialog, parts.rememberChoices, askWithQuitDialog});
    confirmer.setOwner(console.window.get());
    QLineEdit other; // while something else is in front
    other.show();
    other.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&other));
    const auto dialogs = [&console] {
        const auto all = console.window->findChildren<QDialog *>();
        return std::ranges::count_if(all, [](const QDialog *dialog) { return dialog->isVisible(); });
    };
    const std::pair<const char *, std::function<void()>> questions[]{
        {"confirmation", [&console] { console.cleanUpAFamily(); }},
        {"account",
         [&console] {
             console.window->openPage("users");
             console.command("New account")->trigger();
         }},
        {"palette", [&console] { console.global("Commands …")->trigger(); }},
        {"shortcuts", [&console] { console.global("Keyboard shortcuts")->trigger(); }},
        {"saving",
         [&console] {
             console.window->openPage("redis");
             console.export_("CSV")->trigger();
         }},
        {"quitting", [&console] { console.window->close(); }},
        {"about", [&console] { console.global("About Portolan")->trigger(); }},
    };
    for (const auto &[what, ask] : questions) {
        console.window->show(console.green.deployment(), &console.green);
        SwitchedConsole::oneTurn();
        ask();
        QVERIFY2(dialogs() == 1, what);
        console.window->show(console.backlog.deployment(), &console.backlog);
        QVERIFY2(dialogs() == 0, what);
        SwitchedConsole::oneTurn();
    }
    QVERIFY(console.green.deployment().performed().empty());
    QVERIFY(console.backlog.deployment().performed().empty());
}

void SwitchTest::aPasswordStays()
{
    SwitchedConsole console;
    console.window->openPage("users");
    console.chooseRows();
    console.command("Reset the password")->trigger();
    ConsoleWindow::settle();
    QPointer<SecretDialog> dialog = console.window->findChild<SecretDialog *>();
    QVERIFY(dialog && dialog->isVisible());
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    QVERIFY(dialog && dialog->isVisible()); // nobody could ever read it again
}

void SwitchTest::theQuestionBeforeQuittingIsOver()
{
    SwitchedConsole console;
    std::function<void(QuitAnswer)> answer;
    MainWindow::Parts parts = console.parts();
    parts.askToQuit = [&answer](const QuitQuestion &, const std::function<void(QuitAnswer)> &then) { answer = then; };
    console.open(parts);
    console.window->close();
    QVERIFY(answer);
    const auto first = std::exchange(answer, nullptr);
    console.window->show(console.backlog.deployment(), &console.backlog);
    first(QuitAnswer::Quit);
    QVERIFY(console.window->isVisible());
    console.window->close(); // and this one is asked about anew
    QVERIFY(answer && console.window->isVisible());
    first(QuitAnswer::Stay); // which that does not answer
    answer(QuitAnswer::Quit);
    QVERIFY(!console.window->isVisible());
}

void SwitchTest::savingEnds()
{
    SwitchedConsole console;
    HeldDeployment held(console.green.deployment());
    SaveAnswer answer;
    MainWindow::Parts parts = console.parts();
    parts.askWhereToSave = [&answer](const SaveQuestion &, const SaveAnswer &then) { answer = then; };
    console.open(parts);
    for (const char *format : {"CSV", "PNG", "PDF"}) {
        for (const bool asked : {false, true}) { // another is shown before or after a place was named
            const QString path = console.folder.filePath(QString("%1-%2").arg(format).arg(asked));
            console.window->show(held, &console.green);
            SwitchedConsole::oneTurn();
            console.window->openPage("redis");
            held.hold(); // what a CSV asks for
            console.export_(format)->trigger();
            QVERIFY(answer);
            if (asked)
                answer(path);
            console.window->show(console.backlog.deployment(), &console.backlog);
            if (!asked)
                answer(path);
            held.answerAll();
            held.release();
            SwitchedConsole::oneTurn();
            QVERIFY2(!QFileInfo::exists(path), qPrintable(path));
            QCOMPARE(console.notice(), QString());
            QVERIFY(console.export_(format)->isEnabled());
        }
    }
}

void SwitchTest::theConsolesOwnNoticeStays()
{
    SwitchedConsole console;
    console.window->tell("The settings could not be read.", false);
    console.window->show(console.backlog.deployment(), &console.backlog);
    QCOMPARE(console.notice(), QString("The settings could not be read."));
    console.backlog.deployment().failNext(failure(ErrorKind::Unavailable, "Not now."));
    console.cleanUpAFamily();
    QVERIFY(console.notice().startsWith("Not now."));
    console.window->show(console.green.deployment(), &console.green);
    QCOMPARE(console.notice(), QString());
}

void SwitchTest::noStackNoPageOfIt()
{
    SwitchedConsole console;
    auto *sidebar = console.window->findChild<Sidebar *>();
    const int local = sidebar->count() - 1;
    console.window->openPage("queue");
    console.window->openPage("local");
    console.window->show(console.backlog.deployment(), nullptr);
    SwitchedConsole::oneTurn();
    QCOMPARE(console.window->currentPage(), QString("overview"));
    QVERIFY(sidebar->isRowHidden(local));
    QVERIFY(!console.window->openPage("local"));
    QVERIFY(!console.global("Local stack")->isVisible() && !console.global("Local stack")->isEnabled());
    console.toFront();
    for (const char *list : {"Commands …", "Keyboard shortcuts"}) {
        console.global(list)->trigger();
        ConsoleWindow::settle();
        const QPointer<QDialog> dialog = qobject_cast<QDialog *>(QApplication::activeModalWidget());
        QVERIFY2(dialog, list);
        const auto *view = dialog->findChild<QAbstractItemView *>();
        const auto listed = [view](const char *words) {
            const QAbstractItemModel *model = view->model();
            for (const QModelIndex &top : model->match(model->index(0, 0), Qt::DisplayRole, QString(words), -1,
                                                       Qt::MatchExactly | Qt::MatchRecursive))
                if (top.isValid())
                    return true;
            return false;
        };
        QVERIFY2(listed("Overview") && !listed("Local stack"), list);
        dialog->reject();
        QTRY_VERIFY(!dialog);
    }
    console.toFront();
    console.press(Qt::Key_7, Qt::ControlModifier);
    console.press(Qt::Key_Left, Qt::AltModifier); // not back to it either
    QVERIFY(console.window->currentPage() != "local");
    QVERIFY(console.window->close()); // no portal stops with it: nothing is asked
    QVERIFY(console.askedToQuit.empty());
    console.window->show();
    console.window->show(console.green.deployment(), &console.green);
    QVERIFY(!sidebar->isRowHidden(local));
    QVERIFY(console.window->openPage("local"));
}

void SwitchTest::theFocusStays_data()
{
    QTest::addColumn<QString>("page");
    QTest::addColumn<QString>("before");
    QTest::addColumn<QString>("after");
    QTest::newRow("list of pages") << "queue"
                                   << "Pages"
                                   << "Pages";
    QTest::newRow("field") << "queue"
                           << "Filter tasks"
                           << "Filter tasks";
    QTest::newRow("table") << "redis"
                           << "Largest keys"
                           << "Largest keys";
    QTest::newRow("chart") << "redis"
                           << "Show the last 1 h"
                           << "Largest keys"; // a button acts
    QTest::newRow("field of a form") << "local"
                                     << "Listen"
                                     << "Listen";
}

void SwitchTest::theFocusStays()
{
    QFETCH(QString, page);
    QFETCH(QString, before);
    QFETCH(QString, after);
    SwitchedConsole console;
    console.toFront();
    console.window->openPage(page);
    auto *widget = console.find<QWidget>(before);
    QVERIFY(widget);
    widget->setFocus();
    QVERIFY(widget->hasFocus());
    const bool acts = qobject_cast<QAbstractButton *>(widget);
    console.window->show(console.backlog.deployment(), &console.backlog);
    SwitchedConsole::oneTurn();
    QVERIFY(QApplication::focusWidget());
    if (acts)
        QVERIFY(!qobject_cast<QAbstractButton *>(QApplication::focusWidget()));
    else
        QCOMPARE(QApplication::focusWidget()->accessibleName(), after);

    // Nor is it taken from another window.
    QLineEdit other;
    other.show();
    other.activateWindow();
    other.setFocus();
    QVERIFY(QTest::qWaitForWindowActive(&other));
    console.window->show(console.green.deployment(), &console.green);
    SwitchedConsole::oneTurn();
    QVERIFY(other.hasFocus());
}

void SwitchTest::showsAnotherFromAPageOfTheFirst()
{
    SwitchedConsole console;
    // The confirmer is asked in the middle of a page's command: what runs there goes on to its end.
    struct Switching final : Confirmer
    {
        void ask(const Confirmation &, std::function<void(std::optional<std::string>)> answer) override
        {
            switchNow();
            answer("yes");
        }
        std::function<void()> switchNow;
    } switching;
    const MainWindow::Parts parts = console.parts();
    console.open({parts.deployment, parts.stack, switching, parts.clock, parts.settings, parts.theme, parts.openUrl});
    switching.switchNow = [&console] { console.window->show(console.backlog.deployment(), &console.backlog); };
    console.cleanUpAFamily();
    SwitchedConsole::oneTurn();
    QVERIFY(console.green.deployment().performed().empty());
    QVERIFY(console.backlog.deployment().performed().empty());
}

void SwitchTest::theStackOutlivesWhatIsShown()
{
    SwitchedConsole console;
    auto elsewhere = std::make_unique<demo::DemoDeployment>(demo::DemoOptions{}, console.clock);
    elsewhere->tick();
    console.window->show(*elsewhere, &console.green);
    console.window->openPage("local");
    elsewhere.reset();
    SwitchedConsole::oneTurn();
    QCOMPARE(console.window->currentPage(), QString("local"));
    QVERIFY(console.window->findChild<DeploymentHeader *>()->verdict().contains("has stopped"));
    console.window->close(); // the portal of this machine still stops with the window
    QCOMPARE(console.askedToQuit.size(), std::size_t(1));
}

void SwitchTest::aHundredTimes()
{
    SwitchedConsole console;
    const auto switchTwice = [&console] {
        for (demo::DemoStack *stack : {&console.backlog, &console.green}) {
            console.window->show(stack->deployment(), stack);
            SwitchedConsole::oneTurn();
            console.tick();
        }
    };
    const auto alive = [&console] { return console.window->findChildren<QObject *>().size(); };
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        switchTwice();
    }
    const auto objects = alive();
    const auto windows = QApplication::topLevelWidgets().size();
    for (int i = 0; i < 50; ++i) {
        console.window->openPage(pageTable()[std::size_t(i) % pageTable().size()].id);
        switchTwice();
    }
    console.window->openPage(pageTable().back().id);
    switchTwice();
    QCOMPARE(alive(), objects);
    QCOMPARE(QApplication::topLevelWidgets().size(), windows);
}

QTEST_MAIN(SwitchTest)
#include "switch_test.moc"
