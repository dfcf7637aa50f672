// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/api/secret.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Variables of files, and how they are put into other text. Nothing here ever asks this process's own environment:
/// what a file means may not depend on who reads it.
namespace portolan::connect {

/// A place in a file that somebody named, as people are told of it.
struct Place
{
    std::string source; ///< the file's name
    unsigned line = 0;  ///< from 1; 0: the whole
    std::string text() const;
};

/// The same error with where it is, "file:line: what", and a code.
Error mistake(const Place &place, const char *code, Error why);

struct Variable
{
    std::string name;
    std::optional<Secret> value; ///< any of them may be a secret. nullopt: named, and given no value
    Place place;
};

/// As their files write them; of several with one name the last holds.
using Variables = std::vector<Variable>;

/// The last of that name that has a value; null: there is none.
const Variable *findVariable(const Variables &variables, std::string_view name);

/// Where the values of other variables come from; null: not set.
using Lookup = std::function<const Secret *(std::string_view name)>;

/// Whose rules hold.
enum class Dialect : std::uint8_t {
    EnvFile, ///< `$NAME` of a variable that is not set, and a '$' that begins nothing, stay as they are
    Compose, ///< the first is empty, the second a mistake
};

/// A text with its variables put in.
struct Expanded
{
    Secret text;
    std::vector<std::string> unset; ///< names that are used and not set, where nothing stands in for them
    bool twoWays = false;           ///< it has `$$` or `$NAME`, which some programs take as they stand
};

/// `${A}` `${A:-d}` `${A-d}` `${A:?m}` `${A?m}` `${A:+r}` `${A+r}` `$A` `$$`, within one another at most 10 deep. Takes
/// what it makes out of `room`, which bounds what a file of doublings can become. The error has no place: Invalid, with
/// nothing of the text in it but names.
Result<Expanded> expand(std::string_view text, const Lookup &lookup, Dialect dialect, std::size_t &room);

} // namespace portolan::connect
