// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"

#include <QWidget>

namespace portolan::app {

/// For measurements: when PORTOLAN_START_MARKS is set, says on standard error when the window was on screen and when
/// the first live sample was painted, as "portolan: mark <what> <CLOCK_MONOTONIC in ns>". Owned by the window.
void markStart(QWidget &window, Deployment &deployment);

} // namespace portolan::app
