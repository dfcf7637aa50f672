// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <chrono>
#include <string>

namespace portolan::commands {

/// One GET on the control socket of a portal of this machine (server/local_socket.h): blocks, at most `deadline`. The
/// body of a 200, else the error.
Result<std::string> getFromLocalSocket(const std::string &path, const std::string &target,
                                       std::chrono::milliseconds deadline);

} // namespace portolan::commands
