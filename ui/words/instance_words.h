// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>
#include <vector>

/// What is said of the processes of a deployment.
namespace portolan::ui {

QString whoseText(const Reading &reading); ///< "at portal-2", of the worst of several; empty: it is of all of them
QString instanceState(const InstanceFigures &instance); ///< "up 3 h", "hangs for 25 s", "stopped 2 min ago"
/// Of one that should be there and is not: "Instance b hangs; 2 of 3 answer".
QString absentText(const InstanceFigures &instance, const Snapshot &snapshot);
/// Those that are away without having said that they stop, longest first.
std::vector<InstanceFigures> absentOf(const Snapshot &snapshot);

} // namespace portolan::ui
