// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/queue_name.h"
#include "core/base/tier_effects.h"
#include "core/base/tier_file.h"
#include "core/base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

/// The table of tier keys: how each is read into a Tier and written back. A new key is one line in makeKeys().
namespace portolan {

namespace {

constexpr std::size_t longestText = 1024;
constexpr std::size_t mostNames = 100; ///< of a family such as budget.*

Error expected(std::string_view text, const std::string &what)
{
    return failure(ErrorKind::Invalid, '"' + quotable(text, 64) + "\" is not " + what);
}

Result<void> read(std::string_view text, ValueType, std::string &to)
{
    if (text.empty() || text.size() > longestText)
        return expected(text, "a text of 1 to 1024 bytes");
    to = text;
    return {};
}

Result<void> read(std::string_view text, ValueType, bool &to)
{
    if (text != "true" && text != "false")
        return expected(text, "true or false");
    to = text == "true";
    return {};
}

Result<void> read(std::string_view text, ValueType, std::uint32_t &to)
{
    std::uint32_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value > 1'000'000'000)
        return expected(text, "a whole number from 0 to 1000000000");
    to = value;
    return {};
}

Result<void> read(std::string_view text, ValueType, std::uint64_t &to)
{
    const auto size = parseSize(text);
    if (size.has_error())
        return size.error();
    to = *size;
    return {};
}

template <class R, class P> Result<void> read(std::string_view text, ValueType, std::chrono::duration<R, P> &to)
{
    using Target = std::chrono::duration<R, P>;
    const auto value = parseDuration(text);
    if (value.has_error())
        return value.error();
    if (std::chrono::duration_cast<Target>(*value) != *value)
        return expected(text, "a whole number of seconds");
    to = std::chrono::duration_cast<Target>(*value);
    return {};
}

/// Plain numbers; thresholds of a zone are written in their resource's own unit.
Result<void> read(std::string_view text, ValueType type, double &to)
{
    if (type == ValueType::Size) {
        const auto size = parseSize(text);
        if (size.has_error())
            return size.error();
        to = double(*size);
        return {};
    }
    if (type == ValueType::Duration) {
        const auto value = parseDuration(text);
        if (value.has_error())
            return value.error();
        to = std::chrono::duration<double>(*value).count();
        return {};
    }
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !std::isfinite(value) ||
        value < 0)
        return expected(text, "a number that is not negative");
    to = value;
    return {};
}

Result<void> read(std::string_view text, ValueType, std::vector<std::string> &to)
{
    std::vector<std::string> items;
    while (!text.empty()) {
        const auto comma = text.find(',');
        if (comma != 0)
            items.emplace_back(text.substr(0, comma));
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    if (items.size() > mostNames)
        return failure(ErrorKind::Invalid, "The list has more than 100 items");
    to = std::move(items);
    return {};
}

std::string write(const std::string &value, ValueType) { return value; }
std::string write(bool value, ValueType) { return value ? "true" : "false"; }
std::string write(std::uint32_t value, ValueType) { return std::to_string(value); }
std::string write(std::uint64_t value, ValueType) { return formatSize(value); }
template <class R, class P> std::string write(std::chrono::duration<R, P> value, ValueType)
{
    return formatDuration(std::chrono::duration_cast<std::chrono::milliseconds>(value));
}
std::string write(double value, ValueType type)
{
    if (type == ValueType::Size)
        return formatSize(std::uint64_t(std::llround(value)));
    if (type == ValueType::Duration)
        return formatDuration(std::chrono::milliseconds(std::llround(value * 1000)));
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}
std::string write(const std::vector<std::string> &items, ValueType)
{
    std::string text;
    for (const auto &item : items)
        text.append(text.empty() ? "" : ",").append(item);
    return text;
}

/// A key for one member. `access` takes a Tier, const or not, and answers a reference into it.
template <class Access> TierKey field(std::string key, ValueType type, std::string description, Access access)
{
    return {std::move(key), type, std::move(description),
            [access, type](Tier &tier, std::string_view, std::string_view text) -> Result<void> {
                return read(text, type, access(tier));
            },
            [access, type](const Tier &tier) {
                return std::vector{TierKey::Value{{}, write(access(tier), type)}};
            }};
}

/// A key `table.*` for a map from names to values.
template <class Access> TierKey family(std::string key, ValueType type, std::string description, Access access)
{
    return {std::move(key), type, std::move(description),
            [access, type](Tier &tier, std::string_view name, std::string_view text) -> Result<void> {
                auto &map = access(tier);
                if (map.size() >= mostNames)
                    return failure(ErrorKind::Invalid, "There are more than 100 names in this table");
                return read(text, type, map[std::string(name)]);
            },
            [access, type](const Tier &tier) {
                std::vector<TierKey::Value> values;
                for (const auto &[name, value] : access(tier))
                    values.push_back({name, write(value, type)});
                return values;
            }};
}

/// A key for one entry of a map with enum keys; unset until a file sets it.
template <class Key, class Access>
TierKey entry(std::string key, ValueType type, std::string description, Key at, Access access)
{
    return {std::move(key), type, std::move(description),
            [access, type, at](Tier &tier, std::string_view, std::string_view text) -> Result<void> {
                return read(text, type, access(tier, at));
            },
            [access, type, at](const Tier &tier) {
                std::vector<TierKey::Value> values;
                if (const auto *value = access(tier, at))
                    values.push_back({{}, write(*value, type)});
                return values;
            }};
}

/// Overloads for `entry`: a Tier that may change makes the value, a const one answers null where there is none.
template <class Member> struct ZoneAccess
{
    Member ZoneLimits::*member;
    Member &operator()(Tier &tier, Resource at) const { return tier.zones[at].*member; }
    const Member *operator()(const Tier &tier, Resource at) const
    {
        const auto found = tier.zones.find(at);
        return found == tier.zones.end() ? nullptr : &(found->second.*member);
    }
};

struct LimitAccess
{
    std::map<Category, std::string> Tier::*map;
    std::string &operator()(Tier &tier, Category at) const { return (tier.*map)[at]; }
    const std::string *operator()(const Tier &tier, Category at) const
    {
        const auto found = (tier.*map).find(at);
        return found == (tier.*map).end() ? nullptr : &found->second;
    }
};

/// The zones of what is limited follow its limit, unless named: yellow and red begin at these parts of it.
struct Parts
{
    double yellow;
    double red;
};
constexpr Parts ofPlan{2 / 3.0, 5 / 6.0};
constexpr Parts ofCeiling{0.8, 1};
constexpr Parts ofBudget{1, 1.5};

void setZone(Tier &tier, Resource resource, double limit, Parts parts)
{
    if (limit <= 0) {
        tier.zones.erase(resource); // no limit, no zone
        return;
    }
    tier.zones[resource].yellow = limit * parts.yellow;
    tier.zones[resource].red = limit * parts.red;
}

TierKey limiting(TierKey key, Resource resource, Parts parts, std::function<double(const Tier &)> limit)
{
    key.set = [set = key.set, resource, parts, limit = std::move(limit)](Tier &tier, std::string_view name,
                                                                         std::string_view text) -> Result<void> {
        if (const auto done = set(tier, name, text); done.has_error())
            return done;
        setZone(tier, resource, limit(tier), parts);
        return {};
    };
    return key;
}

TierKey planField(TierKey key, Resource resource, std::function<double(const Tier &)> plan)
{
    return limiting(std::move(key), resource, ofPlan, std::move(plan));
}

/// What Redis takes beside the keys has a budget as the families have.
double overheadBudget(const Tier &tier)
{
    const auto found = tier.memoryBudget.find("overhead");
    return found == tier.memoryBudget.end() ? 0 : double(found->second);
}

ValueType unitOf(Resource resource)
{
    switch (resource) {
    case Resource::RedisMemory:
    case Resource::RedisOverhead:
    case Resource::RedisTraffic:
        return ValueType::Size;
    case Resource::ResponseTime:
    case Resource::OldestTask:
        return ValueType::Duration;
    default:
        return ValueType::Number;
    }
}

void addZones(std::vector<TierKey> &keys)
{
    using Threshold = ZoneAccess<double>;
    using Hold = ZoneAccess<std::chrono::milliseconds>;
    for (const auto &[resource, name] : enumNames<Resource, '_'>) {
        const std::string zone = "zones." + std::string(name);
        const auto unit = unitOf(resource);
        keys.push_back(entry(zone + ".yellow", unit, "Yellow from here", resource, Threshold{&ZoneLimits::yellow}));
        keys.push_back(entry(zone + ".red", unit, "Red above this", resource, Threshold{&ZoneLimits::red}));
        keys.push_back(entry(zone + ".enter", ValueType::Duration, "A worse zone only after so long", resource,
                             Hold{&ZoneLimits::enter}));
        keys.push_back(entry(zone + ".leave", ValueType::Duration, "A better zone only after so long", resource,
                             Hold{&ZoneLimits::leave}));
        keys.push_back(entry(zone + ".margin", ValueType::Number,
                             "Fraction of the threshold to fall below it before leaving", resource,
                             Threshold{&ZoneLimits::margin}));
    }
}

void addLimits(std::vector<TierKey> &keys)
{
    for (const auto &[category, name] : enumNames<Category, '_'>) {
        if (category == Category::Unlimited)
            continue;
        keys.push_back(entry("limits." + std::string(name), ValueType::Text,
                             "Windows per user, or per address when nobody is signed in", category,
                             LimitAccess{&Tier::limits}));
        keys.push_back(entry("limits_address." + std::string(name), ValueType::Text, "Windows per address, in addition",
                             category, LimitAccess{&Tier::limitsPerAddress}));
    }
}

Result<void> checkPolicy(std::string_view text)
{
    for (const std::string_view known :
         {"noeviction", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu", "volatile-ttl"})
        if (text == known)
            return {};
    return expected(text, "a maxmemory-policy of Redis, such as noeviction or allkeys-lru");
}

TierKey cachePolicy()
{
    TierKey key = field(
        "redis.cache_policy", ValueType::Text, "Eviction of a Redis that holds caches alone",
        [](auto &t) -> auto & { return t.redis.cachePolicy; });
    key.set = [set = key.set](Tier &tier, std::string_view name, std::string_view text) -> Result<void> {
        if (const auto known = checkPolicy(text); known.has_error())
            return known;
        return set(tier, name, text);
    };
    return key;
}

TierKey taskQueue()
{
    TierKey key = field(
        "tasks.queue", ValueType::Text, "Queue of the portal's tasks, where no route names another",
        [](auto &t) -> auto & { return t.taskQueue; });
    key.set = [set = key.set](Tier &tier, std::string_view name, std::string_view text) -> Result<void> {
        if (const auto known = checkQueueName(text); known.has_error())
            return known;
        return set(tier, name, text);
    };
    return key;
}

/// Only `noeviction` passes; the key exists so that whoever tries another learns why.
TierKey queuePolicy()
{
    return {"redis.policy", ValueType::Text, "Eviction of the Redis that holds the queue",
            [](Tier &, std::string_view, std::string_view text) -> Result<void> {
                if (const auto known = checkPolicy(text); known.has_error())
                    return known;
                if (text != "noeviction")
                    return failure(ErrorKind::Invalid,
                                   std::string(text) + " would evict queued tasks: this Redis holds the queue",
                                   "Keep noeviction here; redis.cache_policy is for a Redis that holds caches alone");
                return {};
            },
            [](const Tier &) {
                return std::vector{TierKey::Value{{}, "noeviction"}};
            }};
}

TierKey budgets()
{
    TierKey key = family(
        "budget.*", ValueType::Size, "Memory a key family may take", [](auto &t) -> auto & { return t.memoryBudget; });
    key.set = [set = key.set](Tier &tier, std::string_view name, std::string_view text) -> Result<void> {
        const auto done = set(tier, name, text);
        if (done.has_value() && name == "overhead")
            setZone(tier, Resource::RedisOverhead, overheadBudget(tier), ofBudget);
        return done;
    };
    return key;
}

std::vector<TierKey> makeKeys()
{
    using enum ValueType;
    std::vector<TierKey> keys{
        planField(field(
                      "redis.maxmemory", Size, "Memory of the Redis plan",
                      [](auto &t) -> auto & { return t.redis.maxmemory; }),
                  Resource::RedisMemory, [](const Tier &t) { return double(t.redis.maxmemory); }),
        planField(field(
                      "redis.connections", Integer, "Connections of the Redis plan",
                      [](auto &t) -> auto & { return t.redis.connections; }),
                  Resource::RedisConnections, [](const Tier &t) { return double(t.redis.connections); }),
        field(
            "redis.databases", Integer, "Databases of the Redis plan",
            [](auto &t) -> auto & { return t.redis.databases; }),
        planField(field(
                      "redis.commands_per_second", Integer, "Commands a second the Redis plan allows, 0: any number",
                      [](auto &t) -> auto & { return t.redis.commandsPerSecond; }),
                  Resource::RedisCommands, [](const Tier &t) { return double(t.redis.commandsPerSecond); }),
        planField(field(
                      "redis.traffic_per_month", Size, "Traffic a month the Redis plan allows, 0: any amount",
                      [](auto &t) -> auto & { return t.redis.trafficPerMonth; }),
                  Resource::RedisTraffic, [](const Tier &t) { return double(t.redis.trafficPerMonth); }),
        queuePolicy(),
        cachePolicy(),
        field(
            "database.pool_least", Integer, "Connections an instance keeps open to the database",
            [](auto &t) -> auto & { return t.database.poolLeast; }),
        field(
            "database.pool_most", Integer, "Connections an instance opens at most to the database",
            [](auto &t) -> auto & { return t.database.poolMost; }),
        field(
            "database.timeout", Duration, "Longest wait for a database connection",
            [](auto &t) -> auto & { return t.database.timeout; }),
        field(
            "session.lifetime", Duration, "Life of a session since its last use",
            [](auto &t) -> auto & { return t.sessionLifetime; }),
        field(
            "results.expiry", Duration, "Life of a task's result", [](auto &t) -> auto & { return t.resultsExpiry; }),
        field(
            "tasks.time_limit", Duration, "Longest run of a task", [](auto &t) -> auto & { return t.taskTimeLimit; }),
        taskQueue(),
        field(
            "tasks.share_queue", Boolean, "Take tasks although workers of other programs use the same queue",
            [](auto &t) -> auto & { return t.shareTaskQueue; }),
        field(
            "tasks.concurrency", Integer, "Tasks that run at once",
            [](auto &t) -> auto & { return t.taskConcurrency; }),
        limiting(field(
                     "ceilings.users", Integer, "Concurrent users, 0: no ceiling",
                     [](auto &t) -> auto & { return t.ceilings.users; }),
                 Resource::Users, ofCeiling, [](const Tier &t) { return double(t.ceilings.users); }),
        field(
            "ceilings.analysis", Integer, "Analyses at once, 0: no ceiling",
            [](auto &t) -> auto & { return t.ceilings.analysis; }),
        field(
            "ceilings.upload", Integer, "Uploads at once, 0: no ceiling",
            [](auto &t) -> auto & { return t.ceilings.upload; }),
        field(
            "ceilings.automation", Integer, "Automation runs at once, 0: no ceiling",
            [](auto &t) -> auto & { return t.ceilings.automation; }),
        field(
            "security.enforce_https", Boolean, "Redirect to HTTPS and send HSTS in production",
            [](auto &t) -> auto & { return t.enforceHttps; }),
        field(
            "log.health", Boolean, "Log requests to /health", [](auto &t) -> auto & { return t.logHealth; }),
        field(
            "load_test.duration", Duration, "Length of the tier's load test",
            [](auto &t) -> auto & { return t.loadTest.duration; }),
        field(
            "load_test.users", Integer, "Users of the load test", [](auto &t) -> auto & { return t.loadTest.users; }),
        field(
            "load_test.new_users_per_second", Number, "Users that arrive each second",
            [](auto &t) -> auto & { return t.loadTest.newUsersPerSecond; }),
        field(
            "load_test.requests_per_second", Number, "Requests of the load test each second",
            [](auto &t) -> auto & { return t.loadTest.requestsPerSecond; }),
        budgets(),
        family(
            "budget_least.*", Size, "Memory a key family takes ordinarily",
            [](auto &t) -> auto & { return t.memoryBudgetLeast; }),
        family(
            "connection_budget.*", Integer, "Redis connections by purpose",
            [](auto &t) -> auto & { return t.connectionBudget; }),
        family(
            "caches.*", Duration, "Life of a cache's entries", [](auto &t) -> auto & { return t.caches; }),
        family(
            "schedules.*", Duration, "Interval of a periodic job", [](auto &t) -> auto & { return t.schedules; }),
        family(
            "routes.*", Text, "Queue of a task, by its name (tasks.queue unless named)",
            [](auto &t) -> auto & { return t.taskRoutes; }),
        family(
            "families.*", List, "Key patterns of a family", [](auto &t) -> auto & { return t.familyPatterns; }),
        family(
            "capacity.*", Number, "A figure of the capacity model", [](auto &t) -> auto & { return t.capacity; }),
        family(
            "targets.*", Number, "What a load test is judged by", [](auto &t) -> auto & { return t.targets; }),
    };
    addLimits(keys);
    addZones(keys);
    for (auto &key : keys)
        key.noEffect = whyWithoutEffect(key.key);
    return keys;
}

} // namespace

const std::vector<TierKey> &tierKeys()
{
    static const std::vector<TierKey> keys = makeKeys();
    return keys;
}

std::optional<TierKeyMatch> findTierKey(std::string_view key)
{
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
    const auto &keys = tierKeys();
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string_view known = keys[i].key;
        if (known == key)
            return TierKeyMatch{&keys[i], i, {}};
        if (!known.ends_with(".*") || !key.starts_with(known.substr(0, known.size() - 1)))
            continue;
        const std::string_view name = key.substr(known.size() - 1);
        if (!name.empty() && name.size() <= 64 && std::ranges::all_of(name, plain))
            return TierKeyMatch{&keys[i], i, std::string(name)};
    }
    return std::nullopt;
}

} // namespace portolan
