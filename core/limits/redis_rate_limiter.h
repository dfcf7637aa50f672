#pragma once

#include "core/limits/rate_limiter.h"
#include "core/redis/client.h"
#include "core/redis/script.h"

#include <functional>
#include <string>

namespace portolan::limits {

/// Lua that counts windows (resources/scripts/windows.lua), to put in front of a script that uses it.
std::string windowsLua();

/// Windows in Redis, shared by all instances: one round trip, one script, at most four checks. The time is Redis' own
/// (TIME inside the script), since the clocks of several instances differ.
/// Errors as redis::Client has them.
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
