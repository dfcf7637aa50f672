// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/task.h"

#include <QString>

/// What things of the portal are called, on every page the same.
namespace portolan::ui {

QString roleWord(Role role);             ///< "operator"
QString categoryWord(Category category); ///< "sign-in"
QString placeWord(TaskPlace place);      ///< "prefetched"
/// How a task ended, or "–" for one that has not: "✓ succeeded". Of a state nobody here knows, the state itself.
QString outcomeWord(const TaskInfo &task);

} // namespace portolan::ui
