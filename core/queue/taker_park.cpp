// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks that are not due for long. Celery's clients put them into the queue at once, and whoever takes them holds them
// until their time. Beyond a bound the latest go back to Redis, out of the queue's lists (keys::parked), so that what
// is due always finds room; whichever worker has room puts them back into their lists shortly before they are due. They
// survive whatever their worker does not.

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/taker.h"
#include "core/redis/client.h"

#include <algorithm>
#include <array>

namespace portolan::queue {

namespace {

constexpr std::size_t parkBatch = 500;
constexpr auto parkWorth = 2 * Lease::parkedAhead; ///< what is due before would be back at once
constexpr auto tellEvery = std::chrono::minutes(10);
constexpr auto refusedPause = std::chrono::seconds(1);
constexpr std::string_view unparkBatch = "500";
constexpr auto unparkAtOnce = std::chrono::milliseconds(500); ///< then the lease is renewed first
constexpr auto deadline = std::chrono::milliseconds(2000);

enum Answer : std::int64_t { Stays, Parked, NotOurs };

} // namespace

std::vector<std::pair<WallTime, Delivery>> Taker::takeLatest()
{
    std::vector<std::pair<WallTime, Delivery>> latest;
    const Held::Lock lock(m_held.mutex);
    if (m_worker.clock.steady() < m_parkAgain)
        return latest;
    while (m_held.scheduled.over(m_worker.options, 1) && latest.size() < parkBatch) {
        const auto last = std::prev(m_held.scheduled.end());
        const WallTime at = last->first;
        if (at < m_worker.clock.wall() + parkWorth)
            break;
        latest.emplace_back(at, m_held.scheduled.take(last));
    }
    return latest;
}

awaitable<void> Taker::parkLatest()
{
    for (;;) {
        std::vector<std::pair<WallTime, Delivery>> latest = takeLatest();
        if (latest.empty())
            co_return;
        std::vector<std::string> numbers;
        for (const auto &[at, delivery] : latest) {
            numbers.push_back(std::to_string(delivery.closing));
            numbers.push_back(
                std::to_string(std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count()));
        }
        std::vector<std::string_view> arguments;
        for (std::size_t i = 0; i < latest.size(); ++i)
            arguments.insert(arguments.end(),
                             {latest[i].second.id, numbers[2 * i], latest[i].second.message->id, numbers[2 * i + 1]});
        const std::string owned = keys::owned(m_worker.instance);
        const std::string noted = keys::held(m_worker.instance);
        const std::array<std::string_view, 6> scriptKeys{keys::unacked, keys::unackedIndex,   owned,
                                                         keys::parked,  keys::parkedMessages, noted};
        const Result<redis::Reply> reply =
            co_await m_worker.client.eval(m_worker.scripts.park, scriptKeys, arguments, deadline);
        if (!reply && reply.error().kind == ErrorKind::Timeout) {
            // Perhaps they are parked. What still is noted as ours goes back into its queue as a stray.
            m_held.unsure = true;
            co_return;
        }
        std::size_t parked = 0;
        std::size_t held = 0;
        {
            const Held::Lock lock(m_held.mutex);
            for (std::size_t i = 0; i < latest.size(); ++i) {
                const std::int64_t answer = reply && i < reply->elements.size() ? reply->elements[i].integer : Stays;
                if (answer == Stays)
                    m_held.scheduled.add(latest[i].first, std::move(latest[i].second));
                parked += answer == Parked;
            }
            held = m_held.scheduled.size();
        }
        const SteadyTime now = m_worker.clock.steady();
        if (parked != 0 && m_worker.options.logger && (!m_toldParking || now - *m_toldParking >= tellEvery)) {
            m_toldParking = now;
            m_worker.options.logger->warn(
                "more tasks wait for their time than this worker holds; the latest wait in Redis",
                {{"held", held}, {"queue", latest.front().second.list}});
        }
        if (parked != latest.size()) {
            m_parkAgain = now + refusedPause;
            co_return;
        }
    }
}

awaitable<void> Taker::unparkDue()
{
    if (m_worker.lease.parkedDue() == 0 || !m_worker.lease.holds())
        co_return;
    const SteadyTime begun = m_worker.clock.steady();
    while (m_worker.clock.steady() - begun < unparkAtOnce) {
        {
            const Held::Lock lock(m_held.mutex);
            if (m_held.stopping || m_held.scheduled.over(m_worker.options, 2))
                co_return;
        }
        const std::string ahead = std::to_string(Lease::parkedAhead.count());
        const std::array<std::string_view, 2> scriptKeys{keys::parked, keys::parkedMessages};
        const std::array<std::string_view, 3> arguments{ahead, unparkBatch, keys::wake};
        const Result<redis::Reply> moved =
            co_await m_worker.client.eval(m_worker.scripts.unpark, scriptKeys, arguments, deadline);
        if (!moved || moved->integer <= 0)
            co_return;
        m_held.hungry->notify();
    }
}

} // namespace portolan::queue
