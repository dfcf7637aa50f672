// SPDX-License-Identifier: GPL-3.0-or-later
// How the client notices that Redis is slow or stuck: one timer looks at the deadlines of all calls.

#include "core/redis/client_impl.h"
#include "core/redis/errors.h"

#include <algorithm>

namespace portolan::redis {

namespace {

/// How often deadlines are looked at; a call may overstay its own by this much.
constexpr std::chrono::milliseconds tickInterval{20};

Error timedOut()
{
    return Error{ErrorKind::Timeout,
                 "redis-timeout",
                 "Redis did not answer in time.",
                 "Look whether Redis is overloaded or stuck.",
                 {},
                 std::chrono::seconds{1}};
}

} // namespace

void Client::Impl::startTicking()
{
    if (std::exchange(m_ticking, true))
        return;
    m_tick.expires_after(tickInterval);
    m_tick.async_wait([self = shared_from_this()](const error_code &cancelled) {
        self->m_ticking = false;
        if (!cancelled)
            self->tick();
    });
}

void Client::Impl::tick()
{
    const auto now = std::chrono::steady_clock::now();
    Completions completions;
    const auto link = m_link;
    if (link) {
        expire(*link, now, completions);
        const auto silent = now - link->progress;
        if (!link->inFlight.empty() && !link->suspect && silent > m_options.commandTimeout)
            suspect(true);
        if (!link->inFlight.empty() && silent > m_options.stuckTimeout)
            link->wire.close(); // run() sees the end and connects anew
    }
    expireQueued(now, completions);
    bool more = link && !link->inFlight.empty();
    {
        const std::lock_guard lock(m_mutex);
        more = !m_stopped && (more || !m_queued.empty() || !m_waiters.empty());
    }
    if (more)
        startTicking();
    finish(completions);
}

void Client::Impl::expire(Link &link, SteadyTime now, Completions &completions)
{
    if (now < link.earliest)
        return;
    link.earliest = SteadyTime::max();
    for (auto &slot : link.inFlight) {
        if (!slot.call)
            continue;
        if (slot.deadline > now) {
            link.earliest = std::min(link.earliest, slot.deadline);
            continue;
        }
        m_timeouts.fetch_add(std::max(slot.parts, 1u), std::memory_order_relaxed);
        completions.fail(std::exchange(slot.call, nullptr), timedOut());
    }
}

void Client::Impl::expireQueued(SteadyTime now, Completions &completions)
{
    const std::lock_guard lock(m_mutex);
    sealGathered();
    for (auto &slot : m_queued) {
        if (!slot.call || slot.deadline > now)
            continue;
        m_timeouts.fetch_add(std::max(slot.parts, 1u), std::memory_order_relaxed);
        completions.fail(std::exchange(slot.call, nullptr), timedOut());
    }
    const auto late =
        std::partition(m_waiters.begin(), m_waiters.end(), [now](const Slot &waiter) { return waiter.deadline > now; });
    for (auto waiter = late; waiter != m_waiters.end(); ++waiter)
        completions.fail(waiter->call, m_problem ? *m_problem : away(m_endpoint, "still connecting", false));
    m_waiters.erase(late, m_waiters.end());
}

} // namespace portolan::redis
