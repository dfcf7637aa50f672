// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/unknown_words.h"

#include "core/commands/link_words.h"

namespace portolan::commands {

std::string_view reasonOf(Unknown unknown, Resource resource)
{
    switch (unknown) {
    case Unknown::NotYet:
        return "not measured yet";
    case Unknown::TooFew:
        return resource == Resource::FailedTasks    ? "too few tasks"
               : resource == Resource::RedisTraffic ? "measured for less than 10 min"
                                                    : "too few requests";
    case Unknown::Away:
        return "not answering";
    case Unknown::NotAvailable:
        return "not available here";
    case Unknown::NoLimit:
        return resource == Resource::RedisCommands || resource == Resource::RedisTraffic ? "no plan limits it"
                                                                                         : "no limit in this tier";
    case Unknown::NotTold:
        return "this Redis does not tell";
    case Unknown::No:
        break;
    }
    return "";
}

std::string whyNotTold(const NotTold &part)
{
    if (part.reason == unread_keys::queue)
        return "its user may not read the keys of the queue";
    if (part.reason == unread_keys::list)
        return "its user may not read \"" + part.about + '"';
    if (part.reason == unread_keys::others)
        return "its user may not read the keys of other programs";
    if (!part.reason.empty() || !part.told.empty()) {
        const std::string why =
            troubleText({part.part, false, std::nullopt, std::nullopt, part.reason, part.about, part.told}, false);
        return why.empty() ? part.command + " does not work there" : why;
    }
    return part.command + (part.unknown ? " is blocked or renamed there" : " is not allowed to this user");
}

std::string aclFor(const NotTold &part)
{
    // Without scripts the queue is down, and its line names all that they need.
    if (part.unknown || !part.reason.empty() || !part.told.empty() || part.command == "EVALSHA")
        return {};
    std::string acl = "+";
    for (const char c : part.command) {
        if (c != ' ' && (c < 'A' || c > 'Z'))
            return {};
        acl += c == ' ' ? '|' : static_cast<char>(c - 'A' + 'a');
    }
    return acl;
}

} // namespace portolan::commands
