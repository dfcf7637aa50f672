#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/base/trouble.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_set>

namespace portolan {
class Logger;
}

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

struct Scripts;

/// An instance's claim to what it has taken (q:i, q:o:<instance>), and the care for instances that have died.
///
/// A lease lasts 5 s by Redis' clock and is renewed every second while anything is held, else every 2 s. An instance is
/// taken for dead when its lease was seen to have ended twice, at least 1.5 s apart: after Redis itself stood still
/// every lease has ended, and the living renew theirs in between. So a dead one's tasks are back in their queues 5 + 2
/// + 1.5 s after its last sign of life.
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

    /// `onLapsed` is told what is still ours when the lease had ended in between (Redis was away): the rest has been
    /// put back and must not be started.
    Lease(redis::Client &client, const Scripts &scripts, const Clock &clock, std::string instance, Logger *logger,
          std::function<void(const std::unordered_set<std::string> &ours)> onLapsed);

    /// Whether what was taken may be started: false from half a second before others may take us for dead. Any thread.
    bool holds() const;

    awaitable<void> renew(); ///< also puts back what dead instances had, and looks what is parked
    /// How long until the next renewal. Sooner than two seconds also where somebody may be dead.
    std::chrono::milliseconds pause(bool holdsAnything) const;
    awaitable<void> giveUp(); ///< when nothing is held any more

    std::uint64_t restored() const { return m_restored; }
    std::uint64_t parked() const { return m_parked; }       ///< tasks kept in Redis for their time (keys::parked)
    std::uint64_t parkedDue() const { return m_parkedDue; } ///< of those: due within parkedAhead
    std::optional<Error> problem() const { return m_trouble.current(); } ///< why it could not be renewed; any thread

private:
    awaitable<void> restore(std::string dead);
    void setUntil(SteadyTime until);

    redis::Client &m_client;
    const Scripts &m_scripts;
    const Clock &m_clock;
    Logger *const m_logger;
    const std::string m_instance;
    const std::string m_owned;
    const std::function<void(const std::unordered_set<std::string> &)> m_onLapsed;
    Trouble m_trouble;
    bool m_first = true;
    std::map<std::string, SteadyTime> m_suspects; ///< since when
    std::atomic<SteadyTime::rep> m_until{0};
    std::atomic<std::uint64_t> m_restored{0};
    std::atomic<std::uint64_t> m_parked{0}, m_parkedDue{0};
    unsigned m_renewals = 0;
};

} // namespace portolan::queue
