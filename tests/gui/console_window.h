// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"
#include "ui/dialogs/command_palette.h"
#include "ui/main_window.h"
#include "ui/widgets/notice_bar.h"

#include <QApplication>
#include <QPointer>
#include <QTemporaryDir>
#include <QTest>
#include <memory>
#include <optional>
#include <vector>

namespace portolan::ui {

/// Answers what the console asks, at once; what was asked is kept.
class AnsweringConfirmer final : public Confirmer
{
public:
    void ask(const Confirmation &confirmation, std::function<void(std::optional<std::string>)> answer) override
    {
        asked.push_back(confirmation);
        answer(reply);
    }

    std::vector<Confirmation> asked;
    std::optional<std::string> reply = "because";
};

/// A console on a portal, as the program puts it together, and somebody at its keyboard; what it saves goes into its
/// folder.
class ConsoleWindow
{
public:
    ConsoleWindow(LocalStack &stack, const Clock &clock, ActionGate::Options options = {})
        : settings(folder.filePath("settings.ini"), QSettings::IniFormat),
          theme(*qApp, settings),
          m_stack(stack),
          m_clock(clock)
    {
        open(parts(), options);
    }

    /// What its window is made of; to open it anew with something else among them.
    MainWindow::Parts parts()
    {
        return {m_stack.deployment(),
                &m_stack,
                confirmer,
                m_clock,
                settings,
                theme,
                [this](const QUrl &url) {
                    opened.push_back(url);
                    return hasBrowser;
                },
                [this](const SaveQuestion &question, const SaveAnswer &answer) {
                    answer(folder.filePath(question.fileName));
                },
                true,
                [this](const QuitQuestion &question, const std::function<void(QuitAnswer)> &answer) {
                    askedToQuit.push_back(question);
                    answer(quitAnswer);
                }};
    }
    void open(const MainWindow::Parts &parts, ActionGate::Options options = {})
    {
        window = std::make_unique<MainWindow>(parts, options);
        window->show();
        settle();
        window->resize(1180, 780); // the screen of these tests is smaller
        settle();
    }

    static void settle()
    {
        for (int round = 0; round < 4; ++round) {
            QCoreApplication::sendPostedEvents();
            QCoreApplication::processEvents();
        }
    }

    /// A key where the focus is, as somebody would press it.
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = {})
    {
        QWidget *target = QApplication::focusWidget();
        QTest::keyClick(target ? target : window.get(), key, modifiers);
        settle();
    }
    void type(const QString &text)
    {
        QTest::keyClicks(QApplication::focusWidget(), text);
        settle();
    }
    /// Does a command as somebody who knows no key of it: by typing its name into the palette.
    void run(const QString &command)
    {
        press(Qt::Key_K, Qt::ControlModifier);
        const QPointer<CommandPalette> palette = window->findChild<CommandPalette *>();
        const auto *line = palette ? palette->findChild<QLineEdit *>() : nullptr;
        if (!QTest::qWaitFor([&] { return line && line->hasFocus(); }))
            qFatal("the palette did not open");
        type(command);
        press(Qt::Key_Return);
        if (!QTest::qWaitFor([&] { return !palette; }))
            qFatal("the palette did not close");
        toFront();
    }
    /// As a window manager does when a dialog closes; here is none.
    void toFront()
    {
        window->activateWindow();
        if (!QTest::qWaitForWindowActive(window.get()))
            qFatal("the window did not come to the front");
        settle();
    }
    template <class T> T *find(const QString &accessibleName) const
    {
        for (T *widget : window->findChildren<T *>()) {
            if (widget->accessibleName() == accessibleName && widget->isVisible())
                return widget;
        }
        return nullptr;
    }
    QAction *command(const QString &text) const
    {
        for (QAction *action : window->page()->commands()) {
            if (action->text() == text)
                return action;
        }
        return nullptr;
    }
    QString notice() const { return window->findChild<NoticeBar *>()->sentence(); }

    QTemporaryDir folder;
    QSettings settings;
    AnsweringConfirmer confirmer;
    Theme theme;
    std::vector<QUrl> opened;
    bool hasBrowser = true;
    std::vector<QuitQuestion> askedToQuit;
    QuitAnswer quitAnswer = QuitAnswer::Quit;
    std::unique_ptr<MainWindow> window;

private:
    LocalStack &m_stack;
    const Clock &m_clock;
};

} // namespace portolan::ui
