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
///   NOAUTH, WRONGPASS, NOPERM, DENIED      Unavailable "redis-auth"
///   MOVED, ASK, CROSSSLOT, CLUSTERDOWN     Unsupported "redis-cluster"
///   anything else                          Internal, with the reply's text
/// https://redis.io/docs/latest/develop/reference/protocol-spec/
Error errorOf(const Reply &reply);

/// Redis is not there right now: code "redis-away".
Error away(const Endpoint &endpoint, std::string_view why);

/// The refusal of a Redis Cluster: code "redis-cluster".
Error clusterRefused();

} // namespace portolan::redis
