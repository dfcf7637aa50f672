// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/limits/rate_limiter.h"
#include "core/redis/script.h"

namespace portolan::redis {
class Client;
}

namespace portolan::limits {

/// Windows in Redis, shared by all instances: one round trip, one script, at most four checks. The time is Redis' own
/// (TIME inside the script), since the clocks of several instances differ.
/// Errors as redis::Client has them; Full (`redis-full`): Redis has no room, nothing was counted.
class RedisRateLimiter final : public RateLimiter
{
public:
    /// `testTime`: tests may say what time it is in Redis' stead.
    explicit RedisRateLimiter(redis::Client &client, const Clock *testTime = nullptr);
    awaitable<Result<Decision>> hit(std::span<const Check> checks) override;

    const redis::Script &script() const { return m_script; } ///< for Client::preload()

private:
    redis::Client &m_client;
    const Clock *m_testTime;
    redis::Script m_script;
};

} // namespace portolan::limits
