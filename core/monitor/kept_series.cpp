// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/monitor/kept_series.h"

#include "core/monitor/history_series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace portolan::monitor {
namespace {

using storage::HistoryRow;
using storage::HistoryStore;

constexpr std::size_t labelledKinds =
    std::size_t(std::ranges::count_if(catalogue, [](const MetricKind &kind) { return !kind.label.empty(); }));
constexpr std::size_t unlabelledKinds = catalogue.size() - labelledKinds;
/// Room is left for those that are always there, and for the rest of each name.
constexpr std::size_t mostLabelled = KeptSeries::most - catalogue.size();
static_assert(unlabelledKinds + labelledKinds + mostLabelled <= KeptSeries::most);

constexpr std::uint8_t mostPieces = 4; ///< of a minute, apart from each other by gaps
/// Minutes that wait to be written: of a day, of those with labels, of which there are many, of an hour.
constexpr std::size_t mostWaiting = 24 * 60;
constexpr std::size_t mostWaitingLabelled = 60;

void keepLatest(std::vector<HistoryRow> &rows, std::size_t most)
{
    if (rows.size() > most)
        rows.erase(rows.begin(), rows.end() - static_cast<std::ptrdiff_t>(most));
}

double joined(Merge merge, double one, double other)
{
    return merge == Merge::Sum ? one + other : std::max(one, other);
}

std::size_t mostWaitingOf(const MetricKind &kind) { return kind.label.empty() ? mostWaiting : mostWaitingLabelled; }

} // namespace

void KeptSeries::add(const std::vector<Figure> &figures, WallTime time, SteadyTime taken)
{
    forgetUnseen(taken);
    addMoment(time, taken);
    for (const Figure &figure : figures) {
        One *one = place(figure, taken);
        if (!one)
            continue;
        one->now = one->now ? joined(one->kind->merge, *one->now, figure.value) : figure.value;
    }
    for (auto &[metric, one] : m_series) {
        keepSeconds(one, one.now.value_or(std::numeric_limits<double>::quiet_NaN()), taken);
        if (const auto value = std::exchange(one.now, std::nullopt)) {
            one.seen = taken;
            addTo(one, *value, time);
        }
    }
}

void KeptSeries::addMoment(WallTime time, SteadyTime taken)
{
    while (!m_moments.empty() && (m_moments.front().taken < taken - secondsKept || m_moments.size() >= mostSeconds)) {
        m_moments.pop_front();
        ++m_firstMoment;
    }
    m_moments.push_back({time, taken});
}

/// Where a figure belongs; null: there is no such metric.
KeptSeries::One *KeptSeries::place(const Figure &figure, SteadyTime taken)
{
    const MetricKind *kind = findKind(figure.name);
    if (!kind)
        return nullptr;
    Metric metric(figure.name);
    if (!kind->label.empty())
        metric.labels.emplace(kind->label, figure.label);
    if (const auto found = m_series.find(metric); found != m_series.end())
        return &found->second;
    if (kind->label.empty() || figure.label == other)
        return adopt(*kind, std::move(metric), taken);
    std::size_t &sets = m_labelSets[metric.name];
    if (sets < mostOfName && m_labelled < mostLabelled) {
        ++sets;
        ++m_labelled;
        return adopt(*kind, std::move(metric), taken);
    }
    metric.labels.begin()->second = other;
    const auto rest = m_series.find(metric);
    return rest == m_series.end() ? adopt(*kind, std::move(metric), taken) : &rest->second;
}

KeptSeries::One *KeptSeries::adopt(const MetricKind &kind, Metric metric, SteadyTime taken)
{
    One one;
    one.kind = &kind;
    one.seen = taken;
    if (const auto asked = m_namesAsked.find(metric.name); asked != m_namesAsked.end())
        one.asked = asked->second;
    return &m_series.emplace(std::move(metric), std::move(one)).first->second;
}

/// One value for the latest moment, of those whose seconds are kept.
void KeptSeries::keepSeconds(One &one, double value, SteadyTime taken)
{
    const bool wanted = one.kind->label.empty() || (one.asked && taken - *one.asked < askedFor);
    if (!wanted) {
        std::deque<double>().swap(one.values);
        one.late = true;
        return;
    }
    if (one.values.empty())
        one.first = nextMoment() - 1;
    one.values.push_back(value);
    for (; one.first < m_firstMoment && !one.values.empty(); ++one.first)
        one.values.pop_front();
}

void KeptSeries::addTo(One &one, double value, WallTime time)
{
    const WallTime minute = std::chrono::floor<std::chrono::minutes>(time);
    HistoryRow row{minute, value, value, value, 1, time, time};
    if (one.underWay && storage::areApart(*one.underWay, row) && one.pieces + 1 < mostPieces) {
        one.waiting.push_back(*std::exchange(one.underWay, std::nullopt));
        row.time = std::chrono::floor<std::chrono::seconds>(time);
        ++one.pieces;
    }
    if (one.underWay)
        storage::mergeInto(*one.underWay, row);
    else
        one.underWay = row;
}

void KeptSeries::closeMinute()
{
    for (auto &[metric, one] : m_series) {
        if (one.underWay)
            one.waiting.push_back(*std::exchange(one.underWay, std::nullopt));
        one.pieces = 0;
        keepLatest(one.waiting, mostWaitingOf(*one.kind));
    }
}

