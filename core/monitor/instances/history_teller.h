// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/base/asio.h"
#include "core/monitor/history.h"
#include "core/monitor/instances/history_chunk.h"

#include <boost/describe/class.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portolan::redis {
class Client;
}

namespace portolan::monitor::instances {

/// What an instance that missed some of the history asks one that did not, as JSON on a channel (backfill.h).
struct HistoryAsk
{
    std::uint32_t form = 1; ///< another one is not answered
    std::string asker;
    std::string peer;          ///< who is to answer
    std::uint64_t request = 0; ///< stands in each chunk of the answer
    WallTime from{};
    WallTime to{};
    bool minutes = true; ///< else hours alone
    bool operator==(const HistoryAsk &) const = default;
};
BOOST_DESCRIBE_STRUCT(HistoryAsk, (), (form, asker, peer, request, from, to, minutes))

/// The question as bytes, and the reverse, which takes any. Protocol: it is no such question, or of another form, or
/// asks for a time that is none.
std::string encodeAsk(const HistoryAsk &ask);
Result<HistoryAsk> decodeAsk(std::string_view payload);

/// The list in which the answer waits for it: `i:h:<name>:<request>`, so that who falls behind with another answer
/// does not spoil this one.
std::string historyKey(std::string_view asker, std::uint64_t request);

/// How much of the history is given, and how fast.
struct TellingBounds
{
    std::size_t bytes;                   ///< of one answer
    std::size_t minuteBytes;             ///< of these, minutes; the rest is left for hours
    bool labels;                         ///< else, of series with a label, the zones alone
    bool minutes;                        ///< of longer than `fewMinutes`; else hours alone
    std::int64_t waiting;                ///< chunks that wait for the asker in Redis
    std::chrono::milliseconds lookAgain; ///< whether there is room, while there is none
    std::chrono::hours minuteSlice;      ///< read, and told, at once of all series
    std::chrono::hours hourSlice;
};
/// For gaps of up to this, minutes are less than hours would be.
inline constexpr std::chrono::hours fewMinutes{1};
/// `plan`: Redis is somebody else's, who bounds what it keeps and sends.
constexpr TellingBounds tellingBounds(bool plan)
{
    using std::chrono::hours;
    using std::chrono::milliseconds;
    return plan ? TellingBounds{256 * 1024, 256 * 1024, false, false, 1, milliseconds(1000), hours(1), hours(48)}
                : TellingBounds{8 * 1024 * 1024,   6 * 1024 * 1024, true,      true, 4,
                                milliseconds(100), hours(6),        hours(240)};
}

/// Told on the executor what it took to tell or to take history: commands, and bytes that Redis sent.
using Paid = std::function<void(std::uint64_t commands, std::uint64_t bytes)>;

/// Answers one question: reads the history and pushes it, latest first, in chunks. One coroutine at a time.
class HistoryTeller final
{
public:
    /// References outlive it. `stopping` is looked at between chunks.
    HistoryTeller(Executor executor, redis::Client &client, History &history, const Clock &clock, bool plan,
                  std::chrono::milliseconds deadline, Paid paid, const std::atomic<bool> &stopping)
        : m_client(client),
          m_history(history),
          m_clock(clock),
          m_bounds(tellingBounds(plan)),
          m_deadline(deadline),
          m_paid(std::move(paid)),
          m_stopping(stopping),
          m_timer(executor)
    {}

    struct Done
    {
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;
    };
    /// Errors of Redis and of the history; Timeout: nobody takes what was pushed. What was is then taken back, and the
    /// asker is left to notice by itself.
    awaitable<Result<Done>> tell(HistoryAsk ask);

private:
    struct Span
    {
        WallTime first;
        WallTime last;
    };

    awaitable<Result<void>> tellAll(const HistoryAsk &ask);
    awaitable<Result<WallTime>> tellSteps(const std::vector<Metric> &series, std::chrono::seconds step, WallTime oldest,
                                          WallTime until);
    awaitable<Result<void>> tellSlice(const std::vector<Metric> &series, std::chrono::seconds step, WallTime from,
                                      WallTime to);
    awaitable<Result<void>> push(WallTime reached, bool last);
    awaitable<Result<void>> waitForRoom();
    void follow(std::vector<Span> spans);
    WallTime toldFrom(WallTime looked) const;
    void pay(std::uint64_t commands) const;
    bool isFull() const { return m_done.bytes >= m_most; }

    redis::Client &m_client;
    History &m_history;
    const Clock &m_clock;
    const TellingBounds m_bounds;
    const std::chrono::milliseconds m_deadline;
    const Paid m_paid;
    const std::atomic<bool> &m_stopping;
    Timer m_timer;
    std::string m_key; ///< of the answer under way, as all below
    HistoryChunk m_chunk;
    std::size_t m_waiting = 0; ///< rows in the chunk
    std::int64_t m_length = 0; ///< of the list, as it was last told
    std::size_t m_most = 0;    ///< bytes of what is told now
    WallTime m_whole{};        ///< from then on something was measured all the time
    Done m_done;
};

} // namespace portolan::monitor::instances
