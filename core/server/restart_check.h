// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <functional>

namespace portolan {
class Settings;
}

namespace portolan::server {

/// Whether a portal could start with `wanted` in place of one that runs with `present`, as far as that can be told
/// while the latter goes on serving: the settings themselves, the certificate, and those of address, data directory,
/// Redis and database that would change. Opens connections, and leaves nothing behind but the lock file of a data
/// directory that is there. Blocks for some seconds at most; `cancelled`, from any thread, ends it: Cancelled. Errors
/// are those of PortalServer::start.
Result<void> checkRestart(const Settings &present, const Settings &wanted, const std::function<bool()> &cancelled);

} // namespace portolan::server
