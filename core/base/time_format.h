// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"

#include <string>
#include <string_view>

namespace portolan {

/// RFC 3339, UTC, with milliseconds (cut, not rounded): "2026-01-01T00:00:00.000Z".
std::string formatTime(WallTime time);

/// RFC 3339 with any offset and 0–9 digits of fraction; `t` and `z` may be small, a leap second counts as the next
/// second. Invalid for everything else, for dates that do not exist, and outside 1678–2261 (the clock's range).
Result<WallTime> parseTime(std::string_view text);

} // namespace portolan
