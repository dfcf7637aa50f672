// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/result.h"
#include "core/api/snapshot.h"
#include "core/base/asio.h"
#include "core/monitor/cleanup.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::monitor {

class Sampler;

/// A change an operator made here, for the audit log.
struct AuditNote
{
    Principal principal;
    std::string reason;  ///< as given, cut to 500 bytes; may be empty
    std::string action;  ///< "redis.client.close", "redis.cleanup"
    std::string subject; ///< "client:42", "family:results"
    std::string detail;
    std::optional<Error> error; ///< nothing when it was done
};
/// Called on an I/O thread, once per change, also for one that failed. Must not fail.
using AuditSink = std::function<awaitable<void>(AuditNote)>;

/// The one place that executes what operators do to Redis; each change writes one audit entry, done or failed, a
/// preview none. The HTTP routes and the console call it alike. Coroutines resume on the caller's executor; any thread
/// once connect() was called. Redis' errors pass through beside those named.
class RedisAdmin final
{
public:
    static constexpr std::size_t mostClosed = 1000; ///< connections in one call

    /// `redis` outlives it and may be null: then there is nothing to close or clean up. `audit` may be empty.
    RedisAdmin(redis::Client *redis, AuditSink audit);

    /// Where the list of clients comes from, and what cleans up. Before the first call; both outlive the calls.
    void connect(const Sampler &sampler, Cleanup *cleanup);

    /// Every connection of the last CLIENT LIST, oldest first; null before the first.
    std::shared_ptr<const std::vector<ClientInfo>> clients() const;

    /// Ends connections, all in one round trip; answers how many there were to end. Redis skips the one this comes
    /// over. NotFound: none of them exists any more. Invalid: not 1 to `mostClosed` ids. Unsupported: no Redis.
    awaitable<Result<std::size_t>> closeClients(Actor actor, std::vector<std::uint64_t> ids);

    /// Begins a cleanup or its preview; errors of Cleanup::start(), Unsupported: no Redis, Forbidden: sessions and
    /// limits are deleted by administrators only (cleanupRole()); to see what that would delete is every operator's.
    /// The entry of a cleanup is written when it ends, also when that is long after this has answered.
    awaitable<Result<CleanupStatus>> cleanUp(Actor actor, CleanupRequest request);

    /// That cleanup once it is over, or as it stands after `most`; the last one known when another has begun since.
    awaitable<CleanupStatus> settled(CleanupStatus started, std::chrono::milliseconds most) const;

    std::optional<CleanupStatus> cleanupStatus() const; ///< under way or the last one
    /// Of this id, or whichever is under way; NotFound when it is not. As Cleanup::cancel().
    Result<void> cancelCleanup(std::string_view id = {});

private:
    std::string describe(const std::vector<std::uint64_t> &ids) const;
    awaitable<Result<std::size_t>> kill(const std::vector<std::uint64_t> &ids);

    redis::Client *const m_redis;
    const AuditSink m_audit;
    const Sampler *m_sampler = nullptr;
    Cleanup *m_cleanup = nullptr;
};

} // namespace portolan::monitor
