// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/limits/decision.h"
#include "core/limits/packing.h"
#include "core/limits/redis_windows.h"
#include "core/redis/client.h"
#include "core/redis/script.h"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

namespace portolan::limits {

/// Counts in windows, wherever they are kept.
class RateLimiter
{
public:
    virtual ~RateLimiter() = default;
    virtual awaitable<Result<Decision>> hit(std::span<const Check> checks) = 0;
};

/// windows.lua with the least around it that counts requests: what the portal's admission does with them and nothing
/// else, so that a test can say by which clock.
class RedisRateLimiter final : public RateLimiter
{
public:
    /// `testTime`: what time it is in Redis' stead.
    explicit RedisRateLimiter(redis::Client &client, const Clock *testTime = nullptr)
        : m_client(client), m_testTime(testTime), m_script("rate_limit", windowsLua() + lua)
    {}

    awaitable<Result<Decision>> hit(std::span<const Check> checks) override
    {
        std::array<Check, maxChecks> limited;
        std::array<std::string_view, maxChecks> keys;
        std::size_t count = 0;
        for (const auto &check : checks) {
            if (check.spec->empty())
                continue;
            if (count == maxChecks)
                throw std::logic_error("more than four checks of one request");
            limited[count] = check;
            keys[count++] = check.key;
        }
        if (count == 0)
            co_return Decision{};
        const std::string text = request({limited.data(), count}, m_testTime);
        const std::array<std::string_view, 1> arguments{text};
        const auto reply = co_await m_client.eval(m_script, {keys.data(), count}, arguments);
        if (!reply)
            co_return reply.error();
        co_return decisionOf(reply->text);
    }

    const redis::Script &script() const { return m_script; } ///< for Client::preload()

private:
    static constexpr std::size_t maxChecks = 4;
    static constexpr std::size_t replyBytes = 1 + 4 + 4 + 5 + 5;
    static constexpr const char *lua = R"lua(
-- Counts one request in the windows of several callers (a user and an address), as one step: in all or in none.
-- windows.lua comes before this.
--
-- KEYS  one for each check; the same one may come twice
-- ARGV  u48 time (0: ask the clock), u8 checks, per check u8 tag, u8 fixed, u8 moving; then the windows of all
-- Reply u8 0 counted, 1 refused, 4 Redis takes no writes, nothing was counted; u32 count, u32 left, u40 reset of the tightest
--       window; u40 time

local request = ARGV[1]
local test, checks = unpack('<I6B', request)
local now = clock(test)
local left, count, reset = nil, 0, 0
local values, lives = {}, {}
local at = 8 + 3 * checks
for i = 1, checks do
    local tag, fixed, rolling = unpack('BBB', request, 5 + 3 * i)
    local key = KEYS[i]
    local l, c, r, written, life =
        windows(values[key] or redis.call('GET', key), tag, request, at, fixed, rolling, now)
    if not left or l < left or (l == left and r > reset) then
        left, count, reset = l, c, r
    end
    values[key], lives[key] = written, life or lives[key]
    at = at + 11 * (fixed + rolling)
    if l < 0 then
        break
    end
end
if left < 0 then
    return pack('<BI4I4I5I5', 1, count, 0, reset, now)
end
local status = 0
for key, value in pairs(values) do
    if not keep(key, value, lives[key]) then
        status = 4
    end
end
return pack('<BI4I4I5I5', status, count, left, reset, now)
)lua";

    static std::string request(std::span<const Check> checks, const Clock *testTime)
    {
        std::string text;
        put(text, testTimeOf(testTime), 6);
        put(text, checks.size(), 1);
        for (const auto &check : checks) {
            put(text, tagOf(check.category, check.additional), 1);
            put(text, check.spec->fixed(), 1);
            put(text, check.spec->moving(), 1);
        }
        for (const auto &check : checks)
            text.append(check.spec->packed());
        return text;
    }

    static Result<Decision> decisionOf(std::string_view reply)
    {
        if (reply.size() != replyBytes)
            return failure(ErrorKind::Protocol, "Redis answered the rate limit script with something else.");
        Decision decision;
        const auto status = take(reply, 1);
        if (status == 4)
            return Error{ErrorKind::Full,
                         "redis-full",
                         "Redis takes no writes: the request could not be counted.",
                         "Free memory in Redis or raise maxmemory; see whether it can save to its disk.",
                         {},
                         std::chrono::seconds{0}};
        decision.allowed = status == 0;
        decision.limited = true;
        decision.limit = static_cast<std::uint32_t>(take(reply, 4));
        decision.remaining = static_cast<std::uint32_t>(take(reply, 4));
        decision.reset = timeOfScript(take(reply, 5));
        decision.now = timeOfScript(take(reply, 5));
        return decision;
    }

    redis::Client &m_client;
    const Clock *m_testTime;
    redis::Script m_script;
};

} // namespace portolan::limits
