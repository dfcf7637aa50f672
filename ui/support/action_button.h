#pragma once

#include <QAction>
#include <QPushButton>

namespace portolan::ui {

/// What loses something looks like it, wherever it stands: red, with the mark of an octagon, and named by what it does.
/// The style and FlatButton draw it so.
void makeDestructive(QPushButton &button);
void makeDestructive(QAction &action);
bool isDestructive(const QObject *buttonOrAction);

} // namespace portolan::ui
