// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/demo/demo_stack.h"
#include "tests/fakes/manual_clock.h"
#include "tests/gui/console_window.h"
#include "ui/support/format.h"
#include "ui/widgets/table_view.h"

#include <QAbstractItemView>
#include <QFileInfo>
#include <QToolTip>
#include <algorithm>
#include <memory>

namespace portolan::ui {

/// Whatever a window says in words, to eyes and to screen readers: each widget, cell and command, on all its pages.
inline QStringList seenOf(const MainWindow &window)
{
    QStringList seen;
    const auto say = [&seen](const QObject &of, const QStringList &words) {
        seen << of.metaObject()->className() + QStringLiteral(": ") + words.join(" | ");
    };
    const auto *notice = window.findChild<NoticeBar *>();
    for (const QWidget *widget : window.findChildren<QWidget *>()) {
        if (notice->isHidden() && (widget == notice || notice->isAncestorOf(widget)))
            continue; // what was told last, and is not read by anybody
        say(*widget, {widget->accessibleName(), widget->accessibleDescription(), widget->toolTip(),
                      widget->windowTitle(), widget->isHidden() ? "hidden" : "", widget->isEnabled() ? "" : "grey"});
        for (const char *property : {"text", "plainText", "currentText", "placeholderText", "value"}) {
            if (const QVariant value = widget->property(property); value.isValid())
                say(*widget, {property, value.toString()});
        }
        const auto *view = qobject_cast<const QAbstractItemView *>(widget);
        for (int row = 0; view && view->model() && row < view->model()->rowCount(); ++row) {
            QStringList cells{view->selectionModel()->isRowSelected(row) ? "chosen" : ""};
            for (int column = 0; column < view->model()->columnCount(); ++column) {
                const QModelIndex index = view->model()->index(row, column);
                for (const int role : {Qt::DisplayRole, Qt::ToolTipRole, Qt::AccessibleTextRole})
                    cells << index.data(role).toString();
            }
            say(*view, cells);
        }
    }
    for (const QAction *action : window.findChildren<QAction *>()) {
        say(*action, {action->text(), action->toolTip(), action->whatsThis(), action->isEnabled() ? "" : "grey",
                      action->isVisible() ? "" : "hidden"});
    }
    seen.sort(); // which page lies over which is another matter
    return seen;
}

/// The first line that is more often in one of them; both are sorted.
inline QString difference(const QStringList &seen, const QStringList &expected)
{
    const auto [here, there] = std::ranges::mismatch(seen, expected);
    if (here == seen.end() && there == expected.end())
        return {};
    const bool tooMuch = there == expected.end() || (here != seen.end() && *here < *there);
    return tooMuch ? "too much: " + *here : "missing: " + *there;
}

inline QImage pictureOf(MainWindow &window)
{
    if (QWidget *focused = window.focusWidget())
        focused->clearFocus(); // wherever that is: it is not what was switched
    return window.grab().toImage();
}

/// A console on one scripted portal of this machine, with another to be shown. Both go by one clock, which stands still
/// but for tick().
struct TwoPortals
{
    TwoPortals() : green({}, clock), backlog({.situation = "backlog", .production = true}, clock)
    {
        for (int i = 0; i < 3; ++i) {
            clock.advance(std::chrono::seconds(1));
            green.tick();
            backlog.tick();
        }
    }

    ManualClock clock;
    demo::DemoStack green;
    demo::DemoStack backlog;
};

class SwitchedConsole final : public TwoPortals, public ConsoleWindow
{
public:
    SwitchedConsole() : ConsoleWindow(TwoPortals::green, TwoPortals::clock) {}

    /// What is said of another deployment is said by then.
    static void oneTurn()
    {
        QCoreApplication::sendPostedEvents();
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
        QCoreApplication::processEvents();
    }
    void tick()
    {
        clock.advance(std::chrono::seconds(1));
        green.tick();
        backlog.tick();
        settle();
    }
    /// All that a page gathers of a deployment: rows, the chosen ones among them and their details, a notice, a tool
    /// tip.
    void leaveTraces(const QString &page)
    {
        window->openPage(page);
        tick();
        cleanUpAFamily();
        window->openPage(page);
        tick();
        chooseRows();
        window->page()->refresh();
        QToolTip::showText(window->mapToGlobal(QPoint(200, 200)), "of the one before", window->page());
        settle();
    }
    void chooseRows()
    {
        for (TableView *view : window->page()->findChildren<TableView *>()) {
            if (view->model()->rowCount() > 0)
                view->selectRow(0);
        }
        settle();
    }
    void cleanUpAFamily() { cleanUpAFamily(*window); }
    void cleanUpAFamily(MainWindow &in)
    {
        in.openPage("redis");
        for (TableView *view : in.page()->findChildren<TableView *>()) {
            for (int row = 0; view->accessibleName() == "Key families" && row < view->model()->rowCount(); ++row) {
                if (view->model()->index(row, 0).data() == "sessions")
                    view->selectRow(row);
            }
        }
        settle();
        for (QAction *action : in.page()->commands()) {
            if (action->text() == "Clean up family")
                action->trigger();
        }
    }
    QAction *global(const QString &text) const { return named(window->allCommands(), text); }
    QAction *export_(const QString &format) const
    {
        return named(window->page()->exports(), "Export as " + format + " …");
    }

    /// A console that has never shown another one. Look at this one first: a second is a change of style to it.
    std::unique_ptr<ConsoleWindow> openedOn(Deployment &deployment, LocalStack *stack, const QString &page)
    {
        auto opened = std::make_unique<ConsoleWindow>(green, clock);
        opened->settings.setValue("window/page", page);
        const MainWindow::Parts parts = opened->parts();
        opened->open({deployment, stack, parts.confirmer, parts.clock, parts.settings, parts.theme, parts.openUrl,
                      parts.askWhereToSave, parts.rememberChoices, parts.askToQuit});
        return opened;
    }
    QStringList seen() const { return seenOf(*window); }
    QImage picture() const { return pictureOf(*window); }

private:
    static QAction *named(const QList<QAction *> &actions, const QString &text)
    {
        for (QAction *action : actions) {
            if (action->text() == text)
                return action;
        }
        return nullptr;
    }
};

} // namespace portolan::ui
