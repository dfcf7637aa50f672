// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/monitor/families.h"
#include "core/queue/key_layout.h"
#include "core/queue/queue_directory.h"
#include "core/redis/command.h"
#include "core/redis/info.h"
#include "core/redis/reply.h"
#include "core/redis/script.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is asked of Redis in one round, all in one round trip of one connection: no KEYS, nothing whose price grows
/// with the number of keys. About 0.4 ms of the server's time where everything is asked (the integration test measures
/// it).
namespace portolan::monitor {

/// The script that asks most of it, so that Redis answers with figures instead of pages: INFO alone is 5 KB, of which
/// 200 bytes matter. Lists are asked for 16 at a time with one EXISTS, and for their length only where something is
/// there. Writes nothing.
/// No KEYS: what the user may not read is then refused by itself, and not with it all that it may.
/// ARGV: draws of random keys (see FamilyEstimator), nested samples of MEMORY USAGE, number of lists, for each list a
/// character (0: one of ours, 2: find out whether its next message is a task), 1 to measure the lists and what is
/// unacknowledged, cursor and COUNT of a SCAN for lists (cursor empty: none), 1 to do nothing but that, then the lists
/// and the keys to be measured. Answers {commands it called, figures of INFO by line (or an error), DBSIZE, {length of
/// each list; -1: it is none}, {identity of each next message or ""}, HLEN unacked, score of the oldest in
/// unacked_index or "", {bytes of each list, of unacked, unacked_index and each key}, {microseconds drawing took, key,
/// bytes, …}, reply to SCAN, keyspace_hits and keyspace_misses at its end, {part, command, error of what was refused,
/// …}}; where nothing is there (or was asked), lists of it are empty. -1 microseconds where the server's clock stands
/// still during a script.
/// `layout`: what is unacknowledged by its names.
redis::Script samplingScript(const queue::KeyLayout &layout = {});

struct RoundPlan
{
    std::vector<queue::WaitingList> lists; ///< asked for their length and their next message
    std::vector<std::string> bigKeys;      ///< to be measured besides the queue's own keys
    bool clientList = false;
    bool details = true; ///< measures keys, and draws random ones
    bool loadScript = false;
    bool plain = false; ///< Redis refuses scripts: INFO and lengths alone, with plain commands
    std::size_t perRound = 32;
    bool recounts = false; ///< its draws count alone (FamilyEstimator::recount)
    std::size_t nested = 5;
    queue::QueueDirectory::Step search{};
    bool searchOnly = false;                             ///< nothing but that step; the rest of the answer is empty
    std::string unacked{queue::keys::unacked};           ///< key of what is unacknowledged …
    std::string unackedIndex{queue::keys::unackedIndex}; ///< … and of its index, as the script has them

    bool asks(std::string_view part) const; ///< whether NotTold::part would be noticed
};

/// One list, as it is now.
struct ListFigures
{
    queue::WaitingList list;
    std::optional<std::uint64_t> length; ///< nothing: the key holds something else
    std::string message;                 ///< identifies the next one; empty: there is none, or nobody asked
    std::optional<bool> task;            ///< whether that is a task; nothing: nobody asked
};

/// What a round, or the search for tasks, itself adds to Redis' counters of commands and of look-ups.
struct OwnLoad
{
    std::uint64_t commands = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t bytes = 0; ///< that Redis answered

    OwnLoad &operator+=(const OwnLoad &other)
    {
        commands += other.commands;
        hits += other.hits;
        misses += other.misses;
        bytes += other.bytes;
        return *this;
    }
};

struct RoundAnswer
{
    redis::Info info;
    std::optional<std::uint64_t> keys; ///< of this database
    std::vector<ListFigures> lists;
    std::optional<std::uint64_t> unacked;
    std::optional<double> oldestUnacked; ///< its score: Unix seconds of taking, or of an hour after (take.lua)
    std::vector<FamilyEstimator::Measured> measured;
    std::optional<std::vector<redis::ClientEntry>> clients;
    std::optional<redis::Reply> draws;
    std::vector<NotTold> notTold;     ///< of what was asked in this round
    std::vector<redis::Reply> search; ///< replies to the step of the QueueDirectory
    bool scriptMissing = false;       ///< NOSCRIPT: load it next time
    bool scriptRefused = false;       ///< Redis runs none, or none for us: plain commands next time
    OwnLoad load;                     ///< what the round took
};

redis::Command roundCommand(const RoundPlan &plan, const redis::Script &script);

/// `replies` of roundCommand(plan). Parts that are error replies stay unknown; those that Redis refuses whatever is
/// asked (no right to CLIENT LIST, INFO blocked) are in `notTold`. Protocol when the number of replies is wrong, or
/// INFO is answered by anything else.
Result<RoundAnswer> readRound(const RoundPlan &plan, std::vector<redis::Reply> replies);

} // namespace portolan::monitor
