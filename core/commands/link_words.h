// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <string>
#include <string_view>

/// Links and what is wrong with them, as a terminal says it. Any thread.
namespace portolan::commands {

/// What is said of a link that is down: "Redis does not answer"; an unknown name is said as it is.
std::string downText(const LinkStatus &link);

/// One of linkTroubles, to go on with: "not reachable"; empty of one that another version knows.
std::string_view phraseOf(std::string_view reason);

/// "not reachable: localhost:6379 (Connection refused)"; what was told, where the reason has no words; empty where
/// nothing is known. `mend`: with what to do about it.
std::string troubleText(const LinkStatus &link, bool mend = true);

} // namespace portolan::commands
