// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "ui/support/action_gate.h"
#include "ui/support/save_asker.h"
#include "ui/support/shown.h"

#include <QAction>
#include <QLabel>
#include <QSettings>
#include <QUrl>
#include <QVBoxLayout>
#include <QWidget>
#include <functional>
#include <vector>

namespace portolan::ui {

/// What a page is made with, for one deployment. Everything it changes goes through the gate: the stack is there to be
/// looked at.
struct PageContext
{
    const Shown &shown; ///< the deployment, and the portal of this machine's where there is one
    ActionGate &gate;
    const Clock &clock;
    QSettings &settings;
    std::function<bool(const QUrl &)> openUrl; ///< false: nothing on this machine opens it
    SaveAsker askWhereToSave;
    std::function<void(const QString &sentence, bool worked)> tell; ///< how something ended, for the shell to show
    bool rememberChoices = true; ///< of the portal of this machine, for the next start
};

class HistoryPanel;

/// One page of the console. The shell gives it every sample while it is on screen, and asks it to refresh when it comes
/// there, on F5, and after an action.
class Page : public QWidget
{
    Q_OBJECT

public:
    explicit Page(const PageContext &context, QWidget *parent = nullptr) : QWidget(parent), m_context(context) {}

    virtual void showSnapshot(const Snapshot &snapshot) { (void)snapshot; }
    virtual void refresh() {}                                ///< what is not in the snapshot
    virtual QWidget *searchField() const { return nullptr; } ///< where Ctrl+F goes
    /// What its search field looks for, in a word for the palette: "accounts"; empty: it has none.
    virtual QString searched() const { return {}; }
    /// Puts the focus where nothing happens by itself: a table or a field, never an action.
    void focusSomethingQuiet();
    const QList<QAction *> &commands() const { return m_commands; } ///< what it does to the portal
    const QList<QAction *> &exports() const { return m_exports; }   ///< what it hands on of what it shows
    /// Greys out what is not allowed now, and says why: in the tool tip, and alone as the action's "what's this".
    void updateCommands();

signals:
    void pageWanted(const QString &id);

protected:
    using Allowed = std::function<Allowance()>;
    QAction *addCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                        std::function<void()> work, Allowed allowed = {});
    /// Lets the panel's charts be saved by commands.
    void addExports(HistoryPanel &panel);
    /// Where the page puts its parts; scrolls when the window is too small for them.
    QVBoxLayout *body();
    /// Says above everything which of these parts of the snapshot this Redis refuses to tell, and why; nothing while it
    /// tells all of them.
    void showNotTold(const Snapshot &snapshot, std::initializer_list<std::string_view> parts);
    /// A button of a command, focusable, that says why it is grey.
    QWidget *buttonOf(QAction *command);
    const PageContext &context() const { return m_context; }

private:
    QAction *makeCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                         std::function<void()> work, Allowed allowed);

    PageContext m_context;
    QList<QAction *> m_commands;
    QList<QAction *> m_exports;
    std::vector<std::pair<QAction *, Allowed>> m_allowed;
    QVBoxLayout *m_body = nullptr;
    QLabel *m_notTold = nullptr;
};

} // namespace portolan::ui
