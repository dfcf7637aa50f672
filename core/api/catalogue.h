// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/metric.h"
#include "core/api/tier.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Every figure that is kept over time, or has a traffic light: what it is called, in files and for people, and how it
/// is written. Adding one is its name in metric.h, an entry here and its reader in monitor/metric_readers.cpp; history,
/// exports, tiles, charts and scripted deployments go by the entry.
namespace portolan {

/// How a figure is written for people.
enum class Form : std::uint8_t {
    Count,         ///< "1,234"
    Bytes,         ///< "18.7 MB"
    BytesPerMonth, ///< "1.4 GB/month"
    Latency,       ///< seconds, mostly parts of one: "184 ms"
    Duration,      ///< whole seconds: "15 min"
    Fraction,      ///< 0–1, small where all is well: "0.14 %"
    Share,         ///< 0–1 of something that fills up: "73 %"
    Ratio,         ///< about 1: "1.18"
    PerSecond,     ///< "12.3/s"
    Level,         ///< of a traffic light: 0 green, 1 yellow, 2 red
};

/// Which way a figure should go.
enum class Better : std::uint8_t { Less, More, Neither };

/// What the figures of several processes, or of the label sets there is no room for, come to together.
enum class Merge : std::uint8_t {
    Sum,
    Most,
    Histogram, ///< of the merged histograms; where these are not at hand, the highest: percentiles have no mean
    Shared,    ///< all of them see the same
};

struct MetricKind
{
    std::string_view name;
    std::string_view unit; ///< in files: "bytes", "seconds", "ratio" (0–1), "tasks/s"
    Form form = Form::Count;
    std::string_view title; ///< for people; a literal, so data() ends with a zero
    Better better = Better::Neither;
    Merge merge = Merge::Shared;
    double finest = 1;                     ///< the least that a scale of it spans, in its unit
    std::optional<Resource> resource = {}; ///< whose limit and zones it is drawn with
    std::string_view label = {};           ///< the one label its series have; empty: it is one series
};

/// Those with a traffic light in the order they are looked at: what users feel, then what it comes from.
inline constexpr std::array catalogue{
    MetricKind{metric::responseP95, "seconds", Form::Latency, "Response time p95", Better::Less, Merge::Histogram, 0.1,
               Resource::ResponseTime},
    MetricKind{metric::errorRate, "ratio", Form::Fraction, "Error rate", Better::Less, Merge::Most, 0.01,
               Resource::ErrorRate},
    MetricKind{metric::refused, "ratio", Form::Fraction, "Refused requests", Better::Less, Merge::Most, 0.01,
               Resource::Refused},
    MetricKind{metric::concurrentUsers, "users", Form::Count, "Concurrent users", Better::Neither, Merge::Shared, 10,
               Resource::Users},
    MetricKind{metric::untakenTasks, "tasks", Form::Count, "Workers", Better::Less, Merge::Shared, 2,
               Resource::Workers},
    MetricKind{metric::queueWaiting, "tasks", Form::Count, "Queue", Better::Less, Merge::Shared, 10, Resource::Queue},
    MetricKind{metric::oldestTask, "seconds", Form::Duration, "Oldest task", Better::Less, Merge::Most, 10,
               Resource::OldestTask},
    MetricKind{metric::failedTasks, "ratio", Form::Fraction, "Failed tasks", Better::Less, Merge::Most, 0.01,
               Resource::FailedTasks},
    MetricKind{metric::redisMemory, "bytes", Form::Bytes, "Redis memory", Better::Less, Merge::Shared, 1024.0 * 1024.0,
               Resource::RedisMemory},
    MetricKind{metric::redisOverhead, "bytes", Form::Bytes, "Redis overhead", Better::Less, Merge::Shared,
               1024.0 * 1024.0, Resource::RedisOverhead},
    MetricKind{metric::redisConnections, "connections", Form::Count, "Redis connections", Better::Less, Merge::Shared,
               10, Resource::RedisConnections},
    MetricKind{metric::redisCommands, "commands/s", Form::PerSecond, "Redis commands", Better::Less, Merge::Shared, 10,
               Resource::RedisCommands},
    MetricKind{metric::redisTraffic, "bytes", Form::BytesPerMonth, "Redis traffic", Better::Less, Merge::Shared,
               1024.0 * 1024.0, Resource::RedisTraffic},
    MetricKind{metric::dbPool, "ratio", Form::Share, "Database pool", Better::Less, Merge::Most, 1, Resource::DbPool},
    MetricKind{metric::disk, "ratio", Form::Share, "Disk", Better::Less, Merge::Most, 1, Resource::Disk},

    MetricKind{metric::responseP50, "seconds", Form::Latency, "Response time p50", Better::Less, Merge::Histogram, 0.1},
    MetricKind{metric::responseP99, "seconds", Form::Latency, "Response time p99", Better::Less, Merge::Histogram, 0.1},
    MetricKind{metric::requestRate, "requests/s", Form::PerSecond, "Requests per second", Better::Neither, Merge::Sum},
    MetricKind{metric::httpConnections, "connections", Form::Count, "HTTP connections", Better::Neither, Merge::Sum,
               10},
    MetricKind{metric::sessions, "sessions", Form::Count, "Sessions", Better::Neither, Merge::Shared, 10},
    MetricKind{metric::queueUnacked, "tasks", Form::Count, "Tasks held by workers", Better::Neither, Merge::Shared, 10},
    MetricKind{metric::queueTaken, "tasks/s", Form::PerSecond, "Tasks taken", Better::Neither, Merge::Sum},
    MetricKind{metric::queueEnded, "tasks/s", Form::PerSecond, "Tasks ended", Better::More, Merge::Sum},
    MetricKind{metric::redisFragmentation, "ratio", Form::Ratio, "Redis fragmentation", Better::Less, Merge::Shared},
    MetricKind{metric::redisHitRatio, "ratio", Form::Fraction, "Redis hit ratio", Better::More, Merge::Shared},
    MetricKind{metric::redisEvicted, "keys/s", Form::PerSecond, "Keys evicted", Better::Less, Merge::Shared},

    MetricKind{.name = metric::zone,
               .unit = "level",
               .form = Form::Level,
               .title = "Zone",
               .better = Better::Less,
               .merge = Merge::Most,
               .finest = 2,
               .label = "resource"},
    MetricKind{.name = metric::routeRequests,
               .unit = "requests/s",
               .form = Form::PerSecond,
               .title = "Requests of a route",
               .better = Better::Neither,
               .merge = Merge::Sum,
               .label = "route"},
    MetricKind{.name = metric::routeErrors,
               .unit = "errors/s",
               .form = Form::PerSecond,
               .title = "Errors of a route",
               .better = Better::Less,
               .merge = Merge::Sum,
               .label = "route"},
    MetricKind{.name = metric::routeP95,
               .unit = "seconds",
               .form = Form::Latency,
               .title = "Response time p95 of a route",
               .better = Better::Less,
               .merge = Merge::Histogram,
               .finest = 0.1,
               .label = "route"},
    MetricKind{.name = metric::queueDepth,
               .unit = "tasks",
               .form = Form::Count,
               .title = "Tasks waiting in a queue",
               .better = Better::Less,
               .merge = Merge::Sum,
               .finest = 10,
               .label = "queue"},
    MetricKind{.name = metric::familyBytes,
               .unit = "bytes",
               .form = Form::Bytes,
               .title = "Memory of a key family",
               .better = Better::Less,
               .merge = Merge::Sum,
               .finest = 1024.0 * 1024.0,
               .label = "family"},
    MetricKind{.name = metric::familyKeys,
               .unit = "keys",
               .form = Form::Count,
               .title = "Keys of a key family",
               .better = Better::Neither,
               .merge = Merge::Sum,
               .finest = 10,
               .label = "family"},
    MetricKind{.name = metric::dbPoolUse,
               .unit = "ratio",
               .form = Form::Share,
               .title = "Use of a database pool",
               .better = Better::Less,
               .merge = Merge::Most,
               .label = "pool"},
    MetricKind{.name = metric::dbPoolWaiting,
               .unit = "tasks",
               .form = Form::Count,
               .title = "Work waiting for a database pool",
               .better = Better::Less,
               .merge = Merge::Sum,
               .label = "pool"},
};

/// Null: there is no such metric.
constexpr const MetricKind *findKind(std::string_view name)
{
    const auto found = std::ranges::find(catalogue, name, &MetricKind::name);
    return found == catalogue.end() ? nullptr : &*found;
}

/// The one whose zones are the resource's.
constexpr const MetricKind &kindOf(Resource resource)
{
    return *std::ranges::find(catalogue, std::optional(resource), &MetricKind::resource);
}

/// "redis_memory", "queue_depth{queue=celery}"; as CSV files and addresses spell it.
std::string textOf(const Metric &metric);

} // namespace portolan
