// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAction>
#include <QPushButton>

namespace portolan::ui {

/// What loses something looks like it, wherever it stands: red, with the mark of an octagon, and named by what it does.
/// The style, in menus too, and FlatButton draw it so.
void makeDestructive(QPushButton &button);
void makeDestructive(QAction &action);
bool isDestructive(const QObject *buttonOrAction);

/// What interrupts those who use the portal, though nothing is lost.
void makeDisruptive(QAction &action);
/// Neither of both: such a one may be what a key runs that was pressed without looking.
bool isHarmless(const QObject *buttonOrAction);

} // namespace portolan::ui
