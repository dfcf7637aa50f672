// Tasks that are not due for long. Celery's clients put them into the queue at once, and whoever takes them holds them
// until their time. Beyond a bound the latest go back to Redis, out of the queue's lists (keys::parked), so that what
// is due always finds room; whichever worker has room puts them back into their lists shortly before they are due. They
// survive whatever their worker does not.

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"
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

awaitable<void> WorkerPool::Impl::parkLatest()
{
    for (;;) {
        std::vector<std::pair<WallTime, Delivery>> latest;
        {
            const Lock lock(mutex);
            if (clock.steady() < parkAgain)
                co_return;
            while (scheduled.over(options, 1) && latest.size() < parkBatch) {
                const auto last = std::prev(scheduled.end());
                const WallTime at = last->first;
                if (at < clock.wall() + parkWorth)
                    break;
                latest.emplace_back(at, scheduled.take(last));
            }
        }
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
        const std::string owned = keys::owned(instance);
        const std::string noted = keys::held(instance);
        const std::array<std::string_view, 6> scriptKeys{keys::unacked, keys::unackedIndex,   owned,
                                                         keys::parked,  keys::parkedMessages, noted};
        const Result<redis::Reply> reply = co_await client.eval(scripts.park, scriptKeys, arguments, deadline);
        if (!reply && reply.error().kind == ErrorKind::Timeout) {
            // Perhaps they are parked. What still is noted as ours goes back into its queue as a stray.
            unsure = true;
            co_return;
        }
        std::size_t parked = 0;
        std::size_t held = 0;
        {
            const Lock lock(mutex);
            for (std::size_t i = 0; i < latest.size(); ++i) {
                const std::int64_t answer = reply && i < reply->elements.size() ? reply->elements[i].integer : Stays;
                if (answer == Stays)
                    scheduled.add(latest[i].first, std::move(latest[i].second));
                parked += answer == Parked;
            }
            held = scheduled.size();
        }
        const SteadyTime now = clock.steady();
        if (parked != 0 && options.logger && (!toldParking || now - *toldParking >= tellEvery)) {
            toldParking = now;
            options.logger->warn("more tasks wait for their time than this worker holds; the latest wait in Redis",
                                 {{"held", held}, {"queue", latest.front().second.list}});
        }
        if (parked != latest.size()) {
            parkAgain = now + refusedPause;
            co_return;
        }
    }
}

awaitable<void> WorkerPool::Impl::unparkDue()
{
    if (lease.parkedDue() == 0 || !lease.holds())
        co_return;
    const SteadyTime begun = clock.steady();
    while (clock.steady() - begun < unparkAtOnce) {
        {
            const Lock lock(mutex);
            if (stopping || scheduled.over(options, 2))
                co_return;
        }
        const std::string ahead = std::to_string(Lease::parkedAhead.count());
        const std::array<std::string_view, 2> scriptKeys{keys::parked, keys::parkedMessages};
        const std::array<std::string_view, 3> arguments{ahead, unparkBatch, keys::wake};
        const Result<redis::Reply> moved = co_await client.eval(scripts.unpark, scriptKeys, arguments, deadline);
        if (!moved || moved->integer <= 0)
            co_return;
        hungry->notify();
    }
}

} // namespace portolan::queue
