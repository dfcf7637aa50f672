// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/class.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace portolan {

/// What is kept over time: a name of the catalogue (catalogue.h) and, where several things have such a figure, which of
/// them. As text "redis_memory", "queue_depth{queue=celery}" (see textOf()); in JSON {"name":…,"labels":{…}}.
struct Metric
{
    std::string name;
    std::map<std::string, std::string> labels;

    Metric() = default;
    /// Not explicit: most have no labels, and are named where a metric is meant.
    Metric(std::string_view itsName, std::map<std::string, std::string> itsLabels = {})
        : name(itsName), labels(std::move(itsLabels))
    {}
    auto operator<=>(const Metric &) const = default;
    static constexpr std::string_view jsonDefaulted[] = {"labels"};
};
BOOST_DESCRIBE_STRUCT(Metric, (), (name, labels))

/// The names; what each is, is in the catalogue.
namespace metric {

inline constexpr std::string_view responseP50 = "response_p50";
inline constexpr std::string_view responseP95 = "response_p95";
inline constexpr std::string_view responseP99 = "response_p99";
inline constexpr std::string_view requestRate = "request_rate";
inline constexpr std::string_view errorRate = "error_rate";
inline constexpr std::string_view refused = "refused";
inline constexpr std::string_view httpConnections = "http_connections";
inline constexpr std::string_view concurrentUsers = "concurrent_users";
inline constexpr std::string_view sessions = "sessions";
inline constexpr std::string_view untakenTasks = "untaken_tasks";
inline constexpr std::string_view queueWaiting = "queue_waiting";
inline constexpr std::string_view queueUnacked = "queue_unacked";
inline constexpr std::string_view queueTaken = "queue_taken";
inline constexpr std::string_view queueEnded = "queue_ended";
inline constexpr std::string_view oldestTask = "oldest_task";
inline constexpr std::string_view failedTasks = "failed_tasks";
inline constexpr std::string_view redisMemory = "redis_memory";
inline constexpr std::string_view redisOverhead = "redis_overhead";
inline constexpr std::string_view redisFragmentation = "redis_fragmentation";
inline constexpr std::string_view redisHitRatio = "redis_hit_ratio";
inline constexpr std::string_view redisEvicted = "redis_evicted";
inline constexpr std::string_view redisConnections = "redis_connections";
inline constexpr std::string_view redisCommands = "redis_commands";
inline constexpr std::string_view redisTraffic = "redis_traffic";
inline constexpr std::string_view dbPool = "db_pool";
inline constexpr std::string_view disk = "disk";

// Of one thing among several: with a label.
inline constexpr std::string_view zone = "zone";
inline constexpr std::string_view routeRequests = "route_requests";
inline constexpr std::string_view routeErrors = "route_errors";
inline constexpr std::string_view routeP95 = "route_p95";
inline constexpr std::string_view queueDepth = "queue_depth";
inline constexpr std::string_view familyBytes = "family_bytes";
inline constexpr std::string_view familyKeys = "family_keys";
inline constexpr std::string_view dbPoolUse = "db_pool_use";
inline constexpr std::string_view dbPoolWaiting = "db_pool_waiting";

} // namespace metric

} // namespace portolan
