// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/client.h"
#include "core/redis/reply_reader.h"
#include "core/redis/stream.h"

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace portolan::redis {

/// What is wanted of a connection.
struct Wanted
{
    std::string name; ///< CLIENT SETNAME
    std::vector<const Script *> scripts{};
    bool primaryOnly = false; ///< as ClientOptions has these
    bool allowCluster = false;
};

/// The ways to ask a server for its role, best first: ROLE, INFO replication, HELLO. Not every user may use the first
/// two. https://redis.io/docs/latest/commands/role/ https://redis.io/docs/latest/commands/hello/
constexpr unsigned waysToRole = 3;
Command roleQuestion(unsigned way);
/// "master", "slave", "sentinel"; empty: `reply` does not tell.
std::string roleOf(unsigned way, const Reply &reply);

/// A connection that has said hello: signed in, the database chosen, its name set, the scripts loaded, and known to
/// lead to a single Redis, or to a node of a cluster where that is wanted, that has finished loading its data.
class Wire final
{
public:
    Wire(Executor executor, std::shared_ptr<Dialer> way, std::shared_ptr<TlsClient> tls, std::size_t maxReplyBytes)
        : m_stream(executor, std::move(way), std::move(tls)), m_reader(maxReplyBytes)
    {}

    /// Connects by `deadline`; the hello then goes out as one pipeline. Whoever calls closes the connection to give up.
    awaitable<std::optional<Error>> open(Endpoint endpoint, Wanted wanted, SteadyTime deadline);

    bool isCluster() const { return m_cluster; } ///< a node of a Redis Cluster, as far as it said
    /// By which the server told its role; nothing: by none, or nobody wanted to know.
    std::optional<unsigned> wayToRole() const { return m_wayToRole; }

    /// Waits for more bytes, which replies() then hands out. False when the stream has ended; `problem` says why.
    awaitable<bool> receive(std::string &problem);

    /// The next reply of what was received.
    ReplyReader::Next next(Reply &reply) { return m_reader.next(reply); }
    const std::string &malformed() const { return m_reader.problem(); }

    Stream &stream() { return m_stream; }
    bool connected() const { return m_stream.connected(); } ///< has been, whether or not it has said hello
    void close() { m_stream.close(); }

private:
    Stream m_stream;
    ReplyReader m_reader;
    std::optional<Error> m_tlsProblem; ///< that ended it
    bool m_cluster = false;
    std::optional<unsigned> m_wayToRole;
    std::array<char, 32 * 1024> m_input;
};

/// How long to wait before each attempt to connect: nothing, then from `min` doubling up to `max`, each shortened by up
/// to half at random so that many clients do not return in step.
class Backoff final
{
public:
    Backoff(std::chrono::milliseconds min, std::chrono::milliseconds max)
        : m_min(min), m_max(max), m_random(std::random_device{}())
    {}
    std::chrono::milliseconds next();
    void reset() { m_last = std::chrono::milliseconds{0}; }

private:
    const std::chrono::milliseconds m_min;
    const std::chrono::milliseconds m_max;
    std::chrono::milliseconds m_last{0};
    std::minstd_rand m_random;
};

} // namespace portolan::redis
