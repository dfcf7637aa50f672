// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/redis/command.h"
#include "core/redis/endpoint.h"
#include "core/redis/reply.h"
#include "core/redis/script.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan {
class Dialer;
class TlsClients;
} // namespace portolan

namespace portolan::redis {

class PasswordKeeper;

/// The names of a portal's connections: for commands, and for subscriptions.
inline constexpr std::string_view commandsName = "portolan";
inline constexpr std::string_view eventsName = "portolan-push";
/// And those of whoever only watches a Redis that others use.
inline constexpr std::string_view watchCommandsName = "portolan-watch";
inline constexpr std::string_view watchEventsName = "portolan-watch-push";

struct ClientOptions
{
    std::string name{commandsName}; ///< CLIENT SETNAME
    std::chrono::milliseconds connectTimeout{2000};
    std::chrono::milliseconds commandTimeout{1000}; ///< default deadline of a call
    std::chrono::milliseconds backoffMin{50};       ///< between attempts to connect, doubling …
    std::chrono::milliseconds backoffMax{1000};     ///< … up to this, with jitter
    std::size_t maxPending = 100'000;               ///< calls in flight; over it a call answers Unavailable at once
    std::size_t maxPendingBytes = 64 * 1024 * 1024; ///< of commands not yet written to the socket; the same
    std::size_t maxReplyBytes = 64 * 1024 * 1024;   ///< of one reply; over it the connection is given up (Protocol)
    std::chrono::milliseconds stuckTimeout{5000};   ///< without an answer to what is in flight: connects anew
    std::shared_ptr<Dialer> way = {};               ///< to the server; null: straight, with a resolver of its own
    std::shared_ptr<TlsClients> trust = {};         ///< null: the system's authorities are read for this client alone

    /// Asked before each attempt to connect, where it is to lead (sentinel.h). What it fails with, the attempt has
    /// failed with. The transport, and with TLS its trust, stay those of the endpoint that was given. Empty: there.
    /// Asked on the client's thread and never twice at a time: an answer that takes longer than `locateTimeout` fails
    /// the attempt, and the next one goes on waiting for it. One that is under way at stop() goes on to its own end, so
    /// what it uses must last until then.
    std::function<awaitable<Result<Endpoint>>()> locate = {};
    std::chrono::milliseconds locateTimeout{30'000}; ///< for `locate` and `password` together
    /// Says why a located endpoint could not be connected to, with who named it; empty: `why` says it all.
    std::function<Error(const Endpoint &located, Error why)> explain = {};
    /// Where the password comes from, each time it is needed (password.h); null: it is the endpoint's. One that is
    /// renewed while connected is told to Redis by AUTH; where that fails the connection is left as it is. A Subscriber
    /// cannot say AUTH (RESP2 forbids it then): it signs in anew when Redis has dropped it.
    std::shared_ptr<PasswordKeeper> password = {};
    /// Takes a primary only: a replica is refused ("redis-read-only"), and one that becomes a replica is left, at its
    /// first READONLY or within 10 s. By ROLE, else INFO replication, else HELLO; where none is allowed it is not
    /// known.
    bool primaryOnly = false;
    /// Takes a node of a Redis Cluster too, which is refused otherwise. Of keys of other nodes it answers errors
    /// ("redis-cluster"); cluster_nodes.h knows these nodes.
    bool allowCluster = false;
};

/// One pipelined connection to one Redis, shared by every thread of the process.
///
/// Calls may come from coroutines on any I/O thread; each resumes on the executor it was called on. What is called
/// during one turn of the event loop goes out in one write. Nothing waits past its deadline (checked every 20 ms):
/// while Redis is away a call answers ErrorKind::Unavailable at once, one that was sent and got no answer in time
/// answers Timeout (it may or may not have run; so does one in flight when the connection breaks, with code
/// "redis-lost"). Calls are never sent twice, except after NOSCRIPT, which ran nothing.
///
/// A Redis that keeps the connection but answers nothing for `commandTimeout` counts as away: the state goes back to
/// Connecting and new calls fail at once; the first byte it sends makes the client Ready again.
///
/// Errors, as kind "code": Unavailable "redis-away" (not connected, the reason in `message`), "redis-tls-…" (TLS or its
/// certificate, as trust.h has them behind "redis-"; Invalid "redis-tls-file": one of our own files), "redis-busy" (a
/// bound reached), "redis-loading", "redis-busy-script" (BUSY), "redis-read-only" (MISCONF, READONLY), "redis-auth"
/// (NOAUTH, WRONGPASS), "redis-rights" (NOPERM); Timeout "redis-timeout", "redis-lost"; Full "redis-full" (OOM);
/// Unsupported "redis-cluster"; Protocol (a reply that is no RESP); Cancelled (stopped); Internal (any other error
/// reply: `message` has its text).
class Client final
{
public:
    enum class State { Connecting, Ready, Stopped };

