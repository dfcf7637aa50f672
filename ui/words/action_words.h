// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/stack_command.h"

#include <QString>

/// What is asked before an action, and what the button says that answers yes.
namespace portolan::ui {

QString titleOf(const Action &action, const ActionPreview &preview); ///< "Clean up results?"
QString titleOf(const StackCommand &command, const ActionPreview &preview);
/// What is done to what, so that it cannot be taken for leaving the question: "Delete keys".
QString verbOf(const Action &action);
QString verbOf(const StackCommand &command);

} // namespace portolan::ui
