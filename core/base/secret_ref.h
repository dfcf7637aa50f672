// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portolan {

/// Where a secret of a deployment's file is to be found: a file names it, it never holds it.
struct SecretRef
{
    enum class Kind : std::uint8_t {
        None,
        Keychain, ///< `keychain:NAME`; only the console has one
        Env,      ///< `env:NAME`: a variable of this process
        File,     ///< `file:PATH`: the first line of a file that only its owner may read
        Command,  ///< `command:[PROGRAM, ARG…]`: the first line a program writes
    };
    Kind kind = Kind::None;
    std::string name;                 ///< of the entry, the variable or the file
    std::vector<std::string> program; ///< Command: the program and its arguments, no shell
    std::vector<std::string> sees{};  ///< Command: variables of this process it sees beside PATH, HOME and LANG
    bool operator==(const SecretRef &) const = default;
};

} // namespace portolan
