// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/history.h"
#include "ui/support/colours.h"

#include <QPainter>
#include <QString>
#include <vector>

/// The zones of one resource over a day, as a strip that is read without colour: the worse, the higher.
namespace portolan::ui {

/// A stretch of one zone; of what is between two of them nothing is known.
struct ZoneSpan
{
    Zone zone = Zone::Unknown;
    WallTime from{};
    WallTime until{};
    bool operator==(const ZoneSpan &) const = default;
};

/// The stretches of a series of metric::zone between `from` and `until`, oldest first. Where a point covers several
/// zones it counts as the worst: what was red for a second is to be seen.
std::vector<ZoneSpan> zoneSpans(const Series &series, WallTime from, WallTime until);

/// "green"; "red up to 5 min, yellow up to 2 h, unknown about 6 h"; empty: nothing is known of all that time. What
/// a point covers counts whole.
QString zoneSpansText(const std::vector<ZoneSpan> &spans, WallTime from, WallTime until);

/// Green is a third as high as `rect`, yellow two thirds, red all of it, and never narrower than can be seen. Unknown
/// is a gap above the base line.
void paintZoneSpans(QPainter &painter, const QRectF &rect, const std::vector<ZoneSpan> &spans, WallTime from,
                    WallTime until, const Colours &colours);

} // namespace portolan::ui
