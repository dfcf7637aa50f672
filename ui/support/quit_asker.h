// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <functional>

class QWidget;

namespace portolan::ui {

/// Closing the window would stop a portal that serves people.
struct QuitQuestion
{
    QString interrupted;      ///< "8 people use it now. Nobody can use the portal until it runs again."
    bool tray = false;        ///< the window can go into the tray; else it is minimised
    QWidget *owner = nullptr; ///< the window that would be closed
};

enum class QuitAnswer { Stay, KeepServing, Quit };

/// A seam: the program shows a dialog, a test answers. Calls back once, now or later, or not at all when the console
/// ends before.
using QuitAsker = std::function<void(const QuitQuestion &question, std::function<void(QuitAnswer)> answer)>;

} // namespace portolan::ui
