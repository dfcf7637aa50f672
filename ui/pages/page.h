#pragma once

#include "core/api/clock.h"
#include "core/api/deployment.h"
#include "core/api/local_stack.h"
#include "ui/support/action_gate.h"

#include <QAction>
#include <QSettings>
#include <QUrl>
#include <QVBoxLayout>
#include <QWidget>
#include <functional>
#include <vector>

namespace portolan::ui {

/// What a page is made with. Everything it changes goes through the gate: the stack is there to be looked at.
struct PageContext
{
    Deployment &deployment;
    const LocalStack *stack; ///< null where there is no portal of this machine's
    ActionGate &gate;
    const Clock &clock;
    QSettings &settings;
    std::function<void(const QUrl &)> openUrl;
};

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
    const QList<QAction *> &commands() const { return m_commands; }
    void updateCommands(); ///< greys out what is not allowed now, and says why

signals:
    void pageWanted(const QString &id);

protected:
    using Allowed = std::function<Capability()>;
    QAction *addCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                        std::function<void()> work, Allowed allowed = {});
    /// Where the page puts its parts; scrolls when the window is too small for them.
    QVBoxLayout *body();
    /// A button of a command, focusable, that says why it is grey.
    QWidget *buttonOf(QAction *command);
    const PageContext &context() const { return m_context; }

private:
    PageContext m_context;
    QList<QAction *> m_commands;
    std::vector<Allowed> m_allowed;
    QVBoxLayout *m_body = nullptr;
};

} // namespace portolan::ui
