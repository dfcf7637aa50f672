// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/base/trouble.h"
#include "core/queue/records.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

struct Scripts;

/// What a Lease asks and tells those who hold what was taken. Called on the executor it is renewed on.
struct LeaseHolder
{
    /// How many deliveries are held of which no end is on its way to Redis: so many must at least be noted there.
    std::function<std::size_t()> count;
    std::function<std::vector<Record>()> held; ///< all of these, and more of what is held
    /// The lease had ended in between (Redis was away). These have been put back by others and must not be started.
    std::function<void(const std::unordered_set<std::string> &lost)> onLapsed;
    std::function<void()> onMended; ///< notes in Redis were deleted: q:o:<instance>, most likely others as well
};

/// An instance's claim to what it has taken (q:i, q:o:<instance>), and the care for instances that have died.
///
/// A lease lasts 5 s by Redis' clock and is renewed every second while anything is held, else every 2 s. An instance is
/// taken for dead when its lease was seen to have ended twice, at least 1.5 s apart: after Redis itself stood still
/// every lease has ended, and the living renew theirs in between. So a dead one's tasks are back in their queues 5 + 2
/// + 1.5 s after its last sign of life. What is deleted of q:o:<instance> meanwhile is written again with the next
/// renewal, or where the instance is dead found from `unacked` (Records).
class Lease final
{
public:
    static constexpr std::chrono::milliseconds duration{5000};
    static constexpr std::chrono::milliseconds renewEvery{1000};
    static constexpr std::chrono::milliseconds parkedAhead{10'000};
    static constexpr std::chrono::milliseconds renewIdleEvery{2000};
    static constexpr std::uint64_t renewCommands = 4; ///< what Redis counts for lease.lua, as a rule …
    static constexpr std::uint64_t renewHits = 1;     ///< … the look-ups among these …
    static constexpr std::uint64_t renewBytes = 16;   ///< … and about its answer

    Lease(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance, Logger *logger,
          LeaseHolder holder);

    /// Whether what was taken may be started: false from half a second before others may take us for dead. Any thread.
    bool holds() const;

    awaitable<void> renew(); ///< also puts back what dead instances had, and looks what is parked
    /// How long until the next renewal. Sooner than two seconds also where somebody may be dead.
    std::chrono::milliseconds pause(bool holdsAnything) const;
    awaitable<void> giveUp(); ///< when nothing is held any more

    std::uint64_t restored() const { return m_restored; }
    std::uint64_t parked() const { return m_parked; }       ///< tasks kept in Redis for their time (keys::parked)
    std::uint64_t parkedDue() const { return m_parkedDue; } ///< of those: due within parkedAhead
    std::optional<Error> problem() const; ///< why it could not be renewed, or notes not be mended; any thread

private:
    awaitable<bool> settle(bool ended);
    awaitable<bool> mend();
    void forgetEnded();
    awaitable<void> restore(std::string dead);
    void setUntil(SteadyTime until);

    redis::Client &m_client;
    const Scripts &m_scripts;
    const Clock &m_clock;
    Logger *const m_logger;
    const std::string m_instance;
    const std::string m_owned;
    const LeaseHolder m_holder;
    Trouble m_trouble;
    Records m_records;
    std::unordered_set<std::string> m_gone; ///< held, and not in `unacked` any more: cannot be noted again
    bool m_first = true;
    std::map<std::string, SteadyTime> m_suspects; ///< since when
    std::atomic<SteadyTime::rep> m_until{0};
    std::atomic<std::uint64_t> m_restored{0};
    std::atomic<std::uint64_t> m_parked{0}, m_parkedDue{0};
    unsigned m_renewals = 0;
};

} // namespace portolan::queue
