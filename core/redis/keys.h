// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The one list of the portal's Redis keys: every key that any part writes starts with one of these prefixes or has one
/// of these names, and the console learns the families from here. Names of the queue family are Celery's and kombu's.
namespace portolan::redis {

enum class Family : std::uint8_t { Sessions, Limits, Queue, Results, Push, Tickers, Cache, Instances, Other };

/// All families, in the order they are shown.
inline constexpr std::array families{Family::Sessions, Family::Limits, Family::Queue,     Family::Results, Family::Push,
                                     Family::Tickers,  Family::Cache,  Family::Instances, Family::Other};

namespace keys {
inline constexpr std::string_view sessionPrefix = "s:";
inline constexpr std::string_view limitPrefix = "l:";
inline constexpr std::string_view pushPrefix = "p:"; ///< channels too
inline constexpr std::string_view tickerPrefix = "t:";
inline constexpr std::string_view cachePrefix = "c:";
inline constexpr std::string_view instancePrefix = "i:"; ///< what an instance tells the others, a few seconds
/// What an instance missed of the history, until it takes it, a minute at most: a list for each question. Where
/// another one's name begins with "h:", the key of its own is beside such lists; the number at their end tells them.
inline constexpr std::string_view historyPrefix = "i:h:";

inline constexpr std::string_view ownQueuePrefix = "q:"; ///< what Celery has no key for
inline constexpr std::string_view defaultQueue = "celery";
inline constexpr std::string_view prioritySeparator = "\x06\x16"; ///< between a queue's name and its priority step
inline constexpr std::string_view unacked = "unacked";
inline constexpr std::string_view unackedIndex = "unacked_index";
inline constexpr std::string_view unackedMutex = "unacked_mutex";
inline constexpr std::string_view bindingPrefix = "_kombu.binding.";
inline constexpr std::string_view controlReplySuffix = ".reply.celery.pidbox";

inline constexpr std::string_view resultPrefix = "celery-task-meta-";
inline constexpr std::string_view groupResultPrefix = "celery-taskset-meta-";
inline constexpr std::string_view chordPrefix = "chord-unlock-";
} // namespace keys

/// "sessions", "limits", "queue", "results", "push", "tickers", "cache", "instances", "other".
std::string_view nameOf(Family family);

/// The family of that name; nothing for another name.
std::optional<Family> familyNamed(std::string_view name);

/// Which family a key belongs to. `queues`: the names of the queues there are besides the default one; their lists of a
/// priority above 0 are recognised without.
Family familyOf(std::string_view key, std::span<const std::string> queues = {});

/// Glob patterns (as SCAN … MATCH takes them) that together match every key of a family; some may match keys of others,
/// so familyOf() decides. None for Other.
std::span<const std::string_view> patternsOf(Family family);

/// The list of a queue at a priority step (0, 3, 6, 9); step 0 is the plain name. Source: kombu/transport/redis.py.
std::string queueKey(std::string_view queue, int step);

} // namespace portolan::redis
