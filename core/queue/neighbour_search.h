// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/queue/neighbours.h"
#include "core/queue/scripts.h"
#include "core/redis/info.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace portolan::queue {

/// Finds the signs of other programs at the queues of a pool; NeighbourWatch decides what they mean. Thread-safe, but
/// for look(), of which each changes what the next one takes for new.
class NeighbourSearch final
{
public:
    enum class Why : std::uint8_t {
        Start,      ///< looks at all that waits, within a bound
        News,       ///< somebody has announced himself: a part of what waits
        Check,      ///< whether those who are known take from our queues by now; no message is read
        UnknownTask ///< a task nobody here knows was taken: also who pops lists without saying from which
    };

    NeighbourSearch(redis::Client &client, RemoteClient &remote, WorkerPool &pool, const Clock &clock,
                    unsigned database, std::chrono::milliseconds patience);

    awaitable<Result<Neighbours>> look(Why why);
    /// Nodes that have announced themselves for remote control, under any control_exchange known so far.
    awaitable<Result<std::set<std::string>>> announced();

    /// Whoever could take tasks here, as far as two cheap commands tell: nodes that have announced themselves, and
    /// programs that pop lists. While these stay the same so does what look() finds.
    awaitable<Result<std::set<std::string>>> signs();

    /// Goes on looking for control exchanges by their keys, 1,000 of them in five seconds; true: there is one more.
    awaitable<bool> findExchanges();
    bool complete() const; ///< all keys were looked at since the start, or nobody may

    /// Whether anybody else may take from lists of this database: one is announced, or was seen to pop and is still
    /// connected. Two cheap commands; who is forbidden to ask does not know, and that is yes.
    awaitable<bool> othersMayTake();

    void stop() { m_stopping = true; } ///< a look under way ends with its next command; what it answers is incomplete

    static bool isOurNode(std::string_view node); ///< a portal's, or somebody's who asks for one
    std::set<std::string> known() const;          ///< nodes announced at the last look
    bool soon() const;                            ///< somebody was silent: look again soon

private:
    bool mayScan();
    awaitable<Result<void>> findWorkers(Neighbours &found, const std::vector<std::string> &queues);
    /// Since when each was announced; of those who did not answer, who still listens or has just come is silent.
    void noteNodes(Neighbours &found, const std::set<std::string> &nodes, const std::vector<std::string> &missing,
                   bool othersListen);
    awaitable<Result<void>> findTasks(Neighbours &found, const std::vector<std::string> &queues, Why why);
    awaitable<std::vector<redis::ClientEntry>> poppers(int times); ///< who pops lists here
    std::vector<redis::ClientEntry> sawPoppers(std::string_view clientList, bool *othersBusy = nullptr);
    awaitable<void> findPoppers(Neighbours &found, const std::vector<std::string> &queues);
    awaitable<void> findHeld(Neighbours &found, const std::vector<std::string> &queues);
    std::vector<std::string> otherChannels() const;
    bool seeMessage(Neighbours &found, std::string raw) const; ///< false: enough was seen

    redis::Client &m_client;
    RemoteClient &m_remote;
    WorkerPool &m_pool;
    const Clock &m_clock;
    const unsigned m_database;
    const std::chrono::milliseconds m_patience;
    const Scripts m_scripts;

    std::atomic<bool> m_stopping{false};
    mutable std::mutex m_mutex;
    std::set<std::string> m_exchanges{"celery"}; ///< control exchanges
    std::map<std::string, SteadyTime> m_seen;    ///< nodes announced at the last look, since when
    std::set<std::uint64_t> m_poppers;           ///< connections that were seen to pop
    std::string m_cursor = "0";                  ///< of the keys that are looked through
    std::optional<SteadyTime> m_scannedAt;       ///< `scanEvery` further for each step
    bool m_complete = false;
    bool m_sawAny = false; ///< that there was one
    bool m_soon = false;
    std::size_t m_elsewhere = 0; ///< workers of others that take from other queues, at the last look
};

} // namespace portolan::queue
