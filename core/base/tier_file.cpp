// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/tier_file.h"

#include "core/base/data_directory.h"
#include "core/base/embedded_file.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/settings.h"
#include "core/base/toml_file.h"
#include "core/base/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace portolan::tiers {
std::span<const EmbeddedFile> embeddedFiles(); // from resources/tiers
}

namespace portolan {

namespace {

constexpr std::size_t mostTables = 200;

Error at(const std::string &source, unsigned line, const std::string &why, const std::string &hint = {})
{
    return failure(ErrorKind::Invalid, source + ':' + std::to_string(line) + ": " + why, hint);
}

Error unknownKey(const std::string &source, const TomlEntry &entry, const std::vector<std::string> &known)
{
    const std::string close = closestTo(entry.key, known);
    return at(source, entry.line, entry.key + " is not a key of a tier",
              close.empty() ? "" : "Did you mean " + close + "?");
}

std::vector<std::string> keyNames()
{
    std::vector<std::string> names{"name", "title"};
    for (const auto &key : tierKeys())
        names.push_back(key.key);
    return names;
}

Result<double> readNumber(std::string_view text)
{
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::isfinite(value) && value >= 0)
        return value;
    return failure(ErrorKind::Invalid, '"' + quotable(text) + "\" is not a number that is not negative");
}

/// A threshold in its metric's unit, as a number, a size, a duration, or the zone's own.
Result<double> readThreshold(const Tier &tier, const std::string &metric, const std::string &text)
{
    if (text == "red") {
        const auto resource = enumFromName<Resource>(metric);
        const auto zone = resource ? tier.zones.find(*resource) : tier.zones.end();
        if (zone == tier.zones.end())
            return failure(ErrorKind::Invalid, metric + " has no zone to take \"red\" from");
        return zone->second.red;
    }
    if (const auto number = readNumber(text))
        return *number;
    if (const auto size = parseSize(text))
        return double(*size);
    if (const auto time = parseDuration(text))
        return std::chrono::duration<double>(*time).count();
    return failure(ErrorKind::Invalid, '"' + quotable(text) + "\" is not a number, a size, a duration or \"red\"");
}

/// Reads the members of one array element; remembers the first mistake.
class TableReader final
{
public:
    TableReader(const TomlTable &table, const std::string &source) : m_table(table), m_source(source) {}

    std::string text(const std::string &key, bool required = true)
    {
        m_known.push_back(key);
        for (const auto &entry : m_table.entries)
            if (entry.key == key) {
                m_line = entry.line;
                return entry.text;
            }
        if (required)
            fail(at(m_source, m_table.line, m_table.name + " needs " + key));
        return {};
    }
    std::optional<double> number(const std::string &key)
    {
        const std::string found = text(key, false);
        if (found.empty())
            return std::nullopt;
        return take(readNumber(found), key);
    }
    std::uint32_t count(const std::string &key, std::uint32_t otherwise)
    {
        const auto value = number(key);
        if (value && (*value > 1e9 || *value != std::trunc(*value)))
            fail(at(m_source, m_line, m_table.name + '.' + key + ": not a whole number up to 1000000000"));
        return value ? std::uint32_t(std::min(*value, 1e9)) : otherwise;
    }
    double take(const Result<double> &value, const std::string &key)
    {
        if (value.has_value())
            return *value;
        fail(at(m_source, m_line, m_table.name + '.' + key + ": " + value.error().message, value.error().hint));
        return 0;
    }
    /// After everything was asked for: what nobody asked for is unknown.
    Result<void> done()
    {
        for (const auto &entry : m_table.entries)
            if (std::ranges::find(m_known, entry.key) == m_known.end())
                fail(unknownKey(m_source, entry, m_known));
        if (m_error)
            return *m_error;
        return {};
    }

private:
    void fail(Error error)
    {
        if (!m_error)
            m_error = std::move(error);
    }

