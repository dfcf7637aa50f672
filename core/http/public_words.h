// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/result.h"

#include <string>

namespace portolan::http {

/// What somebody of this role is told of an error: operators and admins all of it, others nothing of the inside of the
/// server (paths, addresses, settings, what Redis or the database said), which is the log's.
std::string wordsFor(Role role, const Error &error);

} // namespace portolan::http
