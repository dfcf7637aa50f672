// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/history_points.h"

#include "core/base/json.h"
#include "core/storage/query.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace portolan::storage {
namespace {

constexpr std::int64_t firstId = 1000;                     ///< those before it are of metrics that had a number
constexpr std::int64_t leastMinutes = 60, leastHours = 24; ///< of a series, however large the file is

constexpr std::string_view upsert =
    "INSERT INTO points (step, series, time, low, high, mean, count, first, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (step, series, time) DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high), "
    "mean = (mean * count + excluded.mean * excluded.count) / (count + excluded.count), "
    "count = count + excluded.count, first = min(first, excluded.first), last = max(last, excluded.last)";

/// All but the newest so many of a series, unless the clock says that they are not old.
constexpr std::string_view trimSeries =
    "DELETE FROM points WHERE step = ? AND series = ? AND time < ? AND time <= (SELECT time FROM points WHERE step = ? "
    "AND series = ? ORDER BY time DESC LIMIT 1 OFFSET ?)";

/// The time since which so many points have been measured of one that has no label.
constexpr std::string_view measuredSince =
    "SELECT max((SELECT time FROM points WHERE step = ? AND points.series = one.id ORDER BY time DESC LIMIT 1 OFFSET "
    "?)) FROM series AS one WHERE labels = '{}'";

std::int64_t secondsOf(WallTime time)
{
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// The first second at or after it: as a bound, so that no row between seconds is missed or taken twice.
std::int64_t boundOf(WallTime time) { return std::chrono::ceil<std::chrono::seconds>(time).time_since_epoch().count(); }

std::int64_t firstNumber(const Row &row) { return row.integer(0); }

/// A value that may be null, which reads as 0.
Result<std::int64_t> numberOf(DatabaseConnection &connection, std::string_view sql, const Values &values = {})
{
    const auto found = selectOne(connection, sql, values, firstNumber);
    return found ? Result<std::int64_t>(found->value_or(0)) : Result<std::int64_t>(found.error());
}

Result<void> done(const Result<std::uint64_t> &written)
{
    return written ? Result<void>() : Result<void>(written.error());
}

Result<std::optional<std::int64_t>> findSeries(DatabaseConnection &connection, const Metric &metric)
{
    return selectOne(connection, "SELECT id FROM series WHERE name = ? AND labels = ?",
                     valuesOf(metric.name, writeJson(metric.labels)), firstNumber);
}

Result<std::int64_t> findOrMakeSeries(DatabaseConnection &connection, const Metric &metric)
{
    if (const auto found = findSeries(connection, metric); !found || *found)
        return found ? Result<std::int64_t>(**found) : Result<std::int64_t>(found.error());
    const auto latest = numberOf(connection, "SELECT max(id) FROM series");
    if (!latest)
        return latest;
    const std::int64_t id = std::max(*latest + 1, firstId);
    const auto made = execute(connection, "INSERT INTO series (id, name, labels) VALUES (?, ?, ?)",
                              valuesOf(id, metric.name, writeJson(metric.labels)));
    return made ? Result<std::int64_t>(id) : Result<std::int64_t>(made.error());
}

Result<void> add(DatabaseConnection &connection, std::int64_t series, const HistoryRow &row, std::chrono::seconds step)
{
    return done(execute(connection, upsert,
                        valuesOf(step.count(), series, secondsOf(row.time), row.low, row.high, row.mean,
                                 std::int64_t{row.count}, row.first, row.last)));
}

Result<std::vector<HistoryRow>> rowsWithin(DatabaseConnection &connection, std::int64_t series,
                                           std::chrono::seconds step, WallTime from, WallTime to)
{
    return select(connection,
                  "SELECT time, low, high, mean, count, first, last FROM points WHERE step = ? AND series = ? AND "
                  "time >= ? AND time < ? ORDER BY time",
                  valuesOf(step.count(), series, boundOf(from), boundOf(to)), [](const Row &row) {
                      return HistoryRow{WallTime(std::chrono::seconds(row.integer(0))),
                                        row.real(1),
                                        row.real(2),
                                        row.real(3),
                                        static_cast<std::uint32_t>(row.integer(4)),
                                        Reader<std::optional<WallTime>>::read(row, 5),
                                        Reader<std::optional<WallTime>>::read(row, 6)};
                  });
}

/// Among what is there of its minute, which may go on from it, or it from that, or be apart on both sides.
Result<void> putMinute(DatabaseConnection &connection, std::int64_t series, HistoryRow row)
{
    const WallTime minute = row.time - row.time.time_since_epoch() % keep::minute;
    auto rows = rowsWithin(connection, series, keep::minute, minute, minute + keep::minute);
    if (!rows)
        return rows.error();
    if (rows->empty()) {
        row.time = minute;
        return add(connection, series, row, keep::minute);
    }
    rows->push_back(row);
    const auto gone =
        execute(connection, "DELETE FROM points WHERE step = ? AND series = ? AND time >= ? AND time < ?",
                valuesOf(keep::minute.count(), series, secondsOf(minute), boundOf(minute + keep::minute)));
    if (!gone)
        return gone.error();
    for (const HistoryRow &piece : piecesOf(std::move(*rows)))
        if (auto put = add(connection, series, piece, keep::minute); !put)
            return put;
    return {};
}

Result<void> put(DatabaseConnection &connection, std::int64_t series, HistoryRow row, std::chrono::seconds step)
{
    if (step == keep::minute)
        return putMinute(connection, series, std::move(row));
    row.time -= row.time.time_since_epoch() % step;
    return add(connection, series, row, step);
}

Result<std::vector<std::int64_t>> seriesIds(DatabaseConnection &connection, bool labelled)
{
    return select(connection,
                  labelled ? "SELECT id FROM series WHERE labels <> '{}'" : "SELECT id FROM series WHERE labels = '{}'",
                  {}, firstNumber);
}

/// The newest `points` of a series stay, and what is not older than `before`.
Result<void> leaveNewest(DatabaseConnection &connection, std::int64_t series, std::chrono::seconds step,
                         std::int64_t points, WallTime before)
{
    return done(execute(connection, trimSeries,
                        valuesOf(step.count(), series, secondsOf(before), step.count(), series, points)));
}

/// A figure that is no more gets no newer points, so age goes by those that are always there.
Result<void> trimLabelled(DatabaseConnection &connection, WallTime now)
{
    for (const auto &[step, kept] :
         {std::pair(keep::minute, keep::labelledMinutes), std::pair(keep::hour, keep::labelledHours)}) {
        const auto since = numberOf(connection, measuredSince, valuesOf(step.count(), std::int64_t{kept / step}));
        if (!since)
            return since.error();
        const std::int64_t before = std::min(secondsOf(now - kept), *since + 1);
        auto trimmed = execute(connection,
                               "DELETE FROM points WHERE step = ? AND series IN (SELECT id FROM series WHERE labels <> "
                               "'{}') AND time < ?",
                               valuesOf(step.count(), before));
        if (!trimmed)
            return trimmed.error();
    }
    return {};
}

/// Those written last stay.
Result<void> boundSeries(DatabaseConnection &connection, std::int64_t most)
{
    const auto surplus =
        select(connection, "SELECT id FROM series WHERE labels <> '{}' ORDER BY seen DESC, id LIMIT -1 OFFSET ?",
               valuesOf(most), firstNumber);
    if (!surplus)
        return surplus.error();
    for (const std::int64_t id : *surplus) {
        for (const auto step : {keep::minute, keep::hour}) {
            const auto gone =
                execute(connection, "DELETE FROM points WHERE step = ? AND series = ?", valuesOf(step.count(), id));
            if (!gone)
                return gone.error();
        }
    }
    return {};
}

/// Pages that are free are used again before the file grows.
Result<std::uint64_t> bytesUsed(DatabaseConnection &connection)
{
    std::int64_t figures[3]{};
    std::size_t at = 0;
    for (const char *sql : {"PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size"}) {
        const auto figure = numberOf(connection, sql);
        if (!figure)
            return figure.error();
        figures[at++] = *figure;
    }
    return std::uint64_t(figures[0] - figures[1]) * std::uint64_t(figures[2]);
}

/// Points with labels, oldest first: half of what each series has at most, until it is little enough.
Result<void> boundBytes(DatabaseConnection &connection, std::uint64_t most)
{
    struct Part
    {
        std::chrono::seconds step;
        std::int64_t points;
        std::int64_t least;
    };
    for (Part part : {Part{keep::minute, keep::labelledMinutes / keep::minute, leastMinutes},
                      Part{keep::hour, keep::labelledHours / keep::hour, leastHours}}) {
        for (part.points /= 2; part.points >= part.least; part.points /= 2) {
            const auto used = bytesUsed(connection);
            if (!used || *used <= most)
                return used ? Result<void>() : Result<void>(used.error());
            const auto ids = seriesIds(connection, true);
            if (!ids)
                return ids.error();
            for (const std::int64_t id : *ids)
                if (auto left = leaveNewest(connection, id, part.step, part.points, WallTime::max()); !left)
                    return left;
        }
    }
    return {};
}

/// Those of which no point is left.
Result<void> forgetSeries(DatabaseConnection &connection)
{
    return done(execute(connection,
                        "DELETE FROM series WHERE labels <> '{}' AND NOT EXISTS (SELECT 1 FROM points WHERE step = ? "
                        "AND points.series = series.id) AND NOT EXISTS (SELECT 1 FROM points WHERE step = ? AND "
                        "points.series = series.id)",
                        valuesOf(keep::minute.count(), keep::hour.count())));
}

} // namespace

bool isApart(const std::optional<WallTime> &last, const std::optional<WallTime> &next)
{
    return last && next && *next - *last > briefGap;
}

bool areApart(const HistoryRow &one, const HistoryRow &other)
{
    return isApart(one.last, other.first) || isApart(other.last, one.first);
}

void mergeInto(HistoryRow &row, const HistoryRow &other)
{
    const double all = double(row.count) + double(other.count);
    row.low = std::min(row.low, other.low);
    row.high = std::max(row.high, other.high);
    row.mean = all > 0 ? (row.mean * row.count + other.mean * other.count) / all : row.mean;
    row.count += other.count;
    row.first = row.first && other.first ? std::min(row.first, other.first) : std::nullopt;
    row.last = row.last && other.last ? std::max(row.last, other.last) : std::nullopt;
}

std::vector<HistoryRow> piecesOf(std::vector<HistoryRow> rows)
{
    if (rows.empty())
        return rows;
    const WallTime begin = std::ranges::min(rows, {}, &HistoryRow::time).time;
    std::ranges::stable_sort(rows, {}, [](const HistoryRow &one) { return one.first.value_or(one.time); });
    std::vector<HistoryRow> pieces;
    for (const HistoryRow &row : rows) {
        if (pieces.empty() || areApart(pieces.back(), row))
            pieces.push_back(row);
        else
            mergeInto(pieces.back(), row);
    }
    for (HistoryRow &piece : pieces)
        piece.time = std::chrono::floor<std::chrono::seconds>(piece.first.value_or(piece.time));
    pieces.front().time = begin;
    return pieces;
}

Result<void> putMinutes(DatabaseConnection &connection, const SeriesRows &series)
{
    if (series.rows.empty())
        return {};
    const auto id = findOrMakeSeries(connection, series.metric);
    if (!id)
        return id.error();
    for (const HistoryRow &row : series.rows) {
        for (const auto step : {keep::minute, keep::hour})
            if (auto there = put(connection, *id, row, step); !there)
                return there;
    }
    if (series.metric.labels.empty())
        return {};
    return noteSeen(connection, *id, std::ranges::max(series.rows, {}, &HistoryRow::time).time);
}

Result<std::int64_t> makeSeries(DatabaseConnection &connection, const Metric &metric)
{
    return findOrMakeSeries(connection, metric);
}

Result<void> putRow(DatabaseConnection &connection, std::int64_t series, const HistoryRow &row,
                    std::chrono::seconds step)
{
    return put(connection, series, row, step);
}

Result<void> noteSeen(DatabaseConnection &connection, std::int64_t series, WallTime latest)
{
    return done(
        execute(connection, "UPDATE series SET seen = max(seen, ?) WHERE id = ?", valuesOf(secondsOf(latest), series)));
}

Result<std::vector<HistoryRow>> rowsOf(DatabaseConnection &connection, const Metric &metric, std::chrono::seconds step,
                                       WallTime from, WallTime to)
{
    const auto id = findSeries(connection, metric);
    if (!id || !*id)
        return id ? Result<std::vector<HistoryRow>>(std::vector<HistoryRow>())
                  : Result<std::vector<HistoryRow>>(id.error());
    return rowsWithin(connection, **id, step, from, to);
}

Result<bool> hasMinutes(DatabaseConnection &connection, const Metric &metric, WallTime from, WallTime to)
{
    const auto id = findSeries(connection, metric);
    if (!id || !*id)
        return id ? Result<bool>(false) : Result<bool>(id.error());
    const auto found =
        selectOne(connection, "SELECT 1 FROM points WHERE step = ? AND series = ? AND time >= ? AND time < ? LIMIT 1",
                  valuesOf(keep::minute.count(), **id, boundOf(from), boundOf(to)), firstNumber);
    return found ? Result<bool>(found->has_value()) : Result<bool>(found.error());
}

Result<std::vector<Metric>> labelSets(DatabaseConnection &connection, std::string_view name, std::int64_t most)
{
    const auto found = select(
        connection, "SELECT labels FROM series WHERE name = ? AND labels <> '{}' ORDER BY seen DESC, labels LIMIT ?",
        valuesOf(name, most), [](const Row &row) { return row.text(0); });
    if (!found)
        return found.error();
    std::vector<Metric> sets;
    for (const std::string &text : *found)
        if (auto labels = readJson<std::map<std::string, std::string>>(text, JsonMode::Lenient); labels)
            sets.emplace_back(name, std::move(*labels));
    return sets;
}

Result<std::int64_t> lastMeasured(DatabaseConnection &connection, WallTime now)
{
    const auto last = numberOf(connection,
                               "SELECT max((SELECT last FROM points WHERE step = ? AND points.series = one.id AND "
                               "time <= ? ORDER BY time DESC LIMIT 1)) FROM series AS one",
                               valuesOf(keep::minute.count(), secondsOf(now)));
    return last ? std::min(*last, toMilliseconds(now)) : last;
}

Result<void> trimPoints(DatabaseConnection &connection, WallTime now, const HistoryBounds &bounds)
{
    const auto ids = seriesIds(connection, false);
    if (!ids)
        return ids.error();
    for (const auto &[step, kept] : {std::pair(keep::minute, keep::minutes), std::pair(keep::hour, keep::hours)}) {
        for (const std::int64_t id : *ids)
            if (auto left = leaveNewest(connection, id, step, kept / step, now - kept); !left)
                return left;
    }
    if (auto trimmed = trimLabelled(connection, now); !trimmed)
        return trimmed;
    if (auto bounded = boundSeries(connection, bounds.labelled); !bounded)
        return bounded;
    if (auto bounded = boundBytes(connection, bounds.bytes); !bounded)
        return bounded;
    return forgetSeries(connection);
}

} // namespace portolan::storage