void KeptSeries::forgetUnseen(SteadyTime now)
{
    std::erase_if(m_namesAsked, [now](const auto &asked) { return now - asked.second >= askedFor; });
    std::erase_if(m_series, [this, now](const auto &entry) {
        const auto &[metric, one] = entry;
        const bool gone = now - one.seen >= unseenKept && !one.underWay && one.waiting.empty() && one.inFlight.empty();
        if (gone && !metric.labels.empty() && metric.labels.begin()->second != other) {
            --m_labelSets[metric.name];
            --m_labelled;
        }
        return gone;
    });
}

bool KeptSeries::hasUnwritten() const
{
    return std::ranges::any_of(m_series, [](const auto &entry) { return !entry.second.waiting.empty(); });
}

std::vector<storage::SeriesRows> KeptSeries::beginWriting()
{
    std::vector<storage::SeriesRows> batch;
    for (auto &[metric, one] : m_series) {
        one.inFlight = std::exchange(one.waiting, {});
        if (!one.inFlight.empty())
            batch.push_back({metric, one.inFlight});
    }
    return batch;
}

void KeptSeries::written(bool there)
{
    for (auto &[metric, one] : m_series) {
        auto rows = std::exchange(one.inFlight, {});
        if (there || rows.empty())
            continue;
        rows.insert(rows.end(), one.waiting.begin(), one.waiting.end());
        one.waiting = std::move(rows);
        keepLatest(one.waiting, mostWaitingOf(*one.kind));
    }
}

std::optional<WallTime> KeptSeries::forgetSeconds(WallTime before)
{
    std::optional<WallTime> last;
    for (; !m_moments.empty() && m_moments.front().time < before; ++m_firstMoment) {
        last = m_moments.front().time;
        m_moments.pop_front();
    }
    for (auto &[metric, one] : m_series) {
        for (; one.first < m_firstMoment && !one.values.empty(); ++one.first) {
            one.values.pop_front();
            one.late = true;
        }
    }
    return last;
}

void KeptSeries::ask(const std::vector<Metric> &metrics, SteadyTime now)
{
    for (const Metric &metric : metrics) {
        const MetricKind *kind = findKind(metric.name);
        if (!kind || kind->label.empty())
            continue;
        if (metric.labels.empty())
            m_namesAsked[metric.name] = now;
        for (auto &[known, one] : m_series)
            if (known.name == metric.name && (metric.labels.empty() || known.labels == metric.labels))
                one.asked = now;
    }
}

std::vector<Metric> KeptSeries::labelSets(std::string_view name) const
{
    std::vector<Metric> sets;
    for (const auto &[metric, one] : m_series)
        if (metric.name == name && !metric.labels.empty())
            sets.push_back(metric);
    return sets;
}

std::optional<WallTime> KeptSeries::oldestSecond(const Metric &metric) const
{
    const auto found = m_series.find(metric);
    const bool always = metric.labels.empty();
    if (!always && (found == m_series.end() || found->second.values.empty()))
        return std::nullopt;
    // Of one that is always kept, also the seconds in which it was not known.
    const std::size_t from = always ? 0 : std::size_t(found->second.first - m_firstMoment);
    std::optional<WallTime> oldest;
    for (std::size_t i = from; i < m_moments.size(); ++i) {
        const WallTime time = m_moments[i].time;
        if (time >= m_moments.back().time - secondsKept && time < oldest.value_or(WallTime::max()))
            oldest = time;
    }
    return oldest;
}

bool KeptSeries::wasBefore(const Metric &metric) const
{
    const auto found = m_series.find(metric);
    return found != m_series.end() && found->second.late;
}

std::vector<HistoryRow> KeptSeries::seconds(const Metric &metric, WallTime from, WallTime to) const
{
    std::vector<TakenRow> rows;
    const auto found = m_series.find(metric);
    if (found == m_series.end() || found->second.values.empty())
        return {};
    const One &one = found->second;
    const std::size_t begin = std::size_t(one.first - m_firstMoment);
    for (std::size_t i = 0; i < one.values.size() && begin + i < m_moments.size(); ++i) {
        const WallTime time = m_moments[begin + i].time;
        const double value = one.values[i];
        // What lies ahead of the latest was measured while the clock was fast.
        if (time >= from && time < to && time <= m_moments.back().time && std::isfinite(value))
            rows.push_back({{time, value, value, value, 1, time, time}, begin + i});
    }
    return inOrder(std::move(rows), std::chrono::seconds(1));
}

std::vector<HistoryRow> KeptSeries::unwritten(const Metric &metric, std::chrono::seconds step, WallTime from,
                                              WallTime to) const
{
    std::vector<HistoryRow> rows;
    const auto found = m_series.find(metric);
    if (found == m_series.end())
        return rows;
    const auto add = [&](HistoryRow row) {
        if (step != HistoryStore::minute)
            row.time -= row.time.time_since_epoch() % step;
        if (row.time >= from && row.time < to)
            rows.push_back(row);
    };
    std::ranges::for_each(found->second.inFlight, add);
    std::ranges::for_each(found->second.waiting, add);
    if (found->second.underWay)
        add(*found->second.underWay);
    return rows;
}

std::size_t KeptSeries::bytes() const
{
    constexpr std::size_t node = 48; ///< what a map adds to each entry, about
    std::size_t all = m_moments.size() * sizeof(Moment);
    for (const auto &[metric, one] : m_series) {
        all += node + sizeof(Metric) + sizeof(One) + metric.name.capacity();
        for (const auto &[label, value] : metric.labels)
            all += node + 2 * sizeof(std::string) + label.capacity() + value.capacity();
        all += one.values.size() * sizeof(double);
        all += (one.waiting.capacity() + one.inFlight.capacity()) * sizeof(HistoryRow);
    }
    return all;
}

} // namespace portolan::monitor
