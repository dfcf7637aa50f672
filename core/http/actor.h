// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/result.h"
#include "core/http/message.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Who asks for a change over HTTP, and why. Every route that changes something makes its Actor here, so that none
/// takes a reason of any length.
namespace portolan::http {

constexpr std::size_t longestReason = 2 * 1024; ///< bytes; the audit log keeps its beginning

/// Invalid (field `/reason`): it is longer.
Result<void> checkReason(std::string_view reason);
/// Invalid likewise.
Result<Actor> actorOf(const Request &request, std::optional<std::string> reason);

} // namespace portolan::http
