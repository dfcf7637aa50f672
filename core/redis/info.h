// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {

/// What INFO said. What it did not say is nullopt: absent is not zero. Sizes are bytes, times seconds.
/// https://redis.io/docs/latest/commands/info/
struct Info
{
    struct Server
    {
        std::optional<std::string> version;
        std::optional<std::string> mode; ///< standalone, sentinel, cluster
        std::optional<std::string> runId;
        std::optional<std::uint64_t> processId;
        std::optional<std::uint64_t> uptime;
    } server;

    struct Clients
    {
        std::optional<std::uint64_t> connected;
        std::optional<std::uint64_t> blocked;
        std::optional<std::uint64_t> max;
    } clients;

    struct Memory
    {
        std::optional<std::uint64_t> used;
        std::optional<std::uint64_t> peak;
        std::optional<std::uint64_t> resident;
        std::optional<std::uint64_t> overhead; ///< tables, buffers, the server itself
        std::optional<std::uint64_t> startup;
        std::optional<std::uint64_t> dataset;
        std::optional<std::uint64_t> clientBuffers;
        std::optional<std::uint64_t> aofBuffer;
        std::optional<double> fragmentation; ///< resident / used
        std::optional<std::uint64_t> max;    ///< 0: no bound
        std::optional<std::string> policy;
        /// Whether keys go that nobody gave a lifetime, which tasks are, once it is full; with no bound it never is.
        bool evictsAnyKey() const { return policy && policy->starts_with("allkeys-") && max.value_or(1) > 0; }
    } memory;

    struct Stats
    {
        std::optional<std::uint64_t> connectionsReceived;
        std::optional<std::uint64_t> commands; ///< since the server's start
        std::optional<double> commandsPerSecond;
        std::optional<std::uint64_t> hits;
        std::optional<std::uint64_t> misses;
        std::optional<std::uint64_t> evicted;
        std::optional<std::uint64_t> expired;
        std::optional<std::uint64_t> rejectedConnections;
        std::optional<std::uint64_t> errorReplies;
        std::optional<std::uint64_t> netInput;
        std::optional<std::uint64_t> netOutput;
    } stats;

    struct Persistence
    {
        std::optional<bool> loading;
        std::optional<bool> aofEnabled;
        std::optional<bool> aofLastWriteOk;
        std::optional<bool> aofRewriting;
        std::optional<bool> aofLastRewriteOk;
        std::optional<std::uint64_t> aofSize;
        std::optional<bool> rdbSaving;
        std::optional<bool> rdbLastSaveOk;
        std::optional<std::uint64_t> rdbLastSave; ///< Unix time
        std::optional<std::uint64_t> changesSinceSave;
    } persistence;

    struct Replication
    {
        std::optional<std::string> role; ///< master, slave
        std::optional<std::uint64_t> replicas;
        std::optional<bool> primaryUp;
    } replication;

    std::optional<bool> clusterEnabled;

    struct Keyspace
    {
        unsigned database = 0;
        std::uint64_t keys = 0;
        std::uint64_t expires = 0; ///< how many of them have a time to live
    };
    /// Databases that hold keys. Nothing: the section was not asked for.
    std::optional<std::vector<Keyspace>> keyspace;
};

/// Reads the text of INFO, any or all sections; lines and fields it does not know are passed over.
Info parseInfo(std::string_view text);

/// One line of CLIENT LIST. https://redis.io/docs/latest/commands/client-list/
struct ClientEntry
{
    std::uint64_t id = 0;
    std::string name;                  ///< CLIENT SETNAME; empty: none
    std::string address;               ///< "127.0.0.1:50000", "/path:0"
    std::optional<std::uint64_t> age;  ///< seconds since it connected
    std::optional<std::uint64_t> idle; ///< seconds since its last command
    std::string flags; ///< N normal, P subscriber, b blocked, M/S replication, U over a Unix socket, …
    std::optional<unsigned> database;
    std::optional<std::uint64_t> channels; ///< subscribed to
    std::optional<std::uint64_t> patterns;
    std::optional<std::uint64_t> queryBuffer;  ///< bytes
    std::optional<std::uint64_t> outputMemory; ///< bytes of answers it has not read
    std::optional<std::uint64_t> totalMemory;  ///< bytes, all buffers
    std::string command;                       ///< the last one, "client|list"
    std::string user;                          ///< ACL user
};

/// Reads the text of CLIENT LIST; a line without an id is passed over.
std::vector<ClientEntry> parseClientList(std::string_view text);

} // namespace portolan::redis
