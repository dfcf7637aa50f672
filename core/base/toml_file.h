// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace portolan {

/// One value of a TOML document under its dotted key, as text: settings and tiers read values by their own types.
struct TomlEntry
{
    std::string key;
    std::string text; ///< an array of plain values: joined by commas
    unsigned line = 0;
};

/// One element of an array of tables.
struct TomlTable
{
    std::string name; ///< "alerts"
    unsigned line = 0;
    std::vector<TomlEntry> entries; ///< keys relative to the table
};

/// A TOML document, flattened, in order of lines.
struct TomlDocument
{
    std::vector<TomlEntry> entries;
    std::vector<TomlTable> tables;
};

/// Invalid, with "source:line: why", for what is no TOML, and for dates and arrays within arrays, which no key of ours
/// takes. At most 1 MB.
Result<TomlDocument> parseToml(std::string_view text, const std::string &source);

} // namespace portolan
