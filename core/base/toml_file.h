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
    bool array = false;
    std::vector<std::string> items{}; ///< of an array, each by itself: one may hold a comma
};

/// A table as it was written, inline or not, whether anything is in it or not.
struct TomlSection
{
    std::string key;
    unsigned line = 0;
};

/// One element of an array of tables.
struct TomlTable
{
    std::string name; ///< "alerts"
    unsigned line = 0;
    std::vector<TomlEntry> entries;      ///< keys relative to the table
    std::vector<TomlSection> sections{}; ///< tables in it, keys relative to it
};

/// A TOML document, flattened, in order of lines.
struct TomlDocument
{
    std::vector<TomlEntry> entries;
    std::vector<TomlTable> tables;
    std::vector<TomlSection> sections{};
};

/// What keeps a document, or a value in it, from being read.
struct TomlFlaw
{
    unsigned line = 0; ///< 0: of the whole document
    std::string key;   ///< empty: what stands there is no TOML
    std::string why;
};

/// Everything of it that can be read; `flaws` gets the rest: dates, arrays within arrays, which no key of ours takes.
/// What is no TOML is the only one, and nothing is read then. At most 1 MB, and tables 64 deep.
TomlDocument parseToml(std::string_view text, std::vector<TomlFlaw> &flaws);

/// The same where one flaw is too many: Invalid, with "source:line: why".
Result<TomlDocument> parseToml(std::string_view text, const std::string &source);

} // namespace portolan
