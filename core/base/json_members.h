// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace portolan {

/// The first member that an object of the text has twice, as a pointer and what is wrong there. Of two such members
/// every reader takes another one, so a proxy that looked at the first would have let the second through. `text` is
/// JSON that is nested at most `depth` levels.
std::optional<FieldError> repeatedMember(std::string_view text, std::size_t depth);

} // namespace portolan