    /// `executor`: of an io_context run by one thread, which does the client's I/O. It must still exist when stop() is
    /// called.
    Client(Executor executor, Endpoint endpoint, ClientOptions options = {});
    ~Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    void start();        ///< begins to connect, and keeps connected; from any thread
    void stop();         ///< answers everything pending with Cancelled and disconnects; blocks until done
    State state() const; ///< from any thread

    /// Ready, or why not: after `deadline`, or at once when waiting is of no use (wrong password, a Redis Cluster).
    awaitable<Result<void>> waitReady(std::chrono::milliseconds deadline);

    /// Leaves the connection, if there is one, and looks for the place anew: for who has seen that it is the wrong one.
    /// `why`: in few words, what calls under way are told. From any thread.
    void reconnect(std::string why);

    /// Where it is connected to, or tried last. From any thread.
    Endpoint endpoint() const;
    /// Whether that is a node of a Redis Cluster, as far as it has said. From any thread.
    bool isCluster() const;

    /// Why it is not Ready; nothing when it is, or while the first attempt lasts. From any thread.
    std::optional<Error> problem() const;

    /// Makes the client load `script` on every connection. Before start().
    void preload(const Script &script);

    /// One command, one reply. An error reply becomes an Error.
    awaitable<Result<Reply>> run(Command command);
    awaitable<Result<Reply>> run(Command command, std::chrono::milliseconds deadline);

    /// Several commands in one round trip, one reply each in order; error replies stay replies. Not atomic.
    awaitable<Result<std::vector<Reply>>> pipeline(Command commands);
    awaitable<Result<std::vector<Reply>>> pipeline(Command commands, std::chrono::milliseconds deadline);

    /// A script by its SHA; loads it and tries again when Redis does not know it.
    awaitable<Result<Reply>> eval(const Script &script, std::span<const std::string_view> keys,
                                  std::span<const std::string_view> arguments);
    awaitable<Result<Reply>> eval(const Script &script, std::span<const std::string_view> keys,
                                  std::span<const std::string_view> arguments, std::chrono::milliseconds deadline);

    /// One call of a script that answers many: what is asked during one turn of the event loop, on whichever thread,
    /// goes out in one EVALSHA for up to 16. The script finds as many KEYS for each as `keys` has, one ARGV for each,
    /// and answers an array with an element for each, which this returns; an element may be an error.
    awaitable<Result<Reply>> evalTogether(const Script &script, std::span<const std::string_view> keys,
                                          std::string_view argument, std::chrono::milliseconds deadline);

    /// Sends and forgets: for what nobody waits for (publishing an event). Dropped and counted while Redis is away.
    void post(Command commands);

    struct Counters
    {
        std::uint64_t commands = 0;   ///< sent
        std::uint64_t dropped = 0;    ///< post() while away
        std::uint64_t reconnects = 0; ///< successful connections after the first
        std::uint64_t timeouts = 0;
        std::uint64_t moved = 0;   ///< replies MOVED: keys are on other nodes than one believed
        std::uint64_t signIns = 0; ///< by AUTH while connected, that Redis took
    };
    Counters counters() const; ///< from any thread

    /// What Redis has refused here for want of a right since this was last asked, whoever had called: "LPUSH", "CLIENT
    /// LIST", or "" where it does not name the command. Each once, 32 at most. From any thread.
    std::vector<std::string> takeRefusals();

private:
    class Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::redis
