// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/words.h"

#include "core/base/units.h"

#include <array>

namespace portolan::console {

std::string counted(std::uint64_t count, const std::string &one, const std::string &many)
{
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string listed(const std::vector<Amount> &amounts)
{
    std::vector<std::string> parts;
    for (const auto &amount : amounts)
        if (amount.count > 0)
            parts.push_back(counted(amount.count, amount.one, amount.many));
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i)
        text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    return text;
}

std::string roleWord(Role role)
{
    switch (role) {
    case Role::Admin:
        return "an admin";
    case Role::Operator:
        return "an operator";
    case Role::User:
        return "a user";
    case Role::Anonymous:
        break;
    }
    return "nobody";
}

std::string consoleDid(const std::string &sentence) { return "This console: " + sentence; }

std::string didWords(const AuditEntry &entry)
{
    std::string words = entry.actor + ": " + entry.action;
    if (!entry.subject.empty())
        words += " of " + entry.subject;
    if (!entry.detail.empty())
        words += " (" + entry.detail + ")";
    if (entry.outcome != "done")
        words += ", which failed: " + entry.outcome;
    return words;
}

std::string bytesWord(std::uint64_t bytes)
{
    constexpr std::uint64_t unit = 1024;
    if (bytes < unit)
        return counted(bytes, "byte", "bytes");
    const std::array names{"KB", "MB", "GB", "TB"};
    double value = double(bytes) / double(unit);
    std::size_t at = 0;
    for (; value >= double(unit) && at + 1 < names.size(); ++at)
        value /= double(unit);
    return fixedText(value, 1) + ' ' + names[at];
}

} // namespace portolan::console
