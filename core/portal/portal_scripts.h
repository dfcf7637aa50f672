// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace portolan::portal {

/// The text of one of resources/scripts/*.lua that this folder brings along.
std::string portalScript(std::string_view name);

} // namespace portolan::portal
