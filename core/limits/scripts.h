// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/embedded_file.h"

#include <span>
#include <string>
#include <string_view>

namespace portolan::limits {

namespace scripts {
std::span<const EmbeddedFile> embeddedFiles();
}

/// The text of one of resources/scripts/*.lua that this folder brings along.
std::string scriptSource(std::string_view name);

} // namespace portolan::limits
