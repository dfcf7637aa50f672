// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/client.h"
#include "core/redis/gathering.h"
#include "core/redis/lifecycle.h"
#include "core/redis/pending.h"

#include <atomic>
#include <deque>

namespace portolan::redis {

/// One connection with what was sent over it.
struct PipelineLink : Link
{
    using Link::Link;
    std::deque<Slot> inFlight;
    SteadyTime earliest = SteadyTime::max(); ///< no deadline in flight is before it
    SteadyTime progress;                     ///< last sign of life, or when something was first in flight
    std::string writing;
    bool isWriting = false;
    bool suspect = false; ///< owes answers for longer than commandTimeout
    std::string password; ///< it was signed in with, the last time
};

/// The pipeline behind Client.
///
/// Callers append the bytes of their command and a Slot under m_mutex; the first of a turn posts flush() to the
/// client's executor, which takes everything at once: bytes to one write, slots to the end of the in-flight queue.
/// Replies come in the order of the slots. What belongs to PipelineLink and what is marked so is touched on the
/// client's thread only.
class Client::Impl final : public Lifecycle<Client::Impl, PipelineLink>
{
public:
    Impl(Executor executor, Endpoint endpoint, ClientOptions options);

    std::optional<Error> problem() const;
    Counters counters() const;
    std::vector<std::string> takeRefusals();
    void reconnect(std::string why);
    Endpoint endpoint() const;
    bool isCluster() const { return m_cluster.load(std::memory_order_relaxed); }
    const ClientOptions &options() const { return m_options; }

    /// Sends the commands for `call`, which is completed when all replies are there. Both must stay until then.
    awaitable<void> perform(Call &call, const Command &commands, std::chrono::milliseconds deadline);
    /// One call of a script that answers many at once.
    awaitable<void> performTogether(Call &call, const Script &script, std::span<const std::string_view> keys,
                                    std::string_view argument, std::chrono::milliseconds deadline);
    void post(const Command &commands);
    static awaitable<Result<Reply>> script(std::shared_ptr<Impl> self, const Script &script, Command command,
                                           std::chrono::milliseconds deadline);
    /// Completes `call` once Ready, or with an error.
    awaitable<void> awaitReady(Call &call, std::chrono::milliseconds deadline);

    void addScript(const Script &script) { m_scripts.push_back(&script); } ///< before start()

private:
    friend class Lifecycle<Client::Impl, PipelineLink>;
    using Link = PipelineLink;

    void stopping() { m_accepting = false; }
    const std::vector<const Script *> &scripts() const { return m_scripts; }
    void failed(const Error &why) { setAway(why); }
    void opened();
    bool received(Link &link, std::string &problem);
    void broke(Link &link, const std::string &problem);
    void ended(std::shared_ptr<Link> link);

    std::optional<Error> enqueue(const Command &commands, Call *call, SteadyTime deadline);
    std::optional<Error> refusal(std::size_t replies, std::size_t bytes) const;
    void sealGathered();
    void scheduleFlush();
    void flush();
    void written(const std::shared_ptr<Link> &link, const error_code &failed);
    void noteRefusal(const Reply &reply);          ///< where it is one
    void noteTurn(Link &link, const Reply &reply); ///< the same: what was asked is to be asked elsewhere
    void leave(Link &link, std::string why);

    bool needsUpkeep() const { return m_options.password || m_options.primaryOnly; }
    static awaitable<void> upkeep(std::shared_ptr<Impl> self, std::shared_ptr<Link> link);
    awaitable<void> signInAgain(std::shared_ptr<Link> link);
    awaitable<void> checkRole(std::shared_ptr<Link> link);

    void lose(Link *link, const Error &why);
    void suspect(bool suspected);
    void setReady();
    void setAway(const Error &why);

    void startTicking();
    void tick();
    void expire(Link &link, SteadyTime now, Completions &completions);
    void expireQueued(SteadyTime now, Completions &completions);
    void finish(Completions &completions);

    std::vector<const Script *> m_scripts;

    // Under the mutex.
    bool m_accepting = false;
    bool m_flushScheduled = false;
    std::string m_outgoing;
    std::vector<Slot> m_queued;  ///< of m_outgoing
    Gathering m_gathering;       ///< goes to both of them when they are written
    std::vector<Slot> m_waiters; ///< for Ready
    std::optional<Error> m_problem;
    std::vector<std::string> m_refusals; ///< not yet taken

    std::atomic<std::size_t> m_pending{0}; ///< replies owed, queued and in flight
    std::atomic<std::uint64_t> m_commands{0};
    std::atomic<std::uint64_t> m_dropped{0};
    std::atomic<std::uint64_t> m_connections{0};
    std::atomic<std::uint64_t> m_timeouts{0};
    std::atomic<std::uint64_t> m_moved{0};
    std::atomic<std::uint64_t> m_signIns{0};
    std::atomic<bool> m_cluster{false};

    // The client's thread.
    Timer m_tick;
    bool m_ticking = false;
    Timer m_upkeep;
};

} // namespace portolan::redis
