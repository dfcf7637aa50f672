// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>
#include <string_view>
#include <utility>

namespace portolan::net {

/// An error with a code of its own.
inline Error coded(ErrorKind kind, std::string_view code, std::string message, std::string hint = {})
{
    Error error = failure(kind, std::move(message), std::move(hint));
    error.code = code;
    return error;
}

} // namespace portolan::net
