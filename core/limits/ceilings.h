// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/redis/reply.h"
#include "core/redis/script.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::limits {

/// How many of a kind may be under way at once in the whole deployment: analyses, uploads, automation runs.
///
/// A place is a lease in a sorted set (`l:c<name>`, member: the holder's name, a task id; score: when it runs out by
/// Redis' clock). It is short at first: whoever takes it makes it long in one step with the work it is for
/// (queue::Broker::enqueue with a Place), so of a start that fails half-way nothing stays held. What holds a place is
/// judged by its stored result: as soon as that says that the task has ended, whoever ran it, the place is free; and of
/// a task that has none and is left nowhere (its queue was purged) a minute or two later. Places
/// given back while Redis is away are remembered, and given back again until Redis has said so. While Redis is away
/// places are counted in this process.
class Ceilings final
{
public:
    struct Options
    {
        std::chrono::milliseconds lease{std::chrono::minutes(20)}; ///< above the tier's task time limit
        /// Of a place whose work has not begun: above the time a start may take.
        std::chrono::milliseconds startLease{std::chrono::seconds(15)};
        /// What the key of a holder's result begins with, as Celery stores it. Empty: nobody tells how holders fare.
        std::string resultPrefix{};
        /// Which of these holders are left nowhere, as after a purge of their queue: their places are free when that
        /// has been so for `goneAfter`. Empty: nobody tells. Asked by settle(), rarely.
        using Gone = std::function<awaitable<Result<std::vector<std::string>>>(std::vector<std::string> holders)>;
        Gone gone{};
        std::chrono::milliseconds goneAfter{std::chrono::seconds(60)};
    };

    Ceilings(redis::Client &client, const Clock &clock, Options options);
    Ceilings(redis::Client &client, const Clock &clock) : Ceilings(client, clock, Options{}) {}

    /// Takes a place among `most` (0: no ceiling, always succeeds without asking) for `holder`, for example a task id,
    /// for `startLease`. A holder that has a place already keeps it.
    /// RateLimited, code `concurrency`: none is free; `retryAfter` says when to ask again. Full: Redis has no room.
    awaitable<Result<void>> acquire(std::string name, std::string holder, std::uint32_t most);
    /// The work goes on: the lease begins anew, in its full length. Nothing if the holder has no place.
    awaitable<void> renew(std::string name, std::string holder);
    /// The place that acquire() gave while Redis was away is one of Redis' now.
    void handedOver(std::string_view name, const std::string &holder);
    /// Gives it back; fine if there is none. Where Redis cannot be told now it is told later: by settle().
    awaitable<Result<void>> release(std::string name, std::string holder);
    /// Places taken, those of ended tasks given free.
    awaitable<Result<std::uint32_t>> taken(std::string name);
    /// Tells Redis what it could not be told, and frees the places of ended tasks; every few seconds, never twice at
    /// once. Asks nothing of Redis while this process knows of no place.
    awaitable<void> settle();

    std::string keyOf(std::string_view name) const; ///< for queue::Place
    std::chrono::milliseconds lease() const { return m_options.lease; }

    const redis::Script &script() const { return m_acquire; } ///< for Client::preload()

private:
    awaitable<Result<redis::Reply>> call(std::string what, const std::string &name, std::string holder,
                                         std::uint32_t most, std::chrono::milliseconds lease);
    awaitable<void> giveBackOwed();
    awaitable<void> freeGone(const std::string &name);
    Result<void> acquireHere(const std::string &name, const std::string &holder, std::uint32_t most);

    redis::Client &m_client;
    const Clock &m_clock;
    const Options m_options;
    redis::Script m_acquire;
    std::mutex m_mutex;
    std::map<std::string, std::map<std::string, SteadyTime>, std::less<>> m_here; ///< name → holder → until
    std::set<std::pair<std::string, std::string>> m_owed; ///< name, holder: given back, and Redis does not know
    std::map<std::string, SteadyTime> m_goneSince;        ///< holders that are left nowhere; of settle() alone
    SteadyTime m_nextGone{};                              ///< when settle() asks again
    std::set<std::string, std::less<>> m_used;            ///< names under which there may be places
};

} // namespace portolan::limits
