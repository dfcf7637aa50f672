// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <functional>

class QWidget;

namespace portolan::ui {

/// Where a file is to go, as somebody is asked.
struct SaveQuestion
{
    QString title;
    QString folder;
    QString fileName;         ///< suggested, with its suffix
    QString filter;           ///< as file dialogs take them: "Comma-separated values (*.csv)"
    QWidget *owner = nullptr; ///< the window that it is saved from
};

/// Empty: nowhere.
using SaveAnswer = std::function<void(const QString &path)>;

/// Who is asked. A seam: the program shows a dialog, a test answers. Calls the answer once, now or later, and does not
/// wait for it; not at all when the console ends before.
using SaveAsker = std::function<void(const SaveQuestion &question, SaveAnswer answer)>;

} // namespace portolan::ui
