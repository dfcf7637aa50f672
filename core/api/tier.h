// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan {

/// What has traffic lights.
enum class Resource : std::uint8_t {
    RedisMemory,      ///< bytes
    RedisConnections, ///< connections
    ResponseTime,     ///< seconds, p95 of the last 60 s
    ErrorRate,        ///< fraction 0–1: 5xx over all answers of the last 60 s
    Queue,            ///< tasks waiting
    DbPool,           ///< fraction 0–1 of the pool in use
    Users,            ///< concurrent users
    Workers,          ///< tasks that wait and that no worker takes; 0 while some do
    OldestTask,       ///< seconds that the oldest waiting task has waited, at least
    FailedTasks,      ///< fraction 0–1 of the tasks that ended in the last 10 min
    Refused,          ///< fraction 0–1: 429 over all answers of the last 60 s
    Disk,             ///< fraction 0–1 of the data directory's file system in use
    RedisOverhead,    ///< bytes of Redis' memory that are in no key
    RedisCommands,    ///< commands per second
    RedisTraffic,     ///< bytes a month that go out of Redis, at the pace of the last hour
};
BOOST_DESCRIBE_ENUM(Resource, RedisMemory, RedisConnections, ResponseTime, ErrorRate, Queue, DbPool, Users, Workers,
                    OldestTask, FailedTasks, Refused, Disk, RedisOverhead, RedisCommands, RedisTraffic)

/// As api.md fixes them, in JSON too: redis_memory, error_rate, …
constexpr char enumSeparator(Resource) { return '_'; }

/// Where `red` is not only above the threshold but also at it: a ceiling that is reached lets nobody in, and one task
/// that nobody takes is one too many.
constexpr bool redWhenReached(Resource resource)
{
    return resource == Resource::Users || resource == Resource::Workers;
}

/// A part of a whole: its limit is all of it, so a threshold says more.
constexpr bool isShare(Resource resource)
{
    return resource == Resource::ErrorRate || resource == Resource::DbPool || resource == Resource::FailedTasks ||
           resource == Resource::Refused || resource == Resource::Disk;
}

/// The link (see LinkStatus) without which a resource cannot work: while it is down the resource is red, whatever its
/// last value was. Empty: none.
constexpr std::string_view linkOf(Resource resource)
{
    switch (resource) {
    case Resource::RedisMemory:
    case Resource::RedisConnections:
    case Resource::Queue:
    case Resource::Workers:
    case Resource::OldestTask:
    case Resource::RedisOverhead:
    case Resource::RedisCommands:
    case Resource::RedisTraffic:
        return "redis";
    case Resource::DbPool:
        return "database";
    case Resource::ResponseTime:
    case Resource::ErrorRate:
    case Resource::Users:
    case Resource::FailedTasks:
    case Resource::Refused:
    case Resource::Disk:
        break;
    }
    return {};
}

/// Thresholds of one traffic light, in the resource's unit (see Resource).
struct ZoneLimits
{
    double yellow = 0;                      ///< green below, yellow from here …
    double red = 0;                         ///< … up to and including this, red above; see redWhenReached()
    std::chrono::milliseconds enter{5000};  ///< a worse zone only after so long beyond its threshold
    std::chrono::milliseconds leave{10000}; ///< a better one only after so long below the threshold less the margin
    double margin = 0.03;                   ///< fraction of the threshold
    bool operator==(const ZoneLimits &) const = default;
};
BOOST_DESCRIBE_STRUCT(ZoneLimits, (), (yellow, red, enter, leave, margin))

/// One deployment tier: every number that is not code. `resources/tiers/*.toml` hold the five; base/tier_file.h reads
/// them and explains the keys.
struct Tier
{
    std::string name;  ///< "small"
    std::string title; ///< for people

    struct Redis
    {
        std::uint64_t maxmemory = 30ull * 1024 * 1024; ///< bytes of the plan
        std::uint32_t connections = 30;
        std::uint32_t databases = 1;
        std::uint32_t commandsPerSecond = 100;                     ///< 0: the plan does not bound them
        std::uint64_t trafficPerMonth = 5ull * 1024 * 1024 * 1024; ///< bytes that Redis sends; 0: not bounded
        /// What a Redis that holds nothing but caches does when it is full. The one that holds the queue is always
        /// `noeviction`: evicting any key would lose tasks.
        std::string cachePolicy = "noeviction";
        bool operator==(const Redis &) const = default;
    } redis;

    /// Connections an instance keeps to its database, and how long it waits for one.
    struct Database
    {
        std::uint32_t poolLeast = 1;
        std::uint32_t poolMost = 4;
        std::chrono::milliseconds timeout{5000};
        bool operator==(const Database &) const = default;
    } database;

    std::chrono::seconds sessionLifetime{86400};
    std::chrono::seconds resultsExpiry{900};
    std::chrono::seconds taskTimeLimit{900};
    std::uint32_t taskConcurrency = 2;

