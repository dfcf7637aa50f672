// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"

#include <string>
#include <string_view>

/// Why something is not known, as a terminal says it. Any thread.
namespace portolan::commands {

/// Why a resource's value, or its zone, is not known: "too few requests"; empty: it is known.
std::string_view reasonOf(Unknown unknown, Resource resource);

/// "CLIENT LIST is not allowed to this user"
std::string whyNotTold(const NotTold &part);

/// What ACL SETUSER takes to allow what is not told: "+client|list"; empty where no rule for a command does.
std::string aclFor(const NotTold &part);

} // namespace portolan::commands
