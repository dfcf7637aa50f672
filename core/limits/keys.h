// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"

#include <string>
#include <string_view>

/// The Redis keys of the family `l:`, all of them:
///
///     l:<8 bytes>       the windows of a signed-in user: the id, big-endian
///     l:a<4 or 8 bytes> the windows of an address: an IPv4 address, or the /64 network of an IPv6 one (what one
///                       customer of a provider gets)
///     l:n<8 bytes>      the windows of a peer whose address is no IP address (a Unix socket): a hash of its name
///     l:g<16 chars>     the guard of a session: what /api/admin is limited by
///     l:t<16 chars>     the guard of an API token: the beginning of its hash (auth/api_tokens.h)
///     l:u               sorted set: signed-in users by when they were noted (seconds since 2020-01-01), while there is
///     a ceiling of users l:v<minute>       HyperLogLog: the same per minute while there is no ceiling (an estimate, in
///     bounded memory) l:c<name>         sorted set: leases of a ceiling by when they run out (ceilings.h)
namespace portolan::limits::keys {

inline constexpr std::string_view prefix = "l:";
inline constexpr std::string_view activeUsers = "l:u";

std::string user(Id id);
std::string address(std::string_view address);
std::string guard(std::string_view sessionId);
std::string tokenGuard(std::string_view tokenHash);
std::string ceiling(std::string_view name);

/// 8 bytes, big-endian: how a user id is written inside keys and values.
std::string idBytes(Id id);

} // namespace portolan::limits::keys
