// Copies of what is held. Another program on the same Redis whose visibility timeout is shorter than our tasks, or
// whose clock is wrong, puts messages back into their queue that a worker of ours holds or runs. What is held for long
// is therefore noted by task id (keys::held); take.lua recognises a copy by it, and finish.lua one that is still on its
// way.

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/worker_impl.h"
#include "core/redis/client.h"

#include <array>
#include <iterator>

namespace portolan::queue {

namespace {

constexpr std::size_t noteBatch = 1000;
constexpr std::string_view notesKept = "3600";
constexpr auto tellEvery = std::chrono::minutes(1);

} // namespace

/// What runs for longer than a moment is noted too.
void WorkerPool::Impl::noteRunning()
{
    const Lock lock(mutex);
    std::unordered_set<std::string> now;
    for (const std::shared_ptr<Slot> &slot : slots) {
        if (!slot->running || clock.steady() - slot->running->since < longRun)
            continue;
        const Delivery &delivery = slot->running->delivery;
        if (!notedRunning.contains(delivery.id))
            toNote.emplace_back(delivery.message->id, delivery.id);
        now.insert(delivery.id);
    }
    notedRunning = std::move(now);
}

/// Somebody has deleted what was noted.
void WorkerPool::Impl::noteAgain()
{
    const Lock lock(mutex);
    notedRunning.clear();
    for (const auto &[at, delivery] : scheduled)
        if (delivery.message)
            toNote.emplace_back(delivery.message->id, delivery.id);
}

awaitable<void> WorkerPool::Impl::noteHeld()
{
    for (;;) {
        std::vector<std::pair<std::string, std::string>> batch;
        {
            const Lock lock(mutex);
            const std::size_t count = std::min(toNote.size(), noteBatch);
            const auto first = toNote.end() - static_cast<std::ptrdiff_t>(count);
            batch.assign(std::make_move_iterator(first), std::make_move_iterator(toNote.end()));
            toNote.erase(first, toNote.end());
        }
        if (batch.empty())
            co_return;
        std::vector<std::string_view> arguments{notesKept};
        for (const auto &[id, delivery] : batch)
            arguments.insert(arguments.end(), {id, delivery});
        const std::string key = keys::held(instance);
        const std::array<std::string_view, 1> scriptKeys{key};
        // A second line behind the index (take.lua): what is lost with Redis away is not said again.
        co_await client.eval(scripts.note, scriptKeys, arguments);
    }
}

void WorkerPool::Impl::tellCopies()
{
    const std::uint64_t found = copies + outbox.copies();
    const SteadyTime now = clock.steady();
    if (found == toldCopies || !options.logger || (toldCopiesAt && now - *toldCopiesAt < tellEvery))
        return;
    options.logger->warn(
        "another program on this Redis puts tasks back into their queue while a worker here holds them; "
        "they are not run twice here. Its visibility_timeout is shorter than the tasks, or its clock is "
        "wrong: set visibility_timeout in its broker_transport_options above the longest task and ETA",
        {{"tasks", found - toldCopies}, {"node", node}});
    toldCopies = found;
    toldCopiesAt = now;
}

void WorkerPool::Impl::tellForeign()
{
    const std::uint64_t found = outbox.foreign();
    const SteadyTime now = clock.steady();
    if (found == toldForeign || !options.logger || (toldForeignAt && now - *toldForeignAt < tellEvery))
        return;
    options.logger->warn(
        "results of tasks were not stored: what lies under their keys is no result that can be read, "
        "so another program wrote it. Give that program, or these tasks, other keys or ids",
        {{"results", found - toldForeign}, {"key", keys::result(outbox.lastForeign())}, {"node", node}});
    toldForeign = found;
    toldForeignAt = now;
}

} // namespace portolan::queue