    const TomlTable &m_table;
    const std::string &m_source;
    std::vector<std::string> m_known;
    unsigned m_line = 0;
    std::optional<Error> m_error;
};

Tier::AlertRule readRule(TableReader &reader, const Tier &tier)
{
    Tier::AlertRule rule;
    rule.metric = reader.text("metric");
    const std::string above = reader.text("above");
    rule.above = reader.take(above.empty() ? Result<double>(0.0) : readThreshold(tier, rule.metric, above), "above");
    rule.action = reader.text("action", false);
    return rule;
}

Tier::Plan readPlan(TableReader &reader)
{
    Tier::Plan plan;
    plan.part = reader.text("part");
    plan.name = reader.text("name", false);
    plan.users = reader.count("users", 0);
    plan.monthly = reader.number("monthly");
    const auto most = reader.number("monthly_most");
    plan.monthlyMost = most ? most : plan.monthly;
    return plan;
}

Tier::Phase readPhase(TableReader &reader)
{
    Tier::Phase phase;
    phase.name = reader.text("name");
    phase.users = reader.count("users", 0);
    phase.startsAbove = reader.count("starts_above", 0);
    phase.replicasLeast = reader.count("replicas_least", 1);
    phase.replicasMost = reader.count("replicas_most", phase.replicasLeast);
    phase.adds = reader.text("adds", false);
    return phase;
}

Tier::LoadShare readShare(TableReader &reader)
{
    Tier::LoadShare share;
    share.path = reader.text("path");
    share.weight = reader.number("weight").value_or(0);
    return share;
}

Result<void> readTables(const TomlDocument &document, const std::string &source, Tier &tier)
{
    if (document.tables.size() > mostTables)
        return at(source, document.tables.back().line, "more than 200 tables");
    const auto named = [&](std::string_view name) {
        return std::ranges::any_of(document.tables, [&](const auto &table) { return table.name == name; });
    };
    const auto replace = [&](std::string_view name, auto &list) {
        if (named(name))
            list.clear();
    };
    replace("alerts", tier.alerts);
    replace("upgrade_when", tier.upgradeWhen);
    replace("upgrade_path", tier.upgradePath);
    replace("costs", tier.costs);
    replace("phases", tier.phases);
    replace("load_mix", tier.loadMix);
    for (const auto &table : document.tables) {
        TableReader reader(table, source);
        if (table.name == "alerts")
            tier.alerts.push_back(readRule(reader, tier));
        else if (table.name == "upgrade_when")
            tier.upgradeWhen.push_back(readRule(reader, tier));
        else if (table.name == "upgrade_path")
            tier.upgradePath.push_back(readPlan(reader));
        else if (table.name == "costs")
            tier.costs.push_back(readPlan(reader));
        else if (table.name == "phases")
            tier.phases.push_back(readPhase(reader));
        else if (table.name == "load_mix")
            tier.loadMix.push_back(readShare(reader));
        else
            return unknownKey(source, {table.name, {}, table.line},
                              {"alerts", "upgrade_when", "upgrade_path", "costs", "phases", "load_mix"});
        if (const auto done = reader.done(); done.has_error())
            return done;
    }
    return {};
}

Result<void> readKeys(const TomlDocument &document, const std::string &source, Tier &tier)
{
    std::vector<std::pair<TierKeyMatch, const TomlEntry *>> found;
    for (const auto &entry : document.entries) {
        if (entry.key == "name" || entry.key == "title") {
            if (entry.text.empty() || entry.text.size() > 200)
                return at(source, entry.line, entry.key + ": write 1 to 200 bytes");
            (entry.key == "name" ? tier.name : tier.title) = entry.text;
        } else if (auto match = findTierKey(entry.key)) {
            found.emplace_back(std::move(*match), &entry);
        } else {
            return unknownKey(source, entry, keyNames());
        }
    }
    std::ranges::stable_sort(found, {}, [](const auto &item) { return item.first.order; });
    for (const auto &[match, entry] : found)
        if (const auto set = match.key->set(tier, match.name, entry->text); set.has_error())
            return at(source, entry->line, entry->key + ": " + set.error().message, set.error().hint);
    return {};
}

Result<Tier> parseOver(Tier tier, std::string_view toml, const std::string &source)
{
    const auto document = parseToml(toml, source);
    if (document.has_error())
        return document.error();
    const auto names = [&](std::string_view key) {
        return std::ranges::find(document->entries, key, &TomlEntry::key) != document->entries.end();
    };
    for (const std::string_view key : {"name", "redis.maxmemory", "redis.connections"})
        if (!names(key))
            return failure(ErrorKind::Invalid, source + ": " + std::string(key) + " is missing",
                           "A tier names itself and its Redis plan; everything else it inherits from small");
    if (const auto read = readKeys(*document, source, tier); read.has_error())
        return read.error();
    if (const auto read = readTables(*document, source, tier); read.has_error())
        return read.error();
    if (const auto checked = checkTier(tier); checked.has_error())
        return failure(ErrorKind::Invalid, source + ": " + checked.error().message, checked.error().hint);
    return tier;
}

Result<Tier> builtIn(const std::string &name)
{
    const auto *file = findEmbedded(tiers::embeddedFiles(), name + ".toml");
    if (!file) {
        std::string all;
        for (const auto &known : builtInTiers())
            all += (all.empty() ? "" : ", ") + known;
        return failure(ErrorKind::NotFound, "There is no tier \"" + quotable(name) + '"',
                       "Use one of " + all + ", or a file by its path");
    }
    if (name == "small")
        return parseOver(Tier{}, file->text, "small.toml");
    return parseTier(file->text, name + ".toml");
}

Error wrong(const std::string &what, const std::string &hint = {}) { return failure(ErrorKind::Invalid, what, hint); }

Result<void> checkZones(const Tier &tier)
{
    for (const auto &[resource, zone] : tier.zones) {
        const std::string name = "zones." + std::string(enumKey(resource));
        if (zone.yellow <= 0 || zone.red <= 0)
            return wrong(name + " needs both yellow and red above 0");
        if (zone.yellow > zone.red)
            return wrong(name + ": yellow is above red");
        if (zone.margin < 0 || zone.margin >= 1)
            return wrong(name + ".margin must be at least 0 and below 1");
    }
    const auto above = [&](Resource resource, double plan) {
        const auto zone = tier.zones.find(resource);
        return zone != tier.zones.end() && zone->second.red > plan;
    };
    if (above(Resource::RedisMemory, double(tier.redis.maxmemory)))
        return wrong("zones.redis_memory.red is above redis.maxmemory: it could never turn red");
    if (above(Resource::RedisConnections, tier.redis.connections))
        return wrong("zones.redis_connections.red is above redis.connections: it could never turn red");
    return {};
}

} // namespace

