#pragma once

#include "core/api/access.h"

#include <cstdint>
#include <string>

/// English for what the console is told in sentences.
namespace portolan::server {

/// "1 key", "3 keys"
std::string counted(std::uint64_t count, const std::string &one, const std::string &many);

/// "an admin", "a user"
std::string roleWord(Role role);

/// "123 bytes", "4.5 MB"
std::string bytesWord(std::uint64_t bytes);

} // namespace portolan::server
