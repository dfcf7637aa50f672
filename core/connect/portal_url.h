// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"

#include <string_view>

namespace portolan::connect {

/// Adds the portal that a URL leads to, of its own or of one of its pages. A query and a fragment are left out, as
/// either may hold a token; user and password become the sign-in. `where`: of the URL, for findings. Invalid
/// `connect-address`.
Result<void> findPortal(std::string_view url, std::string_view where, Found &found);

} // namespace portolan::connect