std::vector<std::string> builtInTiers()
{
    std::vector<std::string> names;
    for (const auto &file : tiers::embeddedFiles())
        names.emplace_back(file.name.substr(0, file.name.size() - 5));
    return names;
}

Result<Tier> loadTier(const std::string &nameOrPath)
{
    const bool path = nameOrPath.find('/') != std::string::npos || nameOrPath.ends_with(".toml");
    if (!path || nameOrPath.find_first_of(":@=?") != std::string::npos) // an address was put in the wrong place
        return builtIn(nameOrPath);
    const auto text = readNamedFile(nameOrPath, 1024 * 1024);
    if (text.has_error())
        return text.error();
    return parseTier(*text, nameOrPath);
}

Result<Tier> parseTier(std::string_view toml, const std::string &source)
{
    auto small = builtIn("small");
    if (small.has_error())
        return small;
    return parseOver(std::move(*small), toml, source);
}

Result<void> checkTier(const Tier &tier)
{
    if (tier.redis.maxmemory < 1024 * 1024)
        return wrong("redis.maxmemory is below 1MB", "Redis itself needs about that much");
    if (tier.redis.connections < 1)
        return wrong("redis.connections must be at least 1");
    if (tier.sessionLifetime < std::chrono::minutes(1))
        return wrong("session.lifetime is below 1m");
    if (tier.resultsExpiry < std::chrono::seconds(1))
        return wrong("results.expiry is below 1s");
    if (tier.taskTimeLimit < std::chrono::seconds(1))
        return wrong("tasks.time_limit is below 1s");
    if (tier.taskConcurrency > 1024)
        return wrong("tasks.concurrency is above 1024");
    if (tier.database.poolMost < 1 || tier.database.poolLeast > tier.database.poolMost)
        return wrong("database.pool_most must be at least 1 and at least database.pool_least");
    const auto total = [](const auto &map) {
        return std::accumulate(map.begin(), map.end(), 0.0,
                               [](double sum, const auto &item) { return sum + item.second; });
    };
    if (total(tier.memoryBudget) > double(tier.redis.maxmemory))
        return wrong("the budgets add up to more than redis.maxmemory");
    if (total(tier.connectionBudget) > tier.redis.connections)
        return wrong("the connection budgets add up to more than redis.connections");
    for (const auto &[name, interval] : tier.schedules)
        if (interval < std::chrono::seconds(1))
            return wrong("schedules." + name + " is below 1s");
    return checkZones(tier);
}

} // namespace portolan
