// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/base/asio.h"
#include "core/redis/info.h"
#include "core/redis/key_types.h"
#include "core/redis/rights.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan {
class Clock;
class Logger;
} // namespace portolan

namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::monitor {

/// Whether this Redis does what users need of it: that it answers says little. What is looked at:
///
/// - The rights (redis/rights.h): on every new connection, every ten minutes, as soon as anybody is refused what they
///   allow, and every two seconds while something indispensable is missing. What is missing is logged in one message
///   whenever it changes, with the ACL line that mends it.
/// - Whether it evicts any key when it is full (`maxmemory-policy allkeys-…`), as it was last sampled.
/// - A small write by a script every five seconds, every second while it fails: a replica, a full disk or memory, a
///   lost right are seen although nobody is signed in.
/// - The types of the keys that tasks go by, every ten seconds: what another program put there stops them.
/// - Whether the subscriber has its connection, and every channel it wants.
/// - What those who do the real work felt: `Felt` is asked each time.
///
/// All of it costs Redis about one command a second. While Redis is away nothing is asked.
class RedisCheck final
{
public:
    /// What an own part meets in its work; nothing while it works. From any thread.
    using Felt = std::function<std::optional<Error>()>;
    /// How Redis' memory was last seen to be set up; nothing while nobody could tell. From the executor.
    using Memory = std::function<std::optional<redis::Info::Memory>()>;
    struct Options
    {
        std::string instance;                             ///< names the key it writes
        std::string user;                                 ///< of the Redis URL; for the ACL line
        std::function<std::vector<std::string>()> queues; ///< names of the queues there are
        std::vector<redis::NeededKey> keys{};             ///< needed besides those of the queue
        Felt sessions{};
        Felt queue{};
        Memory memory{};
        std::chrono::milliseconds every{5000};
        std::chrono::milliseconds soon{1000}; ///< while something fails
    };

    /// `subscriber` may be null. All outlive it.
    RedisCheck(Executor executor, redis::Client &client, const redis::Subscriber *subscriber, const Clock &clock,
               Logger &logger, Options options);
    ~RedisCheck(); ///< stop()
    RedisCheck(const RedisCheck &) = delete;
    RedisCheck &operator=(const RedisCheck &) = delete;

    void start();
    void stop(); ///< blocks until a look under way has ended; not on the executor's thread. Twice is harmless

    /// "queue" and "sessions" as Snapshot::links has them; not known while Redis is away. From any thread.
    std::vector<LinkStatus> paths() const;
    /// Why `use` does not work; nothing while it does, or is not known yet. From any thread.
    std::optional<Error> problem(redis::Use use) const;
    /// What of the news between instances is missing, for Snapshot::notTold. From any thread.
    std::vector<NotTold> notTold() const;
    /// What this Redis refuses; null before it was first asked. From any thread.
    std::shared_ptr<const redis::Rights> rights() const;

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor
