// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/monitor/instances/merge.h"
#include "core/monitor/instances/roster.h"
#include "core/monitor/instances/share.h"
#include "core/monitor/instances/together.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::monitor::instances {

struct RollOptions
{
    std::string name;      ///< instance_name.h
    std::string version;   ///< of the program
    unsigned database = 0; ///< of the Redis: another one is another deployment, but channels know no databases
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds deadline{800}; ///< of telling: below the interval
    /// Told on the executor, once an interval, what telling the others cost Redis since it was asked last: its
    /// commands, and the bytes it sent to all who listen. Answers how far apart they are to be, at least. Empty: as
    /// `interval` says.
    std::function<std::chrono::milliseconds(std::uint64_t commands, std::uint64_t bytes)> pace{};
};

/// The instances of a deployment call the roll: each tells what it does once a second, and hears what the others do.
///
/// In Redis: a share is published on the channel `p:i` (`p:i:<n>` of database n above 0), and `i:<name>` says for 10 s
/// that the instance is there, as a little JSON for whoever looks. Two commands a second and instance, and each share
/// goes to each: so with more than eight instances each tells of itself every second second, above sixteen every third,
/// and so on, and on a Redis with a plan as its budget has it (but at once where somebody has joined, every 10 s at
/// most); what they say is whole, so sums stay exact. What is not heard for want of Redis is nobody's silence: this
/// process hears its own shares too, and while these do not come back nobody is said to hang.
///
/// Nobody answers twice, so it tells of itself first once its own subscription has been in force for an interval (or
/// cannot be had for five). Where Redis is too slow it tries again after an interval, two, four, which may count there.
///
/// One that has just started hears nothing of what its own former life told: for a minute its figures lack what that
/// answered, which the others still count.
class Roll final
{
public:
    /// What this process tells, called on the executor: fills in all but `Share::who`, which it is given.
    using Teller = std::function<Share(Identity)>;

    /// What is passed by reference outlives it. `executor`: of an io_context that one thread runs.
    Roll(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
         RollOptions options, Teller teller);
    ~Roll(); ///< stop()
    Roll(const Roll &) = delete;
    Roll &operator=(const Roll &) = delete;

    /// Called on the executor with what became of the others, at most a second after it was so; must not block. As
    /// often as ChangeQueue (changes.h) lets it. Before start().
    void onChange(std::function<void(const Change &)> handler);

    void start();
    /// Says goodbye (waits for that no longer than `deadline`) and calls nobody any more. Blocks; not on the executor's
    /// thread. Twice is harmless.
    void stop();

    std::vector<Member> members() const;       ///< the others, as they stand; from any thread
    Together together(const Share &own) const; ///< of one's own share, just made, and the others'; from any thread
    /// Why the others do not hear of this process: Redis is away, or refuses to publish. From any thread.
    std::optional<Error> problem() const;
    /// More go by names of their own than are listed (Roster::maxMembers); the others' figures are missing. From any
    /// thread.
    bool full() const;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor::instances
