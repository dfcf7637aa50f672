// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <string>

/// What is said of a link in a sentence; unknown names are said as they are. Any thread.
namespace portolan::monitor {

std::string downText(const LinkStatus &link);   ///< "Redis does not answer"
std::string turnedText(const LinkStatus &link); ///< "Redis is back" or "Redis is away"; `up` must be known

} // namespace portolan::monitor
