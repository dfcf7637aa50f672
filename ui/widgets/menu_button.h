// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QList>

namespace portolan::ui {

class FlatButton;

/// One button for several commands of a kind: opens a menu of them. Grey, saying why, while all of them are.
FlatButton *menuButton(const QString &text, const QString &iconName, const QList<QAction *> &commands, QWidget *parent);

} // namespace portolan::ui
