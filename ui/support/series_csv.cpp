// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/series_csv.h"

#include "core/api/catalogue.h"

#include <QIODevice>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace portolan::ui {

namespace {

constexpr std::size_t pointsAtOnce = 4096;

/// A million of them are written; QDateTime takes ten times as long.
void addTime(QByteArray &line, WallTime time)
{
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<milliseconds>(time - day));
    char text[40];
    const int length =
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", int(date.year()),
                      unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                      int(clock.minutes().count()), int(clock.seconds().count()), int(clock.subseconds().count()));
    line.append(text, length);
}

void addNumber(QByteArray &line, double value)
{
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    line += ',';
    line.append(text, qsizetype(end - text));
}

/// In quotes where it needs them.
QByteArray field(const std::string &text)
{
    const QByteArray bytes = QByteArray::fromStdString(text);
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return bytes;
    return '"' + QByteArray(bytes).replace('"', "\"\"") + '"';
}

QByteArray unitOf(const Metric &metric)
{
    const MetricKind *kind = findKind(metric.name);
    return kind ? QByteArray(kind->unit.data(), qsizetype(kind->unit.size())) : QByteArray();
}

/// Begins a line with what it covers.
void addSpan(QByteArray &lines, const QByteArray &start, WallTime from, WallTime until)
{
    lines += start;
    addTime(lines, from);
    lines += ',';
    addTime(lines, until);
}

void addGap(QByteArray &lines, const QByteArray &start, WallTime from, WallTime until)
{
    addSpan(lines, start, from, until);
    lines += ",,,\r\n";
}

bool writeAll(QIODevice &file, QByteArray &lines)
{
    const bool written = file.write(lines) == lines.size();
    lines.clear();
    return written;
}

} // namespace

bool writeCsv(QIODevice &file, const std::vector<Series> &series, WallTime from, WallTime to, const Going &going)
{
    std::size_t all = 1, done = 0;
    for (const Series &one : series)
        all += one.points.size();
    QByteArray lines("metric,unit,time,until,low,high,mean\r\n");
    for (const Series &one : series) {
        const QByteArray start = field(textOf(one.metric)) + ',' + unitOf(one.metric) + ',';
        const auto edge = [&one](const std::optional<WallTime> &told) { // no point need begin or end just there
            return told ? briefGap : std::max(one.step, briefGap);
        };
        WallTime known = from;
        for (std::size_t i = 0; i < one.points.size(); ++i) {
            const Point &point = one.points[i];
            const bool gap =
                i == 0 ? beginOf(point) - from > edge(point.from) : isGap(one.points[i - 1], point, one.step);
            if (gap)
                addGap(lines, start, known, beginOf(point));
            const bool last = i + 1 == one.points.size();
            known = endOf(point, one.step);
            if (!last)
                known = std::min(known, beginOf(one.points[i + 1]));
            addSpan(lines, start, beginOf(point), known);
            for (const double value : {point.low, point.high, point.mean})
                addNumber(lines, value);
            lines += "\r\n";
            if (++done % pointsAtOnce == 0 && !(going(double(done) / double(all)) && writeAll(file, lines)))
                return false;
        }
        if (to - known > edge(one.points.empty() ? from : one.points.back().until))
            addGap(lines, start, known, to);
    }
    return writeAll(file, lines);
}

} // namespace portolan::ui
