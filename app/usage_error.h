// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
} // namespace CLI

namespace portolan::app {

/// Parses them. An option is no value of another: CLI11 would take it for one, and its own value for an argument.
/// Throws as CLI::App::parse().
void parse(CLI::App &app, const std::vector<std::string> &arguments);

/// A mistake on a command line in words: which word or option it is, what may be meant, where an option of another
/// command belongs, and which help says more. What stands where nothing is expected is not repeated, since it may be a
/// password. `arguments`: as they were given, in their order.
std::string usageError(const CLI::App &app, const std::vector<std::string> &arguments, const CLI::ParseError &wrong);

/// Of the words behind `help`: what is wrong with them, where they come to no command. nullopt: they do.
std::optional<std::string> unknownCommand(const CLI::App &app, const std::vector<std::string> &words);

} // namespace portolan::app
