// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/fact.h"
#include "core/api/history.h"
#include "core/base/asio.h"
#include "core/base/settings.h"
#include "core/console/portal_services.h"

#include <optional>
#include <string>
#include <vector>

namespace portolan {
class Clock;
}

/// The audit entries of what is done to a whole portal, and its events. As with other actions of the console the actor
/// is the system itself with the rights of an admin.
namespace portolan::embedded {

struct StackEntry
{
    std::string action; ///< "stack.stop"
    std::string reason;
    std::string detail;
    std::optional<Error> error; ///< nothing when it was done
    std::vector<Fact> facts;    ///< what comes of it when it is done; for the time line
};

/// For the time line: this process's console did it, or could not.
Event eventOf(const StackEntry &entry, WallTime at);

/// Writes it through a portal that runs.
awaitable<void> record(console::PortalServices portal, StackEntry entry);
/// The same from a thread that may block; for at most some seconds.
void recordBlocking(const console::PortalServices &portal, StackEntry entry);

/// Writes it into the database these settings mean, whose portal does not run. Blocks for some seconds at most. False:
/// there is no such database yet, or it takes no entry.
bool recordBlocking(const Settings &settings, const Clock &clock, StackEntry entry);

} // namespace portolan::embedded
