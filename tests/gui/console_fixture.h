#pragma once

#include "core/demo/demo_stack.h"
#include "tests/fakes/manual_clock.h"
#include "ui/main_window.h"

#include <QApplication>
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

/// A console on a demo, as the program puts it together; time stands still but for tick().
class Console final
{
public:
    explicit Console(demo::DemoOptions demoOptions = {}, ActionGate::Options options = {})
        : settings(folder.filePath("settings.ini"), QSettings::IniFormat),
          stack(std::move(demoOptions), clock),
          theme(*qApp, settings)
    {
        stack.tick();
        const MainWindow::Parts parts{stack.deployment(),
                                      &stack,
                                      confirmer,
                                      clock,
                                      settings,
                                      theme,
                                      [this](const QUrl &url) { opened.push_back(url); }};
        window = std::make_unique<MainWindow>(parts, options);
        window->resize(1180, 780);
        window->show();
        settle();
    }

    static void settle()
    {
        for (int round = 0; round < 4; ++round) {
            QCoreApplication::sendPostedEvents();
            QCoreApplication::processEvents();
        }
    }

    void tick(std::chrono::seconds by = std::chrono::seconds(1))
    {
        clock.advance(by);
        stack.tick();
        settle();
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
    const std::vector<AuditEntry> &audit() { return stack.deployment().audit(); }

    ManualClock clock;
    QTemporaryDir folder;
    QSettings settings;
    AnsweringConfirmer confirmer;
    demo::DemoStack stack;
    Theme theme;
    std::vector<QUrl> opened;
    std::unique_ptr<MainWindow> window;
};

} // namespace portolan::ui
