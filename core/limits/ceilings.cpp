#include "core/limits/ceilings.h"

#include "core/base/ids.h"
#include "core/limits/keys.h"
#include "core/limits/scripts.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>

namespace portolan::limits {

namespace {

Error noPlace(const std::string &name, std::uint32_t most, std::chrono::milliseconds next)
{
    Error error = failure(ErrorKind::RateLimited,
                          "All " + std::to_string(most) + " places for " + name + " of this deployment are taken.",
                          "Try again when one has ended.");
    error.code = "concurrency";
    // A place usually is given back long before its lease runs out.
    error.retryAfter =
        std::clamp(std::chrono::ceil<std::chrono::seconds>(next), std::chrono::seconds(1), std::chrono::seconds(30));
    return error;
}

bool isAway(ErrorKind kind) { return kind == ErrorKind::Unavailable || kind == ErrorKind::Timeout; }

} // namespace

Ceilings::Ceilings(redis::Client &client, const Clock &clock, Options options)
    : m_client(client), m_clock(clock), m_options(options), m_acquire("ceiling", scriptSource("ceiling.lua"))
{}

awaitable<Result<void>> Ceilings::acquire(std::string name, std::string holder, std::uint32_t most)
{
    if (most == 0)
        co_return Result<void>();
    const std::string key = keys::ceiling(name);
    const std::string mostText = std::to_string(most);
    const std::string lease = std::to_string(m_options.lease.count());
    const std::array<std::string_view, 1> keyList{key};
    const std::array<std::string_view, 3> arguments{holder, mostText, lease};
    const auto reply = co_await m_client.eval(m_acquire, keyList, arguments);
    if (reply && reply->integer == 0)
        co_return Result<void>();
    if (reply)
        co_return noPlace(name, most, std::chrono::milliseconds(reply->integer));
    if (isAway(reply.error().kind))
        co_return acquireHere(name, holder, most);
    co_return reply.error();
}

awaitable<Result<void>> Ceilings::release(std::string name, std::string holder)
{
    {
        const std::lock_guard lock(m_mutex);
        if (const auto here = m_here.find(name); here != m_here.end())
            here->second.erase(holder);
    }
    redis::Command command("ZREM", keys::ceiling(name), holder);
    const auto reply = co_await m_client.run(std::move(command));
    // One that Redis cannot be told about runs out by itself.
    if (!reply && !isAway(reply.error().kind))
        co_return reply.error();
    co_return Result<void>();
}

awaitable<Result<std::uint32_t>> Ceilings::taken(std::string name)
{
    redis::Command time("TIME");
    const auto now = co_await m_client.run(std::move(time));
    if (!now)
        co_return now.error();
    if (now->elements.size() != 2)
        co_return failure(ErrorKind::Protocol, "Redis answered TIME with something else.");
    const std::int64_t milliseconds =
        std::stoll(now->elements[0].text) * 1000 + std::stoll(now->elements[1].text) / 1000;
    redis::Command count("ZCOUNT", keys::ceiling(name), std::to_string(milliseconds), "+inf");
    const auto reply = co_await m_client.run(std::move(count));
    if (!reply)
        co_return reply.error();
    co_return static_cast<std::uint32_t>(reply->integer);
}

Result<void> Ceilings::acquireHere(const std::string &name, const std::string &holder, std::uint32_t most)
{
    const std::lock_guard lock(m_mutex);
    auto &places = m_here[name];
    const auto now = m_clock.steady();
    std::erase_if(places, [&](const auto &place) { return place.second <= now; });
    if (!places.contains(holder) && places.size() >= most) {
        const auto next = std::ranges::min_element(places, {}, [](const auto &place) { return place.second; });
        return noPlace(name, most, std::chrono::ceil<std::chrono::milliseconds>(next->second - now));
    }
    places[holder] = now + m_options.lease;
    return {};
}

} // namespace portolan::limits
