// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history.h"

#include "core/base/logging.h"
#include "core/monitor/history_events.h"
#include "core/monitor/history_series.h"
#include "core/storage/event_row.h"
#include "core/storage/history_store.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>

namespace portolan::monitor {
namespace {

using storage::HistoryRow;
using storage::HistoryStore;

constexpr std::chrono::seconds second{1};
constexpr std::chrono::hours secondsKept{1};
constexpr std::size_t mostSeconds = 4000; ///< of an hour; more when snapshots come faster than once a second
constexpr std::size_t mostWaiting = std::size_t{24} * 60 * metricCount;
constexpr std::size_t mostEventsWaiting = 1000;
constexpr std::uint32_t mostEvents = 500;
constexpr std::uint32_t mostPoints = 1'000'000;
constexpr std::uint8_t mostPieces = 4; ///< of a minute, apart from each other by gaps

/// Which resolution answers.
struct Choice
{
    std::chrono::seconds step;
    std::optional<WallTime> thenSeconds = {}; ///< seconds from there on: of before only what is coarser is left
};

struct Second
{
    WallTime time;
    SteadyTime taken;
    std::array<double, metricCount> values; ///< NaN: not known
};

Error badQuestion(const char *pointer, const char *detail)
{
    return badField("The history cannot be asked for that.", pointer, detail);
}

template <class T> void keepLatest(std::vector<T> &all, std::size_t most)
{
    if (all.size() > most)
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
}

} // namespace

struct History::Impl : std::enable_shared_from_this<Impl>
{
    Impl(std::filesystem::path file, const Clock &c, Logger &l)
        : clock(c), logger(l), store(std::make_unique<HistoryStore>(std::move(file), c, l))
    {}

    void addSecond(const Snapshot &snapshot);
    void addEvent(Event event);
    void closeMinute();
    void flush();
    void written(const Result<void> &result);
    std::optional<HistoryStore::Batch> nextBatch();
    std::vector<HistoryRow> unwritten(Metric metric, std::chrono::seconds step, WallTime from, WallTime to) const;
    std::vector<HistoryRow> seconds(Metric metric, WallTime from, WallTime to) const;
    std::optional<WallTime> oldestSecond() const;
    awaitable<Result<Choice>> choose(const HistoryQuery &query);
    awaitable<Result<std::vector<std::vector<HistoryRow>>>> read(const HistoryQuery &query, std::chrono::seconds step);

