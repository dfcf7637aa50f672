// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/support/colours.h"

#include <QPainter>

/// What a sentence about a failure or a success stands on, wherever it is: a tinted ground with a mark before the
/// words.
namespace portolan::ui {

constexpr int noticeEdge = 8; ///< beside the mark

/// The room the mark takes, from the left edge to the words.
int noticeMargin(const QFontMetrics &font);
/// Fills `rect` in a tint of `colour` on `behind`; antialiases from then on.
void paintNoticeGround(QPainter &painter, const QRect &rect, const QColor &colour, const QColor &behind);
/// Where the mark stands: `middle` is that of the line it is before.
QRectF noticeMark(const QFontMetrics &font, double middle);

} // namespace portolan::ui
