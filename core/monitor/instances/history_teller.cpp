// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/instances/history_teller.h"

#include "core/base/json.h"
#include "core/monitor/instances/instance_name.h"
#include "core/redis/client.h"
#include "core/redis/errors.h"
#include "core/redis/keys.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace portolan::monitor::instances {

namespace {

using storage::HistoryRow;
using storage::SeriesRows;

constexpr std::uint32_t form = 1;
constexpr std::size_t maxAskBytes = 1024;
constexpr std::size_t readAtOnce = 8; ///< series
constexpr std::chrono::seconds listKept{60};
constexpr std::chrono::seconds patience{10};

Error stopped() { return failure(ErrorKind::Cancelled, "The instance stops."); }

WallTime hourOf(WallTime time) { return std::chrono::floor<std::chrono::hours>(time); }

/// Where there is nothing, larger steps are taken: a history of a day must not be looked for two years long.
std::chrono::hours nextSlice(std::chrono::hours slice, std::chrono::hours least, bool found)
{
    return found ? least : std::min(2 * slice, 16 * least);
}

} // namespace

std::string encodeAsk(const HistoryAsk &ask) { return writeJson(ask); }

Result<HistoryAsk> decodeAsk(std::string_view payload)
{
    const Error refused = failure(ErrorKind::Protocol, "That is no question for the history.");
    if (payload.size() > maxAskBytes)
        return refused;
    auto ask = readJson<HistoryAsk>(payload, JsonMode::Lenient);
    const bool sound = ask && ask->form == form && isInstanceName(ask->asker) && isInstanceName(ask->peer) &&
                       ask->from < ask->to && ask->from >= WallTime();
    return sound ? ask : Result<HistoryAsk>(refused);
}

std::string historyKey(std::string_view asker, std::uint64_t request)
{
    return std::string(redis::keys::historyPrefix).append(asker).append(":").append(std::to_string(request));
}

void HistoryTeller::pay(std::uint64_t commands) const
{
    if (m_paid)
        m_paid(commands, 0);
}

awaitable<Result<HistoryTeller::Done>> HistoryTeller::tell(HistoryAsk ask)
{
    m_key = historyKey(ask.asker, ask.request);
    m_chunk = {};
    m_chunk.request = ask.request;
    m_waiting = 0;
    m_length = 0;
    m_done = {};
    m_whole = std::min(ask.to, m_clock.wall());
    const auto told = co_await tellAll(ask);
    if (told)
        co_return m_done;
    m_client.post(redis::Command("DEL", m_key));
    pay(1);
    co_return told.error();
}

awaitable<Result<void>> HistoryTeller::tellAll(const HistoryAsk &ask)
{
    auto series = co_await m_history.allSeries(m_stopping);
    if (!series)
        co_return series.error();
    if (!m_bounds.labels)
        std::erase_if(*series, [](const Metric &one) { return !one.labels.empty() && one.name != metric::zone; });
    const WallTime now = m_clock.wall();
    WallTime until = std::min(ask.to, now + storage::keep::minute);
    m_most = m_bounds.minuteBytes;
    if (ask.minutes && (m_bounds.minutes || ask.to - ask.from <= fewMinutes)) {
        // Where minutes end hours begin, so each slice but the last begins at an hour.
        const WallTime oldest = std::max(ask.from, hourOf(now - storage::keep::minutes));
        const auto told = co_await tellSteps(*series, storage::keep::minute, oldest, until);
        if (!told)
            co_return told.error();
        until = *told;
    }
    m_most = m_bounds.bytes;
    const WallTime oldest = std::max(ask.from, hourOf(now - storage::keep::hours));
    const auto told = co_await tellSteps(*series, storage::keep::hour, oldest, until);
    if (!told)
        co_return told.error();
    const WallTime reached = toldFrom(isFull() ? *told : ask.from);
    co_return co_await push(reached, true);
}

/// Slice by slice, the latest first, until it is as much as may be. Answers from when on all is told.
awaitable<Result<WallTime>> HistoryTeller::tellSteps(const std::vector<Metric> &series, std::chrono::seconds step,
                                                     WallTime oldest, WallTime until)
{
    const auto least = step == storage::keep::minute ? m_bounds.minuteSlice : m_bounds.hourSlice;
    auto slice = least;
    while (until > oldest && !isFull()) {
        const WallTime begin = std::max(oldest, hourOf(until - WallTime::duration(1)) - slice);
        const std::uint64_t before = m_done.rows;
        const auto told = co_await tellSlice(series, step, begin, until);
        if (!told)
            co_return told.error();
        if (isFull())
            break;
        until = begin;
        slice = nextSlice(slice, least, m_done.rows > before);
    }
    co_return until;
}

