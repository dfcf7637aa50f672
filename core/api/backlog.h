// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

namespace portolan {

/// Of all that waits, what our workers take: QueueFigures::oldestWaiting is of these alone. Nothing where it is not
/// known.
std::optional<std::uint64_t> waitingForOurs(const QueueFigures &queue);

} // namespace portolan
