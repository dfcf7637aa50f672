// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/connect/variables.h"

#include <string>
#include <string_view>
#include <vector>

/// `.env` files as people write them: what docker compose and python-dotenv take, together.
///
///     # a comment                     export NAME=value        NAME = value     'NAME'=value
///     NAME="two\nlines, ${OTHER}"     NAME='as it $stands'     NAME=value # a comment
///     NAME                            named, without a value   NAME: value      as Heroku prints them
///
/// A byte order mark, line ends of any kind. Quoted values may go over several lines. In double quotes
/// \n \r \t \a \b \f \v \\ \" \' \$ are escapes, in single quotes \' alone, and nothing without quotes, where a comment
/// begins with a blank and '#'. Variables (variables.h) are put in everywhere but in single quotes; their values are
/// those above them in the file, or of the files it is read with.
///
/// Where the two programs disagree: a `$NAME` that is not set stays as it is, as python-dotenv leaves it.
namespace portolan::connect {

struct EnvReading
{
    Variables variables;
    std::vector<Finding> findings; ///< NotSet, ReadInTwoWays
    std::vector<Error> mistakes;   ///< Invalid `env-file`, "file:line: what"; the other lines are read all the same
};

/// At most 1 MB, 10,000 lines of 64 KB, values of 64 KB, all of them together 1 MB. `above`: variables of files before
/// this one, which its own may use.
EnvReading readEnv(std::string_view text, const std::string &source, const Variables &above = {});

} // namespace portolan::connect
