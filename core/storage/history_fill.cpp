// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_fill.h"

#include "core/storage/query.h"

#include <algorithm>
#include <cmath>

namespace portolan::storage {
namespace {

constexpr std::chrono::seconds holds{1}; ///< a value, until the next

struct Span
{
    WallTime first;
    WallTime last;
};

/// From its first value to its last.
Span spanOf(const HistoryRow &row, std::chrono::seconds step)
{
    return {row.first.value_or(row.time),
            row.last.value_or(row.time - row.time.time_since_epoch() % step + step - holds)};
}

double lengthOf(const Span &span) { return std::chrono::duration<double>(span.last - span.first + holds).count(); }

/// The part of a row's values that falls into a part of its time; one at least.
std::uint32_t countIn(const HistoryRow &row, const Span &part, const Span &whole)
{
    const double share = std::clamp(lengthOf(part) / lengthOf(whole), 0.0, 1.0);
    return std::uint32_t(std::max(1.0, std::round(row.count * share)));
}

HistoryRow cutTo(const HistoryRow &row, const Span &part, const Span &whole)
{
    HistoryRow piece = row;
    piece.first = part.first;
    piece.last = part.last;
    piece.count = countIn(row, part, whole);
    return piece;
}

/// What of a row lies within the time that is to be filled; nothing: none of it does.
std::optional<HistoryRow> within(const HistoryRow &row, const HistoryFill &fill)
{
    const Span whole = spanOf(row, fill.step);
    const Span part{std::max(whole.first, fill.from), std::min(whole.last, fill.to - WallTime::duration(1))};
    return part.first <= part.last ? std::optional(cutTo(row, part, whole)) : std::nullopt;
}

void note(Filled &filled, const HistoryRow &row)
{
    ++filled.rows;
    filled.last = std::max(filled.last.value_or(*row.last), *row.last);
}

Result<Filled> putMissingMinutes(DatabaseConnection &connection, const SeriesRows &series, std::int64_t id,
                                 std::vector<HistoryRow> known, const HistoryFill &fill)
{
    Filled filled;
    const auto [first, last] = std::ranges::minmax(series.rows, {}, &HistoryRow::time);
    auto stored = rowsOf(connection, series.metric, keep::minute, first.time - keep::minute, last.time + keep::minute);
    if (!stored)
        return stored.error();
    known.insert(known.end(), stored->begin(), stored->end());
    for (const HistoryRow &row : series.rows) {
        const auto part = within(row, fill);
        const auto pieces = part ? missingOf(*part, known, keep::minute) : std::vector<HistoryRow>();
        for (const HistoryRow &piece : pieces) {
            for (const auto step : {keep::minute, keep::hour})
                if (auto put = putRow(connection, id, piece, step); !put)
                    return put.error();
            note(filled, piece);
        }
        known.insert(known.end(), pieces.begin(), pieces.end());
    }
    return filled;
}

Result<Filled> putMissingHours(DatabaseConnection &connection, const SeriesRows &series, std::int64_t id,
                               const std::vector<HistoryRow> &held, const HistoryFill &fill)
{
    Filled filled;
    for (const HistoryRow &row : series.rows) {
        const auto part = within(row, fill);
        if (!part)
            continue;
        const WallTime hour = row.time - row.time.time_since_epoch() % keep::hour;
        const auto stored = rowsOf(connection, series.metric, keep::hour, hour, hour + keep::hour);
        if (!stored)
            return stored.error();
        std::uint64_t own = stored->empty() ? 0 : stored->front().count;
        for (const HistoryRow &minute : held)
            own += minute.time >= hour && minute.time < hour + keep::hour ? minute.count : 0;
        if (own >= row.count)
            continue;
        HistoryRow missing = *part;
        missing.count = std::min(part->count, std::uint32_t(row.count - own));
        if (auto put = putRow(connection, id, missing, keep::hour); !put)
            return put.error();
        note(filled, missing);
    }
    return filled;
}

} // namespace

std::vector<HistoryRow> missingOf(const HistoryRow &row, const std::vector<HistoryRow> &known,
                                  std::chrono::seconds step)
{
    const Span whole = spanOf(row, step);
    std::vector<Span> left(1, whole);
    for (const HistoryRow &one : known) {
        const Span there = spanOf(one, step);
        if (there.last < whole.first - holds || there.first > whole.last + holds)
            continue;
        std::vector<Span> rest;
        for (const Span &span : left) {
            const Span before{span.first, std::min(span.last, there.first - holds)};
            const Span after{std::max(span.first, there.last + holds), span.last};
            for (const Span &part : {before, after})
                if (part.first <= part.last)
                    rest.push_back(part);
        }
        left = std::move(rest);
    }
    std::ranges::sort(left, {}, &Span::first);
    std::vector<HistoryRow> pieces;
    for (const Span &part : left)
        pieces.push_back(cutTo(row, part, whole));
    return pieces;
}

Result<Filled> putMissing(DatabaseConnection &connection, const HistoryFill &fill)
{
    Filled all;
    for (std::size_t i = 0; i < fill.series.size(); ++i) {
        const SeriesRows &series = fill.series[i];
        if (series.rows.empty())
            continue;
        const auto id = makeSeries(connection, series.metric);
        if (!id)
            return id.error();
        const auto held = i < fill.held.size() ? fill.held[i] : std::vector<HistoryRow>();
        const auto filled = fill.step == keep::minute ? putMissingMinutes(connection, series, *id, held, fill)
                                                      : putMissingHours(connection, series, *id, held, fill);
        if (!filled)
            return filled.error();
        if (filled->rows == 0)
            continue;
        all.rows += filled->rows;
        all.last = std::max(all.last.value_or(*filled->last), *filled->last);
        if (!series.metric.labels.empty())
            if (auto seen = noteSeen(connection, *id, *filled->last); !seen)
                return seen.error();
    }
    return all;
}

} // namespace portolan::storage
