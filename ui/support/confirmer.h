// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"

#include <QString>
#include <functional>
#include <optional>
#include <string>

namespace portolan::ui {

/// What somebody is asked before something is lost.
struct Confirmation
{
    QString title;      ///< "Close 3 connections?"
    QString verb;       ///< what the button says: "Close"
    QString deployment; ///< where
    ActionPreview preview;
    QString typed;            ///< must be typed first; empty: nothing
    bool destructive = false; ///< something is lost: what says yes looks like it
};

/// Who is asked. A seam: the program shows a dialog, a test answers.
class Confirmer
{
public:
    virtual ~Confirmer() = default;
    /// Calls `answer` once, now or later, with the reason given (which may be empty), or with nothing for no. Not at
    /// all when the console ends before.
    virtual void ask(const Confirmation &confirmation, std::function<void(std::optional<std::string>)> answer) = 0;
};

} // namespace portolan::ui
