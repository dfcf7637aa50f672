// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/menu_button.h"

#include "ui/support/icons.h"
#include "ui/widgets/flat_button.h"

#include <QMenu>
#include <algorithm>

namespace portolan::ui {

FlatButton *menuButton(const QString &text, const QString &iconName, const QList<QAction *> &commands, QWidget *parent)
{
    auto *button = new FlatButton(parent);
    button->setText(text);
    button->setIcon(icon(iconName));
    button->setAccessibleName(text);
    button->setPopupMode(QToolButton::InstantPopup);
    auto *menu = new QMenu(button);
    menu->setToolTipsVisible(true); // why one of them is grey
    menu->addActions(commands);
    button->setMenu(menu);
    const auto describe = [button, commands] {
        const bool some = std::ranges::any_of(commands, &QAction::isEnabled);
        const QString why = some ? QString() : commands.front()->whatsThis();
        button->setEnabled(some);
        button->setAccessibleDescription(why);
        button->setToolTip(why.isEmpty() ? button->text() : button->text() + ": " + why);
    };
    for (QAction *command : commands)
        QObject::connect(command, &QAction::changed, button, describe);
    describe();
    return button;
}

} // namespace portolan::ui
