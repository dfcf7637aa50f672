// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/redis/info.h"

#include <vector>

namespace portolan::monitor {

/// The lines of CLIENT LIST as people see them, oldest connection first.
std::vector<ClientInfo> clientsOf(const std::vector<redis::ClientEntry> &entries);

/// Groups and the part of the list that goes into a snapshot; `age` is left to the caller.
ClientFigures clientFigures(const std::vector<ClientInfo> &clients);

} // namespace portolan::monitor
