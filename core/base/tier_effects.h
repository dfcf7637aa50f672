// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace portolan {

/// Why nothing in this version acts on a key of a tier ("schedules.*"); empty: something does.
std::string_view whyWithoutEffect(std::string_view key);

} // namespace portolan
