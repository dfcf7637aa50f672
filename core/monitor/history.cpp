// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history.h"

#include "core/base/log_error.h"
#include "core/monitor/history_impl.h"
#include "core/monitor/history_series.h"
#include "core/storage/event_row.h"

#include <algorithm>

namespace portolan::monitor {
namespace {

constexpr std::chrono::seconds second{1};
constexpr std::size_t mostEventsWaiting = 1000;
constexpr std::uint32_t mostEvents = 500;
constexpr std::uint32_t mostPoints = 1'000'000;
constexpr std::size_t mostSeries = 1000; ///< in one answer
constexpr std::size_t mostMissed = 8;
constexpr std::size_t mostHoles = 8;
constexpr std::size_t readAtOnce = 8; ///< of them: a month's minutes of one are 3 MB

/// Of a question, and where in the answer it stands.
struct Part
{
    std::vector<Metric> metrics = {};
    std::vector<std::size_t> places = {};
};

/// Seconds of those without a label go back equally far, of each of the others to where they were wanted first.
std::vector<Part> partsOf(const std::vector<Metric> &metrics)
{
    std::vector<Part> parts(1);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
        Part &part = metrics[i].labels.empty() ? parts.front() : parts.emplace_back();
        part.metrics.push_back(metrics[i]);
        part.places.push_back(i);
    }
    if (parts.front().metrics.empty())
        parts.erase(parts.begin());
    return parts;
}

Error badQuestion(std::string pointer, std::string detail)
{
    return badField("The history cannot be asked for that.", std::move(pointer), std::move(detail));
}

std::optional<Error> wrongIn(const HistoryQuery &query)
{
    if (query.most < 2 || query.most > mostPoints)
        return badQuestion(query.step ? "/step" : "/most", query.step ? "must be 1 or more" : "must be 2–1000000");
    if (query.to < query.from)
        return badQuestion("/to", "must not be before from");
    if (query.metrics.size() > KeptSeries::most)
        return badQuestion("/metric", "must name each at most once");
    for (const Metric &metric : query.metrics) {
        const MetricKind *kind = findKind(metric.name);
        if (!kind)
            return badQuestion("/metric", "must name metrics of the catalogue");
        const std::string name(kind->name);
        const bool fits =
            metric.labels.empty() || (metric.labels.size() == 1 && metric.labels.begin()->first == kind->label);
        if (!fits && kind->label.empty())
            return badQuestion("/metric", "must be " + name + " without a label: it has none");
        if (!fits)
            return badQuestion("/metric", "must be " + name + " with its " + std::string(kind->label) + ", or without");
    }
    return std::nullopt;
}

/// Points of one series at most, where it was measured all the time.
std::uint64_t mostPointsIn(const HistoryQuery &query, std::chrono::seconds resolution)
{
    const auto range = std::max(query.to - query.from, WallTime::duration(0));
    const auto rows = resolution == second ? std::min<WallTime::duration>(range, HistoryStore::hour) / second +
                                                 range / HistoryStore::minute
                                           : range / resolution;
    const auto wanted = query.step ? range / *query.step + 2 : std::int64_t(query.most);
    return static_cast<std::uint64_t>(std::min<std::int64_t>(rows + 2, wanted)); // both ends may cover less
}

std::optional<Error> tooMany(const HistoryQuery &query, std::uint64_t points, std::uint64_t mostInAll)
{
    if (points <= mostInAll)
        return std::nullopt;
    Error error = badQuestion(query.step ? "/step" : "/most", query.step ? "must be longer" : "must be less");
    error.message = "That may be " + std::to_string(points) + " points, more than " + std::to_string(mostInAll) + ".";
    error.hint = "Ask for fewer metrics, a shorter time or a longer step.";
    return error;
}

template <class T> void keepLatest(std::vector<T> &all, std::size_t most)
{
    if (all.size() > most)
        all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
}

} // namespace

/// As it is read again: what waits here may already be in the file, and is told once.
void History::Impl::addEvent(Event event)
{
    eventsWaiting.push_back(storage::fitEvent(std::move(event)));
    keepLatest(eventsWaiting, mostEventsWaiting);
}

void History::Impl::addHole(Hole hole)
{
    filledHoles.push_back(hole);
    keepLatest(filledHoles, mostHoles);
}

/// What was before the first snapshot, the file alone knows, and it is not asked here.
void History::Impl::noteMissed(WallTime time)
{
    const auto before = std::exchange(recorded, time);
    if (before && time - *before <= briefGap)
        return;
    missed.push_back({before, time, clock.steady(), !before});
    keepLatest(missed, mostMissed);
}

void History::Impl::closeMinute()
{
    kept.closeMinute();
    minute.reset();
}

