// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <QString>

namespace portolan::ui {

/// What waits in lists that no worker of ours takes, and the setting that explains it: "No worker here takes emails
/// (12 waiting)". Empty where there is nothing of the kind.
QString untakenText(const QueueFigures &queue);

/// How often Redis is asked and why, where its plan bounds that: "Redis is asked every 5 s: …". Empty elsewhere.
QString samplingText(const SamplingFigures &sampling);

} // namespace portolan::ui
