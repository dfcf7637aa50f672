// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string_view>

namespace portolan {

/// Whether tasks may wait in a Redis list of this name: 1 to 255 characters without blanks that do not begin like a key
/// with another use, ours or Celery's. Invalid says what is wrong.
[[nodiscard]] Result<void> checkQueueName(std::string_view name);

} // namespace portolan
