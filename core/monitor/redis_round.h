#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/monitor/families.h"
#include "core/redis/command.h"
#include "core/redis/info.h"
#include "core/redis/reply.h"
#include "core/redis/script.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What is asked of Redis once a second, all in one round trip of one connection: no KEYS, no SCAN, nothing that grows
/// with the number of keys. About 0.4 ms of the server's time a
/// round (the integration test measures it).
namespace portolan::monitor {

/// The script that draws random keys (see FamilyEstimator) and tells which message is next in each list. Writes
/// nothing. KEYS: the lists. ARGV: draws, nested samples of MEMORY USAGE.
/// Answers {{microseconds it took, key, bytes, …}, {identity of the next message or "", …}}; -1 microseconds where
/// the server's clock stands still during a script. Where keys may not be drawn or measured, the error is a third
/// element and there are no draws.
redis::Script samplingScript();

struct RoundPlan
{
    std::vector<std::string> queues;  ///< names; at most 64 are asked
    std::vector<std::string> bigKeys; ///< to be measured besides the queue's own keys
    bool clientList = false;
    bool draws = true;
    bool loadScript = false;
    std::size_t perRound = 32;
    bool recounts = false; ///< its draws count alone (FamilyEstimator::recount)
    std::size_t nested = 5;
};

/// The next message at the consuming end of a list.
struct ListHead
{
    std::string list;
    std::string message; ///< identifies it; empty: the list is
};

/// What a round, or the search for tasks, itself adds to Redis' counters of commands and of look-ups.
struct OwnLoad
{
    std::uint64_t commands = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;

    OwnLoad &operator+=(const OwnLoad &other)
    {
        commands += other.commands;
        hits += other.hits;
        misses += other.misses;
        return *this;
    }
};

struct RoundAnswer
{
    redis::Info info;
    std::optional<std::uint64_t> keys; ///< of this database
    std::vector<QueueLine> queues;
    std::optional<std::uint64_t> unacked;
    std::optional<double> oldestUnacked; ///< Unix seconds at which it was taken
    std::vector<ListHead> heads;
    std::vector<FamilyEstimator::Measured> measured;
    std::optional<std::vector<redis::ClientEntry>> clients;
    std::optional<redis::Reply> draws;
    std::vector<NotTold> notTold; ///< of what was asked in this round
    bool scriptMissing = false;   ///< NOSCRIPT: load it next time
};

redis::Command roundCommand(const RoundPlan &plan, const redis::Script &script);

/// `replies` of roundCommand(plan). Parts that are error replies stay unknown; those that Redis refuses whatever is
/// asked (no right to CLIENT LIST, INFO blocked) are in `notTold`. Protocol when the number of replies is wrong, or
/// INFO is answered by anything else.
Result<RoundAnswer> readRound(const RoundPlan &plan, std::vector<redis::Reply> replies);

/// Of one round; Redis counts what a script calls as well.
OwnLoad ownLoad(const RoundPlan &plan, const RoundAnswer &answer);

} // namespace portolan::monitor