std::optional<HistoryStore::Batch> History::Impl::nextBatch()
{
    if (writing || (!kept.hasUnwritten() && eventsWaiting.empty()))
        return std::nullopt;
    writing = true;
    eventsInFlight = std::exchange(eventsWaiting, {});
    return HistoryStore::Batch{kept.beginWriting(), eventsInFlight};
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
    // A timeout may have written it after all: then the mean of those minutes weighs them twice, no more.
    kept.written(result.has_value());
    auto events = std::exchange(eventsInFlight, {});
    if (!result) {
        events.insert(events.end(), eventsWaiting.begin(), eventsWaiting.end());
        eventsWaiting = std::move(events);
        keepLatest(eventsWaiting, mostEventsWaiting);
    }
    if (failing == result.has_error())
        return;
    failing = result.has_error();
    if (failing)
        logError(logger, LogLevel::Warning, "the history cannot be written; it is kept in memory for a day",
                 result.error());
    else
        logger.info("the history can be written again");
}

std::optional<WallTime> History::Impl::oldestSecond(const std::vector<Metric> &metrics) const
{
    const std::lock_guard lock(mutex);
    return metrics.empty() ? std::nullopt : kept.oldestSecond(metrics.front());
}

bool History::Impl::wereBefore(const std::vector<Metric> &metrics) const
{
    const std::lock_guard lock(mutex);
    return std::ranges::any_of(metrics, [this](const Metric &metric) { return kept.wasBefore(metric); });
}

std::vector<HistoryRow> History::Impl::seconds(const Metric &metric, WallTime from, WallTime to) const
{
    const std::lock_guard lock(mutex);
    return kept.seconds(metric, from, to);
}

std::vector<HistoryRow> History::Impl::unwritten(const Metric &metric, std::chrono::seconds step, WallTime from,
                                                 WallTime to) const
{
    const std::lock_guard lock(mutex);
    return kept.unwritten(metric, step, from, to);
}

/// The series that are asked for, in order.
awaitable<Result<std::vector<Metric>>> History::Impl::resolve(std::vector<Metric> asked)
{
    {
        const std::lock_guard lock(mutex);
        kept.ask(asked, clock.steady());
    }
    std::vector<Metric> all;
    for (Metric &metric : asked) {
        std::vector<Metric> sets(1, metric);
        if (!findKind(metric.name)->label.empty() && metric.labels.empty()) {
            {
                const std::lock_guard lock(mutex);
                sets = kept.labelSets(metric.name);
            }
            auto stored = co_await store->labelSets(metric.name, KeptSeries::mostOfName + 1);
            if (!stored)
                co_return stored.error();
            // What has values now comes first, should it be too many.
            for (Metric &one : *stored)
                if (std::ranges::find(sets, one) == sets.end() && sets.size() <= KeptSeries::mostOfName)
                    sets.push_back(std::move(one));
            std::ranges::sort(sets);
        }
        std::ranges::move(sets, std::back_inserter(all));
        if (all.size() > mostSeries)
            co_return badQuestion("/metric", "must not ask for more than 1000 series");
    }
    co_return all;
}

/// As far as the question alone tells.
std::chrono::seconds History::Impl::resolution(const HistoryQuery &query) const
{
    if (query.from < clock.wall() - HistoryStore::minutesKept - HistoryStore::hour)
        return HistoryStore::hour;
    return query.step ? resolutionOf(*query.step) : resolutionFor(query.from, query.to, query.most);
}