/// From when on all is told, where it was looked for back to `looked`: nobody can tell of when he was away himself, so
/// that ends at the latest hole, and another one is asked for what was before.
WallTime HistoryTeller::toldFrom(WallTime looked) const { return m_whole - looked <= briefGap ? looked : m_whole; }

/// Goes on back through what was measured, to the end of the latest hole.
void HistoryTeller::follow(std::vector<Span> spans)
{
    std::ranges::sort(spans, std::ranges::greater{}, &Span::last);
    for (const Span &one : spans) {
        if (m_whole - one.last > briefGap)
            return;
        m_whole = std::min(m_whole, one.first);
    }
}

/// All series of one stretch of time, a few at a time: some MB at most are in memory.
awaitable<Result<void>> HistoryTeller::tellSlice(const std::vector<Metric> &series, std::chrono::seconds step,
                                                 WallTime from, WallTime to)
{
    m_chunk.step = step;
    const WallTime covers = from - from.time_since_epoch() % step; // the row that covers it
    std::vector<Span> spans;
    for (std::size_t at = 0; at < series.size(); at += readAtOnce) {
        if (m_stopping)
            co_return stopped();
        const auto begin = series.begin() + std::ptrdiff_t(at);
        std::vector<Metric> some(begin, begin + std::ptrdiff_t(std::min(readAtOnce, series.size() - at)));
        const auto read = co_await m_history.rows(std::move(some), step, covers, to);
        if (!read)
            co_return read.error();
        for (const SeriesRows &one : *read) {
            if (one.metric.labels.empty())
                for (const HistoryRow &row : one.rows)
                    spans.push_back({row.first.value_or(row.time), row.last.value_or(row.time + step)});
            for (std::size_t row = 0; row < one.rows.size();) {
                const std::size_t count = std::min(one.rows.size() - row, maxChunkRows - m_waiting);
                const auto first = one.rows.begin() + std::ptrdiff_t(row);
                m_chunk.series.push_back({one.metric, {first, first + std::ptrdiff_t(count)}});
                m_waiting += count;
                row += count;
                if (m_waiting < maxChunkRows && m_chunk.series.size() < maxChunkSeries)
                    continue;
                const WallTime reached = toldFrom(to);
                const auto pushed = co_await push(reached, false);
                if (!pushed)
                    co_return pushed.error();
                if (isFull())
                    co_return Result<void>();
            }
        }
    }
    follow(std::move(spans));
    if (m_chunk.series.empty())
        co_return Result<void>();
    const WallTime reached = toldFrom(from);
    co_return co_await push(reached, false);
}

/// What has gathered in the chunk.
awaitable<Result<void>> HistoryTeller::push(WallTime reached, bool last)
{
    m_chunk.reached = reached;
    m_chunk.last = last;
    const auto bytes = encodeChunk(m_chunk);
    m_done.rows += std::exchange(m_waiting, 0);
    m_chunk.series.clear();
    if (!bytes)
        co_return bytes.error();
    const auto room = co_await waitForRoom();
    if (!room)
        co_return room.error();
    redis::Command command("LPUSH", m_key, *bytes);
    command.add("EXPIRE", m_key, listKept.count());
    pay(2);
    const auto replies = co_await m_client.pipeline(std::move(command), m_deadline);
    if (!replies)
        co_return replies.error();
    if (replies->size() != 2)
        co_return failure(ErrorKind::Protocol, "Redis did not answer LPUSH.");
    for (const redis::Reply &reply : *replies)
        if (reply.isError())
            co_return redis::errorOf(reply);
    m_length = replies->front().integer;
    m_done.bytes += bytes->size();
    co_return Result<void>();
}

awaitable<Result<void>> HistoryTeller::waitForRoom()
{
    const auto until = std::chrono::steady_clock::now() + patience;
    while (m_length >= m_bounds.waiting) {
        if (m_stopping)
            co_return stopped();
        if (std::chrono::steady_clock::now() > until)
            co_return failure(ErrorKind::Timeout, "Nobody takes the history that was asked for.");
        m_timer.expires_after(m_bounds.lookAgain);
        error_code cancelled;
        co_await m_timer.async_wait(asio::redirect_error(use_awaitable, cancelled));
        redis::Command command("LLEN", m_key);
        pay(1);
        const auto length = co_await m_client.run(std::move(command), m_deadline);
        if (!length)
            co_return length.error();
        m_length = length->integer;
    }
    if (m_stopping)
        co_return stopped();
    co_return Result<void>();
}

} // namespace portolan::monitor::instances
