// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

namespace portolan {

/// A text file compiled into the program by portolan_embed() of cmake/PortolanEmbed.cmake.
struct EmbeddedFile
{
    std::string_view name; ///< without folder
    std::string_view text; ///< whole content; lives as long as the program
};

/// The file of that name, or null.
inline const EmbeddedFile *findEmbedded(std::span<const EmbeddedFile> files, std::string_view name)
{
    const auto found = std::ranges::find(files, name, &EmbeddedFile::name);
    return found == files.end() ? nullptr : &*found;
}

} // namespace portolan