    /// Windows of each category as written, in the grammar of core/limits/grammar.h; per user, or address if nobody is
    /// signed in.
    std::map<Category, std::string> limits;
    /// In addition, per address.
    std::map<Category, std::string> limitsPerAddress;

    /// For the whole deployment; 0: none.
    struct Ceilings
    {
        std::uint32_t users = 15;
        std::uint32_t analysis = 5;
        std::uint32_t upload = 2;
        std::uint32_t automation = 3;
        bool operator==(const Ceilings &) const = default;
    } ceilings;

    std::map<Resource, ZoneLimits> zones;
    std::map<std::string, std::uint64_t> memoryBudget;      ///< key family → bytes it may take at most
    std::map<std::string, std::uint64_t> memoryBudgetLeast; ///< key family → bytes it takes ordinarily
    std::map<std::string, std::uint32_t> connectionBudget;  ///< purpose → connections
    std::map<std::string, std::chrono::seconds> caches;     ///< cache → life of an entry
    std::map<std::string, std::chrono::seconds> schedules;  ///< periodic job → interval
    std::map<std::string, std::string> taskRoutes;          ///< task name → queue; absent: `taskQueue`
    std::string taskQueue = "celery";
    bool shareTaskQueue = false; ///< take tasks although other programs' workers use the same queue
    std::map<std::string, std::vector<std::string>> familyPatterns; ///< key family → glob patterns, for foreign stacks

    bool enforceHttps = false; ///< in production: redirect and HSTS
    bool logHealth = true;     ///< whether /health appears in the access log

    struct AlertRule
    {
        std::string metric; ///< a Resource as a key (`redis_memory`), `db_connections`, `daily_users`, …
        double above = 0;   ///< in the metric's unit
        std::string action; ///< "scale_up", "alert_ops_team", … or empty
        bool operator==(const AlertRule &) const = default;
    };
    std::vector<AlertRule> alerts;
    std::vector<AlertRule> upgradeWhen; ///< sustained, not for one sample

    /// The way up and what it costs, in dollars a month.
    struct Plan
    {
        std::string part;
        std::string name;
        std::uint32_t users = 0;           ///< the size this is for; 0: any
        std::optional<double> monthly;     ///< nullopt: not known
        std::optional<double> monthlyMost; ///< of a range; equal to `monthly` where it is one figure
        bool operator==(const Plan &) const = default;
    };
    std::vector<Plan> upgradePath;
    std::vector<Plan> costs;

    /// A stage of growth.
    struct Phase
    {
        std::string name;
        std::uint32_t users = 0;       ///< it carries so many
        std::uint32_t startsAbove = 0; ///< begin it past so many; 0: not said
        std::uint32_t replicasLeast = 1;
        std::uint32_t replicasMost = 1;
        std::string adds; ///< what it brings, for people
        bool operator==(const Phase &) const = default;
    };
    std::vector<Phase> phases;

    std::map<std::string, double> capacity; ///< figures of the capacity model, named in the tier file
    std::map<std::string, double> targets;  ///< what a load test is judged by; seconds, fractions, counts a day

    /// The tier's load test.
    struct LoadTest
    {
        std::chrono::seconds duration{0};
        std::uint32_t users = 0;
        double newUsersPerSecond = 0;
        double requestsPerSecond = 0;
        bool operator==(const LoadTest &) const = default;
    } loadTest;
    struct LoadShare
    {
        std::string path;
        double weight = 0; ///< percent
        bool operator==(const LoadShare &) const = default;
    };
    std::vector<LoadShare> loadMix;

    bool operator==(const Tier &) const = default;
};
BOOST_DESCRIBE_STRUCT(Tier::Redis, (),
                      (maxmemory, connections, databases, commandsPerSecond, trafficPerMonth, cachePolicy))
BOOST_DESCRIBE_STRUCT(Tier::Database, (), (poolLeast, poolMost, timeout))
BOOST_DESCRIBE_STRUCT(Tier::Ceilings, (), (users, analysis, upload, automation))
BOOST_DESCRIBE_STRUCT(Tier::AlertRule, (), (metric, above, action))
BOOST_DESCRIBE_STRUCT(Tier::Plan, (), (part, name, users, monthly, monthlyMost))
BOOST_DESCRIBE_STRUCT(Tier::Phase, (), (name, users, startsAbove, replicasLeast, replicasMost, adds))
BOOST_DESCRIBE_STRUCT(Tier::LoadTest, (), (duration, users, newUsersPerSecond, requestsPerSecond))
BOOST_DESCRIBE_STRUCT(Tier::LoadShare, (), (path, weight))
BOOST_DESCRIBE_STRUCT(Tier, (),
                      (name, title, redis, database, sessionLifetime, resultsExpiry, taskTimeLimit, taskConcurrency,
                       limits, limitsPerAddress, ceilings, zones, memoryBudget, memoryBudgetLeast, connectionBudget,
                       caches, schedules, taskRoutes, taskQueue, shareTaskQueue, familyPatterns, enforceHttps,
                       logHealth, alerts, upgradeWhen, upgradePath, costs, phases, capacity, targets, loadTest,
                       loadMix))

} // namespace portolan
