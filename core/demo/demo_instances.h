// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/demo/script.h"

#include <string>
#include <vector>

/// The processes of a scripted portal: one, or three of which one hangs (Situation::hangsSince).
namespace portolan::demo {

/// That makes the snapshots.
std::string ownInstance(const Situation &situation);
/// Who they are and what each does of what the snapshot says of all; `second` since the start of the demo.
std::vector<InstanceFigures> instancesOf(const Situation &situation, const Snapshot &snapshot, double second);
/// Whose the readings are of which each instance has its own.
void nameWorst(const Situation &situation, Snapshot &snapshot);
/// What became of the others before the demo began at `start`.
std::vector<Event> instanceEvents(const Situation &situation, WallTime start);

} // namespace portolan::demo