awaitable<Result<History::Impl::Choice>> History::Impl::choose(const HistoryQuery &query)
{
    const auto step = resolution(query);
    const auto oldest = oldestSecond(query.metrics);
    if (step != second || (oldest && query.from >= *oldest))
        co_return Choice{step};
    const auto then = oldest && *oldest < query.to ? oldest : std::nullopt;
    auto from = query.from, until = query.to;
    if (!oldest || query.to <= *oldest)
        from -= from.time_since_epoch() % HistoryStore::minute; // the one that covers it counts
    else if (!wereBefore(query.metrics))
        until = *oldest - HistoryStore::minute;
    else
        until = *oldest;
    for (const Metric &metric : query.metrics) {
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

awaitable<Result<std::vector<std::vector<HistoryRow>>>>
History::Impl::read(const HistoryQuery &query, std::chrono::seconds step, std::chrono::seconds within)
{
    const WallTime from = query.from - step + WallTime::duration(1); // what begins there covers query.from
    std::vector<std::vector<HistoryRow>> all;
    if (step == second) {
        for (const Metric &metric : query.metrics)
            all.push_back(seconds(metric, from, query.to));
        co_return all;
    }
    // Before the file is read: what is written meanwhile would be in neither. In both it becomes one.
    for (const Metric &metric : query.metrics)
        all.push_back(unwritten(metric, step, from, query.to));
    auto stored = co_await store->read(query.metrics, step, from, query.to, within);
    if (!stored)
        co_return stored.error();
    for (std::size_t i = 0; i < query.metrics.size(); ++i)
        addRows((*stored)[i], std::move(all[i]), step);
    co_return stored;
}

History::History(std::filesystem::path file, const Clock &clock, Logger &logger)
    : m_impl(std::make_shared<Impl>(std::move(file), clock, logger))
{}

History::~History() { stop(); }

void History::record(const Snapshot &snapshot)
{
    const auto figures = figuresOf(snapshot);
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
        m_impl->noteMissed(snapshot.time);
        m_impl->kept.add(figures, snapshot.time, m_impl->clock.steady());
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

/// Those within the seconds that answer it.
std::vector<History::Impl::Hole> History::Impl::holesIn(const HistoryQuery &query, const Choice &choice) const
{
    std::vector<Hole> holes;
    if (choice.step != second && !choice.thenSeconds)
        return holes;
    const std::lock_guard lock(mutex);
    const auto oldest = query.metrics.empty() ? std::nullopt : kept.oldestSecond(query.metrics.front());
    for (Hole hole : filledHoles) {
        hole.from = std::max(hole.from, choice.thenSeconds.value_or(oldest.value_or(hole.to)));
        hole.to = std::min(hole.to, query.to);
        if (hole.from < hole.to && hole.to > query.from)
            holes.push_back(hole);
    }
    return holes;
}

/// Puts minutes where the seconds have holes. What the file does not tell leaves one: the seconds are right without.
awaitable<void> History::Impl::fillHoles(std::vector<Series> &series, HistoryQuery query, std::vector<Hole> holes)
{
    const WallTime from = query.from;
    for (const Hole &hole : holes) {
        query.from = std::max(from, hole.from);
        query.to = hole.to;
        const auto rows = co_await read(query, HistoryStore::minute);
        for (std::size_t i = 0; rows && i < series.size(); ++i) {
            const Series minutes = seriesAtLeast(series[i].metric, (*rows)[i], HistoryStore::minute, second);
            series[i] = filledBetween(std::move(series[i]), minutes, hole.from, hole.to);
        }
    }
}

/// Of series whose seconds go back equally far.
awaitable<Result<std::vector<Series>>> History::Impl::answer(HistoryQuery query)
{
    const auto choice = co_await choose(query);
    if (!choice)
        co_return choice.error();
    const auto then = choice->thenSeconds;
    const std::vector<Hole> holes = holesIn(query, *choice);
    std::uint32_t between = 0; // points in these
    for (const Hole &hole : holes)
        between += std::uint32_t((hole.to - hole.from) / HistoryStore::minute + 2);
    // Each is at most half of what is wanted: seconds were chosen because there are fewer minutes than that.
    const auto half = then ? query.most / 2 : query.most;
    const auto most = std::max(2u, half - std::min(half, between));
    const auto points = [&](const Metric &metric, const std::vector<HistoryRow> &rows, std::chrono::seconds step) {
        return query.step ? seriesAtLeast(metric, rows, step, *query.step) : seriesOf(metric, rows, step, most);
    };
    std::vector<Series> all;
    auto coarse = query;
    coarse.to = then.value_or(query.to);
    for (std::size_t at = 0; at < query.metrics.size(); at += readAtOnce) {
        const auto from = query.metrics.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t count = std::min(readAtOnce, query.metrics.size() - at);
        coarse.metrics.assign(from, from + static_cast<std::ptrdiff_t>(count));
        const auto rows = co_await read(coarse, choice->step);
        if (!rows)
            co_return rows.error();
        std::vector<Series> some;
        for (std::size_t i = 0; i < count; ++i) {
            const Metric &metric = coarse.metrics[i];
            auto series = points(metric, (*rows)[i], choice->step);
            if (then)
                series = followedBy(std::move(series), *then, points(metric, seconds(metric, *then, query.to), second),
                                    store->lastBefore());
            some.push_back(std::move(series));
        }
        co_await fillHoles(some, coarse, holes);
        std::ranges::move(some, std::back_inserter(all));
    }
    co_return all;
}

awaitable<Result<std::vector<Series>>> History::query(HistoryQuery query, std::uint64_t mostInAll)
{
    query.most = mostPointsOf(query);
    if (auto wrong = wrongIn(query))
        co_return *wrong;
    // Beyond what can be there, a range would only make points coarser.
    const auto now = m_impl->clock.wall();
    query.from = std::max(query.from, now - HistoryStore::hoursKept - HistoryStore::hour);
    query.to = std::min(query.to, now + HistoryStore::minute);
    for (Metric &metric : query.metrics)
        for (auto &[label, value] : metric.labels)
            value = labelOf(value); // as it is kept
    const auto metrics = co_await m_impl->resolve(query.metrics);
    if (!metrics)
        co_return metrics.error();
    const std::uint64_t points = metrics->size() * mostPointsIn(query, m_impl->resolution(query));
    if (auto refused = tooMany(query, points, mostInAll))
        co_return *refused;
    std::vector<Series> all(metrics->size());
    auto parts = partsOf(*metrics);
    for (Part &part : parts) {
        query.metrics = std::move(part.metrics);
        auto series = co_await m_impl->answer(query);
        if (!series)
            co_return series.error();
        for (std::size_t i = 0; i < series->size(); ++i)
            all[part.places[i]] = std::move((*series)[i]);
    }
    co_return all;
}

awaitable<Result<std::vector<Event>>> History::events(WallTime from, WallTime to)
{
    // Before the file is read, as above.
    std::vector<Event> unwritten;
    {
        const std::lock_guard lock(m_impl->mutex);
        for (const auto *more : {&m_impl->eventsInFlight, &m_impl->eventsWaiting})
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

std::size_t History::bytesHeld() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->kept.bytes();
}

} // namespace portolan::monitor
