#pragma once

#include "core/api/tier.h"
#include "core/api/zone.h"

#include <string_view>

/// What things are called, wherever a person reads of them: in the console, in a terminal, in events. All are literals,
/// so data() ends with a zero.
namespace portolan {

constexpr std::string_view titleOf(Resource resource)
{
    switch (resource) {
    case Resource::RedisMemory:
        return "Redis memory";
    case Resource::RedisConnections:
        return "Redis connections";
    case Resource::ResponseTime:
        return "Response time p95";
    case Resource::ErrorRate:
        return "Error rate";
    case Resource::Queue:
        return "Queue";
    case Resource::DbPool:
        return "Database pool";
    case Resource::Users:
        return "Concurrent users";
    }
    return "?";
}

constexpr std::string_view wordOf(Zone zone)
{
    switch (zone) {
    case Zone::Green:
        return "green";
    case Zone::Yellow:
        return "yellow";
    case Zone::Red:
        return "red";
    case Zone::Unknown:
        break;
    }
    return "unknown";
}

} // namespace portolan
