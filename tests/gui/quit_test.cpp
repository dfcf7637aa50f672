// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "ui/dialogs/quit_dialog.h"
#include "ui/support/action_button.h"

#include <QPushButton>

using namespace portolan;
using namespace portolan::ui;

/// Closing the window stops the portal in it: whoever uses it is counted first, and may be served on.
class QuitTest final : public QObject
{
    Q_OBJECT
private slots:
    void asksWhileSomebodyIsThere();
    void doesNotAskForNobody();
    void servesOn();
    void asksOnce();
    void whoHasDecidedIsNotAsked();
    void theDialogOffersToServeOn();
};

void QuitTest::asksWhileSomebodyIsThere()
{
    Console console;
    console.quitAnswer = QuitAnswer::Stay;
    console.press(Qt::Key_Q, Qt::ControlModifier);
    QCOMPARE(console.askedToQuit.size(), std::size_t(1));
    QVERIFY2(console.askedToQuit[0].interrupted.contains("people use it now"),
             qPrintable(console.askedToQuit[0].interrupted));
    QVERIFY(console.window->isVisible());
    QCOMPARE(console.stack.state(), LocalStack::State::Running);
    console.quitAnswer = QuitAnswer::Quit;
    console.press(Qt::Key_Q, Qt::ControlModifier);
    QTRY_VERIFY(!console.window->isVisible());
}

void QuitTest::doesNotAskForNobody()
{
    Console nobody({.situation = "empty"});
    nobody.window->close();
    QVERIFY(nobody.askedToQuit.empty() && !nobody.window->isVisible());
    Console stopped;
    stopped.stack.switchOff();
    stopped.window->close();
    QVERIFY(stopped.askedToQuit.empty() && !stopped.window->isVisible());
}

void QuitTest::servesOn()
{
    Console console;
    console.quitAnswer = QuitAnswer::KeepServing;
    QVERIFY(!console.window->close());
    // There is no tray here: it is minimised.
    QVERIFY(!console.askedToQuit[0].tray && console.window->isMinimized());
    QCOMPARE(console.stack.state(), LocalStack::State::Running);
    console.window->showNormal();
    QVERIFY(console.window->isVisible());
}

void QuitTest::asksOnce()
{
    Console console;
    std::vector<std::function<void(QuitAnswer)>> later;
    MainWindow::Parts parts = console.parts();
    parts.askToQuit = [&later](const QuitQuestion &, std::function<void(QuitAnswer)> answer) {
        later.push_back(std::move(answer));
    };
    console.open(parts);
    for (int times = 0; times < 3; ++times)
        console.window->close();
    QCOMPARE(later.size(), std::size_t(1));
    later[0](QuitAnswer::Stay);
    console.window->close();
    QCOMPARE(later.size(), std::size_t(2));
    console.window.reset();
    later[1](QuitAnswer::Quit); // too late, and harmless
}

void QuitTest::whoHasDecidedIsNotAsked()
{
    Console console;
    console.window->end();
    QVERIFY(console.askedToQuit.empty() && !console.window->isVisible());
}

void QuitTest::theDialogOffersToServeOn()
{
    Console console;
    std::optional<QuitAnswer> chosen;
    for (const auto &[words, expected] :
         {std::pair("Keep serving, minimised", QuitAnswer::KeepServing), std::pair("Stay", QuitAnswer::Stay),
          std::pair("Stop it and quit", QuitAnswer::Quit)}) {
        chosen.reset();
        askWithQuitDialog({"8 people use it now.", false}, [&chosen](QuitAnswer answer) { chosen = answer; });
        Console::settle();
        QPushButton *button = nullptr;
        for (QWidget *widget : QApplication::allWidgets()) {
            auto *one = qobject_cast<QPushButton *>(widget);
            if (one && one->isVisible() && one->text() == words)
                button = one;
        }
        QVERIFY2(button, words);
        QCOMPARE(isDestructive(button), expected == QuitAnswer::Quit);
        QCOMPARE(button->isDefault(), expected == QuitAnswer::KeepServing);
        button->click();
        QTRY_VERIFY(chosen.has_value());
        QVERIFY(*chosen == expected);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
}

QTEST_MAIN(QuitTest)
#include "quit_test.moc"
