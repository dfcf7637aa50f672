// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

/// Whose word a file is. One that names programs to run, or that holds a secret, is taken by who can have written or
/// read it. Everything here is asked of the file that was opened, never of what its path leads to a moment later, and
/// blocks.
namespace portolan {

/// A file's text, and why its author may be somebody else than this user or root.
struct OwnedText
{
    std::string text;
    std::optional<Error> foreign; ///< nothing: no one else can have written it. Forbidden otherwise, with the mend
};

/// Reads a regular file of at most `limit` bytes. It is its owner's alone where it belongs to this user or root, no one
/// else may write it, and the same holds for every folder and link on the way to it (a folder that all may write is
/// fine where only an owner can move what is in it, as in /tmp). NotFound, TooLarge, Unavailable.
Result<OwnedText> readOwnedFile(const std::filesystem::path &path, std::size_t limit);

/// Reads a file of a secret: at most `limit` bytes, of this user or root, and closed to everybody else (mode 0600 or
/// less). Forbidden with the mend where it is open to others; NotFound, TooLarge, Unavailable.
Result<std::string> readSecretFile(const std::filesystem::path &path, std::size_t limit);

/// Whether readSecretFile() would read it, without reading it.
Result<void> checkSecretFile(const std::filesystem::path &path);

} // namespace portolan
