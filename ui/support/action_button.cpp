// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/action_button.h"

#include "ui/support/icons.h"

#include <QVariant>

namespace portolan::ui {

namespace {

constexpr auto mark = "destructive";
constexpr auto interrupts = "interrupts";

} // namespace

void makeDestructive(QPushButton &button)
{
    button.setProperty(mark, true);
    button.setIcon(icon("destroy"));
}

void makeDestructive(QAction &action) { action.setProperty(mark, true); }

void makeDisruptive(QAction &action) { action.setProperty(interrupts, true); }

bool isHarmless(const QObject *buttonOrAction)
{
    return !isDestructive(buttonOrAction) && !(buttonOrAction && buttonOrAction->property(interrupts).toBool());
}

bool isDestructive(const QObject *buttonOrAction) { return buttonOrAction && buttonOrAction->property(mark).toBool(); }

} // namespace portolan::ui
