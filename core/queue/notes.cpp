#include "core/queue/notes.h"

#include "core/base/logging.h"
#include "core/queue/keys.h"
#include "core/queue/runner.h"
#include "core/redis/client.h"

#include <array>
#include <iterator>

namespace portolan::queue {

namespace {

constexpr std::size_t noteBatch = 1000;
constexpr std::string_view notesKept = "3600";
constexpr auto tellEvery = std::chrono::minutes(1);

} // namespace

void Notes::addRunning(const Runner &runner)
{
    const Held::Lock lock(m_held.mutex);
    std::unordered_set<std::string> now;
    runner.forEachRunning(lock, [&](const Runner::Running &running) {
        if (m_worker.clock.steady() - running.since < longRun)
            return;
        const Delivery &delivery = running.delivery;
        if (!m_running.contains(delivery.id))
            m_held.toNote.emplace_back(delivery.message->id, delivery.id);
        now.insert(delivery.id);
    });
    m_running = std::move(now);
}

void Notes::again()
{
    const Held::Lock lock(m_held.mutex);
    m_running.clear();
    for (const auto &[at, delivery] : m_held.scheduled)
        if (delivery.message)
            m_held.toNote.emplace_back(delivery.message->id, delivery.id);
}

awaitable<void> Notes::send()
{
    for (;;) {
        std::vector<std::pair<std::string, std::string>> batch;
        {
            const Held::Lock lock(m_held.mutex);
            const std::size_t count = std::min(m_held.toNote.size(), noteBatch);
            const auto first = m_held.toNote.end() - static_cast<std::ptrdiff_t>(count);
            batch.assign(std::make_move_iterator(first), std::make_move_iterator(m_held.toNote.end()));
            m_held.toNote.erase(first, m_held.toNote.end());
        }
        if (batch.empty())
            co_return;
        std::vector<std::string_view> arguments{notesKept};
        for (const auto &[id, delivery] : batch)
            arguments.insert(arguments.end(), {id, delivery});
        const std::string key = keys::held(m_worker.instance);
        const std::array<std::string_view, 1> scriptKeys{key};
        // A second line behind the index (take.lua): what is lost with Redis away is not said again.
        co_await m_worker.client.eval(m_worker.scripts.note, scriptKeys, arguments);
    }
}

void Notes::tellCopies(std::uint64_t found)
{
    const SteadyTime now = m_worker.clock.steady();
    if (found == m_toldCopies || !m_worker.options.logger || (m_toldCopiesAt && now - *m_toldCopiesAt < tellEvery))
        return;
    m_worker.options.logger->warn(
        "another program on this Redis puts tasks back into their queue while a worker here holds them; "
        "they are not run twice here. Its visibility_timeout is shorter than the tasks, or its clock is "
        "wrong: set visibility_timeout in its broker_transport_options above the longest task and ETA",
        {{"tasks", found - m_toldCopies}, {"node", m_worker.node}});
    m_toldCopies = found;
    m_toldCopiesAt = now;
}

void Notes::tellForeign()
{
    const std::uint64_t found = m_worker.outbox.foreign();
    const SteadyTime now = m_worker.clock.steady();
    if (found == m_toldForeign || !m_worker.options.logger || (m_toldForeignAt && now - *m_toldForeignAt < tellEvery))
        return;
    m_worker.options.logger->warn(
        "results of tasks were not stored: what lies under their keys is no result that can be read, "
        "so another program wrote it. Give that program, or these tasks, other keys or ids",
        {{"results", found - m_toldForeign},
         {"key", keys::result(m_worker.outbox.lastForeign())},
         {"node", m_worker.node}});
    m_toldForeign = found;
    m_toldForeignAt = now;
}

} // namespace portolan::queue
