// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"

#include <QString>

namespace portolan::ui {

/// What happened, as the time line and the charts say it: "Redis memory turned yellow", "Redis is away: no answer in
/// time", "ada@example.org: user.disable of user:7 (disabled: no → yes)". GUI thread or any other.
QString eventText(const Event &event);

} // namespace portolan::ui
