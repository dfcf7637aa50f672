// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/redis/endpoint.h"
#include "core/redis/reply.h"

#include <string>
#include <string_view>

namespace portolan::redis {

/// What an error reply means for a caller, by its first word (kind "code"):
///   OOM                                    Full "redis-full"
///   MISCONF, READONLY, NOREPLICAS          Unavailable "redis-read-only"
///   LOADING                                Unavailable "redis-loading"
///   BUSY                                   Unavailable "redis-busy-script"
///   MASTERDOWN, TRYAGAIN                   Unavailable "redis-away"
///   NOAUTH, WRONGPASS, DENIED              Unavailable "redis-auth"
///   NOPERM, and in other words a command that is unknown here, or not for this user   Unavailable "redis-rights"
///   MOVED, ASK, CROSSSLOT, CLUSTERDOWN     Unsupported "redis-cluster"
///   WRONGTYPE                              Internal "redis-wrong-type" (unavailable() where a user waits for it)
///   anything else                          Internal, with the reply's text
/// The words are for people: they name neither scripts by their hash nor the arguments of what was asked.
/// https://redis.io/docs/latest/develop/reference/protocol-spec/
Error errorOf(const Reply &reply);

/// The same error, as an outage of what was asked for where it comes from a key that holds something of another type:
/// no fault of this program, and over once an operator has removed it.
Error unavailable(Error error);

/// Whether this Redis refuses the command whatever its arguments or the state of the data: it was renamed or blocked by
/// who runs the server, or the user has no right to it, or to the keys or channels it names.
bool refusesRight(const Reply &reply);

/// The command it is about, as people write it: "LPUSH", "CLIENT LIST"; empty where Redis does not name it.
std::string refusedCommand(const Reply &reply);

/// Of those: it is for the keys or the channel, and not for the command.
bool refusesPlace(const Reply &reply);

/// What Redis said, without what only a log is for: "script: <hash>, on @user_script:1", "with args beginning with …".
std::string plainText(const Reply &reply);

/// Whether an error of errorOf() is the want of a right to a command that Redis names. It keeps many loops from working
/// at once, and Rights tells of each such command, with all else that is missing and what mends it.
bool lacksNamedCommand(const Error &error);

/// Redis is not there right now: code "redis-away", about its address. `said`: `why` is what the system said, and not
/// our own words.
Error away(const Endpoint &endpoint, std::string_view why, bool said = true);
/// The same for why it could not be connected to, with its mend; code "redis-tls-…" where TLS stands in the way
/// (trust.h).
Error away(const Endpoint &endpoint, const Error &why);
/// Whether it is one of them.
bool isAway(const Error &error);

/// The refusal of a Redis Cluster: code "redis-cluster".
Error clusterRefused();

} // namespace portolan::redis
