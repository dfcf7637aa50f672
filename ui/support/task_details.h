// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/task.h"

#include <QString>

namespace portolan::ui {

/// Where it is, and how far: "running 35 %".
QString placeText(const TaskInfo &task);

/// What it was called with, in one line: "days 250, symbol AAPL". Whose it is stands elsewhere.
QString argumentsText(const TaskInfo &task);

/// All that is known of a task, a line each: times with seconds, its owner's address, and what it was called with and
/// returned as people write numbers.
QString taskDetails(const TaskInfo &task);

} // namespace portolan::ui
