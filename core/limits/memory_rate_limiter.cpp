// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/limits/memory_rate_limiter.h"

#include "core/limits/redis_windows.h"

#include <algorithm>

namespace portolan::limits {

namespace {

/// As in windows.lua: what begins later than this from now on is of a clock that was ahead, and counts for nothing.
constexpr std::int64_t clockSlack = 1000;

std::int64_t lengthOf(const Window &window) { return window.length().count(); }

WallTime wallOf(std::int64_t milliseconds) { return WallTime(std::chrono::milliseconds(milliseconds)); }

} // namespace

MemoryRateLimiter::MemoryRateLimiter(const Clock &clock, std::size_t keys)
    : m_clock(clock), m_bound(std::max<std::size_t>(4, keys))
{}

Decision MemoryRateLimiter::count(std::span<const Check> checks)
{
    const std::lock_guard lock(m_mutex);
    const std::int64_t now = std::chrono::floor<std::chrono::milliseconds>(m_clock.wall()).time_since_epoch().count();
    Decision decision;
    decision.now = wallOf(now);
    Room tightest;
    for (const auto &check : checks) {
        if (check.spec->empty())
            continue;
        auto &who = caller(check.key);
        for (const auto &window : check.spec->windows()) {
            const auto tag = tagOf(check.category, check.additional);
            const Room room = look(counterOf(who, tag, WindowSpec::idOf(window)), window, now);
            if (!decision.limited || room.left < tightest.left ||
                (room.left == tightest.left && room.reset > tightest.reset))
                tightest = room;
            decision.limited = true;
        }
    }
    if (!decision.limited)
        return decision;
    decision.allowed = tightest.left >= 0;
    decision.limit = tightest.count;
    decision.remaining = static_cast<std::uint32_t>(std::max<std::int64_t>(0, tightest.left));
    decision.reset = wallOf(tightest.reset);
    if (decision.allowed)
        for (const auto &check : checks)
            for (const auto &window : check.spec->windows())
                use(counterOf(caller(check.key), tagOf(check.category, check.additional), WindowSpec::idOf(window)),
                    window, now);
    return decision;
}

void MemoryRateLimiter::giveBack(std::span<const Check> checks, WallTime at)
{
    const std::lock_guard lock(m_mutex);
    const std::int64_t then = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
    for (const auto &check : checks)
        for (const auto &window : check.spec->windows())
            unuse(counterOf(caller(check.key), tagOf(check.category, check.additional), WindowSpec::idOf(window)),
                  window, then);
}

std::size_t MemoryRateLimiter::size() const
{
    const std::lock_guard lock(m_mutex);
    return m_order.size();
}

MemoryRateLimiter::Caller &MemoryRateLimiter::caller(std::string_view key)
{
    if (const auto found = m_index.find(key); found != m_index.end()) {
        m_order.splice(m_order.begin(), m_order, found->second);
        return m_order.front();
    }
    // The bound is above the number of checks of one request, so none of those goes while it is being looked at.
    if (m_order.size() >= m_bound) {
        m_index.erase(m_order.back().key);
        m_order.pop_back();
    }
    m_order.push_front(Caller{std::string(key)});
    m_index.emplace(m_order.front().key, m_order.begin());
    return m_order.front();
}

MemoryRateLimiter::Counter &MemoryRateLimiter::counterOf(Caller &caller, std::uint8_t tag, std::uint16_t id)
{
    const auto found = std::ranges::find_if(
        caller.counters, [&](const Counter &counter) { return counter.tag == tag && counter.id == id; });
    if (found != caller.counters.end())
        return *found;
    // Live changes of limits leave counters behind; what has most likely run out goes first.
    constexpr std::size_t most = 2 * maxWindows * 8;
    if (caller.counters.size() >= most)
        caller.counters.erase(caller.counters.begin());
    return caller.counters.emplace_back(Counter{tag, id});
}

MemoryRateLimiter::Room MemoryRateLimiter::look(Counter &counter, const Window &window, std::int64_t now)
{
    const std::int64_t length = lengthOf(window);
    const auto leftOf = [&] {
        return counter.used < window.count ? std::int64_t{window.count} - counter.used - 1 : std::int64_t{-1};
    };
    if (!window.moving) {
        if (counter.reset <= now || counter.reset > now + length + clockSlack)
            counter.used = 0;
        return {leftOf(), window.count, counter.used == 0 ? now + length : std::min(counter.reset, now + length)};
    }
    auto &entries = counter.entries;
    while (!entries.empty() && entries.back().at > now + clockSlack) {
        counter.used -= entries.back().count;
        entries.pop_back();
    }
    const auto first = std::ranges::find_if(entries, [&](const Entry &entry) { return entry.at + length > now; });
    for (auto entry = entries.begin(); entry != first; ++entry)
        counter.used -= entry->count;
    entries.erase(entries.begin(), first);
    std::int64_t reset = (entries.empty() ? now : std::min(now, entries.front().at)) + length;
    // Refused: when so many have left that there is room.
    std::int64_t over = counter.used;
    for (auto entry = entries.begin(); entry != entries.end() && over >= window.count; ++entry) {
        over -= entry->count;
        reset = std::min(now, entry->at) + length;
    }
    return {leftOf(), window.count, reset};
}

void MemoryRateLimiter::use(Counter &counter, const Window &window, std::int64_t now)
{
    const std::int64_t length = lengthOf(window);
    if (!window.moving) {
        if (counter.used == 0)
            counter.reset = now + length;
        ++counter.used;
        return;
    }
    ++counter.used;
    auto &entries = counter.entries;
    const std::int64_t at = entries.empty() ? now : std::max(now, entries.back().at);
    // Integers as good as the script's fractions: at / (length / 256) is at * 256 / length.
    const bool same =
        !entries.empty() && window.count > exactMovingEntries && entries.back().at * 256 / length == at * 256 / length;
    if (same) {
        entries.back().at = at;
        ++entries.back().count;
    } else {
        entries.push_back({at, 1});
    }
}

void MemoryRateLimiter::unuse(Counter &counter, const Window &window, std::int64_t at)
{
    if (counter.used == 0)
        return;
    if (!window.moving) {
        if (counter.reset - lengthOf(window) <= at) // else it has begun anew since
            --counter.used;
        return;
    }
    // Where requests share an entry it has the time of the last of them, at most a 256th of the window later.
    const auto entry = std::ranges::find_if(
        counter.entries, [&](const Entry &each) { return each.at >= at && each.at <= at + lengthOf(window) / 256; });
    if (entry == counter.entries.end())
        return;
    --counter.used;
    if (--entry->count == 0)
        counter.entries.erase(entry);
}

} // namespace portolan::limits
