#include "ui/support/action_button.h"

#include "ui/support/icons.h"

#include <QVariant>

namespace portolan::ui {

namespace {

constexpr auto mark = "destructive";

} // namespace

void makeDestructive(QPushButton &button)
{
    button.setProperty(mark, true);
    button.setIcon(icon("destroy"));
}

void makeDestructive(QAction &action) { action.setProperty(mark, true); }

bool isDestructive(const QObject *buttonOrAction) { return buttonOrAction && buttonOrAction->property(mark).toBool(); }

} // namespace portolan::ui
