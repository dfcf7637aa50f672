#include "ui/pages/page.h"

#include "ui/support/format.h"
#include "ui/support/icons.h"
#include "ui/widgets/flat_button.h"

#include <QScrollArea>

namespace portolan::ui {

QAction *Page::addCommand(const QString &text, const QString &iconName, const QKeySequence &shortcut,
                          std::function<void()> work, Allowed allowed)
{
    auto *action = new QAction(icon(iconName), text, this);
    action->setShortcut(shortcut);
    connect(action, &QAction::triggered, this, std::move(work));
    addAction(action);
    m_commands.append(action);
    m_allowed.push_back(std::move(allowed));
    return action;
}

void Page::updateCommands()
{
    for (qsizetype i = 0; i < m_commands.size(); ++i) {
        const auto &allowed = m_allowed[std::size_t(i)];
        const Capability capability = allowed ? allowed() : Capability{};
        QAction *action = m_commands[i];
        QString tip = action->text();
        if (!capability.available)
            tip += ": " + portolan::ui::text(capability.reason);
        else if (!action->shortcut().isEmpty())
            tip += " (" + action->shortcut().toString(QKeySequence::NativeText) + ")";
        action->setEnabled(capability.available);
        action->setToolTip(tip);
    }
}

QVBoxLayout *Page::body()
{
    if (m_body)
        return m_body;
    auto *scroll = new QScrollArea;
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    auto *inner = new QWidget;
    m_body = new QVBoxLayout(inner);
    m_body->setContentsMargins(0, 0, 0, 0);
    m_body->setSpacing(12);
    scroll->setWidget(inner);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(scroll);
    return m_body;
}

QWidget *Page::buttonOf(QAction *command)
{
    auto *button = new FlatButton(this);
    button->setDefaultAction(command);
    button->setAccessibleName(command->text());
    return button;
}

} // namespace portolan::ui
