// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/ceilings.h"

#include "core/base/ids.h"
#include "core/limits/keys.h"
#include "core/limits/scripts.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"

#include <algorithm>
#include <array>
#include <vector>

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

constexpr std::size_t owedMost = 1000;

bool isAway(ErrorKind kind) { return kind == ErrorKind::Unavailable || kind == ErrorKind::Timeout; }

} // namespace

Ceilings::Ceilings(redis::Client &client, const Clock &clock, Options options)
    : m_client(client),
      m_clock(clock),
      m_options(std::move(options)),
      m_acquire("ceiling", scriptSource("result_state.lua") + scriptSource("ceiling.lua"))
{}

std::string Ceilings::keyOf(std::string_view name) const { return keys::ceiling(name); }

/// One call of ceiling.lua.
awaitable<Result<redis::Reply>> Ceilings::call(std::string what, const std::string &name, std::string holder,
                                               std::uint32_t most, std::chrono::milliseconds lease)
{
    const std::string key = keys::ceiling(name);
    const std::string mostText = std::to_string(most);
    const std::string leaseText = std::to_string(lease.count());
    const std::string longest = std::to_string(std::max(m_options.lease, m_options.startLease).count());
    const std::array<std::string_view, 1> keyList{key};
    const std::array<std::string_view, 6> arguments{what, holder, mostText, leaseText, longest, m_options.resultPrefix};
    co_return co_await m_client.eval(m_acquire, keyList, arguments);
}

awaitable<Result<void>> Ceilings::acquire(std::string name, std::string holder, std::uint32_t most)
{
    if (most == 0)
        co_return Result<void>();
    co_await giveBackOwed();
    const auto lease = std::min(m_options.lease, m_options.startLease);
    const auto reply = co_await call("take", name, holder, most, lease);
    if (reply) {
        const std::lock_guard lock(m_mutex);
        m_used.insert(name);
    }
    if (reply && reply->integer == 0)
        co_return Result<void>();
    if (reply)
        co_return noPlace(name, most, std::chrono::milliseconds(reply->integer));
    if (isAway(reply.error().kind))
        co_return acquireHere(name, holder, most);
    co_return redis::unavailable(reply.error());
}

awaitable<void> Ceilings::renew(std::string name, std::string holder)
{
    co_await call("renew", name, std::move(holder), 0, m_options.lease);
}

void Ceilings::handedOver(std::string_view name, const std::string &holder)
{
    const std::lock_guard lock(m_mutex);
    if (const auto here = m_here.find(name); here != m_here.end())
        here->second.erase(holder);
    m_used.emplace(name);
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
    if (reply)
        co_return Result<void>();
    // Also after other errors: a Redis that takes no writes now does so later.
    {
        const std::lock_guard lock(m_mutex);
        if (m_owed.size() < owedMost) // beyond that they run out by themselves
            m_owed.emplace(std::move(name), std::move(holder));
    }
    if (!isAway(reply.error().kind))
        co_return reply.error();
    co_return Result<void>();
}

awaitable<void> Ceilings::giveBackOwed()
{
    std::set<std::pair<std::string, std::string>> owed;
    {
        const std::lock_guard lock(m_mutex);
        owed.swap(m_owed);
    }
    if (owed.empty())
        co_return;
    redis::Command command;
    for (const auto &[name, holder] : owed)
        command.add("ZREM", keys::ceiling(name), holder);
    const auto replies = co_await m_client.pipeline(std::move(command));
    const std::lock_guard lock(m_mutex);
    std::size_t at = 0;
    for (const auto &one : owed) {
        const bool told = replies && at < replies->size() && !(*replies)[at].isError();
        ++at;
        if (!told)
            m_owed.insert(one);
    }
}

awaitable<Result<std::uint32_t>> Ceilings::taken(std::string name)
{
    const auto reply = co_await call("look", name, {}, 0, std::chrono::milliseconds(0));
    if (!reply)
        co_return reply.error();
    co_return static_cast<std::uint32_t>(reply->integer);
}

awaitable<void> Ceilings::settle()
{
    co_await giveBackOwed();
    std::vector<std::string> names;
    {
        const std::lock_guard lock(m_mutex);
        names.assign(m_used.begin(), m_used.end());
    }
    const bool asksGone = m_options.gone && m_clock.steady() >= m_nextGone;
    if (asksGone)
        m_nextGone = m_clock.steady() + m_options.goneAfter / 2;
    for (const std::string &name : names) {
        {
            const std::lock_guard lock(m_mutex); // first: what is taken from now on is looked at next time
            m_used.erase(name);
        }
        if (asksGone)
            co_await freeGone(name);
        const auto left = co_await taken(name);
        const std::lock_guard lock(m_mutex);
        if (!left || *left > 0)
            m_used.insert(name);
    }
}

/// A hundred at a time: those whose leases run out next, so that all come to it.
awaitable<void> Ceilings::freeGone(const std::string &name)
{
    const std::string key = keys::ceiling(name);
    redis::Command command("ZRANGE", key, 0, 99);
    const auto held = co_await m_client.run(std::move(command));
    if (!held || held->elements.empty())
        co_return;
    std::vector<std::string> holders;
    for (const auto &item : held->elements)
        holders.push_back(item.text);
    const auto gone = co_await m_options.gone(holders);
    if (!gone)
        co_return;
    const auto now = m_clock.steady();
    std::map<std::string, SteadyTime> since;
    std::vector<std::string> free;
    for (const std::string &holder : *gone) {
        const auto known = m_goneSince.find(holder);
        const auto first = known == m_goneSince.end() ? now : known->second;
        if (known != m_goneSince.end() && now - first >= m_options.goneAfter)
            free.push_back(holder);
        else
            since.emplace(holder, first);
    }
    for (const std::string &holder : holders)
        m_goneSince.erase(holder);
    m_goneSince.merge(since);
    if (m_goneSince.size() > owedMost)
        m_goneSince.clear(); // of those whose leases have run out meanwhile
    if (free.empty())
        co_return;
    redis::Command give;
    give.begin(2 + free.size()).argument("ZREM").argument(key);
    for (const std::string &holder : free)
        give.argument(holder);
    co_await m_client.run(std::move(give));
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
    places[holder] = now + std::min(m_options.lease, m_options.startLease);
    return {};
}

} // namespace portolan::limits
