#pragma once

#include "core/queue/held.h"
#include "core/queue/worker_common.h"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

namespace portolan::queue {

class Runner;

/// Copies of what is held: notes them in Redis by task id (keys::held), where take.lua and finish.lua recognise them,
/// and says in the log what other programs do to our tasks and results. keeper.cpp says when that happens.
///
/// Held::toNote, under Held::mutex, is what is to be noted; all other members are of Keeper's lease loop alone. send()
/// is called by Taker's loop too, on the same executor.
class Notes final
{
public:
    Notes(WorkerCommon &worker, Held &held) : m_worker(worker), m_held(held) {}

    awaitable<void> send(); ///< what is to be noted

    // Keeper's lease loop.
    void addRunning(const Runner &runner); ///< what runs for longer than a moment is noted too
    void again();                          ///< somebody has deleted what was noted
    void tellCopies(std::uint64_t found);  ///< messages recognised as copies, since the start
    void tellForeign();                    ///< results that another program's value kept from being stored

private:
    WorkerCommon &m_worker;
    Held &m_held;
    std::unordered_set<std::string> m_running; ///< deliveries: noted while they run
    std::uint64_t m_toldCopies = 0;
    std::optional<SteadyTime> m_toldCopiesAt;
    std::uint64_t m_toldForeign = 0;
    std::optional<SteadyTime> m_toldForeignAt;
};

} // namespace portolan::queue
