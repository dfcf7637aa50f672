// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/catalogue.h"
#include "core/api/snapshot.h"
#include "ui/support/colours.h"

#include <QPainter>
#include <QString>

/// Zones and readings in words and shapes: colour is never the only sign.
namespace portolan::ui {

QString zoneWord(Zone zone);                     ///< "yellow"
QString unknownReason(const Reading &reading);   ///< "too few requests"
QString resourceTitle(Resource resource);        ///< "Redis memory"
QString metricTitle(const MetricKind &kind);     ///< "Redis memory"
QString inUnit(Form form, double value);         ///< "18.7 MB", "184 ms"
QString inUnit(Resource resource, double value); ///< of its metric

QString limitInUnit(Resource resource, double value); ///< as limits are written: "30 MB", "5 s"

/// A filled circle, triangle or square, or a hollow circle for unknown, as large as fits into `rect`.
void paintZone(QPainter &painter, const QRectF &rect, Zone zone, const Colours &colours);

/// As old as that, or more. Of what Redis says: SamplingFigures::staleAfter.
bool isStale(const std::optional<Age> &age, Age after = std::chrono::seconds(5));
Zone worseOf(Zone one, Zone other); ///< Unknown is worse than Green, better than Yellow

/// "21.3 of 30 MB", "184 ms, red above 5.0 s", or why nothing is known.
QString valueText(const Reading &reading);
/// "red in about 40 min"; empty when it is not on its way.
QString nextZoneText(const Reading &reading);
/// What a link is called at the beginning of a sentence: "Redis", "The database".
QString linkTitle(const LinkStatus &link);
/// What a link that is down has stopped, as a sentence: "Redis does not answer", "Tasks cannot be queued or run".
QString downText(const LinkStatus &link);
/// "This Redis does not tell: INFO is blocked or renamed there." of these parts of the snapshot (Snapshot::notTold);
/// empty: all of them were told.
QString notToldText(const Snapshot &snapshot, std::initializer_list<std::string_view> parts);
/// The whole deployment in one sentence: "Yellow: Redis memory 21.3 of 30 MB, red in about 40 min". Green says how much
/// is watched and what is not: "Green: 13 of 15 watched; unknown: Error rate, Refused requests".
QString verdictText(const Snapshot &snapshot);

} // namespace portolan::ui
