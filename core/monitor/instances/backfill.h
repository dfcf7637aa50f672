// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/base/asio.h"
#include "core/monitor/history.h"
#include "core/monitor/instances/roster.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace portolan {
class Logger;
}
namespace portolan::redis {
class Client;
class Subscriber;
} // namespace portolan::redis

namespace portolan::monitor::instances {

struct BackfillOptions
{
    std::string name;      ///< instance_name.h
    unsigned database = 0; ///< of the Redis: another one is another deployment
    bool plan = false;     ///< Redis is somebody else's, who bounds what it keeps and sends (tellingBounds())
    std::chrono::milliseconds interval{1000};
    std::chrono::milliseconds deadline{800}; ///< of a command
    /// Without a chunk, until another is asked; six times that, until whoever was silent is asked again.
    std::chrono::milliseconds patience{5'000};
    /// Until it is asked, after a start or a hang: then its own figures are all known, rates among them, which need ten
    /// seconds, and so it is known what is missing; and the others are known.
    std::chrono::milliseconds settle{12'000};
    /// Told on the executor what it cost, to ask and to answer: commands, and bytes that Redis sent. Empty: nobody
    /// wants to know.
    std::function<void(std::uint64_t commands, std::uint64_t bytes)> paid{};
};

/// Each instance records the history of the deployment (history.h): so what one missed, because it was restarted, stood
/// still, or lost its data directory, another has. The algorithm:
///
/// 1. History says what was missed: from the last value in its file, or of before it stood still, until the first
///    after; without a file, or where that was damaged, everything. After `settle` the instance asks one of the others
///    that are up: rather one that ran before the gap, one of another version last, else each begins with another one.
/// 2. It publishes a HistoryAsk (history_teller.h) on `p:i:ask` (`p:i:ask:<n>` of database n above 0). All hear it; who
///    is named there answers, one question at a time.
/// 3. That one reads its minutes and, for what is older or beyond 6 MB, its hours, latest first, and pushes them to the
///    list `i:h:<asker>:<request>`, as chunks (history_chunk.h) of 2,000 points of at most 64 series, deflated. At most
///    four wait there, so that Redis holds a fraction of a megabyte; it goes on as they are taken, gives up after 10 s
///    in which none is, and the list ends a minute after the last push by itself. An answer is at most 8 MB.
/// 4. The asker takes one after the other and puts into its file what is missing there (storage/history_fill.h), on the
///    file's thread. Nothing it has measured itself is changed, and what comes twice counts once; so whatever goes
///    wrong, it asks again. Each chunk says from when on all is told, which ends where the one that tells was away
///    itself: the next one is asked for the rest.
/// 5. No chunk for `patience` (twice that until the first: it may be busy), or one that cannot be read (which is logged
///    once a gap, and counted): the next one is asked. It is over once all is there, or each of them has told what it
///    has, or it was as much as one answer may be; those that were silent are asked again after half a minute, for 15
///    min.
/// 6. In the gap, minutes stand between the seconds of before and of after (History::filled).
///
/// With a plan: minutes of gaps of up to an hour alone, hours of longer ones, no labels but the zones', one chunk at a
/// time, at most 256 KB an answer; what Redis sends of it counts against the sampling budget.
///
/// Whoever may publish may ask in another's name: who is no instance that is up is not answered, and nobody faster than
/// its list is emptied. What is in the list may be anybody's: see decodeChunk().
class Backfill final
{
public:
    /// What is passed by reference outlives it. `executor`: of an io_context that one thread runs. `members`: the other
    /// instances (Roll::members()).
    Backfill(Executor executor, redis::Client &client, redis::Subscriber &subscriber, const Clock &clock,
             Logger &logger, History &history, std::function<std::vector<Member>()> members, BackfillOptions options);
    ~Backfill(); ///< stop()
    Backfill(const Backfill &) = delete;
    Backfill &operator=(const Backfill &) = delete;

    void start();
    /// Ends what is under way (its deadlines hold). Blocks; not on the executor's thread. Twice is harmless.
    void stop();

    struct Counters
    {
        std::uint64_t open = 0;     ///< gaps that are to be filled, and stand in the file
        std::uint64_t asked = 0;    ///< questions put to others
        std::uint64_t taken = 0;    ///< chunks of their answers
        std::uint64_t rows = 0;     ///< that were missing here and are there now
        std::uint64_t refused = 0;  ///< chunks that could not be read
        std::uint64_t answered = 0; ///< questions of others
    };
    Counters counters() const; ///< from any thread

private:
    struct Impl;
    std::shared_ptr<Impl> m_impl;
};

} // namespace portolan::monitor::instances