    const Clock &clock;
    Logger &logger;
    mutable std::mutex mutex;
    HistoryEvents finder;
    std::deque<Second> ring;
    std::optional<WallTime> minute;                              ///< the one under way
    std::array<std::optional<HistoryRow>, metricCount> underWay; ///< its rows
    std::array<std::uint8_t, metricCount> pieces{};              ///< of it that came before those
    std::vector<HistoryRow> waiting;
    std::vector<Event> eventsWaiting;
    HistoryStore::Batch inFlight; ///< being written; still to be answered from here
    bool writing = false;
    bool failing = false; ///< so that it is said once
    bool stopped = false;
    std::unique_ptr<HistoryStore> store;
};

void History::Impl::addSecond(const Snapshot &snapshot)
{
    const auto taken = clock.steady();
    while (!ring.empty() && (ring.front().taken < taken - secondsKept || ring.size() >= mostSeconds))
        ring.pop_front();
    Second &newest = ring.emplace_back();
    newest.time = snapshot.time;
    newest.taken = taken;
    const auto values = metricsOf(snapshot);
    for (std::size_t i = 0; i < metricCount; ++i) {
        newest.values[i] = values[i].value_or(std::numeric_limits<double>::quiet_NaN());
        if (!std::isfinite(newest.values[i]))
            continue;
        HistoryRow row{static_cast<Metric>(i), *minute,      *values[i], *values[i], *values[i], 1,
                       snapshot.time,          snapshot.time};
        const bool apart = underWay[i] && storage::isApart(underWay[i]->last, row.first) && pieces[i] + 1 < mostPieces;
        if (apart) {
            waiting.push_back(*std::exchange(underWay[i], std::nullopt));
            row.time = std::chrono::floor<std::chrono::seconds>(snapshot.time);
            ++pieces[i];
        }
        if (underWay[i])
            storage::mergeInto(*underWay[i], row);
        else
            underWay[i] = row;
    }
}

/// As it is read again: what waits here may already be in the file, and is told once.
void History::Impl::addEvent(Event event)
{
    eventsWaiting.push_back(storage::fitEvent(std::move(event)));
    keepLatest(eventsWaiting, mostEventsWaiting);
}

void History::Impl::closeMinute()
{
    for (auto &row : underWay) {
        if (row)
            waiting.push_back(*row);
        row.reset();
    }
    pieces.fill(0);
    minute.reset();
    keepLatest(waiting, mostWaiting);
}

std::optional<HistoryStore::Batch> History::Impl::nextBatch()
{
    if (writing || (waiting.empty() && eventsWaiting.empty()))
        return std::nullopt;
    writing = true;
    inFlight.minutes = std::exchange(waiting, {});
    inFlight.events = std::exchange(eventsWaiting, {});
    return inFlight;
}

void History::Impl::flush()
{
    std::optional<HistoryStore::Batch> batch;
    {
        const std::lock_guard lock(mutex);
        batch = nextBatch();
    }
    if (batch)
        store->write(std::move(*batch), [weak = weak_from_this()](const Result<void> &result) {
            if (const auto self = weak.lock())
                self->written(result);
        });
}

void History::Impl::written(const Result<void> &result)
{
    const std::lock_guard lock(mutex);
    writing = false;
    auto batch = std::exchange(inFlight, {});
    if (!result) {
        // A timeout may have written it after all: then the mean of those minutes weighs them twice, no more.
        batch.minutes.insert(batch.minutes.end(), waiting.begin(), waiting.end());
        batch.events.insert(batch.events.end(), eventsWaiting.begin(), eventsWaiting.end());
        waiting = std::move(batch.minutes);
        eventsWaiting = std::move(batch.events);
        keepLatest(waiting, mostWaiting);
        keepLatest(eventsWaiting, mostEventsWaiting);
    }
    if (failing == result.has_error())
        return;
    failing = result.has_error();
    if (failing)
        logger.warn("the history cannot be written; it is kept in memory for a day",
                    {{"why", result.error().message}, {"mend", result.error().hint}});
    else
        logger.info("the history can be written again");
}

std::optional<WallTime> History::Impl::oldestSecond() const
{
    const std::lock_guard lock(mutex);
    std::optional<WallTime> oldest;
    for (const Second &one : ring) {
        if (one.time >= ring.back().time - secondsKept && one.time < oldest.value_or(WallTime::max()))
            oldest = one.time;
    }
    return oldest;
}

std::vector<HistoryRow> History::Impl::seconds(Metric metric, WallTime from, WallTime to) const
{
    const std::lock_guard lock(mutex);
    std::vector<TakenRow> rows;
    for (std::size_t i = 0; i < ring.size(); ++i) {
        const Second &one = ring[i];
        const double value = one.values[static_cast<std::size_t>(metric)];
        // What lies ahead of the latest was measured while the clock was fast.
        if (one.time >= from && one.time < to && one.time <= ring.back().time && std::isfinite(value))
            rows.push_back({{metric, one.time, value, value, value, 1, one.time, one.time}, i});
    }
    return inOrder(std::move(rows), second);
}

std::vector<HistoryRow> History::Impl::unwritten(Metric metric, std::chrono::seconds step, WallTime from,
                                                 WallTime to) const
{
    const std::lock_guard lock(mutex);
    std::vector<HistoryRow> rows;
    const auto add = [&](HistoryRow row) {
        if (step != HistoryStore::minute)
            row.time -= row.time.time_since_epoch() % step;
        if (row.metric == metric && row.time >= from && row.time < to)
            rows.push_back(row);
    };
    std::ranges::for_each(inFlight.minutes, add);
    std::ranges::for_each(waiting, add);
    for (const auto &row : underWay)
        if (row)
            add(*row);
    return rows;
}

awaitable<Result<Choice>> History::Impl::choose(const HistoryQuery &query)
{
    if (query.from < clock.wall() - HistoryStore::minutesKept - HistoryStore::hour)
        co_return Choice{HistoryStore::hour};
    const auto step = resolutionFor(query.from, query.to, query.most);
    const auto oldest = oldestSecond();
    if (step != second || (oldest && query.from >= *oldest))
        co_return Choice{step};
    const auto then = oldest && *oldest < query.to ? oldest : std::nullopt;
    auto from = query.from, until = query.to;
    if (!oldest || query.to <= *oldest)
        from -= from.time_since_epoch() % HistoryStore::minute; // the one that covers it counts
    else
        until = *oldest - HistoryStore::minute;
    for (const Metric metric : query.metrics) {
        if (!unwritten(metric, HistoryStore::minute, from, until).empty())
            co_return Choice{HistoryStore::minute, then};
    }
    const auto lost = co_await store->hasMinutes(query.metrics, from, until);
    if (!lost)
        co_return lost.error();
    // Or a restart has lost seconds of the minute in which it was.
    const auto before = store->lastBefore();
    if (*lost || (then && before && *before >= query.from && *before < *then))
        co_return Choice{HistoryStore::minute, then};
    co_return Choice{step};
}

awaitable<Result<std::vector<std::vector<HistoryRow>>>> History::Impl::read(const HistoryQuery &query,
                                                                            std::chrono::seconds step)
{
    const WallTime from = query.from - step + WallTime::duration(1); // what begins there covers query.from
    std::vector<std::vector<HistoryRow>> all;
    if (step == second) {
        for (const Metric metric : query.metrics)
            all.push_back(seconds(metric, from, query.to));
        co_return all;
    }
    // Before the file is read: what is written meanwhile would be in neither. In both it becomes one.
    for (const Metric metric : query.metrics)
        all.push_back(unwritten(metric, step, from, query.to));
    auto stored = co_await store->read(query.metrics, step, from, query.to);
    if (!stored)
        co_return stored.error();
    for (std::size_t i = 0; i < query.metrics.size(); ++i)
        addRows((*stored)[i], std::move(all[i]));
    co_return stored;
}

History::History(std::filesystem::path file, const Clock &clock, Logger &logger)
    : m_impl(std::make_shared<Impl>(std::move(file), clock, logger))
{}

History::~History() { stop(); }

void History::record(const Snapshot &snapshot)
{
    bool over = false;
    {
        const std::lock_guard lock(m_impl->mutex);
        if (m_impl->stopped)
            return;
        const auto minute = std::chrono::floor<std::chrono::minutes>(snapshot.time);
        over = m_impl->minute && *m_impl->minute != minute;
        if (over)
            m_impl->closeMinute();
        m_impl->minute = minute;
        m_impl->addSecond(snapshot);
        for (auto &event : m_impl->finder.update(snapshot))
            m_impl->addEvent(std::move(event));
    }
    if (over)
        m_impl->flush();
}

void History::note(Event event)
{
    const std::lock_guard lock(m_impl->mutex);
    if (!m_impl->stopped)
        m_impl->addEvent(std::move(event));
}

void History::stop()
{
    {
        const std::lock_guard lock(m_impl->mutex);
        if (std::exchange(m_impl->stopped, true))
            return;
        m_impl->closeMinute();
    }
    // The store does one thing after the other: once this has been answered, so has what was being written.
    (void)m_impl->store->writeBlocking({});
    std::optional<HistoryStore::Batch> last;
    {
        const std::lock_guard lock(m_impl->mutex);
        last = m_impl->nextBatch();
    }
    if (last)
        m_impl->written(m_impl->store->writeBlocking(std::move(*last)));
}

awaitable<Result<std::vector<Series>>> History::query(HistoryQuery query)
{
    if (query.most < 2 || query.most > mostPoints)
        co_return badQuestion("/most", "must be 2–1000000");
    if (query.to < query.from)
        co_return badQuestion("/to", "must not be before from");
    if (query.metrics.size() > metricCount)
        co_return badQuestion("/metrics", "must name each at most once");
    // Beyond what can be there, a range would only make points coarser.
    const auto now = m_impl->clock.wall();
    query.from = std::max(query.from, now - HistoryStore::hoursKept - HistoryStore::hour);
    query.to = std::min(query.to, now + HistoryStore::minute);
    const auto choice = co_await m_impl->choose(query);
    if (!choice)
        co_return choice.error();
    const auto then = choice->thenSeconds;
    auto coarse = query;
    coarse.to = then.value_or(query.to);
    const auto rows = co_await m_impl->read(coarse, choice->step);
    if (!rows)
        co_return rows.error();
    std::vector<Series> all;
    for (std::size_t i = 0; i < query.metrics.size(); ++i) {
        const Metric metric = query.metrics[i];
        // Each is at most half of what is wanted: seconds were chosen because there are fewer minutes than that.
        auto series = seriesOf(metric, (*rows)[i], choice->step, then ? query.most / 2 : query.most);
        if (then)
            series = followedBy(std::move(series), *then,
                                seriesOf(metric, m_impl->seconds(metric, *then, query.to), second, query.most / 2),
                                m_impl->store->lastBefore());
        all.push_back(std::move(series));
    }
    co_return all;
}

awaitable<Result<std::vector<Event>>> History::events(WallTime from, WallTime to)
{
    // Before the file is read, as above.
    std::vector<Event> unwritten;
    {
        const std::lock_guard lock(m_impl->mutex);
        for (const auto *more : {&m_impl->inFlight.events, &m_impl->eventsWaiting})
            std::ranges::copy_if(*more, std::back_inserter(unwritten),
                                 [&](const Event &event) { return event.time >= from && event.time < to; });
    }
    auto stored = co_await m_impl->store->events(from, to, mostEvents);
    if (!stored)
        co_return stored.error();
    for (auto &event : unwritten) {
        if (std::ranges::find(*stored, event) == stored->end())
            stored->push_back(std::move(event));
    }
    std::ranges::stable_sort(*stored, {}, &Event::time);
    keepLatest(*stored, mostEvents);
    co_return stored;
}

} // namespace portolan::monitor
