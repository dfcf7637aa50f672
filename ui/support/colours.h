// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/zone.h"

#include <QColor>
#include <QPalette>
#include <array>

namespace portolan::ui {

/// Every colour of the console, once for light and once for dark. One accent; the rest is grey and the three zones.
struct Colours
{
    QColor window;
    QColor surface; ///< cards, tables
    QColor raised;  ///< hovered and pressed things
    QColor border;
    QColor text;
    QColor muted; ///< labels, ages, what is stale
    QColor accent;
    QColor onAccent;
    QColor green;
    QColor yellow;
    QColor red;
    std::array<QColor, 3> lines; ///< of a chart, the first is the accent

    const QColor &zone(Zone zone) const;
};

extern const Colours lightColours;
extern const Colours darkColours;

/// Those that belong to the palette a widget has.
const Colours &coloursOf(const QPalette &palette);
bool isDark(const QPalette &palette);
QPalette paletteOf(const Colours &colours);
/// `part` of `over` on `under`, opaque.
QColor blend(const QColor &over, const QColor &under, double part);

} // namespace portolan::ui
