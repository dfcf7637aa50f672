#pragma once

#include "core/api/access.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
};
BOOST_DESCRIBE_ENUM(Resource, RedisMemory, RedisConnections, ResponseTime, ErrorRate, Queue, DbPool, Users)

/// Thresholds of one traffic light, in the resource's unit (see Resource).
struct ZoneLimits
{
    double yellow = 0; ///< green below, yellow from here …
    double red = 0;    ///< … up to and including this, red above
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
        bool operator==(const Redis &) const = default;
    } redis;

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
    std::map<std::string, std::uint64_t> memoryBudget;     ///< key family → bytes
    std::map<std::string, std::uint32_t> connectionBudget; ///< purpose → connections
    std::map<std::string, std::chrono::seconds> caches;    ///< cache → life of an entry
    std::map<std::string, std::chrono::seconds> schedules; ///< periodic job → interval
    std::map<std::string, std::string> taskRoutes;         ///< task name → queue; absent: "celery"
    std::map<std::string, std::vector<std::string>> familyPatterns; ///< key family → glob patterns, for foreign stacks

    struct AlertRule
    {
        std::string metric;
        double above = 0;
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
        double monthly = 0;
        double monthlyMost = 0; ///< of a range; equal to `monthly` where it is one figure
        bool operator==(const Plan &) const = default;
    };
    std::vector<Plan> upgradePath;
    std::vector<Plan> costs;

    std::map<std::string, double> capacity; ///< figures of the capacity model, named in the tier file
    std::map<std::string, double> targets;  ///< what a load test is judged by

    bool operator==(const Tier &) const = default;
};

} // namespace portolan
