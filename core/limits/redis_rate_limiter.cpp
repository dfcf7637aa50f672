// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/redis_rate_limiter.h"

#include "core/base/embedded_file.h"
#include "core/limits/packing.h"
#include "core/limits/redis_windows.h"
#include "core/limits/scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace portolan::limits {

namespace {

constexpr std::size_t maxChecks = 4;
constexpr std::size_t replyBytes = 1 + 4 + 4 + 5 + 5;
constexpr std::chrono::sys_seconds epoch{std::chrono::seconds{1'577'836'800}};

std::string request(std::span<const Check> checks, const Clock *testTime)
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

Result<Decision> decisionOf(std::string_view reply)
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

} // namespace

std::string windowsLua() { return scriptSource("windows.lua"); }

std::string scriptSource(std::string_view name)
{
    const auto *file = findEmbedded(scripts::embeddedFiles(), name);
    if (!file)
        throw std::logic_error("no script " + std::string(name));
    return std::string(file->text);
}

std::uint8_t tagOf(Category category, bool additional)
{
    return static_cast<std::uint8_t>(static_cast<unsigned>(category) + (additional ? 32 : 0));
}

WallTime timeOfScript(std::uint64_t milliseconds) { return epoch + std::chrono::milliseconds(milliseconds); }

std::uint64_t testTimeOf(const Clock *clock)
{
    if (!clock)
        return 0;
    return static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(clock->wall()).time_since_epoch().count());
}

RedisRateLimiter::RedisRateLimiter(redis::Client &client, const Clock *testTime)
    : m_client(client), m_testTime(testTime), m_script("rate_limit", windowsLua() + scriptSource("rate_limit.lua"))
{}

awaitable<Result<Decision>> RedisRateLimiter::hit(std::span<const Check> checks)
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

} // namespace portolan::limits
