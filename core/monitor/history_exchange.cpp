// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/history_impl.h"

#include <algorithm>

/// What the histories of several instances tell each other.
namespace portolan::monitor {

namespace {

/// Of the file: who asks has another to ask, or asks again, and stopping waits for it.
constexpr std::chrono::seconds quickly{5};

} // namespace

awaitable<Result<std::vector<Missed>>> History::takeMissed()
{
    {
        const std::lock_guard lock(m_impl->mutex);
        if (m_impl->missed.empty() && !m_impl->store->isLost())
            co_return std::vector<Missed>();
    }
    // Whatever is asked of it, it looks into the file first.
    const WallTime now = m_impl->clock.wall();
    std::vector<Metric> none;
    const auto looked = co_await m_impl->store->hasMinutes(std::move(none), now, now);
    if (!looked)
        co_return looked.error();
    std::vector<Missed> all;
    {
        const std::lock_guard lock(m_impl->mutex);
        all = std::exchange(m_impl->missed, {});
    }
    for (Missed &missed : all)
        if (missed.atStart)
            missed.from = m_impl->store->lastBefore();
    if (m_impl->store->takeLost())
        all.push_back({std::nullopt, now, m_impl->clock.steady()});
    const auto isStart = [](const Missed &one) { return one.atStart; };
    if (std::ranges::none_of(all, isStart))
        co_return all;
    const auto holes = co_await m_impl->store->holes(quickly);
    if (holes) // else it is not known what a run before had not filled
        for (const HistoryStore::Hole &hole : *holes)
            all.push_back({hole.from, hole.to, m_impl->clock.steady()});
    co_return all;
}

awaitable<Result<void>> History::keepMissed(std::vector<Missed> missed)
{
    std::vector<HistoryStore::Hole> holes;
    for (const Missed &one : missed)
        holes.push_back({one.from.value_or(WallTime()), one.to});
    co_return co_await m_impl->store->keepHoles(std::move(holes), quickly);
}

awaitable<Result<std::vector<Metric>>> History::allSeries(const std::atomic<bool> &stopping)
{
    std::vector<Metric> all;
    for (const MetricKind &kind : catalogue) {
        if (stopping)
            co_return failure(ErrorKind::Cancelled, "The instance stops.");
        const std::string name(kind.name);
        if (kind.label.empty()) {
            all.emplace_back(name);
            continue;
        }
        std::vector<Metric> sets;
        {
            const std::lock_guard lock(m_impl->mutex);
            sets = m_impl->kept.labelSets(name);
        }
        const auto stored = co_await m_impl->store->labelSets(name, KeptSeries::mostOfName + 1, quickly);
        if (!stored)
            co_return stored.error();
        for (const Metric &one : *stored)
            if (std::ranges::find(sets, one) == sets.end() && sets.size() <= KeptSeries::mostOfName)
                sets.push_back(one);
        std::ranges::move(sets, std::back_inserter(all));
    }
    std::ranges::sort(all);
    co_return all;
}

awaitable<Result<std::vector<storage::SeriesRows>>> History::rows(std::vector<Metric> metrics,
                                                                  std::chrono::seconds step, WallTime from, WallTime to)
{
    HistoryQuery query;
    query.metrics = metrics;
    query.from = from + step - WallTime::duration(1); // what covers it begins at `from`
    query.to = to;
    auto read = co_await m_impl->read(query, step, quickly);
    if (!read)
        co_return read.error();
    std::vector<storage::SeriesRows> all;
    for (std::size_t i = 0; i < metrics.size(); ++i)
        all.push_back({std::move(metrics[i]), std::move((*read)[i])});
    co_return all;
}

awaitable<Result<storage::Filled>> History::fill(storage::HistoryFill rows)
{
    rows.held.clear();
    {
        const std::lock_guard lock(m_impl->mutex);
        // Hours are made of minutes that begin before the time that is filled.
        for (const storage::SeriesRows &series : rows.series)
            rows.held.push_back(m_impl->kept.unwritten(series.metric, HistoryStore::minute,
                                                       rows.from - HistoryStore::hour, rows.to + HistoryStore::hour));
    }
    co_return co_await m_impl->store->fill(std::move(rows), quickly);
}

void History::filled(WallTime from, WallTime to)
{
    const std::lock_guard lock(m_impl->mutex);
    const auto oldest = m_impl->kept.oldestSecond(Metric(metric::redisMemory));
    if (oldest && *oldest <= from) {
        m_impl->addHole({from, to});
        return;
    }
    // Nothing of before is in memory.
    if (const auto last = m_impl->kept.forgetSeconds(to))
        m_impl->store->noteBefore(*last);
}

} // namespace portolan::monitor
