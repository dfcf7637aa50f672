// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/local_stack.h"

#include <QString>

namespace portolan::ui {

/// A line of the log as a person is told it: its message, why, what is kept where, and the mend; its other fields stay
/// in the log. "the history file was set aside … kept_as=/x/y why="it is damaged"" becomes "The history file was set
/// aside …: it is damaged. It is kept as /x/y."
QString logSentence(const LogLine &line);

/// What it says without its fields.
QString logMessage(const LogLine &line);

/// A field of it; empty: it has none of that name.
QString logField(const LogLine &line, const QString &name);

} // namespace portolan::ui
