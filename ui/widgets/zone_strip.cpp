// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/zone_strip.h"

#include "ui/support/format.h"
#include "ui/support/zones.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <array>
#include <cmath>

namespace portolan::ui {

namespace {

constexpr double leastSeen = 2; ///< pixels

QString tr(const char *source) { return QCoreApplication::translate("zones", source); }

double heightOf(Zone zone) { return zone == Zone::Red ? 1 : zone == Zone::Yellow ? 2.0 / 3 : 1.0 / 3; }

} // namespace

std::vector<ZoneSpan> zoneSpans(const Series &series, WallTime from, WallTime until)
{
    std::vector<ZoneSpan> spans;
    const Point *before = nullptr;
    for (const Point &point : series.points) {
        const WallTime begin = std::max(from, beginOf(point)), end = std::min(until, endOf(point, series.step));
        if (begin >= end)
            continue;
        const Zone zone = Zone(std::clamp(int(std::lround(point.high)), 0, 2) + int(Zone::Green));
        const bool joined = before && !isGap(*before, point, series.step);
        if (joined)
            spans.back().until = begin; // as long as it is not known otherwise
        if (joined && spans.back().zone == zone)
            spans.back().until = end;
        else
            spans.push_back({zone, begin, end});
        before = &point;
    }
    return spans;
}

QString zoneSpansText(const std::vector<ZoneSpan> &spans, WallTime from, WallTime until)
{
    using std::chrono::seconds;
    if (spans.empty())
        return {};
    std::array<WallTime::duration, 4> times{};
    WallTime::duration known{};
    for (const ZoneSpan &span : spans) {
        times[std::size_t(span.zone)] += span.until - span.from;
        known += span.until - span.from;
    }
    times[std::size_t(Zone::Unknown)] = until - from - known;
    QStringList words;
    for (const Zone zone : {Zone::Red, Zone::Yellow, Zone::Unknown}) {
        const auto time = std::chrono::duration_cast<seconds>(times[std::size_t(zone)]);
        // The newest minute is not known yet, which says nothing.
        if (time > (zone == Zone::Unknown ? std::chrono::minutes(10) : seconds(0)))
            words << (zone == Zone::Unknown ? tr("%1 about %2") : tr("%1 up to %2"))
                         .arg(zoneWord(zone), roughDurationText(time));
    }
    return words.isEmpty() ? zoneWord(Zone::Green) : words.join(", ");
}

void paintZoneSpans(QPainter &painter, const QRectF &rect, const std::vector<ZoneSpan> &spans, WallTime from,
                    WallTime until, const Colours &colours)
{
    const double span = double((until - from).count());
    if (span <= 0 || rect.width() <= 0)
        return;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.fillRect(QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1), colours.border);
    const auto x = [&](WallTime time) { return rect.left() + double((time - from).count()) / span * rect.width(); };
    for (const Zone zone : {Zone::Green, Zone::Yellow, Zone::Red}) { // the worse over what is beside it
        for (const ZoneSpan &one : spans) {
            if (one.zone != zone)
                continue;
            const double left = x(one.from);
            const double wide = std::max(zone == Zone::Green ? 0.0 : leastSeen, x(one.until) - left);
            const double high = rect.height() * heightOf(zone);
            painter.fillRect(QRectF(std::min(left, rect.right() - wide), rect.bottom() - high, wide, high),
                             zone == Zone::Green ? blend(colours.green, colours.surface, 0.75) : colours.zone(zone));
        }
    }
    painter.restore();
}

} // namespace portolan::ui
