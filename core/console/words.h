// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/audit.h"

#include <cstdint>
#include <string>
#include <vector>

/// English for what the console is told in sentences.
namespace portolan::console {

/// "1 key", "3 keys"
std::string counted(std::uint64_t count, const std::string &one, const std::string &many);

/// How many of something.
struct Amount
{
    std::uint64_t count = 0;
    std::string one;
    std::string many;
};

/// "40 users, 8 sessions and 6 results"; what there is none of is left out. Empty: there is nothing.
std::string listed(const std::vector<Amount> &amounts);

/// "an admin", "a user"
std::string roleWord(Role role);

/// What somebody at this console did, for the time line: "This console: Revoked portal.analysis."
std::string consoleDid(const std::string &sentence);

/// What an entry of the audit log says in one line: "ada@example.org: user.disable of user:7 (disabled: no → yes)".
std::string didWords(const AuditEntry &entry);

/// "123 bytes", "4.5 MB"
std::string bytesWord(std::uint64_t bytes);

} // namespace portolan::console
