// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/portal_scripts.h"

#include "core/base/embedded_file.h"

#include <span>
#include <stdexcept>

namespace portolan::portal {

namespace scripts {
std::span<const EmbeddedFile> embeddedFiles();
}

std::string portalScript(std::string_view name)
{
    const auto *file = findEmbedded(scripts::embeddedFiles(), name);
    if (!file)
        throw std::logic_error("no script " + std::string(name));
    return std::string(file->text);
}

} // namespace portolan::portal
