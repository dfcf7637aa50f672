// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Text as it comes in from people and their tools: environment, command line, settings files, secret files, standard
/// input. Files from Windows and values pasted from a page bring line ends, blanks, quotes and characters nobody sees.
namespace portolan {

/// Without blanks, tabs and line ends at both ends, and without a byte order mark before it.
std::string_view trimmed(std::string_view text);

/// One line as it was read, without its line end ("\n", "\r\n", "\r"). Blanks stay: a password may end in one.
std::string_view withoutLineEnd(std::string_view line);

/// For a message: what cannot be seen is escaped (`\r`, `\t`, `\x7f`, `\u200b` for what is invisible, changes the
/// direction of writing or is a blank of another kind, `\xff` for what is no UTF-8); everything else stays as it is.
std::string visible(std::string_view text);

/// The quotation marks `text` begins with and ends with ("…", '…', “…”, «…», `…`), of which it holds more than them;
/// nullopt if there are none. Shells and TOML take quotes away, env files and Docker keep them.
std::optional<std::string> surroundingQuotes(std::string_view text);

/// The arguments of main() behind the program's name, each without the carriage return a script from elsewhere leaves.
std::vector<std::string> givenArguments(int argc, char **argv);

/// The character that starts at text[at], at least one byte: a UTF-8 sequence if it is a valid one.
std::string_view characterAt(std::string_view text, std::size_t at);

} // namespace portolan
