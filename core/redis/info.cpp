// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/info.h"

#include <charconv>
#include <unordered_map>

namespace portolan::redis {

namespace {

using Fields = std::unordered_map<std::string_view, std::string_view>;

template <class T> std::optional<T> number(std::string_view text)
{
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

void read(std::string_view text, std::optional<std::uint64_t> &into) { into = number<std::uint64_t>(text); }
void read(std::string_view text, std::optional<unsigned> &into) { into = number<unsigned>(text); }
void read(std::string_view text, std::optional<double> &into) { into = number<double>(text); }
void read(std::string_view text, std::optional<std::string> &into) { into = std::string(text); }
void read(std::string_view text, std::string &into) { into = text; }

void read(std::string_view text, std::optional<bool> &into)
{
    if (text == "1" || text == "ok" || text == "up")
        into = true;
    else if (text == "0" || text == "err" || text == "down")
        into = false;
}

/// Sets `into` when there is such a field that can be read.
template <class T> void take(const Fields &fields, std::string_view name, T &into)
{
    if (const auto found = fields.find(name); found != fields.end())
        read(found->second, into);
}

/// The next part of `text` up to `separator`, which is taken off with it.
std::string_view next(std::string_view &text, char separator)
{
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

/// "keys=1,expires=0,avg_ttl=0"
std::optional<Info::Keyspace> keyspace(std::string_view name, std::string_view text)
{
    const auto database = number<unsigned>(name.substr(2));
    if (!database)
        return std::nullopt;
    Fields fields;
    while (!text.empty()) {
        std::string_view part = next(text, ',');
        const auto key = next(part, '=');
        fields.emplace(key, part);
    }
    std::optional<std::uint64_t> keys;
    std::optional<std::uint64_t> expires;
    take(fields, "keys", keys);
    take(fields, "expires", expires);
    return Info::Keyspace{*database, keys.value_or(0), expires.value_or(0)};
}

void takeMemory(const Fields &fields, Info::Memory &memory)
{
    take(fields, "used_memory", memory.used);
    take(fields, "used_memory_peak", memory.peak);
    take(fields, "used_memory_rss", memory.resident);
    take(fields, "used_memory_overhead", memory.overhead);
    take(fields, "used_memory_startup", memory.startup);
    take(fields, "used_memory_dataset", memory.dataset);
    take(fields, "mem_clients_normal", memory.clientBuffers);
    take(fields, "mem_aof_buffer", memory.aofBuffer);
    take(fields, "mem_fragmentation_ratio", memory.fragmentation);
    take(fields, "maxmemory", memory.max);
    take(fields, "maxmemory_policy", memory.policy);
}

void takeStats(const Fields &fields, Info::Stats &stats)
{
    take(fields, "total_connections_received", stats.connectionsReceived);
    take(fields, "total_commands_processed", stats.commands);
    take(fields, "instantaneous_ops_per_sec", stats.commandsPerSecond);
    take(fields, "keyspace_hits", stats.hits);
    take(fields, "keyspace_misses", stats.misses);
    take(fields, "evicted_keys", stats.evicted);
    take(fields, "expired_keys", stats.expired);
    take(fields, "rejected_connections", stats.rejectedConnections);
    take(fields, "total_error_replies", stats.errorReplies);
    take(fields, "total_net_input_bytes", stats.netInput);
    take(fields, "total_net_output_bytes", stats.netOutput);
}

void takePersistence(const Fields &fields, Info::Persistence &persistence)
{
    take(fields, "loading", persistence.loading);
    take(fields, "aof_enabled", persistence.aofEnabled);
    take(fields, "aof_last_write_status", persistence.aofLastWriteOk);
    take(fields, "aof_rewrite_in_progress", persistence.aofRewriting);
    take(fields, "aof_last_bgrewrite_status", persistence.aofLastRewriteOk);
    take(fields, "aof_current_size", persistence.aofSize);
    take(fields, "rdb_bgsave_in_progress", persistence.rdbSaving);
    take(fields, "rdb_last_bgsave_status", persistence.rdbLastSaveOk);
    take(fields, "rdb_last_save_time", persistence.rdbLastSave);
    take(fields, "rdb_changes_since_last_save", persistence.changesSinceSave);
}

ClientEntry entry(const Fields &fields)
{
    ClientEntry client;
    take(fields, "name", client.name);
    take(fields, "addr", client.address);
    take(fields, "age", client.age);
    take(fields, "idle", client.idle);
    take(fields, "flags", client.flags);
    take(fields, "db", client.database);
    take(fields, "sub", client.channels);
    take(fields, "psub", client.patterns);
    take(fields, "qbuf", client.queryBuffer);
    take(fields, "omem", client.outputMemory);
    take(fields, "tot-mem", client.totalMemory);
    take(fields, "cmd", client.command);
    take(fields, "user", client.user);
    return client;
}

} // namespace

Info parseInfo(std::string_view text)
{
    Info info;
    Fields fields;
    while (!text.empty()) {
        std::string_view line = next(text, '\n');
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line == "# Keyspace")
            info.keyspace.emplace();
        if (line.empty() || line.starts_with('#'))
            continue;
        const auto name = next(line, ':');
        if (info.keyspace && name.starts_with("db")) {
            if (auto database = keyspace(name, line))
                info.keyspace->push_back(*database);
            continue;
        }
        fields.emplace(name, line);
    }
    take(fields, "redis_version", info.server.version);
    take(fields, "redis_mode", info.server.mode);
    take(fields, "run_id", info.server.runId);
    take(fields, "process_id", info.server.processId);
    take(fields, "uptime_in_seconds", info.server.uptime);
    take(fields, "connected_clients", info.clients.connected);
    take(fields, "blocked_clients", info.clients.blocked);
    take(fields, "maxclients", info.clients.max);
    takeMemory(fields, info.memory);
    takeStats(fields, info.stats);
    takePersistence(fields, info.persistence);
    take(fields, "role", info.replication.role);
    take(fields, "connected_slaves", info.replication.replicas);
    take(fields, "master_link_status", info.replication.primaryUp);
    take(fields, "cluster_enabled", info.clusterEnabled);
    return info;
}

std::vector<ClientEntry> parseClientList(std::string_view text)
{
    std::vector<ClientEntry> clients;
    while (!text.empty()) {
        std::string_view line = next(text, '\n');
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        Fields fields;
        while (!line.empty()) {
            std::string_view part = next(line, ' ');
            const auto name = next(part, '=');
            fields.emplace(name, part);
        }
        std::optional<std::uint64_t> id;
        take(fields, "id", id);
        if (!id)
            continue;
        clients.push_back(entry(fields));
        clients.back().id = *id;
    }
    return clients;
}

} // namespace portolan::redis
