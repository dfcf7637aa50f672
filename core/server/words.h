#pragma once

#include "core/api/access.h"
#include "core/api/audit.h"

#include <cstdint>
#include <string>

/// English for what the console is told in sentences.
namespace portolan::server {

/// "1 key", "3 keys"
std::string counted(std::uint64_t count, const std::string &one, const std::string &many);

/// "an admin", "a user"
std::string roleWord(Role role);

/// What somebody at this console did, for the time line: "This console: Revoked portal.analysis."
std::string consoleDid(const std::string &sentence);

/// What an entry of the audit log says in one line: "ada@example.org: user.disable of user:7 (disabled: no → yes)".
std::string didWords(const AuditEntry &entry);

/// "123 bytes", "4.5 MB"
std::string bytesWord(std::uint64_t bytes);

} // namespace portolan::server
