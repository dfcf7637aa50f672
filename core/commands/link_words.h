// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <string>

namespace portolan::commands {

/// What is said of a link that is down: "Redis does not answer"; an unknown name is said as it is. Any thread.
std::string downText(const LinkStatus &link);

} // namespace portolan::commands
