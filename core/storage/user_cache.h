// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/user.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace portolan::storage {

/// Users read lately, by id: bounded in number, least recently used goes first, each entry good for `life`. Any thread;
/// 16 shards with a lock each, held for a few dozen nanoseconds.
/// UsersStore forgets an entry when it changes the row; another process's change shows after `life`.
class UserCache final
{
public:
    UserCache(const Clock &clock, std::size_t entries, std::chrono::milliseconds life)
        : m_clock(clock), m_bound(std::max<std::size_t>(1, (entries + shards - 1) / shards)), m_life(life)
    {}

    /// Null: not there. `ticket` is for put() after having read the row.
    std::shared_ptr<const User> get(Id id, std::uint64_t &ticket)
    {
        auto &shard = shardOf(id);
        const std::lock_guard lock(shard.mutex);
        ticket = shard.changes;
        const auto found = shard.index.find(id);
        if (found == shard.index.end()) {
            ++shard.misses;
            return nullptr;
        }
        if (m_clock.steady() >= found->second->until) {
            ++shard.misses;
            shard.order.erase(found->second);
            shard.index.erase(found);
            return nullptr;
        }
        shard.order.splice(shard.order.begin(), shard.order, found->second);
        ++shard.hits;
        return found->second->user;
    }

    /// Keeps what was read, unless something in this shard changed since `ticket` was given: the reading may be old.
    void put(std::shared_ptr<const User> user, std::uint64_t ticket)
    {
        auto &shard = shardOf(user->id);
        const std::lock_guard lock(shard.mutex);
        if (shard.changes != ticket)
            return;
        const Id id = user->id;
        Entry entry{std::move(user), m_clock.steady() + m_life};
        if (const auto found = shard.index.find(id); found != shard.index.end()) {
            *found->second = std::move(entry);
            return;
        }
        shard.order.push_front(std::move(entry));
        shard.index.emplace(id, shard.order.begin());
        if (shard.order.size() > m_bound) {
            shard.index.erase(shard.order.back().user->id);
            shard.order.pop_back();
        }
    }

    void forget(Id id)
    {
        auto &shard = shardOf(id);
        const std::lock_guard lock(shard.mutex);
        ++shard.changes;
        if (const auto found = shard.index.find(id); found != shard.index.end()) {
            shard.order.erase(found->second);
            shard.index.erase(found);
        }
    }

    struct Counts
    {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
    };
    Counts counts() const ///< since the start
    {
        Counts all;
        for (const auto &shard : m_shards) {
            const std::lock_guard lock(shard.mutex);
            all.hits += shard.hits;
            all.misses += shard.misses;
        }
        return all;
    }

    std::size_t size() const
    {
        std::size_t all = 0;
        for (const auto &shard : m_shards) {
            const std::lock_guard lock(shard.mutex);
            all += shard.order.size();
        }
        return all;
    }

private:
    static constexpr std::size_t shards = 16;
    struct Entry
    {
        std::shared_ptr<const User> user;
        SteadyTime until;
    };
    struct alignas(64) Shard
    {
        mutable std::mutex mutex;
        std::list<Entry> order; ///< most recently used first
        std::unordered_map<Id, std::list<Entry>::iterator> index;
        std::uint64_t changes = 0;
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
    };

    /// Ids made in one burst differ in their low bits only, so these are mixed in from the top (Fibonacci hashing).
    Shard &shardOf(Id id) { return m_shards[(id * 0x9E3779B97F4A7C15ull) >> 60]; }

    const Clock &m_clock;
    const std::size_t m_bound;
    const std::chrono::milliseconds m_life;
    std::array<Shard, shards> m_shards;
};

} // namespace portolan::storage
