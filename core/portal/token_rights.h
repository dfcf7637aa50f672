// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/result.h"

namespace portolan::portal {

/// What no API token may do, whatever its role: it gives nobody access, so neither makes nor changes who has it, and
/// sees no tokens. Forbidden, code `token-may-not`.
inline Result<void> checkNotByToken(const Principal &who)
{
    if (who.token.empty())
        return {};
    Error error = failure(ErrorKind::Forbidden, "An API token may not do this, whatever its role.",
                          "Sign in as an admin for it.");
    error.code = "token-may-not";
    return error;
}

} // namespace portolan::portal
