#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/redis/script.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace portolan::redis {
class Client;
}

namespace portolan::limits {

/// How many of a kind may be under way at once in the whole deployment: analyses, uploads, automation runs.
///
/// A place is a lease in a sorted set (`l:c<name>`, member: the holder's name, score: when it runs out by Redis'
/// clock). A holder that crashes frees its place when the lease runs out; one that lives on renews it. While Redis is
/// away places are counted in this process.
class Ceilings final
{
public:
    struct Options
    {
        std::chrono::milliseconds lease{std::chrono::minutes(20)}; ///< above the tier's task time limit
    };

    Ceilings(redis::Client &client, const Clock &clock, Options options);
    Ceilings(redis::Client &client, const Clock &clock) : Ceilings(client, clock, Options{}) {}

    /// Takes a place among `most` (0: no ceiling, always succeeds without asking) for `holder`, for example a task id.
    /// A holder that has a place already keeps it and renews the lease.
    /// RateLimited, code `concurrency`: none is free; `retryAfter` says when to ask again. Full: Redis has no room.
    awaitable<Result<void>> acquire(std::string name, std::string holder, std::uint32_t most);
    /// Gives it back; fine if there is none.
    awaitable<Result<void>> release(std::string name, std::string holder);
    /// Places taken.
    awaitable<Result<std::uint32_t>> taken(std::string name);

    const redis::Script &script() const { return m_acquire; } ///< for Client::preload()

private:
    Result<void> acquireHere(const std::string &name, const std::string &holder, std::uint32_t most);

    redis::Client &m_client;
    const Clock &m_clock;
    const Options m_options;
    redis::Script m_acquire;
    std::mutex m_mutex;
    std::map<std::string, std::map<std::string, SteadyTime>, std::less<>> m_here; ///< name → holder → until
};

} // namespace portolan::limits
