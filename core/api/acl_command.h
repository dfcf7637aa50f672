// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portolan {

/// "ACL SETUSER name rule …", as Error::mend has it: whom it is about, and of what it takes all patterns from the user
/// before it gives some. Other programs that share the user may need those.
/// https://redis.io/docs/latest/commands/acl-setuser/
struct AclCommand
{
    std::string user;
    bool dropsKeys = false;
    bool dropsChannels = false;
    bool operator==(const AclCommand &) const = default;
};

/// nullopt: it is another command. Any thread.
inline std::optional<AclCommand> aclCommandOf(std::string_view command)
{
    constexpr std::string_view verb = "ACL SETUSER ";
    if (!command.starts_with(verb))
        return std::nullopt;
    command.remove_prefix(verb.size());
    const auto next = [&command] {
        const std::string_view word = command.substr(0, command.find(' '));
        command.remove_prefix(word.size() < command.size() ? word.size() + 1 : word.size());
        return word;
    };
    AclCommand read{std::string(next())};
    while (!command.empty()) {
        const std::string_view rule = next();
        read.dropsKeys = read.dropsKeys || rule == "resetkeys" || rule == "reset";
        read.dropsChannels = read.dropsChannels || rule == "resetchannels" || rule == "reset";
    }
    return read;
}

} // namespace portolan
